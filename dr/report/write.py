"""Evidence on disk: one signed JSON file and one self-contained page a run, replaced atomically."""

import base64
import json
import os
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from dr import __version__
from dr.disk import replace_file
from dr.errors import Damaged, Failed, Refused
from dr.model.base import JsonObject, RunId, canonical, sha256
from dr.model.evidence import Evidence, Signed
from dr.model.inventory import Inventory
from dr.model.ports import Keyring, StepContext
from dr.report.gather import beside_words, gather
from dr.report.page import page


class EvidenceWriter:
    """ports.Reporter: writes `<run>.json` and `<run>.html` into `folder`."""

    def __init__(self, folder: Path, keys: Keyring, inventory: Inventory, key_id: str) -> None:
        self._folder, self._keys, self._inventory, self._key_id = folder, keys, inventory, key_id

    def write(self, run: RunId, ctx: StepContext) -> JsonObject:
        record, plan = ctx.records.run(run), ctx.records.plan(run)
        if record is None or plan is None:
            raise Failed(f"the catalog knows no run {run}")
        writing = ctx.step if run == ctx.run else None
        tool = f"dr {__version__}"
        evidence = gather(record, plan, ctx.records, self._inventory, ctx.clock.now(), tool=tool, writing=writing)
        body = evidence.to_facts()
        signed = written(body, self._key_id, self._keys.sign(canonical(body)))
        shown = page(evidence, sha256(signed), self._key_id).encode("utf-8")
        json_file, html_file = self._folder / f"{run}.json", self._folder / f"{run}.html"
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            replace_file(json_file, signed)
            replace_file(html_file, shown)
        except OSError as problem:
            raise _unwritten(run, self._folder, problem) from None
        return {
            "json_file": str(json_file),
            "html_file": str(html_file),
            "sha256": sha256(signed),
            "verdict": evidence.verdict,
            "rto_seconds": evidence.rto.seconds if evidence.rto else None,
            "rpo_seconds": evidence.rpo.seconds if evidence.rpo else None,
            "rto_total": evidence.rto.total if evidence.rto else None,
            "beside": beside_words(evidence.rto, record.tier or "") if evidence.rto else [],
        }


def _unwritten(run: RunId, folder: Path, problem: OSError) -> Failed:
    cause = os.strerror(problem.errno or 0)
    return Failed(
        f"the evidence of {run} cannot be written to {folder}: {cause}",
        hint="what it would say is on record in the catalog: `dr runs show`; mend the folder before the next run",
    )


def key_id(pem: bytes) -> str:
    """SHA-256 of a public key's raw bytes."""
    return sha256(load_pem_public_key(pem).public_bytes(Encoding.Raw, PublicFormat.Raw))


def read_signed(text: bytes, verify: Callable[[bytes, bytes], None]) -> tuple[Evidence, str]:
    """The evidence of a file whose signature was checked, and the id of the key that it names (which no signature covers).

    Raises Damaged; Refused for a format that a later `dr` wrote, and for what is no run's.
    """
    signed = checked(text, verify)
    return _evidence(signed), signed.key


def checked(text: bytes, verify: Callable[[bytes, bytes], None]) -> Signed:
    """What a file says, whatever it is evidence of. Not one byte may differ from the one way to write that content. Raises Damaged."""
    if text.lstrip()[:1] == b"<":
        raise Damaged("this is the page, not the evidence", hint="the signed original is the .json file beside it")
    try:
        signed = Signed.from_json(text)
        signature = base64.b64decode(signed.signature, validate=True)
        body = canonical(signed.evidence)
    except ValueError:
        raise Damaged("this is no evidence file of dr, or it was cut short or changed") from None
    verify(body, signature)
    if written(signed.evidence, signed.key, signature) != text:
        raise Damaged("the file is not written as dr writes it: it was changed, though not what it says", hint="ask for the original")
    return signed


def written(evidence: JsonObject, key: str, signature: bytes) -> bytes:
    """The bytes of an evidence file."""
    return canonical(Signed(evidence=evidence, key=key, signature=base64.b64encode(signature).decode("ascii")).to_facts()) + b"\n"


def _evidence(signed: Signed) -> Evidence:
    try:
        return Evidence.from_json(json.dumps(signed.evidence))
    except ValueError:
        said = signed.evidence.get("tool", "another version")
        raise Refused(f"genuine, but this dr cannot read it: {said} wrote it", hint="verify it with that version or a later one") from None
