"""Schedules: does anything start them, and is one overdue."""

from collections.abc import Iterator

from dr.app.home import App
from dr.app.keys import Line
from dr.app.schedule import LATE, look, scheduled
from dr.app.schedule_install import CRON, default_folder, found
from dr.policy.words import spoken

_INSTALL = "dr schedule install"


def timers(app: App) -> Iterator[Line]:
    """Each system's nightly and drills have a schedule, timers are there, nothing is overdue."""
    for name, system in app.inventory.systems.items():
        named = [system.runbooks.nightly, *system.runbooks.drill.values()]
        for runbook in (one for one in named if one is not None and not app.runbooks[one].schedule):
            yield Line("amber", f"'{runbook}' of {name} has no schedule", f"write schedule: '0 1 * * *' into runbooks/{runbook}.yaml")
    having = scheduled(app)
    if not having:
        return
    installed = found(app, [default_folder(), CRON])
    if installed:
        yield Line("green", f"{len(installed)} timer(s) of this home are installed")
    elif any(look(app, name).claim for name in having):
        yield Line("amber", "no timer of this home is in the usual places, but something has looked what is due", _INSTALL)
    else:
        yield Line("red", f"nothing starts {', '.join(having)}: no timer of this home is installed here", _INSTALL)
    for name in having:
        seen = look(app, name)
        if seen.running:
            yield Line("green", f"{name} is running: {seen.running}")
        elif seen.due.state == "due" and seen.due.late > LATE:
            yield Line("red", f"{name} due since {spoken(seen.due.late)}, was not begun", "dr schedule run --due; is the timer enabled?")
