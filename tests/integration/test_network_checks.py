"""The checks over the network, against real servers: what each must find, whom it must not speak with, what it must not say."""

import os
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from dr.checks import http_answers, tcp_answers, tls_expiry
from dr.clock import FixedClock
from dr.errors import Refused, Stopped
from dr.model.base import HostPath, Seconds
from dr.model.inventory import SecretRef
from dr.model.record import CheckResult
from tests.support.postgres import free_port
from tests.support.proof_restored import CheckContext
from tests.support.web import DAY, Page, Web, authority, issued, rude, web

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[2]
CLIENT = "Jane Q. Client"
ODD = ("idna", "undefined", "rot13")
"""What Python has under such names is no way to read a page."""


@pytest.fixture
def context(tmp_path: Path) -> CheckContext:
    (tmp_path / "ca.pem").write_bytes(authority().pem)
    return CheckContext(clock=FixedClock(datetime.now(UTC)), home=HostPath(str(tmp_path)))


@pytest.fixture(scope="module")
def site() -> Iterator[Web]:
    pages = {
        "/": Page(f"<h1>Sign in</h1> {CLIENT}"),
        "/broken": Page("Internal error: row 7"),
        "/long": Page("x" * 5000 + "Sign in"),
        "/latin": Page("Anmeldung für Gäste", headers={"Content-Type": "text/html; charset=utf-8"}),
        "/odd": Page("fine", headers={"Content-Type": "text/html; charset=no-such"}),
        **{f"/odd/{charset}": Page("fine", headers={"Content-Type": f"text/html; charset={charset}"}) for charset in ODD},
        "/halfway": Page("Sign", headers={"Content-Length": "5000"}),
        "/here": Page(status=302, headers={"Location": "/"}),
        "/round": Page(status=302, headers={"Location": "/round"}),
        "/nowhere": Page(status=302, headers={"Location": "file:///etc/passwd"}),
    }
    with web(pages) as made:
        yield made


def ask(context: CheckContext, url: str, **more: Any) -> CheckResult:
    return http_answers.CHECK.probe(http_answers.Params(url=url, **more), context.asked())


def page(context: CheckContext, site: Web, path: str, **more: Any) -> CheckResult:
    return ask(context, f"http://127.0.0.1:{site.port}{path}", **more)


# ---------------------------------------------------------------- http-answers


def test_a_page_that_answers_as_it_should_is_a_users_success(context: CheckContext, site: Web) -> None:
    """Status and text are right: a person with a browser would have got in, which stops the recovery clock."""
    result = page(context, site, "/?token=hush", contains="Sign in", lacks="Internal error")
    assert (result.passed, result.examined, result.user_level, result.differences) == (True, 1, True, ())
    assert result.summary == f"http://127.0.0.1:{site.port}/ answers as it should (status 200)"
    assert "hush" not in str(result.to_facts())
    assert site.asked[-1][0] == "/?token=hush"


@pytest.mark.parametrize(
    ("path", "more", "said"),
    [
        ("/missing", {}, "/missing answers with status 404, and 200 is expected"),
        ("/", {"contains": "Welcome"}, "the expected text is not in the answer of "),
        ("/broken", {"lacks": "Internal error"}, "the text that must not be there is in the answer of "),
        ("/long", {"contains": "Sign in", "at_most": 4096}, "the expected text is not in the first 4.0 KiB of the answer of "),
        ("/long", {"lacks": "Internal error", "at_most": 4096}, "is all that was read, so nobody knows what the rest holds"),
        ("/halfway", {}, "the answer stopped halfway"),
        ("/here", {}, "answers with status 302, a redirect, which is followed only to hosts that `follow` names, and 200 is expected"),
        ("/here", {"follow": ("elsewhere.example",)}, "redirects to a host that `follow` does not name"),
        ("/round", {"follow": ("127.0.0.1",)}, "leads on and on: more than 5 redirects"),
        ("/nowhere", {"follow": ("127.0.0.1",)}, "redirects to what is no web address"),
    ],
)
def test_what_is_wrong_with_a_page_is_said_without_the_page(
    context: CheckContext, site: Web, path: str, more: dict[str, Any], said: str
) -> None:
    """Promise 7: a page may show a client, so of its words none is repeated."""
    result = page(context, site, path, **more)
    assert (result.passed, result.examined, len(result.differences)) == (False, 1, 1)
    assert said in result.summary
    assert not [word for word in (CLIENT, "row 7", "xxx", "passwd") if word in str(result.to_facts())]


def test_a_text_is_read_in_the_pages_own_letters(context: CheckContext, site: Web) -> None:
    """And in UTF-8 where the page names letters that nobody knows."""
    assert page(context, site, "/latin", contains="für Gäste").passed
    assert page(context, site, "/odd", contains="fine").passed
    assert all(page(context, site, f"/odd/{charset}", contains="fine").passed for charset in ODD)


def test_a_name_that_no_certificate_can_bear_is_a_finding(context: CheckContext, site: Web) -> None:
    """What a resolver or TLS cannot take is said, as any other wrong name."""
    found = tls_expiry.CHECK.probe(tls_expiry.Params(host="127.0.0.1", port=site.port, name="a..b"), context.asked())
    assert not found.passed
    assert "'a..b' is no name that a certificate can bear" in found.summary


def test_a_redirect_is_followed_where_the_runbook_says_so(context: CheckContext, site: Web) -> None:
    """The twin of the refusals above: named, it is followed; and an expected redirect is an answer like any other."""
    assert page(context, site, "/here", contains="Sign in", follow=("127.0.0.1",)).passed
    assert page(context, site, "/here", status=302).passed


def test_the_environments_proxy_is_not_used(site: Web) -> None:
    """Nobody but who is named is spoken with."""
    code = (
        "import sys\nfrom dr.checks import http_answers\nfrom tests.support.proof_restored import CheckContext\n"
        "result = http_answers.CHECK.probe(http_answers.Params(url=sys.argv[1]), CheckContext().asked())\n"
        "sys.exit(0 if result.passed else 1)"
    )
    with web({}) as proxy:
        named = dict.fromkeys(("http_proxy", "HTTP_PROXY", "all_proxy"), f"http://127.0.0.1:{proxy.port}")
        done = subprocess.run(
            [sys.executable, "-c", code, f"http://127.0.0.1:{site.port}/"], env={**os.environ, **named}, cwd=ROOT, check=False
        )
    assert (done.returncode, proxy.asked) == (0, [])


def test_a_secret_is_sent_to_its_own_host_and_to_no_other(context: CheckContext, tmp_path: Path) -> None:
    """A redirect to another port takes the page along, not the password."""
    context.secrets = {"the file keys/web": "Bearer hush"}
    chain = issued(tmp_path, "localhost")
    with web({"/after": Page("in")}, certificate=chain) as other:
        onward = Page(status=302, headers={"Location": f"https://localhost:{other.port}/after"})
        with web({"/": onward}, certificate=chain) as first:
            result = ask(
                context,
                f"https://localhost:{first.port}/",
                authorization=SecretRef(file="keys/web"),
                ca="ca.pem",
                follow=("localhost",),
                contains="in",
            )
    assert result.passed, result.summary
    assert first.asked[0][1]["Authorization"] == "Bearer hush"
    assert "Authorization" not in other.asked[0][1]
    assert "hush" not in str(result.to_facts())


def test_a_secret_that_would_break_the_request_is_refused(context: CheckContext) -> None:
    """A line break in it would be a header of its own."""
    context.secrets = {"the file keys/web": "Bearer a\r\nHost: elsewhere"}
    with pytest.raises(Refused, match="cannot be sent as an Authorization header"):
        ask(context, f"http://127.0.0.1:{free_port()}/", authorization=SecretRef(file="keys/web"))


def test_a_restored_application_is_asked_where_it_came_up(context: CheckContext, tmp_path: Path) -> None:
    """`connect`: the address and the certificate's name are production's, the machine is the standby."""
    with web({"/": Page("in")}, certificate=issued(tmp_path, "portal.example.org")) as standby:
        url = f"https://portal.example.org:{standby.port}/"
        assert ask(context, url, connect="127.0.0.1", ca="ca.pem").passed
        assert standby.asked[0][1]["Host"] == f"portal.example.org:{standby.port}"
        assert "is for another name than other.example.org" in (
            ask(context, url.replace("portal", "other"), connect="127.0.0.1", ca="ca.pem").summary
        )


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("ftp://example.org/", "this is no web address"),
        ("https://", "this is no web address"),
        ("https://example.org:99999/", "this is no web address"),
        ("https://ann:hush@example.org/", "a web address bears no password here"),
        ("https://example.org/\r\nHost: elsewhere", "plain characters only"),
        ("https://exämple.org/", "plain characters only"),
    ],
)
def test_what_is_no_plain_web_address_is_refused_before_anything_runs(url: str, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        http_answers.Params(url=url)


def test_a_password_is_not_sent_in_clear() -> None:
    with pytest.raises(ValidationError, match="would go over the network in clear"):
        http_answers.Params(url="http://example.org/", authorization=SecretRef(file="keys/web"))


# ---------------------------------------------------------------- deadlines


def silent(_link: socket.socket, over: threading.Event) -> None:
    over.wait(20)


def dripping(link: socket.socket, over: threading.Event) -> None:
    """A byte now and then, for ever: each by itself comes in time."""
    link.sendall(b"HTTP/1.1 200 OK\r\nX: ")
    while not over.wait(0.02):
        link.sendall(b"x")


def endless(link: socket.socket, over: threading.Event) -> None:
    link.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while not over.is_set():
        link.sendall(b"Sign in " * 8192)


@pytest.mark.parametrize("behave", [silent, dripping])
def test_one_who_does_not_come_to_an_end_is_given_up(context: CheckContext, behave: Any) -> None:
    """In time, however it spins it out."""
    with rude(behave) as port:
        result = ask(context, f"http://127.0.0.1:{port}/", timeout=0.3)
    assert f"127.0.0.1:{port} did not answer within 300 ms" in result.summary


def test_a_handshake_that_hangs_is_given_up(context: CheckContext) -> None:
    with rude(silent) as port:
        result = tls_expiry.CHECK.probe(tls_expiry.Params(host="127.0.0.1", port=port, timeout=Seconds(0.3)), context.asked())
    assert f"127.0.0.1:{port} did not answer within 300 ms" in result.summary


def test_an_endless_answer_is_read_up_to_the_limit(context: CheckContext) -> None:
    with rude(endless) as port:
        result = ask(context, f"http://127.0.0.1:{port}/", contains="Sign in", at_most=65536)
    assert (result.passed, result.details["bytes"]) == (True, 65536)


def test_a_step_that_is_stopped_waits_for_nobody(context: CheckContext) -> None:
    """A cancelled run ends at once, though the other side never would."""

    def told(_link: socket.socket, over: threading.Event) -> None:
        context.stop.set()
        over.wait(20)

    with rude(told) as port, pytest.raises(Stopped):
        ask(context, f"http://127.0.0.1:{port}/", timeout=500)


def test_what_does_not_speak_http_is_said_to_be_none(context: CheckContext) -> None:
    with rude(lambda link, _over: link.sendall(b"SSH-2.0-OpenSSH_9\r\n")) as port:
        assert "did not answer in HTTP" in ask(context, f"http://127.0.0.1:{port}/").summary


# ---------------------------------------------------------------- tcp-answers


def test_a_port_where_nothing_listens_and_a_name_that_nobody_knows_are_named(context: CheckContext) -> None:
    port = free_port()
    closed = tcp_answers.CHECK.probe(tcp_answers.Params(host="127.0.0.1", port=port), context.asked())
    unknown = tcp_answers.CHECK.probe(tcp_answers.Params(host="no-such-host.invalid", port=port), context.asked())
    assert closed.summary.startswith(f"nothing listens at 127.0.0.1:{port}")
    assert unknown.summary.startswith("the name 'no-such-host.invalid' is not known")
    assert (closed.passed, closed.user_level, unknown.passed) == (False, False, False)


# ---------------------------------------------------------------- tls-expiry


@pytest.mark.parametrize(
    ("names", "made", "ca", "said"),
    [
        (["localhost"], {"until": timedelta(days=-1), "since": -9 * DAY}, "ca.pem", "its certificate has expired"),
        (["localhost"], {"since": timedelta(days=2)}, "ca.pem", "its certificate is not valid yet"),
        (["elsewhere.example"], {}, "ca.pem", "its certificate is for another name than localhost"),
        (["localhost"], {"self_signed": True}, "ca.pem", "its certificate is self-signed"),
        (["localhost"], {}, None, "issued by an authority that is not believed"),
        (["localhost"], {"by": authority("A Stranger")}, "ca.pem", "issued by an authority that is not believed"),
        (["localhost"], {"until": 20 * DAY}, "ca.pem", "more, and it should be 21 d at least"),
    ],
)
def test_what_is_wrong_with_a_certificate_is_named(
    context: CheckContext, tmp_path: Path, names: list[str], made: dict[str, Any], ca: str | None, said: str
) -> None:
    """By its kind, each with what to do; https asks the same questions but for how long it is good still."""
    with web({"/": Page("in")}, certificate=issued(tmp_path, *names, **made)) as server:
        result = tls_expiry.CHECK.probe(tls_expiry.Params(host="localhost", port=server.port, ca=ca), context.asked())
        asked_by_http = ask(context, f"https://localhost:{server.port}/", ca=ca)
    assert said in result.summary
    assert result.summary.endswith(")"), "a hint"
    assert (said in asked_by_http.summary) == ("at least" not in said)
    assert asked_by_http.passed == ("at least" in said)


@pytest.mark.positive_control
def test_without_verification_the_same_certificate_would_pass(tmp_path: Path) -> None:
    """The twin: the server does answer; it is the verification that refuses it."""
    with web({"/": Page("in")}, certificate=issued(tmp_path, "localhost", self_signed=True)) as server:
        credulous = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        credulous.check_hostname, credulous.verify_mode = False, ssl.CERT_NONE
        with socket.create_connection(("127.0.0.1", server.port)) as link, credulous.wrap_socket(link) as session:
            session.sendall(b"GET / HTTP/1.0\r\n\r\n")
            assert b"200" in session.recv(100)


def test_a_good_certificate_is_recorded_by_its_end_and_digest(context: CheckContext, tmp_path: Path) -> None:
    with web({}, certificate=issued(tmp_path, "localhost")) as server:
        params = tls_expiry.Params(host="127.0.0.1", port=server.port, name="localhost", ca="ca.pem")
        result = tls_expiry.CHECK.probe(params, context.asked())
    assert result.passed, result.summary
    assert len(result.details["certificate"]) == 64


def test_a_server_without_tls_and_a_file_without_a_certificate_are_named(context: CheckContext, tmp_path: Path, site: Web) -> None:
    (tmp_path / "text.pem").write_text("no certificate")
    plain = tls_expiry.CHECK.probe(tls_expiry.Params(host="127.0.0.1", port=site.port), context.asked())
    assert "does not speak TLS" in plain.summary
    for name, said in (("text.pem", "holds no certificate"), ("missing.pem", "no such file or directory")):
        with pytest.raises(Refused, match=said):
            tls_expiry.CHECK.probe(tls_expiry.Params(host="127.0.0.1", port=site.port, ca=name), context.asked())
