"""What a receiver is told of a message's gravity, by which it colours and routes: an alarm must not look like good news."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from dr.model.record import Severity
from dr.notify.channel import send

pytestmark = pytest.mark.integration


@pytest.fixture
def receiver() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """An Apprise URL that posts JSON, and what was posted."""
    seen: list[dict[str, str]] = []

    class Post(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            seen.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = HTTPServer(("127.0.0.1", 0), Post)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"json://127.0.0.1:{server.server_port}/notices", seen
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(("severity", "kind"), [("critical", "failure"), ("warning", "warning"), ("info", "info")])
def test_the_gravity_goes_with_the_message(receiver: tuple[str, list[dict[str, str]]], severity: Severity, kind: str) -> None:
    url, seen = receiver
    assert send(url, "hmis: nightly", "text", severity=severity).delivered
    assert [one["type"] for one in seen] == [kind]
