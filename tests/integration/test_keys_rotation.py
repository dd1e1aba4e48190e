"""Keys on the whole main job: a rotation between two nights, a drill with the escrow key, a night with a wrong key."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from pyrage import x25519

from dr.config.keys import ESCROW, kept_drill_keys, new_age_key, noted_recipients
from tests.support.action_world import World
from tests.support.main_job import HMIS, KILLED, Home, demo_home

pytestmark = [pytest.mark.integration, pytest.mark.slow]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with demo_home(Path(tmp_path_factory.mktemp("keys")) / "home") as made:
        made.dr("run", "nightly")
        yield made


@dataclass(frozen=True)
class Rotation:
    """A drill key changed between two nights."""

    old_set: str
    old_key: str
    new_key: str
    opened: list[str]
    """The keys with which the night after it opened what it had made, a copy each."""


@pytest.fixture(scope="module")
def rotation(home: Home) -> Rotation:
    old_set, old_key = home.sets("bank-vault")[-1], noted_recipients(home.path)["drill"]
    home.dr("keys", "rotate", "drill")
    home.dr("run", "nightly")
    opened = [str(one["recipient"]) for one in home.facts("nightly", "canary")["opened"]]
    return Rotation(old_set, old_key, noted_recipients(home.path)["drill"], opened)


def findings(home: Home, prefix: str) -> dict[str, str]:
    with home.catalog() as catalog:
        return {f.key: f.severity for f in catalog.open_findings(HMIS) if f.key.startswith(prefix)}


def test_new_sets_are_for_the_new_key_and_old_sets_stay_readable(home: Home, rotation: Rotation) -> None:
    """Rotate, then a nightly, then a drill of an old set and one of the new: both proven, each by its own key."""
    assert rotation.new_key != rotation.old_key
    assert rotation.opened == [rotation.new_key] * 2
    home.dr("drill", "hmis", "--tier", "vault", "--select", rotation.old_set)
    assert home.facts("drill-vault", "restore")["recipient"] == rotation.old_key
    home.dr("drill", "hmis", "--tier", "online")
    assert home.facts("drill-online", "restore")["recipient"] == rotation.new_key
    assert home.dr("keys", "check").returncode == 0


@pytest.mark.positive_control
def test_without_the_kept_key_the_old_set_does_not_open(home: Home, rotation: Rotation) -> None:
    """The twin: it is the kept key, and nothing else, that reads what is older."""
    [kept] = [home.path / name for name in kept_drill_keys(home.path)]
    kept.rename(kept.with_name("away"))
    done = home.dr("debug", "set", rotation.old_set, expect=3)
    assert "is none of the keys that it was encrypted to" in done.stderr
    kept.with_name("away").rename(kept)
    home.dr("debug", "set", rotation.old_set)


def test_no_part_of_before_a_rotation_serves_again_after_it(tmp_path: Path) -> None:
    """Or a new set would hold parts that the new key does not open. The night after, parts serve again."""
    world = World(tmp_path)
    world.night()
    world.keys.recipients = (str(x25519.Identity.generate().to_public()), world.keys.recipients[1])
    rotated = world.backup()
    world.verify()
    world.later(days=1)
    assert (rotated["reused"], world.backup()["reused"] > 0) == (0, True)


@pytest.mark.positive_control
def test_parts_serve_again_where_the_recipients_stay(tmp_path: Path) -> None:
    """The twin: the very same nights, without a rotation between."""
    world = World(tmp_path)
    world.night()
    assert world.backup()["reused"] > 0


def test_a_drill_with_the_escrow_key_is_on_record_and_counts(home: Home) -> None:
    """Which key read the set is in the step's facts and in the signed evidence; only so it is an exercise. The home's key may be away."""
    home.dr("drill", "hmis", "--tier", "online")
    assert "never tried by a drill" in home.dr("keys", "check").stdout, "that one was with the drill key"
    escrow, drill = noted_recipients(home.path)["escrow"], home.path / "keys" / "drill.agekey"
    drill.rename(drill.with_name("away"))
    home.dr("drill", "hmis", "--tier", "vault", "--key", str(home.path / ESCROW))
    drill.with_name("away").rename(drill)
    assert home.facts("drill-vault", "restore")["recipient"] == escrow
    evidence = home.path / "evidence" / f"{home.last_run('drill-vault')}.json"
    home.dr("report", "verify", str(evidence))
    steps = json.loads(evidence.read_text())["evidence"]["steps"]
    assert [s["facts"]["recipient"] for s in steps if s["action"] == "restore"] == [escrow]
    assert "was last tried on" in home.dr("keys", "check").stdout
    home.dr("run", "nightly")
    facts = home.facts("nightly", "canary")
    assert facts["escrow_last"] is not None
    assert escrow not in {one["recipient"] for one in facts["opened"]}
    assert [at + timedelta(days=183) for at in _exercises(home, escrow)] == [datetime.fromisoformat(facts["escrow_due"])]


def _exercises(home: Home, escrow: str) -> list[datetime]:
    """The drills that read a set with the escrow key, half a year after the last of which the next is due."""
    with home.catalog() as catalog:
        drills = catalog.runs(runbook="drill-vault")
        return [run.started for run in drills if any(step.facts.get("recipient") == escrow for step in catalog.steps(run.run))]


def test_what_the_drill_key_took_up_is_no_exercise_of_the_escrow_key(home: Home) -> None:
    """A drill begun with the escrow key, killed, and resumed with the home's own: which key read the set is not known any more."""
    words = ("drill", "hmis", "--tier", "vault", "--key", str(home.path / ESCROW))
    home.dr(*words, env={"DR_FAILPOINT": "restore.after-adopt"}, expect=KILLED)
    assert "is not over, and it is to read with the home's own key" in home.dr(*words, expect=3).stderr
    home.dr("runs", "resume")
    assert home.facts("drill-vault", "restore").get("recipient") is None


def test_a_key_file_that_others_can_read_is_refused(home: Home, tmp_path: Path) -> None:
    key = tmp_path / "escrow"
    key.write_bytes((home.path / ESCROW).read_bytes())
    key.chmod(0o644)
    assert "can be read by others" in home.dr("drill", "hmis", "--tier", "vault", "--key", str(key), expect=3).stderr
    key.chmod(0o600)
    key.write_text("nothing\n")
    assert "holds no age identity" in home.dr("drill", "hmis", "--tier", "vault", "--key", str(key), expect=3).stderr


def test_a_wrong_drill_key_is_red_the_next_morning(home: Home) -> None:
    """Promise 9 hangs on a key that nobody uses between two drills. The rest of the night is carried on with."""
    drill = home.path / "keys" / "drill.agekey"
    right = drill.read_bytes()
    drill.write_bytes(new_age_key("drill"))
    home.dr("run", "nightly", expect=1)
    assert findings(home, "canary:") == {"canary:hmis:fileserver": "critical", "canary:hmis:bank-vault": "critical"}
    assert home.facts("nightly", "save-home")["copies"], "the steps after it were carried out"
    checked = home.dr("keys", "check", expect=1).stdout
    assert "✖ the drill key here is none of them" in checked
    assert "✖ the drill key does not open the newest set of hmis in fileserver" in checked
    assert home.dr("status", expect=1).stdout.count("the drill key does not open") == 2
    said = home.dr("run", "nightly", "--rehearse", expect=3).stdout
    assert "✖ the drill key does not open the newest set of bank-vault" in said

    drill.write_bytes(right)
    home.dr("run", "nightly")
    assert findings(home, "canary:") == {}


def test_the_escrow_key_on_this_machine_is_no_reason_to_be_red(home: Home) -> None:
    """`dr init` makes it here, to be carried away: amber, exit code 0, no finding."""
    done = home.dr("keys", "check")
    assert "▲ the escrow private key is still on this machine" in done.stdout
    assert findings(home, "escrow") == {}
    (home.path / ESCROW).rename(home.path / "carried-away")
    assert "● no escrow private key lies in keys/" in home.dr("keys", "check").stdout
    (home.path / "carried-away").rename(home.path / ESCROW)
