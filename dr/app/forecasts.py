"""How long it would take to be back, for whoever looks at the status: from what is on record now, the last drill included."""

from dr.actions.forecast import Params, foresee
from dr.clock import Clock
from dr.model.base import SystemName
from dr.model.forecast import TierForecast
from dr.model.inventory import Inventory
from dr.model.ports import Records


def forecasts(system: SystemName, inventory: Inventory, records: Records, clock: Clock) -> tuple[TierForecast, ...]:
    """For the newest set, per tier with an objective; nothing where no set is on record."""
    return foresee(Params(system=system), inventory, records, clock.now()) or ()
