"""One message through one channel. A channel is an Apprise URL, which bears credentials: it and the provider's words stay in here.

Success is only what the provider confirmed for every target of the URL: a part, a time-out, a URL that nothing can be made of are
failures (Apprise: `add` of a bad URL only returns False; PARTIAL, TIMEOUT and NOMATCH are results of their own).
"""

import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dr.model.record import Severity
from dr.notify.wording import Wording, html

if TYPE_CHECKING:
    from apprise import Apprise, NotifyFormat
    from apprise.result import AppriseResultStatus

SEND_SECONDS = 30.0
"""A provider that takes longer than this has not confirmed; the message may still arrive."""
_SHORT_BODY = 640
"""A channel whose messages may be no longer than so many letters is one of a telephone."""
_SYSLOG = "/dev/log"
_UNCONFIRMED = "handed over; a syslog confirms nothing"
_SCHEME = re.compile(r"^([a-z][a-z0-9+.-]{0,19})://", re.IGNORECASE)

_TROUBLE = re.compile(r"^(Socket|IRC) Exception|error|fail|refused|could not be delivered", re.IGNORECASE)
"""The lines that are looked at: others repeat the message itself."""
_CAUSES = (
    (
        re.compile(r"\(53[0458], |Unauthori[sz]ed|Forbidden|error=40[13]\b|authentication|Password incorrect", re.I),
        "the provider refused the login",
    ),
    (re.compile(r"certificate|SSL|TLS", re.I), "no safe connection: its certificate was not accepted, or it offers no encryption"),
    (re.compile(r"timed out|timeout", re.I), "the provider did not answer in time"),
    (
        re.compile(r"Connection aborted|RemoteDisconnected|Errno (32|104)\]|unexpectedly closed|Connection lost", re.I),
        "the connection broke off before the provider confirmed; it may have arrived",
    ),
    (
        re.compile(r"Errno (-\d+|101|11[0-3])\]|Connection refused|Name or service|getaddrinfo|unreachable|Failed to resolve", re.I),
        "the provider could not be reached",
    ),
    (re.compile(r"MQTT message could not be delivered", re.I), "the broker did not confirm it; it takes none where the login is wrong"),
    (re.compile(r"\((4\d\d|5\d\d), |Recipients? ?Refused|error=[45]\d\d\b", re.I), "the provider refused the message"),
)


@dataclass(frozen=True)
class Sent:
    """Whether every target of the channel confirmed, and if not, why: in our own words, since a provider's may quote the URL."""

    delivered: bool
    detail: str = ""


def scheme_of(url: str) -> str:
    """`mailto`, `ntfy`, ...: all of a channel that may be recorded."""
    found = _SCHEME.match(url.strip())
    return found[1].lower() if found else "unknown"


def send(url: str, subject: str, body: str, *, severity: Severity = "info", timeout: float = SEND_SECONDS) -> Sent:
    """A plain text; see `send_worded`."""
    return send_worded(url, Wording(subject, body), severity=severity, timeout=timeout)


def send_worded(url: str, message: Wording, *, severity: Severity = "info", good: bool = False, timeout: float = SEND_SECONDS) -> Sent:
    """In the form that the channel shows best. Never raises for what the channel does; a failure is a result. `severity`: what receivers
    colour and route by; `good`: whatever it is, something is well again."""
    import apprise
    from apprise.result import AppriseResultStatus

    _quiet()
    try:
        channel = apprise.Apprise(asset=apprise.AppriseAsset(app_id="dr", app_desc="disaster recovery", secure_logging=True))
        if not channel.add(url.strip()) or not len(channel):
            return Sent(False, "this is no URL of a channel that can be used")
        alarms = {"critical": apprise.NotifyType.FAILURE, "warning": apprise.NotifyType.WARNING}
        kind = apprise.NotifyType.SUCCESS if good else alarms.get(severity, apprise.NotifyType.INFO)
        for service in channel:
            _want_receipt(service)
        subject, body, form = _shown(channel, message)
        result = channel.notify(title=subject, body=body, notify_type=kind, body_format=form, timeout=timeout, log_level=logging.DEBUG)
    except Exception as error:  # noqa: BLE001  a plug-in's bug must not keep the next channel from being tried
        return Sent(False, f"the channel's own program failed ({type(error).__name__})")
    if (lost := _no_daemon(url)) is not None:
        return lost
    if result.status == AppriseResultStatus.FAILURE:
        return Sent(False, _cause(str(entry.message) for service in result for attempt in service for entry in attempt.logs))
    sent = _outcome(result.status, timeout)
    return Sent(True, _UNCONFIRMED) if sent.delivered and scheme_of(url) in ("syslog", "rsyslog") else sent


def _shown(channel: "Apprise", message: Wording) -> tuple[str, str, "NotifyFormat"]:
    """Title, body and how it is written: for a telephone's short messages, for mail, for what shows Markdown, for the rest."""
    from apprise import NotifyFormat

    services = list(channel)
    if message.short and any(0 < service.body_maxlen <= _SHORT_BODY for service in services):
        return "", message.short, NotifyFormat.TEXT
    if message.markdown is None:
        return message.subject, message.text, NotifyFormat.TEXT
    shown = {service.resolve_format() for service in services}
    if shown == {NotifyFormat.HTML}:
        return message.subject, html(message.markdown), NotifyFormat.HTML
    if shown == {NotifyFormat.MARKDOWN}:
        return message.subject, message.markdown, NotifyFormat.MARKDOWN
    return message.subject, message.text, NotifyFormat.TEXT


def _want_receipt(service: object) -> None:
    """An MQTT message of quality 0 counts as published once it is in the socket, whoever is at the other end; from 1 on the broker
    confirms each."""
    if getattr(service, "qos", None) == 0:
        service.qos = 1  # type: ignore[attr-defined]


def _no_daemon(url: str) -> Sent | None:
    """The system's own call for a log entry never fails: without a daemon it goes nowhere."""
    if scheme_of(url) != "syslog" or Path(_SYSLOG).exists():
        return None
    return Sent(False, "this machine has no syslog daemon")


def _cause(lines: Iterable[str]) -> str:
    """In fixed words: the provider's own are looked at here, and go nowhere."""
    said = "\n".join(line for line in lines if _TROUBLE.search(line))
    return next((words for pattern, words in _CAUSES if pattern.search(said)), "the provider refused it or did not answer")


def _outcome(status: "AppriseResultStatus", timeout: float) -> Sent:
    from apprise.result import AppriseResultStatus as Status

    words = {
        Status.FAILURE: "the provider refused it or did not answer",
        Status.PARTIAL: "it reached only some of the channel's targets",
        Status.NOMATCH: "the channel has no target",
        Status.TIMEOUT: f"the provider did not confirm within {timeout:g} s; it may still arrive",
    }
    return Sent(True) if status == Status.SUCCESS else Sent(False, words.get(status, "the provider's answer is unknown"))


def _quiet() -> None:
    """Apprise's log lines can hold addresses and headers with credentials: none of them may reach a handler of ours."""
    log = logging.getLogger("apprise")
    log.propagate = False
    log.setLevel(logging.DEBUG)  # captured for `_cause`, and shown to nobody
    if not log.handlers:
        log.addHandler(logging.NullHandler())
