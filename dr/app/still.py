"""When a run lay still, for whoever looks at it: paused, or with nobody to carry it on."""

from dr.app.home import App
from dr.clock import local
from dr.model.record import RunRecord, Still
from dr.policy.still import stills
from dr.units import show_duration


def of_run(app: App, record: RunRecord) -> tuple[Still, ...]:
    """Up to its end, or up to now."""
    trail, steps = app.records.audit_of(record.run), app.records.steps(record.run)
    return stills(trail, steps, record.started, record.ended or app.clock.now())


def lines(app: App, record: RunRecord) -> list[str]:
    """`lay still for 2 h 03 min, from ... to ...: nobody carried it on`; nothing where it never did."""
    zone = app.inventory.organisation.zone
    return [
        f"lay still for {show_duration(one.seconds)}, from {local(one.began, zone)} to {local(one.ended, zone)}: {one.why}"
        for one in of_run(app, record)
    ]
