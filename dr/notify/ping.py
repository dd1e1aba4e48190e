"""A dead man's switch: a URL that is told when a run passed, so that somebody else notices when it is told nothing.

The form is Healthchecks' (https://healthchecks.io/docs/http_api/): the URL alone for success, `/fail` after it for failure. What is sent
says how a run ended and nothing else. The URL is a secret: whoever has it can keep an alarm silent. No redirect is followed: the page of a
login or a hotel that answers 200 is no watch that was told.
"""

import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from urllib.parse import urlsplit, urlunsplit

from dr.errors import ConfigError, Unreachable

TIMEOUT = 10.0
"""Seconds that one attempt may take."""
WAITS = (1.0, 5.0)
"""Seconds between attempts."""


def ping(url: str, *, passed: bool, words: str, timeout: float = TIMEOUT, waits: Sequence[float] = WAITS) -> None:
    """Tell it. Raises ConfigError for what is no http(s) URL, Unreachable when no attempt was answered with a 2xx."""
    target = _target(url, passed)
    request = urllib.request.Request(target, data=words.encode(), method="POST", headers={"User-Agent": "dr"})  # noqa: S310  looked at
    for wait in (*waits, None):
        problem = _send(request, timeout)
        if problem is None:
            return
        if wait is None:
            hint = "is its URL still right, and the network there?"
            raise Unreachable(f"the ping of {urlsplit(url).hostname} failed: {problem}", hint=hint)
        time.sleep(wait)


def _target(url: str, passed: bool) -> str:
    hint = "for example https://hc-ping.com/UUID"
    try:
        parts = urlsplit(url)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fine = False
    if not fine or not url.isascii() or not url.isprintable() or " " in url:
        raise ConfigError("a ping's URL must be one line of plain characters that begins with https:// or http://", hint=hint)
    if "@" in parts.netloc:
        raise ConfigError("a ping's URL can bear no name and password", hint=f"{hint}: the path itself is the secret")
    return urlunsplit(parts if passed else parts._replace(path=parts.path.rstrip("/") + "/fail"))


def _send(request: urllib.request.Request, timeout: float) -> str | None:
    """What went wrong, without the URL; None if nothing did."""
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=timeout):
            return None
    except urllib.error.HTTPError as error:
        return f"answered {error.code}"
    except urllib.error.URLError as error:
        return str(error.reason) if not isinstance(error.reason, OSError) else (error.reason.strerror or type(error.reason).__name__)
    except OSError as error:
        return error.strerror or type(error).__name__
    except (http.client.HTTPException, ValueError) as error:  # its words may quote the URL, or what was answered
        return f"no answer in HTTP ({type(error).__name__})"


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """Nowhere: the answer stays an error of its own status."""
