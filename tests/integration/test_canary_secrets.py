"""Promise 7: no secret in argv, environment, logs, catalog, evidence or messages; no client data in any of them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dr.demo import world
from dr.drivers.postgres.connect import connect
from tests.support.canaries import Search, sampled, secrets_of
from tests.support.catalog_mailbox import PASSWORD, Mailbox, mailbox
from tests.support.main_job import Home, demo_home

pytestmark = [pytest.mark.integration, pytest.mark.slow]
CLIENT = {
    "a client's name": "Quillfeather-Obadiah-71c3",
    "a file's name": "intake-of-Thistlewick-88d1",
    "a file's content": "Marrowbone-Pemberton-42af",
}


def plant(home: Home, box: Mailbox) -> dict[str, str]:
    """Client values into production; channels with a password into the home. Gives back every word that must be nowhere."""
    for name in ("system-administrator", "help-desk-lead"):
        (home.path / "keys" / f"notify-{name}.url").write_text(box.url(name) + "\n")
    dsn = world.opened(home.path).dsn
    with connect(dsn) as connection:
        connection.execute("CREATE TABLE public.intake (id int PRIMARY KEY, surname text)")
        connection.execute("INSERT INTO public.intake VALUES (1, %s)", [CLIENT["a client's name"]])
        connection.commit()
    (home.path / "demo" / "site" / "uploads" / (CLIENT["a file's name"] + ".pdf")).write_text(CLIENT["a file's content"])
    home.rewrite(
        "runbooks/drill-vault.yaml",
        "checks: [",
        "checks: [{check: sql-assertion, with: {database: hmis, query: 'SELECT max(surname::int) FROM public.intake', at_least: 1}}, ",
    )
    return {**secrets_of(home.path), "the mail's password": PASSWORD, **CLIENT}


def carry_out(home: Home, search: Search, spawned: Path, *words: str) -> int:
    """`dr WORDS` with its log at its most talkative; what it printed is looked through."""
    more = {"DR_LOG": "debug", "DR_TEST_SPAWNED": str(spawned)}
    argv = [sys.executable, "-m", "tests.support.recorded", *words]
    done = subprocess.run(argv, env=home.environment(more), cwd=home.path, capture_output=True, timeout=120, check=False)
    search.look(f"stdout of dr {' '.join(words)}", done.stdout)
    search.look(f"stderr of dr {' '.join(words)}", done.stderr)
    return done.returncode


def test_no_secret_and_no_client_data_is_anywhere_it_should_not_be(tmp_path: Path) -> None:
    """A night, a drill, a drill whose check makes the server quote a client's name, a night that fails, and what people are told."""
    spawned = tmp_path / "spawned"
    with demo_home(tmp_path / "home") as home, mailbox() as box:
        search = Search(plant(home, box))
        with sampled(search):
            ended = [carry_out(home, search, spawned, "run", book) for book in ("nightly", "drill-online", "drill-vault")]
            (home.path / "demo" / "bank-vault").rename(home.path / "demo" / "away")
            ended.append(carry_out(home, search, spawned, "run", "nightly"))
            (home.path / "demo" / "away").rename(home.path / "demo" / "bank-vault")
            for words in (["status"], ["runs", "show", home.last_run("drill-vault")], ["notices"], ["audit", "list"], ["backups", "list"]):
                carry_out(home, search, spawned, *words)
        assert [code != 0 for code in ended] == [False, False, True, True], ended
        for line in spawned.read_text().splitlines():
            search.look("a child's arguments or environment", line.encode())
        assert len(box.messages) >= 4
        for message in box.messages:
            search.look("a message", message.as_bytes() + (message.get_payload(decode=True) or b""))  # type: ignore[operator]
        assert not list((home.path / "demo" / "standby" / "drills").iterdir())
        search.look_below(home.path, but=("keys", "demo/production", "demo/site"))
    print(f"canaries: {len(search.words)} words, {len(search.hits)} hits in {search.sinks} sinks")
    assert search.hits == []
    assert search.sinks > 300


@pytest.mark.positive_control
def test_control_a_word_is_found_wherever_it_is(tmp_path: Path) -> None:
    """In a file, a file's name, a process's arguments and a child's environment, plain or encoded."""
    word = "Quillfeather-Obadiah-71c3"
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "catalog.db").write_bytes(b"..." + word.encode() + b"...")
    (tmp_path / "state" / f"{word}.log").write_text("")
    (tmp_path / "state" / "mail").write_bytes(b"UXVpbGxmZWF0aGVyLU9iYWRpYWgtNzFjMw==")
    search = Search({"word": word})
    with sampled(search):
        subprocess.run(["sleep", "0.3"], env={"SECRET": word, "PATH": os.environ["PATH"]}, check=True)
        subprocess.run(["sh", "-c", "sleep 0.3; : $0", word], check=True)
    search.look_below(tmp_path)
    found = " ".join(search.hits)
    assert all(
        where in found for where in ("in state/catalog.db", "the name of state/", "in state/mail", "environ of a process", "cmdline of")
    )
