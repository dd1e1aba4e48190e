"""`site-files-equal`: restored files are what was backed up: names, types, contents, modes, owners, times, links, attributes.

Proves every artifact of kind `files`. File names can name a client, so a difference is named `file:<16 hex digits>`, a keyed digest of
the path; an operator who may see names finds the file again with `dr.drivers.files.listing.name_for` over the paths of the set's index,
whose key lies in it. Listed as unproven: what changed while it was read, sockets, and, where the standby's user is not root, owners,
privileged attributes and devices.
"""

import os
from dataclasses import dataclass

from dr.drivers.files import listing
from dr.drivers.files.listing import Comparison, Listing
from dr.errors import Failed
from dr.model.base import StrictModel
from dr.model.ports import ArtifactReader, Restored, StepContext
from dr.model.record import CheckResult, Difference

KIND_OF_ARTIFACT = "files"
MOST = 1000
"""Differences that the evidence names; the summary counts all."""


class Params(StrictModel):
    """None: it compares every file set that the set holds."""


@dataclass(frozen=True)
class SiteFilesEqual:
    """See `dr.model.ports.Check`."""

    kind: str = "site-files-equal"
    proves = True
    params: type[StrictModel] = Params

    def run(self, params: Params, restored: Restored, ctx: StepContext) -> CheckResult:  # noqa: ARG002 - the port's
        started = ctx.clock.now()
        readers = [reader for reader in restored.set.artifacts() if reader.artifact.kind == KIND_OF_ARTIFACT]
        found = {reader.artifact.name: _compare(reader, restored, ctx) for reader in readers}
        differences = [one for comparison in found.values() for one in comparison.differences]
        unproven = [one for comparison in found.values() for one in comparison.unproven]
        examined = sum(comparison.examined for comparison in found.values())
        return CheckResult(
            check=self.kind,
            passed=bool(examined) and not differences,
            examined=examined,
            summary=_summary(examined, differences, unproven),
            started=started,
            ended=ctx.clock.now(),
            proves=True,
            artifacts=tuple(name for name, comparison in found.items() if comparison.examined),
            differences=tuple(differences[:MOST]),
            unproven=tuple(unproven[:MOST]),
            details={"differences": len(differences), "unproven": len(unproven)},
        )


def _compare(reader: ArtifactReader, restored: Restored, ctx: StepContext) -> Comparison:
    place = restored.places.get(reader.artifact.source)
    if not isinstance(place, dict) or "path" not in place:
        raise Failed(f"the restore left no path of file set '{reader.artifact.source}'")
    ctx.progress(f"comparing {reader.artifact.source}")
    expected = Listing.from_facts(reader.index.content)
    key = bytes.fromhex(restored.set.index.key)
    try:
        return listing.compare(expected, place["path"], key, stop=ctx.stop, as_root=os.geteuid() == 0)
    except OSError as error:
        raise Failed(f"the restored file set '{reader.artifact.source}' cannot be read ({os.strerror(error.errno or 0)})") from None


def _summary(examined: int, differences: list[Difference], unproven: list[Difference]) -> str:
    if not examined:
        return "no file was compared"
    said = f"{examined} files and folders compared, " + (f"{len(differences)} differ" if differences else "all equal")
    return f"{said}; {len(unproven)} not proven" if unproven else said


CHECK = SiteFilesEqual()
