"""Who tells, over a real ledger: the notifier of runs and the post, with the secrets of channels handed in."""

from collections.abc import Callable

from dr.catalog.catalog import Catalog
from dr.clock import Clock
from dr.model.base import JsonObject
from dr.model.inventory import Inventory, SecretRef
from dr.model.ports import Ledger, StepContext
from dr.notify.carrier import WORKERS, Carrier, Teller, send_form
from dr.notify.codes import Codes
from dr.notify.ledger import LedgerNotifier
from dr.notify.post import LedgerPost

KEY = b"k" * 32


def carrier_of(
    inventory: Inventory,
    catalog: Catalog,
    clock: Clock,
    secret: Callable[[SecretRef], str],
    *,
    teller: Teller = send_form,
    workers: int = WORKERS,
    codes: Codes | None = None,
) -> Carrier:
    return Carrier(inventory, catalog, clock, secret, codes=codes or Codes(catalog, lambda: KEY), teller=teller, workers=workers)


def notifier_of(
    inventory: Inventory,
    catalog: Catalog,
    clock: Clock,
    secret: Callable[[SecretRef], str],
    after_send: Callable[[StepContext], None] = lambda _ctx: None,
    *,
    workers: int = WORKERS,
) -> LedgerNotifier:
    return LedgerNotifier(inventory, catalog, clock, carrier_of(inventory, catalog, clock, secret, workers=workers), after_send=after_send)


def post_of(inventory: Inventory, catalog: Ledger, clock: Clock, carrier: Carrier) -> LedgerPost:
    def audit(event: str, subject: str, facts: JsonObject) -> None:
        catalog.audit(event, subject, facts, actor="tester", at=clock.now())

    return LedgerPost(inventory, catalog, clock, carrier, audit)
