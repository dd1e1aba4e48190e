"""Receivers of notices, real ones, on free ports of this machine: mail, webhooks, MQTT, IRC, syslog; and those that misbehave."""

import asyncio
import json
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.support.catalog_mailbox import free_port

USER, PASSWORD = "dr-sender", "correct-horse"


@dataclass
class Received:
    """What arrived at a receiver, as text, in order."""

    port: int
    texts: list[str] = field(default_factory=list)


# ---------------------------------------------------------------- any kind, misbehaving


@contextmanager
def silent() -> Iterator[int]:
    """Takes connections and says nothing, for as long as one likes."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1]


@contextmanager
def cutting(greeting: bytes = b"", after: int = 1) -> Iterator[int]:
    """Takes a connection, greets, takes what is said first, and is gone."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        ended = threading.Event()

        def serve() -> None:
            while not ended.is_set():
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    connection.settimeout(5)
                    try:
                        connection.sendall(greeting)
                        for _ in range(after):
                            connection.recv(65536)
                    except OSError:
                        continue

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        ended.set()
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(5)


# ---------------------------------------------------------------- webhooks


@contextmanager
def webhook(status: int = 200) -> Iterator[Received]:
    """An HTTP server that answers so; 0: it reads all and closes the connection instead."""
    received = Received(0)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.texts.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            if not status:
                self.close_connection = True
                return
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Nothing on stderr."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    received.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield received
    server.shutdown()
    thread.join()
    server.server_close()


def said(text: str) -> dict[str, str]:
    """Of a `json://` channel: title, message and type."""
    found: dict[str, str] = json.loads(text)
    return found


# ---------------------------------------------------------------- MQTT


@contextmanager
def broker(folder: Any) -> Iterator[Received]:
    """An MQTT broker that wants a name and a password; what is published is kept."""
    from amqtt.broker import Broker
    from amqtt.client import MQTTClient
    from pwdlib import PasswordHash
    from pwdlib.hashers.argon2 import Argon2Hasher

    logging.getLogger("amqtt").setLevel(logging.CRITICAL)
    logging.getLogger("transitions").setLevel(logging.CRITICAL)
    passwords = folder / "passwords"
    passwords.write_text(f"{USER}:{PasswordHash((Argon2Hasher(),)).hash(PASSWORD)}\n")
    received = Received(free_port())
    settings = {
        "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{received.port}"}},
        "plugins": {"amqtt.plugins.authentication.FileAuthPlugin": {"password_file": str(passwords)}},
    }
    ready, ended = threading.Event(), threading.Event()

    async def serve() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # it stumbles over a client that it has just sent away
        server = Broker(settings)
        await server.start()
        client = MQTTClient()
        await client.connect(f"mqtt://{USER}:{PASSWORD}@127.0.0.1:{received.port}/")
        await client.subscribe([("#", 1)])
        ready.set()
        while not ended.is_set():
            try:
                message = await client.deliver_message(timeout_duration=0.1)
            except TimeoutError:
                continue
            if message is not None and message.data is not None:
                received.texts.append(bytes(message.data).decode())
        await client.disconnect()
        await server.shutdown()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert ready.wait(20)
    yield received
    ended.set()
    thread.join()


# ---------------------------------------------------------------- IRC


@contextmanager
def irc_server() -> Iterator[Received]:
    """An IRC server that wants a password; what is said to anybody is kept."""
    from irc.server import IRCClient, IRCError, IRCServer

    logging.getLogger("irc.server").setLevel(logging.CRITICAL)
    received = Received(0)

    class Client(IRCClient):  # type: ignore[misc]
        let_in = False

        def handle_pass(self, params: str) -> str | None:
            self.let_in = params.lstrip(":") == PASSWORD
            if not self.let_in:
                raise IRCError(464, ":Password incorrect")
            return None

        def handle_user(self, params: str) -> str | None:
            if not self.let_in:
                raise IRCError(464, ":Password incorrect")
            answer: str | None = super().handle_user(params)
            return answer

        def handle_privmsg(self, params: str) -> None:
            received.texts.append(params)
            super().handle_privmsg(params)

    server = IRCServer(("127.0.0.1", 0), Client)
    received.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield received
    server.shutdown()
    thread.join()
    server.server_close()


# ---------------------------------------------------------------- syslog


@contextmanager
def syslog() -> Iterator[Received]:
    """A syslog daemon's UDP socket (RFC 5424 leaves what comes of a message to whoever sent it)."""
    received = Received(0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind(("127.0.0.1", 0))
        bound.settimeout(0.1)
        received.port = bound.getsockname()[1]
        ended = threading.Event()

        def serve() -> None:
            while not ended.is_set():
                try:
                    received.texts.append(bound.recv(65536).decode())
                except TimeoutError:
                    continue

        thread = threading.Thread(target=serve)
        thread.start()
        yield received
        ended.set()
        thread.join()


# ---------------------------------------------------------------- mail that misbehaves


@contextmanager
def mail(answers: str) -> Iterator[Received]:
    """An SMTP server without a login. `keeps`: fine; `refuses`: the recipient is none here; `loses`: it takes all of a message, and is
    gone before it confirms."""
    from aiosmtpd.controller import Controller

    received = Received(free_port())

    class Handler:
        async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:
            envelope.rcpt_tos.append(address)
            return "550 no such person here" if answers == "refuses" else "250 ok"

        async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> str:
            received.texts.append(envelope.content.decode())
            if answers == "loses":
                server.transport.abort()
            return "250 kept"

    controller = Controller(Handler(), hostname="127.0.0.1", port=received.port)
    controller.start()
    try:
        yield received
    finally:
        controller.stop()
