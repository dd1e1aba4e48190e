"""Why a provider did not take a message, in fixed words; and mail as a provider wants it: STARTTLS, then AUTH."""

import ipaddress
import logging
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from dr.actions.notify import Params, run
from dr.catalog.catalog import Catalog, open_catalog
from dr.clock import FixedClock
from dr.errors import Failed
from dr.model.backup import Copy
from dr.model.base import AudienceName, RunId, Seconds
from dr.model.ports import StepContext, Telling
from dr.model.record import Failure, Finding, RunRecord, StepRecord, StepState
from dr.notify.channel import send
from dr.policy.occasion import alarms, near_misses, recovered
from tests.support.catalog_copies import HMIS, NOW, ago, copy_at
from tests.support.catalog_mailbox import PASSWORD, USER, Mailbox, body_of, free_port, mailbox
from tests.support.catalog_runs import ToldStep, context, inventory_of, plan_of, run_at, step_of
from tests.support.notices import notifier_of

pytestmark = pytest.mark.integration


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """For 127.0.0.1, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail")])
    now = datetime.now(UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(days=1), now + timedelta(days=1))
    signed = made.add_extension(address, critical=False).sign(key, hashes.SHA256())
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    place = tmp_path / "mail.pem"
    place.write_bytes(signed.public_bytes(serialization.Encoding.PEM) + secret)
    return place


@pytest.fixture
def safe_box(certificate: Path) -> Iterator[Mailbox]:
    """Takes no login before STARTTLS, and no mail before the login."""
    box = Mailbox(free_port())

    def login(_server: object, _session: object, _envelope: object, _mechanism: str, data: object) -> AuthResult:
        right = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=right, handled=right)

    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate)
    controller = Controller(
        box, hostname="127.0.0.1", port=box.port, tls_context=tls, require_starttls=True, authenticator=login, auth_required=True
    )
    controller.start()
    yield box
    controller.stop()


def safely(url: str, more: str = "&verify=no") -> str:
    return url.replace("mailto://", "mailtos://") + "&mode=starttls" + more


def test_mail_goes_through_starttls_and_a_login(safe_box: Mailbox) -> None:
    """As every provider wants it today."""
    assert send(safely(safe_box.url("anna")), "hmis: nightly FAILED", "text").delivered
    assert safe_box.subjects("anna") == ["hmis: nightly FAILED"]


def test_a_certificate_that_is_not_believed_is_told_apart(safe_box: Mailbox) -> None:
    """No password is sent to who cannot show who he is."""
    sent = send(safely(safe_box.url("anna"), more=""), "subject", "text")
    assert (sent.delivered, sent.detail) == (False, "no safe connection: its certificate was not accepted, or it offers no encryption")
    assert safe_box.messages == []


def test_a_refused_login_is_told_apart(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    """The person mends the password, not the network; the wrong one is nowhere to be read."""
    caplog.set_level(logging.DEBUG)
    with mailbox() as box:
        sent = send(box.url("anna").replace(PASSWORD, "Wrong-Horse-9"), "subject", "text about a timeout and a certificate")
    assert (sent.delivered, sent.detail) == (False, "the provider refused the login")
    assert "Wrong-Horse-9" not in caplog.text + "".join(capfd.readouterr())


def test_nobody_there_is_told_apart() -> None:
    """The person mends the network, or the name."""
    url = f"mailto://{USER}:{PASSWORD}@127.0.0.1:{free_port()}/?from=dr@example.org&to=bob@example.org"
    assert send(url, "subject", "authentication failed").detail == "the provider could not be reached"
    unknown = f"mailto://{USER}:{PASSWORD}@mail.invalid/?from=dr@example.org&to=bob@example.org"
    assert send(unknown, "subject", "text").detail == "the provider could not be reached"


def test_silence_is_told_apart() -> None:
    """A provider that accepts the connection and says nothing may still have taken it."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"mailto://{USER}:{PASSWORD}@127.0.0.1:{silent.getsockname()[1]}/?from=dr@example.org&to=bob@example.org"
        assert "did not confirm within 0.3 s" in send(url, "subject", "text", timeout=0.3).detail


# ---------------------------------------------------------------- when there is something to tell


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    with open_catalog(tmp_path / "catalog.db", FixedClock(NOW)) as opened:
        opened.begin_run(run_at(), plan_of())
        opened.record_step(step_of(state="done"))
        yield opened


def earlier(state: str, hours: float) -> RunRecord:
    at = ago(hours=hours)
    return run_at(at, run=RunId(f"nightly-{at:%Y%m%dT%H%M%SZ}-1a2b")).model_copy(update={"state": state, "ended": at})


@pytest.mark.parametrize(
    ("states", "due"),
    [
        (["failed"], True),
        (["done"], False),
        ([], False),
        (["cancelled", "failed"], True),
        (["cancelled", "done"], False),
        (["done", "failed"], False),
    ],
)
def test_the_first_success_after_a_failure_is_told(states: list[str], due: bool) -> None:
    """People who were told of a failure are told when it is over, once; a cancelled run between says nothing."""
    runs = [earlier(state, 24.0 * (place + 1)) for place, state in enumerate(states)]
    now = run_at()
    assert recovered(now, [step_of(state="done")], [now, *runs]) is due
    assert not recovered(now, [step_of(state="failed")], [now, *runs])


def test_what_nearly_went_wrong_is_named() -> None:
    """A retry, a budget of which more than 80% is gone, a copy that is missing, a proof that is stale."""
    retried = step_of(state="done").model_copy(update={"attempt": 2})
    slow = step_of(state="done").model_copy(update={"budget": Seconds(100.0), "started": ago(minutes=2), "ended": ago(minutes=0.5)})
    lacking = Finding(key="missing-copy:hmis:vault:x", severity="critical", system=HMIS, message="the set x has no copy in vault", at=NOW)
    old = copy_at(ago(days=50), level="proven", proven_at=ago(days=40))
    found = near_misses(run_at(), [retried, slow], [old], [lacking], NOW)
    assert [words.split()[0] for words in found] == ["step", "step", "the", "the"]
    assert len(found) == 4
    assert near_misses(run_at(), [*_calm(), step_of(state="failed")], [old], [lacking], NOW) == ()
    assert near_misses(run_at(), _calm(), _fresh(), [], NOW) == ()


def _calm() -> list[StepRecord]:
    return [step_of(state="done")]


def _fresh() -> list[Copy]:
    return [copy_at(ago(hours=2), level="proven"), copy_at(ago(days=60))]


def test_a_step_with_nothing_to_tell_tells_nobody(catalog: Catalog) -> None:
    """A calm night after a calm night sends no mail, and its facts say why."""
    outcome = run(Params.from_facts({"to": "administrators", "template": "nightly-recovered", "only_after": "failure"}), context(catalog))
    assert (outcome.changed, outcome.facts["state"]) == (False, "not-due")
    assert catalog.notices() == []


def told(catalog: Catalog, url: str) -> StepContext:
    """A step whose notices go to one person by `url`."""
    notifier = notifier_of(inventory_of({"anna": ["ANNA"]}), catalog, FixedClock(NOW), lambda _: url)
    ctx = ToldStep(catalog)
    ctx.notifier, ctx.clock = notifier, FixedClock(NOW)  # type: ignore[attr-defined]
    return cast("StepContext", ctx)


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with mailbox() as opened:
        yield opened


GRAVE = "rolled-back: vault/s: it is missing without a tombstone"


def noticed(catalog: Catalog, *, state: StepState = "done", severity: str = "critical", run: RunId | None = None) -> None:
    """A run that saw something, and one step of it."""
    catalog.record_step(step_of("verify", state=state, failure=Failure(error="E", exit_code=1, message="m") if state == "failed" else None))
    facts = {"key": "damaged:hmis:vault:s", "severity": severity, "system": HMIS, "message": GRAVE, "hint": "copy it again"}
    catalog.finding(Finding.from_facts({**facts, "run": run or run_at().run, "at": NOW.isoformat()}))


ALARM = Params(to=AudienceName("administrators"), template="nightly-found", severity="critical", only_after="finding")


def test_a_run_that_went_well_but_found_something_grave_tells_it(box: Mailbox, catalog: Catalog) -> None:
    """A rollback of a set that the nightly did not ask about fails no step; somebody is told all the same, with what to do."""
    noticed(catalog)
    facts = run(ALARM, told(catalog, box.url("anna"))).facts
    assert facts["state"] == "delivered"
    assert box.subjects("anna") == ["hmis: nightly found 1 grave thing"]
    assert f"- {GRAVE}\n  HINT: copy it again\n" in body_of(box.to("anna")[0])


def test_a_rollback_that_the_same_run_mended_is_told_all_the_same() -> None:
    """The copy is there again, and yet somebody put a disk back: only a person can find out who."""
    for key in ("rolled-back:hmis", "brought-back:hmis:vault:s"):
        seen = Finding(key=key, severity="warning", system=HMIS, message=key, run=run_at().run, at=NOW)
        assert alarms(run_at(), [step_of(state="done")], [seen]) == (seen,)


def test_an_alarm_that_reaches_nobody_fails_its_step(catalog: Catalog) -> None:
    """It is no good news that may get lost."""
    noticed(catalog)
    with pytest.raises(Failed, match="was not delivered"):
        run(ALARM, told(catalog, f"mailto://127.0.0.1:{free_port()}/?from=a@example.org&to=b@example.org"))


@pytest.mark.parametrize("seen", [{"severity": "warning"}, {"run": RunId("nightly-of-yesterday")}])
def test_what_is_not_grave_or_not_seen_by_this_run_is_no_alarm(catalog: Catalog, seen: dict[str, str]) -> None:
    """What is still open but was not seen tonight was told when it was."""
    noticed(catalog, **seen)  # type: ignore[arg-type]
    assert run(ALARM, told(catalog, "nonsense")).facts["state"] == "not-due"


def test_a_failed_run_tells_both_in_one_message(box: Mailbox, catalog: Catalog) -> None:
    """The notice of the failure names what was found beside it, and then the alarm is not due: one message, no flood."""
    noticed(catalog, state="failed")
    run(Params(to=AudienceName("administrators"), template="nightly-failed"), told(catalog, box.url("anna")))
    assert f"It also found:\n- {GRAVE}\n  HINT: copy it again\n" in body_of(box.to("anna")[0])
    catalog.record_step(step_of("on-failure-1-notify", action="notify").model_copy(update={"section": "on_failure"}))
    assert run(ALARM, told(catalog, "nonsense")).facts["state"] == "not-due"


class Interrupted(ToldStep):
    """A step whose process dies before it sends anything."""

    def check_stop(self) -> None:
        raise KeyboardInterrupt


def test_a_crash_before_the_first_message_makes_no_repeat(catalog: Catalog) -> None:
    """Nobody can have had it: "(repeat)" would send a person to look for a message that never was."""
    with mailbox() as box:
        ledger = notifier_of(inventory_of({"anna": ["a"]}), catalog, FixedClock(NOW), lambda _: box.url("anna"))
        telling = Telling(to="administrators", template="nightly-failed")
        with pytest.raises(KeyboardInterrupt):
            ledger.tell(telling, cast("StepContext", Interrupted(catalog)))
        notice = ledger.tell(telling, context(catalog))
        assert box.subjects("anna") == [notice.subject]
        assert "(repeat)" not in notice.subject
