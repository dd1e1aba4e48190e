"""`http-answers`: a web address answers as it should: status, a text that must be in the page, one that must not.

It speaks with the host of the address and with those named in `follow`, and nobody else: no proxy, no redirect to elsewhere. What the
page says is never shown.
"""

from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from dr.checks.network import FILES, PATIENCE, NetworkHost, Patience, Seen, asked, authority
from dr.drivers.net.http import Address, Answer, get, parse, redirected
from dr.drivers.net.link import Place, linked
from dr.drivers.net.tls import secured, trust
from dr.errors import Failed, Refused
from dr.model.base import ByteCount, Size, StrictModel
from dr.model.inventory import SecretRef
from dr.model.ports import Restored, StepContext
from dr.model.record import CheckResult
from dr.units import show_size

MOST_REDIRECTS = 5
_HERE = ("localhost", "127.0.0.1", "::1")


def _is_address(url: str) -> str:
    parse(url)
    return url


class Params(StrictModel):
    url: Annotated[str, AfterValidator(_is_address)]
    status: int = Field(default=200, ge=100, le=599)
    contains: str | None = Field(default=None, min_length=1)
    """A text that the answer must hold."""
    lacks: str | None = Field(default=None, min_length=1)
    """A text that it must not hold, such as the words of an error page."""
    follow: tuple[NetworkHost, ...] = ()
    """Hosts to which a redirect may lead; by default none is followed, and its own status is the answer."""
    authorization: SecretRef | None = None
    """The whole value of the Authorization header: sent to the address's own host and port, and to no other."""
    connect: NetworkHost | None = None
    """Where to connect instead of the address's own host: the standby that a restored application came up on, say."""
    ca: str | None = None
    """A PEM file with the authority to believe instead of this machine's; relative to the home."""
    at_most: Size = ByteCount(2**20)
    """How much of the answer is read."""
    timeout: Patience = PATIENCE
    """For each address that is asked."""

    @model_validator(mode="after")
    def _no_secret_in_clear(self) -> "Params":
        address = parse(self.url)
        if self.authorization is not None and address.scheme != "https" and (self.connect or address.host) not in _HERE:
            raise ValueError("a password would go over the network in clear; write an https address")
        return self


class HttpAnswers:
    """ports.Probe. `user_level`: a person with a browser would have got the same page."""

    kind = "http-answers"
    params: type[StrictModel] = Params
    files = FILES

    def run(self, params: Any, restored: Restored, ctx: StepContext) -> CheckResult:  # noqa: ARG002 - it asks over the network
        return self.probe(params, ctx)

    def probe(self, params: Params, ctx: StepContext) -> CheckResult:
        return asked(self.kind, str(parse(params.url)), lambda: _look(params, ctx), ctx, user_level=True)


def _look(params: Params, ctx: StepContext) -> Seen:
    first = address = parse(params.url)
    for _ in range(MOST_REDIRECTS + 1):
        answer = _get(params, address, ctx, own=_origin(address) == _origin(first))
        onward = _onward(params, address, answer)
        if onward is None:
            wrong = _wrong(params, address, answer)
            return wrong, f"{address} answers as it should (status {answer.status})", {"status": answer.status, "bytes": len(answer.body)}
        address = onward
    raise Failed(f"{first} leads on and on: more than {MOST_REDIRECTS} redirects", hint="open it in a browser; does it want a login?")


def _origin(address: Address) -> tuple[str, str, int]:
    return address.scheme, address.host, address.port


def _get(params: Params, address: Address, ctx: StepContext, *, own: bool) -> Answer:
    """`own`: whether this is the address's own host, which alone is sent the secret."""
    headers = {"User-Agent": "dr", "Accept": "*/*"}
    if params.authorization is not None and own:
        headers["Authorization"] = _header(ctx.secret(params.authorization), params.authorization.place)
    place = Place(params.connect, address.port) if params.connect and own else address.place
    believed = trust(authority(params.ca, ctx)) if address.scheme == "https" else None
    with linked(place, params.timeout, ctx.stop) as link:
        if believed is None:
            return get(link, address, headers, params.at_most)
        with secured(link, place, address.host, believed) as session:
            return get(session, address, headers, params.at_most)


def _header(value: str, place: str) -> str:
    if not value.isascii() or not value.isprintable():
        raise Refused(f"{place} cannot be sent as an Authorization header", hint="it must be one line such as: Bearer abc, or Basic abc=")
    return value


def _onward(params: Params, address: Address, answer: Answer) -> Address | None:
    """Where a redirect leads, if it may be followed; None where its own status is the answer. Raises Failed for one to elsewhere."""
    if not answer.location or not params.follow or answer.status == params.status:
        return None
    try:
        onward = redirected(address, answer.location)
    except ValueError:
        raise Failed(f"{address} redirects to what is no web address", hint="open it in a browser") from None
    if onward.host not in params.follow:
        raise Failed(f"{address} redirects to a host that `follow` does not name", hint="open it in a browser; add the host if it is meant")
    if address.scheme == "https" and onward.scheme != "https":
        raise Failed(f"{address} redirects from https to http, which anybody can listen to", hint="mend that at the server")
    return onward


def _wrong(params: Params, address: Address, answer: Answer) -> str:
    """What is not as it should be; of the page only whether it holds the texts."""
    if answer.status != params.status:
        more = ", a redirect, which is followed only to hosts that `follow` names" if answer.location else ""
        return f"{address} answers with status {answer.status}{more}, and {params.status} is expected"
    text = answer.text()
    where = f"the first {show_size(params.at_most)} of the answer of {address}" if answer.longer else f"the answer of {address}"
    if params.contains is not None and params.contains not in text:
        return f"the expected text is not in {where}"
    if params.lacks is not None and params.lacks in text:
        return f"the text that must not be there is in {where}"
    if params.lacks is not None and answer.longer:
        return f"{where} is all that was read, so nobody knows what the rest holds (raise `at_most`)"
    return ""


CHECK = HttpAnswers()
