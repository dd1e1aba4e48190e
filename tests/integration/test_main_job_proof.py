"""Promise 2, through the whole tool: what is changed on the standby after the restore turns the drill red, and is named.

One drill, whose runbook changes one thing, proves, and changes it back, for each kind of thing that there is; so each proof can only be
red for its own reason. (Every type and kind of object by itself: tests of the proof.)
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.main_job import Done, Home, demo_home

pytestmark = [pytest.mark.integration, pytest.mark.slow]

CONTENT, NEEDLE, FILES = "content-equals-source", "needle", "site-files-equal"
_SWAP = """
SET session_replication_role = replica;
WITH two AS (SELECT "PersonalID" p, "DOB" d, row_number() OVER (ORDER BY "PersonalID") n FROM public."Client" WHERE "DOB" IS NOT NULL),
     first AS (SELECT p, d FROM two WHERE n = 1), other AS (SELECT p, d FROM two WHERE d <> (SELECT d FROM first) ORDER BY n LIMIT 1)
UPDATE public."Client" c SET "DOB" = CASE WHEN c."PersonalID" = first.p THEN other.d ELSE first.d END
FROM first, other WHERE c."PersonalID" IN (first.p, other.p)
"""
_POLICY = 'CREATE POLICY reporting_sees_the_living_rows ON public."Client" FOR SELECT TO hmis_reporting USING ("DateDeleted" IS NULL)'

SQL = {
    "swap": (_SWAP, None, "public.Client: content differs"),
    "policy": ('DROP POLICY reporting_sees_the_living_rows ON public."Client"', _POLICY, "reporting_sees_the_living_rows"),
    "grant": (
        "GRANT EXECUTE ON FUNCTION reporting.household_size(text) TO PUBLIC",
        "REVOKE EXECUTE ON FUNCTION reporting.household_size(text) FROM PUBLIC",
        "household_size",
    ),
    "trigger": (
        'ALTER TABLE public."Exit" DISABLE TRIGGER touch',
        'ALTER TABLE public."Exit" ENABLE TRIGGER touch',
        "TRIGGER public.Exit touch",
    ),
    "sequence": (
        "SELECT setval('public.\"RecordNumber\"', 7)",
        'ALTER SEQUENCE public."RecordNumber" RESTART',
        "public.RecordNumber: behind",
    ),
    "large-object": (
        "ALTER LARGE OBJECT 910002 OWNER TO hmis_application",
        "ALTER LARGE OBJECT 910002 OWNER TO CURRENT_USER",
        "910002",
    ),
}
"""What is done, how it is undone (None: by doing it once more), and how the proof names it."""
_SCRIPT = '''\
"""Reach into the standby's restored system, as a fault would."""
import os, pathlib, sys
import psycopg

what, argument, standby = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
[place] = standby.glob("drills/*-*")
if what == "sql":
    host, port, _, user, password = (place / "secret" / "superuser.pgpass").read_text().strip().split(":")
    with psycopg.connect(host=host, port=port, user=user, password=password, dbname="hmis", autocommit=True) as connection:
        connection.execute(argument)
else:
    [file] = place.glob("site/*/" + argument)
    before = file.stat()
    if what == "mode":
        file.chmod(before.st_mode ^ 0o040)
    elif what == "content":
        content = bytearray(file.read_bytes())
        content[0] ^= 1
        file.write_bytes(content)
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
'''


def _cases() -> Iterator[tuple[str, str, list[str], list[str] | None]]:
    """Name, the check that must find it, the words that do it, and those that undo it."""
    for name, (do, undo, _) in SQL.items():
        yield name, CONTENT, ["sql", do], ["sql", undo or do]
    for what, file in (("content", "templates/index.html"), ("mode", "etc/hmis.ini")):
        yield f"file-{what}", FILES, [what, file], [what, file]
    yield "needle", NEEDLE, ["sql", "DELETE FROM dr.needle"], None


def _runbook(home: Home) -> str:
    """A drill with a change before each proof: JSON is YAML enough."""
    script = home.path / "tamper.py"
    script.write_text(_SCRIPT)
    here = {"host": "standby", "system": "hmis", "set": "${steps.select.set}", "from": "${steps.select.repository}"}
    steps: list[dict[str, Any]] = [
        {"id": "select", "action": "select-backup", "with": {"system": "hmis", "tier": "online"}},
        {
            "id": "restore",
            "action": "restore",
            "with": {"system": "hmis", "set": "${steps.select.set}", "from": "${steps.select.repository}", "onto": "standby"},
        },
    ]
    for name, check, do, undo in _cases():
        steps.append({"id": f"change-{name}", "action": "command", "with": _command(home, script, do)})
        steps.append({"id": f"prove-{name}", "action": "check", "on_error": "continue", "with": {**here, "checks": [check]}})
        if undo:
            steps.append({"id": f"undo-{name}", "action": "command", "with": _command(home, script, undo)})
    always = [{"action": "scrub", "with": {"host": "standby"}}, {"action": "report"}]
    return json.dumps({"runbook": "tampered", "title": "A drill that is tampered with", "kind": "drill", "steps": steps, "always": always})


def _command(home: Home, script: Path, words: list[str]) -> dict[str, Any]:
    return {"host": "standby", "argv": [sys.executable, str(script), *words, str(home.path / "demo" / "standby")]}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with demo_home(Path(tmp_path_factory.mktemp("tampered")) / "home") as made:
        made.dr("run", "nightly")
        (made.path / "runbooks" / "tampered.yaml").write_text(_runbook(made))
        yield made


@pytest.fixture(scope="module")
def drill(home: Home) -> Done:
    return home.dr("run", "tampered", expect=1)


def _differences(home: Home, name: str) -> tuple[str, list[str]]:
    facts = home.facts("tampered", f"prove-{name}")
    return facts["verdict"], [f"{d['kind']} {d['name']}: {d['detail']}" for r in facts["results"] for d in r["differences"]]


@pytest.mark.parametrize("name", SQL)
def test_a_change_in_the_database_is_named_and_nothing_else_is(home: Home, drill: Done, name: str) -> None:
    verdict, found = _differences(home, name)
    assert verdict == "FAIL"
    assert len(found) == 1, found
    assert SQL[name][2] in found[0]


@pytest.mark.parametrize(("name", "what"), [("file-content", "content"), ("file-mode", "mode")])
def test_a_change_of_a_file_is_named_by_its_kind(home: Home, drill: Done, name: str, what: str) -> None:
    """By a keyed digest of its path, since a name can name a client."""
    verdict, found = _differences(home, name)
    assert verdict == "FAIL"
    assert len(found) == 1, found
    assert re.fullmatch(rf"different file:[0-9a-f]{{16}}: {what}", found[0])


def test_a_needle_that_is_gone_is_named(home: Home, drill: Done) -> None:
    verdict, found = _differences(home, "needle")
    assert (verdict, found) == ("FAIL", ["database hmis: holds no needle"])


def test_the_drill_fails_says_so_in_its_evidence_and_proves_nothing(home: Home, drill: Done) -> None:
    """Exit 1, evidence FAIL and genuine, no copy proven, the standby clean all the same."""
    run = home.last_run("tampered")
    assert drill.stdout.startswith(f"✖ FAIL  tampered FAILED  ({run})")
    evidence = home.path / "evidence" / f"{run}.json"
    assert f"{run}: FAIL" in home.dr("report", "verify", str(evidence)).stdout
    assert "proven" not in home.levels().values()
    assert not [e for e in home.audit() if e.event == "copy.proven"]
    assert home.drills() == []


@pytest.mark.positive_control
def test_control_without_the_change_the_same_drill_proves(home: Home) -> None:
    """The tampering is what turned it red: the ordinary drill of the same set passes."""
    assert home.dr("run", "drill-online").stdout.startswith("✔ PASS")
    assert "proven" in home.levels().values()
