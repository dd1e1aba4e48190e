"""A home as `dr init` makes it, every channel of which is one receiver, and what came there."""

from pathlib import Path

from dr.app import init_home
from tests.support.main_job import KILLED, Home

PEOPLE = ("system-administrator", "help-desk-lead", "executive-director", "green-bay-lead", "eau-claire-lead")
"""The contacts of the example organisation."""
Seen = list[dict[str, str]]


def told_home(path: Path, url: str) -> Home:
    """`url`: the receiver. Its repositories are not made yet."""
    init_home(str(path), "Harbor", "America/Chicago")
    for name, text in (("production-postgres.password", "x"), *((f"notify-{contact}.url", url) for contact in PEOPLE)):
        file = path / "keys" / name
        file.write_text(text + "\n")
        file.chmod(0o600)
    return Home(path)


def kill(home: Home, point: str, *words: str) -> None:
    """The command, whose process ends at that point."""
    home.dr(*words, env={"DR_FAILPOINT": point}, expect=KILLED)


def came(seen: Seen, words: str) -> list[str]:
    """Titles with these words, but for those that say that they are a repeat."""
    return [one["title"] for one in seen if words in one["title"] and "(repeat)" not in one["title"]]
