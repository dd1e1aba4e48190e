"""A repository that the first release wrote must restore for ever: with `dr`, with either key, and with standard tools."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from dr.model.backup import Tombstone
from dr.model.base import SetId, SystemName
from dr.stream.layout import read_signature
from dr.stream.sets import StreamSets
from tests.integration.test_format1_restore_guide import blocks, follow
from tests.support.stream_context import HMIS, StreamContext
from tests.support.stream_golden import ORGANISATION, GoldenKeys, golden

pytestmark = pytest.mark.integration

GOLDEN = Path(__file__).parents[1] / "corpus" / "golden-v1"
EXPECTED: dict[SetId, dict[str, str]] = json.loads((GOLDEN / "expected.json").read_text())


def sets(holder: str = "drill") -> StreamSets:
    return StreamSets(ORGANISATION, GoldenKeys(GOLDEN / "keys", holder=holder), StreamContext().clock, {})


def test_its_sets_are_those_that_were_not_removed() -> None:
    assert golden(GOLDEN).sets() == [(HMIS, set_id) for set_id in EXPECTED]
    assert len(EXPECTED) == 2


@pytest.mark.parametrize("holder", ["drill", "escrow"])
@pytest.mark.parametrize("set_id", list(EXPECTED))
def test_every_artifact_is_read_back(set_id: SetId, holder: str) -> None:
    found = {}
    for artifact in sets(holder).open(HMIS, set_id, golden(GOLDEN)).artifacts():
        with artifact.stream() as stream:
            found[artifact.artifact.name] = hashlib.sha256(stream.read()).hexdigest()
    assert found == EXPECTED[set_id]


@pytest.mark.parametrize("set_id", list(EXPECTED))
def test_it_verifies(set_id: SetId) -> None:
    assert sets().verify_stored(HMIS, set_id, golden(GOLDEN), StreamContext().step).damaged == ()


def test_the_removed_set_left_its_signed_trace_in_the_chain() -> None:
    """A prune is told apart from a loss."""
    [(stored, signature)] = golden(GOLDEN).tombstones(SystemName("hmis"))
    GoldenKeys(GOLDEN / "keys").verify(stored, read_signature(signature))
    tombstone = Tombstone.from_json(stored)
    oldest = sets().read_manifest(HMIS, next(iter(EXPECTED)), golden(GOLDEN))[0]
    assert oldest.previous is not None
    assert (oldest.previous.set, oldest.previous.manifest) == (tombstone.set, tombstone.manifest)


@pytest.mark.needs("age", "zstd", "tar", "bash")
def test_its_files_come_back_without_dr(tmp_path: Path) -> None:
    """Its RESTORE.md is followed; the database's part needs a server and is left out here."""
    set_id = list(EXPECTED)[-1]
    folder = tmp_path / "set"
    shutil.copytree(GOLDEN / "repository/sets/hmis" / set_id, folder)
    text = (folder / "RESTORE.md").read_text()
    wanted = [block for block in blocks(text) if "hmis" not in block]
    (folder / "RESTORE.md").write_text("".join(f"```bash\n{block}```\n" for block in wanted))
    key = (GOLDEN / "keys/drill.agekey").read_text()
    done = follow(folder, key, tmp_path / "restore" / "out")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (tmp_path / "restore/out/site-00/night").read_text() == "2\n"
    assert (tmp_path / "restore/out/site-00/text").stat().st_size == 5_600_000
