"""Real servers to ask over the network: HTTP with pages of the test's own, TLS with certificates made on the spot, and rude ones."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Page:
    """What a path answers."""

    body: str = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Web:
    """A server on this machine, the pages that it has, and what it was asked: path and headers."""

    port: int
    pages: dict[str, Page]
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)


@contextmanager
def web(pages: dict[str, Page] | None = None, *, port: int = 0, certificate: Path | None = None) -> Iterator[Web]:
    """`certificate`: PEM of a chain and its key; then it speaks TLS."""
    made = Web(0, pages or {})

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append((self.path, dict(self.headers)))
            page = made.pages.get(self.path.partition("?")[0], Page("no such page", 404))
            body = page.body.encode()
            self.send_response(page.status)
            for name, value in {"Content-Length": str(len(body)), **page.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.do_GET()

        def log_message(self, format: str, *args: object) -> None:
            return None

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that does not believe the certificate hangs up: that is what is being tested."""

    server = Server(("127.0.0.1", port), Handler)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    made.port = int(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def rude(behave: Callable[[socket.socket, threading.Event], None]) -> Iterator[int]:
    """A listener that treats every connection as `behave` does; gives its port."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)

        def serve() -> None:
            while not over.is_set():
                try:
                    link, _ = listener.accept()
                except TimeoutError:
                    continue
                with link:
                    try:
                        behave(link, over)
                    except OSError:
                        continue  # whoever asked has hung up, as it should

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield int(listener.getsockname()[1])
        finally:
            over.set()
            thread.join()


# ---------------------------------------------------------------- certificates


@dataclass(frozen=True)
class Authority:
    """Somebody who issues certificates; `pem` is its own."""

    key: ec.EllipticCurvePrivateKey
    name: x509.Name
    pem: bytes


@cache
def authority(name: str = "The Test Authority") -> Authority:
    key, called = ec.generate_private_key(ec.SECP256R1()), _called(name)
    now = datetime.now(UTC)
    made = _certificate(called, key, called, key, now - 400 * DAY, now + 400 * DAY, [], authority=True)
    return Authority(key, called, made)


def issued(
    folder: Path,
    *names: str,
    since: timedelta = -DAY,
    until: timedelta = 90 * DAY,
    by: Authority | None = None,
    self_signed: bool = False,
) -> Path:
    """A PEM file with a certificate for these names, good from `since` until `until` counted from now, and its key."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    called, issuer = _called(names[0] if names else "nobody"), by or authority()
    signer, signed_by = (key, called) if self_signed else (issuer.key, issuer.name)
    pem = _certificate(called, key, signed_by, signer, now + since, now + until, list(names))
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = folder / f"{names[0] if names else 'nobody'}-{until.days}-{int(self_signed)}.pem"
    path.write_bytes(pem + private)
    return path


def _called(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _certificate(
    subject: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Name,
    signer: ec.EllipticCurvePrivateKey,
    since: datetime,
    until: datetime,
    names: list[str],
    *,
    authority: bool = False,
) -> bytes:
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(since).not_valid_after(until)
    builder = builder.add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
    return builder.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
