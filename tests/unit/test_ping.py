"""The ping that tells the outside: what the other side, or its URL, does wrong ends in words of ours, and never in the URL's own."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from dr.errors import ConfigError, DrError, Unreachable
from dr.notify.ping import ping

pytestmark = pytest.mark.unit


class Watch(BaseHTTPRequestHandler):
    asked: list[str]

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        self.asked.append(self.path)
        if self.path == "/garbage":
            self.wfile.write(b"hunter2 is no HTTP\r\n\r\n")
            self.close_connection = True
        elif self.path.startswith("/login"):
            self.send_response(302)
            self.send_header("Location", "/login-page")
            self.end_headers()
        else:
            self.send_response(200)
            self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def watch() -> Iterator[tuple[str, list[str]]]:
    asked: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Watch,), {"asked": asked}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


def test_what_was_told_is_told_once(watch: tuple[str, list[str]]) -> None:
    """The control of all below."""
    where, asked = watch
    ping(f"http://{where}/uuid", passed=True, words="x", waits=())
    ping(f"http://{where}/uuid", passed=False, words="x", waits=())
    assert asked == ["/uuid", "/uuid/fail"]


def test_a_page_to_log_in_is_no_watch_that_was_told(watch: tuple[str, list[str]]) -> None:
    """A redirect is not followed: not to a page that answers 200, not to another host or scheme."""
    where, asked = watch
    with pytest.raises(Unreachable, match="answered 302"):
        ping(f"http://{where}/login", passed=True, words="x", waits=())
    assert asked == ["/login"]


def test_an_answer_that_is_no_http_is_said_without_its_words(watch: tuple[str, list[str]]) -> None:
    """It fails no night: what is raised is an error of ours."""
    with pytest.raises(Unreachable, match="no answer in HTTP") as caught:
        ping(f"http://{watch[0]}/garbage", passed=True, words="x", waits=())
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    ["http://ann:hunter2@127.0.0.1:9/x", "http://[hunter2", "http://127.0.0.1:9/a hunter2", "http://127.0.0.1:9/hunter2ü", "file:///hunter2",
     "http://127.0.0.1:hunter2/", "http://127.0.0.1:9/\nhunter2", "ftp://127.0.0.1/hunter2", "hunter2"],
)  # fmt: skip
def test_what_is_no_ping_s_url_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        ping(url, passed=True, words="x", waits=())
    assert "hunter2" not in str(caught.value)


def test_a_name_that_no_resolver_takes_is_an_error_of_ours() -> None:
    with pytest.raises(DrError):
        ping("http://a..b/x", passed=True, words="x", waits=())
