"""Where the parts of a set lie that was found and not made here: told from manifests alone, since their plain digests are encrypted."""

from dr.model.backup import Copy, Manifest, Part, PartCopy
from dr.model.base import Sha256
from dr.model.ports import Records
from dr.stream.encode import encoding_digest


def remember_parts(copy: Copy, manifest: Manifest, records: Records) -> None:
    """Record what is not known of a copy's parts yet.

    Equal stored bytes in one repository are one encryption under two names, since age never encrypts alike twice: they share their disk.
    """
    known = {(r.artifact, r.number) for r in records.part_reads(copy.system, copy.repository) if r.set == copy.set}
    lacking = [(a.name, p) for a in manifest.artifacts for p in a.parts if (a.name, p.number) not in known]
    if not lacking:
        return
    twins = {part.sha256: part for part in records.parts(copy.system, copy.repository)}
    encoding = encoding_digest(manifest.recipients, manifest.compression)
    records.record_parts([_part_copy(copy, artifact, part, twins.get(part.sha256), encoding) for artifact, part in lacking])


def _part_copy(copy: Copy, artifact: str, part: Part, twin: PartCopy | None, encoding: Sha256) -> PartCopy:
    """Without a twin its plain digest is unknown, so it is never reused."""
    return PartCopy(
        system=copy.system,
        repository=copy.repository,
        set=copy.set,
        artifact=artifact,
        number=part.number,
        plain=twin.plain if twin else "",
        size=part.size,
        sha256=part.sha256,
        encoding=twin.encoding if twin else encoding,
        origin=twin.origin if twin else copy.set,
        written=twin.written if twin else copy.committed,
        read_back=twin.read_back if twin else None,
    )
