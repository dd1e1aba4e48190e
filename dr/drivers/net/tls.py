"""A verified TLS session: the chain up to an authority that is believed, and the name. What is wrong with it is named."""

import hashlib
import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from dr.drivers.net.link import Place
from dr.errors import Failed, Refused

_RENEW = "renew the certificate"
_EXPIRED, _NOT_YET, _SELF_SIGNED, _SELF_SIGNED_ROOT, _OTHER_NAME, _OTHER_ADDRESS = 10, 9, 18, 19, 62, 64
_NO_ISSUER = (2, 20, 21)
_TRUST = "if that authority is your own, name its certificate as `ca`"


@dataclass(frozen=True)
class Certificate:
    """What the other side showed. `digest`: SHA-256 of it, by which it is told from another."""

    expires: datetime
    digest: str


def trust(ca: Path | None) -> ssl.SSLContext:
    """Whom to believe: the authorities of this machine, or `ca` (PEM) alone. Raises Refused if that cannot be read."""
    try:
        return ssl.create_default_context(cafile=None if ca is None else str(ca))
    except ssl.SSLError:
        raise Refused(f"{ca} holds no certificate", hint="it must be a PEM file: -----BEGIN CERTIFICATE-----") from None
    except OSError as error:
        why = (error.strerror or type(error).__name__).lower()
        raise Refused(f"the authority's certificate {ca} cannot be read ({why})", hint="name a PEM file, from the home on") from None


def secured(link: socket.socket, place: Place, name: str, believed: ssl.SSLContext) -> ssl.SSLSocket:
    """The session over `link`, with whoever proves to be `name`. Raises Failed saying what is wrong with the certificate, OSError."""
    try:
        return believed.wrap_socket(link, server_hostname=name)
    except UnicodeError:
        raise Failed(f"{place}: '{name}' is no name that a certificate can bear", hint="is it spelt right?") from None
    except ssl.SSLCertVerificationError as error:
        what, hint = _distrusted(error, name)
        raise Failed(f"{place}: {what}", hint=hint) from None
    except ssl.SSLError as error:
        if error.reason in ("WRONG_VERSION_NUMBER", "UNKNOWN_PROTOCOL", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"):
            raise Failed(f"{place} does not speak TLS", hint="is it the right port?") from None
        raise Failed(f"{place}: no TLS session came about ({error.reason or type(error).__name__})", hint="its own log says why") from None


def certificate(session: ssl.SSLSocket) -> Certificate:
    """Of a session that was verified."""
    shown, raw = session.getpeercert() or {}, session.getpeercert(binary_form=True) or b""
    expires = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(shown["notAfter"])), UTC)
    return Certificate(expires, hashlib.sha256(raw).hexdigest())


def _distrusted(error: ssl.SSLCertVerificationError, name: str) -> tuple[str, str]:
    """By OpenSSL's number for it; its words could quote the certificate."""
    code = error.verify_code
    if code == _EXPIRED:
        return "its certificate has expired", f"{_RENEW}; until then no client should go on"
    if code == _NOT_YET:
        return "its certificate is not valid yet", "is a clock wrong, its or this machine's?"
    if code == _SELF_SIGNED:
        return "its certificate is self-signed, so anybody could have made it", "name the certificate itself as `ca` if it is meant so"
    if code in (_SELF_SIGNED_ROOT, *_NO_ISSUER):
        return "its certificate was issued by an authority that is not believed", _TRUST
    if code in (_OTHER_NAME, _OTHER_ADDRESS):
        return f"its certificate is for another name than {name}", "is it the right host? Else the certificate must name it"
    return f"its certificate is not believed (X.509 error {code})", _TRUST
