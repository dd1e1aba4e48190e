"""How a command about an outage asks before it tells people, and what it says and prints when it has."""

from typing import TYPE_CHECKING

from dr.cli.asking import require_yes
from dr.cli.enduring import opened
from dr.cli.outage_shown import acted, again, changed, next_lines
from dr.cli.show import print_drawn, print_json, say, screen, wrapped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dr.app import App
    from dr.app.outages import Done
    from dr.cli.show import Drawn
    from dr.model.outage import Outage, OutageSeverity, OutageState

_UNREACHED = 5
"""Exit code where it is on record, and nobody at all could be told."""


def ask(app: "App", severity: "OutageSeverity", about: str, *, yes: bool, exercise: bool = False) -> None:
    """Who would be told; then whether to. An exercise is called one before anything else."""
    from dr.app.outage_seen import who_is_told

    if yes:
        return
    mark = "EXERCISE. " if exercise else ""
    for line in wrapped(f"{mark}Told at once: {who_is_told(app, severity)}.", screen(), first="", rest="  "):
        say(line)
    require_yes(question(about, exercise=exercise), "nothing was declared")


def question(about: str, *, exercise: bool) -> str:
    return f"EXERCISE: play that {about} is out, and tell people so?" if exercise else f"Declare that {about} is out, and tell people?"


def close(home: str | None, verb: str, named: str | None, state: "OutageState", text: str, as_json: bool) -> None:
    """`resolve`, `review`, `dismiss`."""
    from dr.app.outages import desk, pick, words

    app = opened(home, f"outage {verb}")
    one = pick(app, named, state, newest=True)
    act = getattr(desk(app, verb), verb)
    end(app, act(one.id, words("--text", text)), as_json)


def end(app: "App", done: "Done", as_json: bool) -> None:
    """What was done, who was reached, what to type next."""
    from dr.app.outage_seen import reached, what_now

    found = reached(app, done.notices)
    if as_json:
        print_json({**facts(app, done.outage), "again": done.again})
    else:
        print_drawn(_said(app, done))
        print_drawn(next_lines(what_now(app, done.outage)))
    if done.notices and not any(one.reached for one in found.people):
        raise SystemExit(_UNREACHED)


def facts(app: "App", one: "Outage") -> dict[str, object]:
    """Of one, as JSON has it."""
    entries, notices = app.records.outage_entries(one.id), app.records.outage_notices(one.id)
    return {
        "outage": one.to_facts(),
        "entries": [entry.to_facts() for entry in entries],
        "notices": [notice.model_copy(update={"body": ""}).to_facts() for notice in notices],
    }


def _said(app: "App", done: "Done") -> "Iterator[Drawn]":
    from dr.app.outage_seen import reached, seen

    draw = again if done.again else changed if done.entry.act in ("updated", "assigned", "reviewed") else acted
    zone, now = app.inventory.organisation.zone, app.clock.now()
    return draw(seen(app, done.outage, begun=done.begun), done.entry, reached(app, done.notices), zone, now, screen())
