"""What is signed for another machine: exactly the markers and the certificate that dr itself writes there."""

import json

from dr.hosts.canaries import signed_bytes
from dr.hosts.marker import Adopted, Claim, InService, Standby
from dr.model.base import canonical
from dr.model.record import ScrubCertificate

Signable = Standby | Claim | Adopted | InService | ScrubCertificate
_MARKERS: dict[str, type[Standby | Claim | Adopted | InService]] = {
    "dr-standby": Standby,
    "dr-claim": Claim,
    "dr-adopted": Adopted,
    "dr-in-service": InService,
}


def signable(data: bytes) -> Signable | None:
    """What would be signed: exactly the bytes of a marker or of a certificate; None for anything else."""
    try:
        told = json.loads(data)
        kind = _MARKERS.get(str(told["what"])) if isinstance(told, dict) and "what" in told else None
        said = kind.from_facts(told) if kind else ScrubCertificate.from_facts(told)
    except (ValueError, TypeError, RecursionError):
        return None
    return said if data == (signed_bytes(said) if isinstance(said, ScrubCertificate) else canonical(said.to_facts())) else None
