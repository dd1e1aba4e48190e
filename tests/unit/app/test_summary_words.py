"""What a run did, in the words that a person reads at 3 in the morning."""

from datetime import datetime, timedelta

import pytest

from dr.app.asked import summary
from dr.model.base import JsonObject
from dr.policy.recovery import loss_words
from tests.support.catalog_copies import NOW
from tests.support.catalog_runs import run_at, step_of

pytestmark = pytest.mark.unit


def said(action: str, facts: JsonObject, resolved: JsonObject | None = None) -> list[str]:
    """Of one step that is done."""
    record = run_at().model_copy(update={"ended": NOW + timedelta(minutes=1)})
    step = step_of(action=action, facts=facts).model_copy(update={"resolved": resolved or {}})
    return summary(record, [step], "UTC")[:-1]


def read(copies: int) -> JsonObject:
    one: JsonObject = {"set": "s", "repository": "fileserver", "parts": 1, "bytes": 1024}
    return {"bytes": 1024, "verified": [one] * copies}


def scrubbed(host: str, *, canaries: int, found: int = 0, places: int = 1) -> JsonObject:
    return {"certificate": {"host": host, "canaries": canaries, "found": found, "removed": ["x"] * places}}


def test_what_was_read_back_names_its_tier() -> None:
    """Two lines of one nightly must differ."""
    (line,) = said("verify", read(1), {"tiers": ["vault"]})
    assert line.startswith("read back and matched in vault: ")
    assert line.endswith(" in 1 copy")
    assert said("verify", read(2))[0].endswith(" in 2 copies")


def test_a_scrub_names_the_host_once_and_says_what_it_looked_for() -> None:
    """'Canaries' is a word of ours."""
    assert said("scrub", scrubbed("standby", canaries=1)) == [
        "standby scrubbed: 1 place removed; looked for 1 marker of this backup afterwards: none left"
    ]
    assert said("scrub", scrubbed("spare", canaries=2, found=1, places=2)) == [
        "standby spare scrubbed: 2 places removed; looked for 2 markers of this backup afterwards: 1 LEFT"
    ]


def test_a_scrub_says_how_much_went_and_that_its_certificate_is_signed() -> None:
    """Whoever must show that client data was removed has the line to show."""
    certificate = {**scrubbed("standby", canaries=1)["certificate"], "files": 1234, "bytes": 5 * 2**20}
    certificate = {**certificate, "signature": "c2lnbmVk", "searched": ["/srv/standby", "/tmp/dr-*"]}
    assert said("scrub", {"certificate": certificate}) == [
        "standby scrubbed: 1 place removed (1,234 files, 5.0 MiB); looked for 1 marker of this backup afterwards: none left",
        "     signed certificate: searched /srv/standby, /tmp/dr-*",
    ]


def test_what_is_not_proven_is_named() -> None:
    """On the screen as far as it fits, and where the rest is."""
    unproven = [{"kind": "role", "name": f"r{n}", "detail": "its password"} for n in range(7)]
    check: JsonObject = {"check": "content", "passed": True, "examined": 9, "summary": "equal", "differences": [], "unproven": unproven}
    lines = said("check", {"results": [check]})
    assert lines[:2] == ["✔ content: equal", "     not proven: role r0: its password"]
    assert lines[-1] == "     not proven: 2 more, all named in the evidence (`dr report`)"
    assert len(lines) == 7


def test_copies_and_mended_ones_are_counted_in_words() -> None:
    """One set is not 'set(s)'."""
    mended = [{"set": "s", "repository": "bank-vault", "objects": 1}]
    assert said("copy", {"copied": ["a"], "already": 0, "mended": mended}) == [
        "copied 1 missing set",
        "mended from another copy, read back and matched: s in bank-vault",
    ]


DECLARED = datetime.fromisoformat("2026-11-23T00:05:00+00:00")
AFTERWARDS = (
    "everything that was entered since Mon 23 Nov 2026, 00:12 UTC, when the set was taken; that was after the failure was recognised "
    "(Mon 23 Nov 2026, 00:05 UTC), so it may hold the damage"
)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (230, "everything that was entered in the 3 min 50 s before Mon 23 Nov 2026, 00:05 UTC"),
        (47, "everything that was entered in the 47.0 s before Mon 23 Nov 2026, 00:05 UTC"),
        (9.5 * 3600, "everything that was entered in the 9 hours (9.5 hours) before Mon 23 Nov 2026, 00:05 UTC"),
        (-420, AFTERWARDS),
    ],
)
def test_what_a_recovery_loses_is_never_said_to_be_nothing(seconds: float, words: str) -> None:
    """A set of after the failure has lost what came after it; a gap of minutes has its seconds."""
    assert loss_words(DECLARED, DECLARED - timedelta(seconds=seconds), "UTC") == words


def test_what_was_opened_says_the_same() -> None:
    """From the run's own facts, and from those of a run of before they held the instant."""
    facts: JsonObject = {"host": "standby", "servers": [], "since": NOW.isoformat(), "lost": 0.0, "login": "x"}
    at = (NOW + timedelta(minutes=7)).isoformat()
    for more, words in (({"as_of": at}, "entered since "), ({"as_of": at, "made_here": True}, "this run itself"), ({}, "entered since ")):
        assert words in next(line for line in said("open", {**facts, **more}) if line.startswith("LOST: "))


def test_a_run_that_goes_on_is_not_over() -> None:
    """No length is said of what has none yet."""
    for kind in ("recovery", "drill"):
        assert summary(run_at(kind=kind), [], "UTC")[-1].endswith(", not over yet")


def test_what_was_replayed_is_counted_and_nobody_named() -> None:
    """And where there was nothing to replay, why: a system that declares nothing is told as that."""
    asked = [{"entry": 1, "kind": "erase", "rows": 3}, {"entry": 2, "kind": "unshare", "rows": 0}]
    facts = {"system": "hmis", "declared": True, "replayed": asked}
    opened: JsonObject = {"host": "standby", "servers": [], "since": NOW.isoformat(), "lost": 0.0, "login": "x", "late": asked[:1]}
    assert said("open", opened)[-1] == "asked while the recovery went on, and replayed: 1 to erase, 0 to unshare; 3 rows touched"
    assert said("replay-suppressions", facts) == ["replayed what was asked since the backup: 1 to erase, 1 to unshare; 3 rows touched"]
    nobody = said("replay-suppressions", {**facts, "replayed": []})
    assert nobody == ["nothing to replay: nobody asked to be forgotten since the backup"]
    undeclared = said("replay-suppressions", {**facts, "declared": False, "replayed": []})
    assert undeclared == ["nothing to replay: hmis declares no `suppression`, and no request is on record"]
