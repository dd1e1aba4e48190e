"""Where the demo's invented people are told: a mail server and a web hook of their own, real ones, on free ports of this machine."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import StreamRequestHandler, ThreadingTCPServer

_RECIPIENT = re.compile(r"^RCPT TO:\s*<([a-z0-9-]{1,64})@localhost>", re.IGNORECASE)
_LONGEST = 1_000_000
"""Bytes of a message."""


@dataclass(frozen=True)
class Heard:
    """A message that arrived at a person."""

    contact: str
    subject: str
    text: str


@dataclass(frozen=True)
class Doors:
    """The ports."""

    mail: int
    hook: int

    def url(self, contact: str, channel: int) -> str:
        """Their first channel is mail, every other one a web hook."""
        if channel == 0:
            return f"mailto://127.0.0.1:{self.mail}?from=dr@localhost&to={contact}@localhost"
        return f"json://127.0.0.1:{self.hook}/{contact}"


@contextmanager
def receivers(heard: Callable[[Heard], None]) -> Iterator[Doors]:
    """Both, as long as the block lasts; `heard` is called from their threads."""
    with _served(_Mail(heard)) as mail, _served(_Hook(heard)) as hook:
        yield Doors(mail, hook)


@contextmanager
def _served(server: "_Mail | _Hook") -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


# ---------------------------------------------------------------- mail


class _Mail(ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, heard: Callable[[Heard], None]) -> None:
        self.heard = heard
        super().__init__(("127.0.0.1", 0), _MailSession)


class _MailSession(StreamRequestHandler):
    """As much of SMTP (RFC 5321) as a client needs that logs in nowhere and encrypts nothing."""

    server: _Mail

    def handle(self) -> None:
        self._say("220 demo")
        to: list[str] = []
        while line := self.rfile.readline(2000).decode("ascii", "replace").strip():
            verb = line[:4].upper()
            if verb == "QUIT":
                self._say("221 bye")
                return
            if verb == "RCPT":
                self._recipient(line, to)
            elif verb == "DATA":
                self._say("354 go on")
                self._keep(self._data(), to)
                to = []
            elif verb in ("HELO", "EHLO", "MAIL", "RSET", "NOOP"):
                self._say("250 fine")
            else:
                self._say("502 not here")

    def _recipient(self, line: str, to: list[str]) -> None:
        found = _RECIPIENT.match(line)
        to += [found[1]] if found else []
        self._say("250 fine" if found else "550 nobody of that name")

    def _data(self) -> bytes:
        lines: list[bytes] = []
        while (line := self.rfile.readline(_LONGEST)) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b".") else line)
        return b"".join(lines)

    def _keep(self, data: bytes, to: list[str]) -> None:
        message = message_from_bytes(data, policy=default)
        body = message.get_body(("plain", "html"))
        text = str(body.get_content()) if body is not None else ""
        self._say("250 kept")
        for contact in to:
            self.server.heard(Heard(contact, str(message["subject"] or ""), text))

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode("ascii"))


# ---------------------------------------------------------------- web hooks


class _Hook(ThreadingHTTPServer):
    def __init__(self, heard: Callable[[Heard], None]) -> None:
        self.heard = heard
        super().__init__(("127.0.0.1", 0), _HookSession)


class _HookSession(BaseHTTPRequestHandler):
    server: _Hook

    def do_POST(self) -> None:
        said = json.loads(self.rfile.read(min(_LONGEST, int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.end_headers()
        self.server.heard(Heard(self.path.strip("/"), str(said.get("title", "")), str(said.get("message", ""))))

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on stderr."""
