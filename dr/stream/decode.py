"""Decoding a whole set without restoring it: every part is decrypted, unpacked and compared, every tar stream is walked to its end.

It needs the drill key. Reading stored bytes back shows that they are what was signed; this shows that what was signed can be read.
"""

from __future__ import annotations

from dr.errors import Damaged, Failed
from dr.model.backup import PART_LIMIT
from dr.model.ports import ArtifactReader, OpenSet, StepContext
from dr.stream.cut import TarCutter
from dr.stream.layout import is_part

_CHUNK = 2**20


def decode_set(opened: OpenSet, ctx: StepContext) -> tuple[int, list[str]]:
    """Plain bytes that were read, and what is wrong: one line for each artifact that cannot be read, with the part if it is one."""
    wrong: list[str] = []
    read = 0
    for reader in opened.artifacts():
        try:
            read += _walk(reader, ctx)
        except (Damaged, Failed) as problem:
            wrong.append(_named(reader.artifact.name, problem.message))
    return read, wrong


def _named(artifact: str, message: str) -> str:
    """`database-00/000003.zst.age: its zstd frame is broken`; the artifact where it is no single part."""
    words = message.split(": ")
    path = next((word for word in words if is_part(word)), "")
    return f"{path}: {words[-1]}" if path else f"{artifact}: {message}"


def _walk(reader: ArtifactReader, ctx: StepContext) -> int:
    """The cutter that made the parts reads every header on its way. Raises Damaged for a part, Failed for what is no tar archive."""
    cutter = TarCutter(limit=PART_LIMIT)
    with reader.stream() as stream:
        while data := stream.read(_CHUNK):
            ctx.check_stop()
            for _ in cutter.feed(data):
                pass
            ctx.progress(f"decode {reader.artifact.name}", cutter.total, reader.artifact.plain, "bytes")
    for _ in cutter.finish():
        pass
    return cutter.total
