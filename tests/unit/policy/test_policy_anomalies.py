"""What is odd about a source, from the counts of its sets."""

import pytest

from dr.model.backup import Manifest
from dr.model.base import ByteCount, SetId, SourceName, SystemName
from dr.model.summary import ArtifactSummary, Baselines, ContentSummary, SetSummary
from dr.policy.anomalies import anomalies, graded, server_changes
from tests.support.catalog_copies import NOW, manifest_at

pytestmark = pytest.mark.unit
MIB = 2**20


def database(name: str = "hmis", *, size: int = 10 * MIB, schema: str = "a", tool: str = "18.1", **rows: int) -> ArtifactSummary:
    return tables(rows, name=name, size=size, schema=schema, tool=tool)


def tables(rows: dict[str, int], *, name: str = "hmis", size: int = 10 * MIB, schema: str = "a", tool: str = "18.1") -> ArtifactSummary:
    content = ContentSummary(kind="database", name=name, counts=rows, schema_digest=schema, schema_tool=tool)
    return ArtifactSummary(source=SourceName("db"), bytes=ByteCount(size), content=content)


def site(files: int = 200, *, size: int = 50 * MIB, beside: tuple[str, ...] = ()) -> ArtifactSummary:
    content = ContentSummary(kind="files", name="site", counts={"files": files}, beside=beside)
    return ArtifactSummary(source=SourceName("site"), bytes=ByteCount(size), content=content)


def night(*artifacts: ArtifactSummary) -> SetSummary:
    return SetSummary(set=SetId("20261122T070000Z-7f3a9c"), system=SystemName("hmis"), artifacts=artifacts)


def found(now: SetSummary, before: SetSummary) -> list[tuple[str, str]]:
    return [(a.severity, a.key) for a in anomalies(now, Baselines(good=before))]


BEFORE = night(database(client=1000, enrollment=3000), site())


def test_a_night_like_the_one_before_says_nothing() -> None:
    """No alarm that nobody needs: a few rows and files more or less are no anomaly."""
    assert found(night(database(client=990, enrollment=3100), site(195)), BEFORE) == []


@pytest.mark.parametrize(
    ("tonight", "expected"),
    [
        (night(database(client=0, enrollment=3000), site()), [("critical", "emptied:db:hmis")]),
        (night(database(enrollment=3000), site()), [("critical", "vanished-tables:db:hmis")]),
        (night(database(client=499, enrollment=3000), site()), [("critical", "shrunken-critical:db:hmis")]),
        (night(database(client=500, enrollment=3000), site()), [("warning", "shrunken-warning:db:hmis")]),
        (night(database(client=800, enrollment=3000), site()), []),
        (night(site()), [("critical", "vanished:db:hmis")]),
        (night(database(client=1000, enrollment=3000)), [("critical", "vanished:site:site")]),
        (night(database(client=1000, enrollment=3000), site(0)), [("critical", "emptied:site:site")]),
        (night(database(client=1000, enrollment=3000), site(90)), [("critical", "shrunken-critical:site:site")]),
        (night(database(client=1000, enrollment=3000), site(size=20 * MIB)), [("critical", "smaller:site:site")]),
        (night(database(size=7 * MIB, client=1000, enrollment=3000), site()), [("warning", "smaller:db:hmis")]),
        (night(*BEFORE.artifacts, database("payroll", person=5)), [("info", "new:db:payroll")]),
    ],
)
def test_each_kind_of_loss_is_named_and_graded(tonight: SetSummary, expected: list[tuple[str, str]]) -> None:
    """Emptied, vanished or more than half gone is critical and freezes expiry; more than a fifth is worth a look."""
    assert found(tonight, BEFORE) == expected


@pytest.mark.parametrize(("before", "after", "grade"), [(9, 0, "warning"), (10, 0, "critical"), (9, 1, ""), (0, 0, ""), (5, 50, "")])
def test_a_queue_that_ran_empty_is_no_disaster(before: int, after: int, grade: str) -> None:
    """To lose fewer than ten rows never freezes expiry."""
    assert graded(before, after, 10) == grade


def test_the_words_name_tables_and_counts() -> None:
    """A person at 3 in the morning must not have to ask which table."""
    (anomaly,) = anomalies(night(database(client=0, enrollment=3000), site()), Baselines(good=BEFORE))
    assert anomaly.message == "database 'hmis': 1 table empty now: client (1000 rows before)"


def test_many_tables_make_one_message() -> None:
    """A message must fit a telephone."""
    then = night(tables({f"t{n:02}": 100 for n in range(40)}))
    (anomaly,) = anomalies(night(tables({f"t{n:02}": 0 for n in range(40)})), Baselines(good=then))
    assert anomaly.message.endswith("t04 (100 rows before) and 35 more")


def test_a_schema_that_no_drill_has_seen_needs_one() -> None:
    """What was proven was another schema. Texts of two versions of the tool cannot be compared and say nothing."""
    assert [a.key for a in anomalies(night(database(schema="b")), Baselines(proven=night(database(schema="a"))))] == ["schema:db:hmis"]
    assert anomalies(night(database(schema="b", tool="18.2")), Baselines(proven=night(database(schema="a")))) == ()


def test_a_folder_that_appeared_beside_the_file_set_is_told_every_night() -> None:
    """A second site, made next to the first, is in no backup; the ones that lay there from the start are known."""
    then = Baselines(known=night(site(beside=("aa",))))
    assert anomalies(night(site(beside=("aa",))), then) == ()
    (anomaly,) = anomalies(night(site(beside=("aa", "bb"))), then)
    assert (anomaly.severity, anomaly.message) == ("info", "1 new folder lies beside file set 'site', and no source covers it")
    placed = site(beside=("aa", "bb", "cc"))
    placed = placed.model_copy(update={"content": placed.content.model_copy(update={"parent": "/srv"})})
    (anomaly,) = anomalies(night(placed), then)
    assert anomaly.message == "2 new folders lie beside file set 'site' in /srv, and no source covers them"


def test_the_first_night_has_nothing_to_compare_with() -> None:
    """No baseline, no alarm."""
    assert anomalies(BEFORE, Baselines()) == ()


def read_from(version: str) -> Manifest:
    made = manifest_at(NOW)
    identity = {"server_version": version} if version else {}
    return made.model_copy(update={"artifacts": tuple(one.model_copy(update={"identity": identity}) for one in made.artifacts)})


@pytest.mark.parametrize(
    ("then", "now", "changed"), [("15.14", "16.1", True), ("15.14", "15.15", False), ("", "16.1", False), ("15.1", "", False)]
)
def test_a_server_of_another_major_version_needs_a_drill(then: str, now: str, changed: bool) -> None:
    """What restores it may be too old to read it; a minor version changes every quarter, and nothing."""
    said = [(one.key, one.severity, one.message) for one in server_changes(read_from(now), read_from(then))]
    words = "the server of source 'database' is version 16, and 15 when a drill last proved it"
    assert said == ([("server:database", "warning", words)] if changed else [])
