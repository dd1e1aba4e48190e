"""One HTTP request over a connection that is there: GET, no proxy, no cookies, no decoding, and no more of the answer than is asked for."""

import http.client
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, urljoin, urlsplit

from dr.drivers.net.link import Place
from dr.errors import Failed

PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Address:
    """A URL taken apart. `str` is what may be shown: without the query, which may hold what nobody else should see."""

    scheme: str
    host: str
    port: int
    target: str
    """Path and query, as they are asked for."""

    @property
    def place(self) -> Place:
        return Place(self.host, self.port)

    def __str__(self) -> str:
        where = str(self.place) if self.port != PORTS[self.scheme] else str(self.place).removesuffix(f":{self.port}")
        return f"{self.scheme}://{where}{self.target.partition('?')[0]}"


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    longer: bool
    """Whether there was more than the limit."""
    charset: str
    location: str
    """Where a redirect leads, as it was written; empty for any other answer."""

    def text(self) -> str:
        try:
            return self.body.decode(self.charset, "replace")
        except (LookupError, ValueError):  # letters that nobody knows, or that Python reads in no way that goes on
            return self.body.decode("utf-8", "replace")


def parse(url: str) -> Address:
    """Raises ValueError, as `message; hint`, for what is no plain web address."""
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise ValueError("a web address has plain characters only; write others as %C3%BC, and a name's as xn--...")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError("this is no web address; write https://host/path") from None
    if parts.scheme not in PORTS or not parts.hostname:
        raise ValueError("this is no web address; write https://host/path")
    if "@" in parts.netloc:
        raise ValueError("a web address bears no password here; write `authorization: !secret {file: keys/NAME}` beside it")
    return Address(parts.scheme, parts.hostname, port if port is not None else PORTS[parts.scheme], _target(parts))


def _target(parts: SplitResult) -> str:
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def redirected(frm: Address, location: str) -> Address:
    """Where a redirect leads. Raises ValueError."""
    where = str(frm.place) if frm.port != PORTS[frm.scheme] else str(frm.place).rpartition(":")[0]
    return parse(urljoin(f"{frm.scheme}://{where}{frm.target}", location))


def get(link: socket.socket, address: Address, headers: Mapping[str, str], limit: int) -> Answer:
    """Raises Failed if what comes back is no HTTP or stops halfway; OSError."""
    connection = http.client.HTTPConnection(address.host, address.port)
    connection.default_port = PORTS[address.scheme]
    connection.sock = link
    try:
        connection.request("GET", address.target, headers={"Accept-Encoding": "identity", "Connection": "close", **headers})
        response = connection.getresponse()
        body = response.read(limit + 1)
        cut = len(body) <= limit and bool(response.length)
    except http.client.HTTPException as error:
        raise Failed(f"{address} did not answer in HTTP ({type(error).__name__})", hint="is it the right port, http or https?") from None
    if cut:
        raise Failed(f"{address}: the answer stopped halfway", hint="its own log says why")
    charset = response.headers.get_content_charset() or "utf-8"
    location = response.headers.get("Location", "") if response.status in (301, 302, 303, 307, 308) else ""
    return Answer(response.status, body[:limit], len(body) > limit, charset, location)
