"""One message through one channel. A channel is an Apprise URL, which bears credentials: it and the provider's words stay in here.

Success is only what the provider confirmed for every target of the URL: a part, a time-out, a URL that nothing can be made of are
failures (Apprise: `add` of a bad URL only returns False; PARTIAL, TIMEOUT and NOMATCH are results of their own).
"""

import logging
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apprise.result import AppriseResultStatus

SEND_SECONDS = 30.0
"""A provider that takes longer than this has not confirmed; the message may still arrive."""
_SCHEME = re.compile(r"^([a-z][a-z0-9+.-]{0,19})://", re.IGNORECASE)


@dataclass(frozen=True)
class Sent:
    """Whether every target of the channel confirmed, and if not, why: in our own words, since a provider's may quote the URL."""

    delivered: bool
    detail: str = ""


def scheme_of(url: str) -> str:
    """`mailto`, `ntfy`, ...: all of a channel that may be recorded."""
    found = _SCHEME.match(url.strip())
    return found[1].lower() if found else "unknown"


def send(url: str, subject: str, body: str, *, timeout: float = SEND_SECONDS) -> Sent:
    """Never raises for what the channel does; a failure is a result."""
    import apprise

    _quiet()
    try:
        channel = apprise.Apprise(asset=apprise.AppriseAsset(app_id="dr", app_desc="disaster recovery", secure_logging=True))
        if not channel.add(url.strip()) or not len(channel):
            return Sent(False, "this is no URL of a channel that can be used")
        result = channel.notify(title=subject, body=body, body_format=apprise.NotifyFormat.TEXT, timeout=timeout)
    except Exception as error:  # noqa: BLE001  a plug-in's bug must not keep the next channel from being tried
        return Sent(False, f"the channel's own program failed ({type(error).__name__})")
    return _outcome(result.status, timeout)


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
    if not log.handlers:
        log.addHandler(logging.NullHandler())
