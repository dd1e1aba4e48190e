"""A file set of very many files is captured over a link as any other: what its index says grows with them, and is told at the end."""

from datetime import UTC, datetime
from typing import cast

import pytest

from dr.app.agent.context import SentSet
from dr.clock import FixedClock
from dr.errors import Failed
from dr.hosts.desk import About, Desk
from dr.hosts.process import LocalRunner
from dr.hosts.ssh_login import SshHost
from dr.model.base import HostName, HostPath, SetId, SourceName, SystemName
from dr.model.inventory import SourceEntry
from dr.model.ports import CaptureRequest, HostRequest, StepContext
from dr.wire.frames import MOST
from tests.support.pg_world import MemorySet
from tests.support.wire_pair import pair

pytestmark = pytest.mark.unit
NOW = datetime(2026, 11, 23, 7, tzinfo=UTC)
SET = SetId("20261123T070000Z-7f3a9c")
FILES = 400_000


def desk(kept: MemorySet) -> Desk:
    request = HostRequest(
        name=HostName("files"),
        role="production",
        params=SshHost.from_facts({"address": "files.example", "user": "dr", "key": "keys/login"}),
        home=HostPath("/nowhere"),
        clock=FixedClock(NOW),
        runner=LocalRunner(),
        secret=str,
    )
    entry = SourceEntry(kind="files", host="files")
    asked = CaptureRequest(system=SystemName("hmis"), name=SourceName("site"), entry=entry, params=entry, needle=None)
    made = Desk(request, None, None)
    made.into, made.ctx, made.about = kept.as_writer(), cast("StepContext", object()), About("hmis", asked)
    return made


def test_an_index_of_many_files_crosses() -> None:
    """Past what one message holds, and after the bytes were sent: a night's work would be lost at its end, every night."""
    kept = MemorySet()
    files = {f"clients/{number:08}/scan-of-an-intake-form.pdf": [number, "0" * 64] for number in range(FILES)}
    with pair(desk(kept).serve) as two:
        sent = SentSet(SET, bytes(32), two.asking)
        with sent.artifact("site-00", kind="files", source=SourceName("site")) as sink:
            sink.write(b"the archive")
            sink.describe(instant=NOW, identity={"what": "files"}, content={"files": files})
    there, _, _ = kept.whole["site-00"]
    assert bytes(there.data) == b"the archive"
    assert there.described["content"] == {"files": files}


@pytest.mark.positive_control
def test_as_one_message_it_would_not() -> None:
    """The twin: told with a plain call, it is refused where it is said."""
    with pair(desk(MemorySet()).serve) as two, pytest.raises(Failed, match="more than the link carries"):
        two.asking.call("describe", {"name": "site-00", "content": {"files": "x" * MOST}})
