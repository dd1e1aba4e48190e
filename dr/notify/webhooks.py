"""Which hosts a webhook may post to: a URL in a contact's file could send what a notice says to anybody."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from dr.notify.channel import scheme_of

POSTING = frozenset({"json", "jsons", "xml", "xmls", "form", "forms", "apprise", "apprises", "workflow", "workflows", "mmost", "mmosts"})
"""Apprise's schemes that post to whatever host the URL names; the others' hosts are their providers' own, or servers that log in."""


def forbidden(url: str, hosts: Sequence[str] | None) -> str:
    """Why it may not be sent there, in words that name no part of the URL but its kind; empty where it may."""
    scheme = scheme_of(url)
    if hosts is None or scheme not in POSTING or _allowed(url, hosts):
        return ""
    return f"a {scheme} channel may not post to that host: it is not in `notices: webhooks`"


def provider_of(url: str) -> str:
    """What messages wait in a line for: kind and host; for nobody's ears, since a host may be a token."""
    try:
        parts = urlsplit(url.strip())
        return f"{parts.scheme}://{parts.hostname}:{parts.port}"
    except ValueError:
        return url


def _allowed(url: str, hosts: Sequence[str]) -> bool:
    try:
        parts = urlsplit(url.strip())
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return False
    return any(_is(host, port, allowed.lower()) for allowed in hosts)


def _is(host: str, port: int | None, allowed: str) -> bool:
    name, _, wanted = allowed.partition(":")
    if wanted and wanted != str(port or ""):
        return False
    return host.endswith(name[1:]) and host != name[2:] if name.startswith("*.") else host == name
