"""A real SMTP server on a free port of this machine, with AUTH, that keeps what it was sent."""

import email
import socket
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

USER, PASSWORD = "dr-sender", "correct-horse-battery"


class Mailbox:
    """What arrived, in order. `url` is an Apprise URL that reaches it; mails for `name`@example.org."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.messages: list[Message] = []

    def url(self, name: str, *, extra: str = "") -> str:
        return f"mailto://{USER}:{PASSWORD}@127.0.0.1:{self.port}/?from=dr@example.org&to={name}@example.org{extra}"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        self.messages.append(email.message_from_bytes(envelope.content))
        return "250 kept"

    def to(self, name: str) -> list[Message]:
        return [m for m in self.messages if m["To"] == f"{name}@example.org"]

    def subjects(self, name: str) -> list[str]:
        return [" ".join(str(m["Subject"]).split()) for m in self.to(name)]


def body_of(message: Message) -> str:
    payload = message.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload.decode().replace("\r\n", "\n")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def mailbox(port: int | None = None) -> Iterator[Mailbox]:
    """Accepts only the right user and password, as a provider would. `port`: one that was dead until now."""
    box = Mailbox(port or free_port())

    def login(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        right = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=right, handled=right)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # AUTH without TLS: both ends are this machine
        controller = Controller(box, hostname="127.0.0.1", port=box.port, authenticator=login, auth_required=True, auth_require_tls=False)
        controller.start()
        try:
            yield box
        finally:
            controller.stop()
