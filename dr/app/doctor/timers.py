"""Schedules: does anything start them, and is one overdue."""

from collections.abc import Iterator

from dr.app.home import App
from dr.app.keys import Line
from dr.app.redundancy import unwatched
from dr.app.schedule import LATE, look, scheduled
from dr.app.schedule_install import BOOTED
from dr.app.schedule_there import crontab, found, in_crontab, usual, wrong
from dr.policy.words import spoken

_INSTALL = "dr schedule install"


def timers(app: App) -> Iterator[Line]:
    """Each system's nightly and drills have a schedule, timers are there, nothing is overdue."""
    for name, system in app.inventory.systems.items():
        named = [system.runbooks.nightly, *system.runbooks.drill.values()]
        for runbook in (one for one in named if one is not None and not app.runbooks[one].schedule):
            yield Line("amber", f"'{runbook}' of {name} has no schedule", f"write schedule: '0 1 * * *' into runbooks/{runbook}.yaml")
    yield from (Line("amber", "inventory/redundancy.yaml names what nobody looks at", why) for why in [unwatched(app)] if why)
    having = scheduled(app)
    if not having:
        return
    looks = [look(app, name) for name in having]
    installed = found(app, usual(app))
    bad = list(wrong(app, installed, booted=BOOTED.is_dir()))
    yield from (Line("red" if one.grave else "amber", one.what, one.hint) for one in bad)
    if installed and not bad:
        yield Line("green", f"{len(installed)} timer(s) of this home are installed")
    elif installed:
        pass
    elif in_crontab(crontab(), app.home):
        yield Line("green", "a line of your crontab looks for what is due")
    elif any(seen.claim and seen.claim.run for seen in looks):
        yield Line("amber", "no timer of this home is in the usual places, but something has begun what was due", _INSTALL)
    else:
        yield Line("red", f"nothing starts {', '.join(having)}: no timer of this home is installed here", _INSTALL)
    for seen in looks:
        if seen.running and seen.broken_off:
            yield Line("amber", f"{seen.running} was broken off, and nobody carries it", "dr schedule run --due, or dr runs resume")
        elif seen.running:
            yield Line("green", f"{seen.runbook} is running: {seen.running}")
        elif seen.due.state == "due" and seen.due.late > LATE:
            yield Line(
                "red", f"{seen.runbook} due since {spoken(seen.due.late)}, was not begun", "dr schedule run --due; is the timer enabled?"
            )
