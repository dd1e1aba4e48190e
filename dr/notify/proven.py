"""Which channels are proven: somebody acknowledged what came by them. A channel is known by a keyed digest of its address, so that a new
address is a new channel."""

import hashlib
import hmac
import json
from collections.abc import Sequence
from datetime import datetime

from dr.model.ports.records import Records

_SETTING = "contact.proven:"


def address_of(url: str, key: bytes) -> str:
    return hmac.new(key, b"dr channel\0" + url.strip().encode(), hashlib.sha256).hexdigest()[:32]


def prove(records: Records, contact: str, address: str, at: datetime) -> None:
    """The newest counts; only the addresses that were proven lately are kept."""
    if not address:
        return
    kept = {**_kept(records, contact), address: at.isoformat()}
    newest = sorted(kept.items(), key=lambda item: item[1])[-20:]
    records.set_setting(_SETTING + contact, json.dumps(dict(newest)))


def proven(records: Records, contact: str, addresses: Sequence[str]) -> list[datetime | None]:
    """When each of these was last proven."""
    kept = _kept(records, contact)
    return [datetime.fromisoformat(kept[address]) if address in kept else None for address in addresses]


def _kept(records: Records, contact: str) -> dict[str, str]:
    found: dict[str, str] = json.loads(records.setting(_SETTING + contact) or "{}")
    return found
