"""What a recovery's last steps did, in words: who stays forgotten, that it is open, what is lost, where files are, what is left by hand."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from dr.clock import local
from dr.model.base import JsonObject
from dr.model.record import RunRecord
from dr.policy.recovery import loss_words


def opened(f: JsonObject, record: RunRecord, zone: str) -> list[str]:
    """In place of the clock, what is lost: it is what the people who work with it must be told."""
    where = "; ".join(f"{one['source']} at port {one['port']}, listening on {', '.join(one['listen'])}" for one in f["servers"])
    lines = [f"OPEN: host '{f['host']}' is production since {local(datetime.fromisoformat(f['since']), zone)} ({where})"]
    as_of = datetime.fromisoformat(f["as_of"]) if f.get("as_of") else record.started - timedelta(seconds=f["lost"])
    lines.append(f"LOST: {loss_words(record.started, as_of, zone, own=f.get('made_here', False))}")
    lines.append(f"its superuser has {f['login']}; every other role the one that it had")
    if f.get("late"):
        lines.append(f"asked while the recovery went on, and replayed: {_counted(f['late'])}")
    return [*lines, *_by_hand(f)]


def replayed(f: JsonObject, _: RunRecord, __: str) -> list[str]:
    """How many asked to be forgotten, or shared no longer, since the backup; never who."""
    if not f.get("declared", True):
        return [f"nothing to replay: {f['system']} declares no `suppression`, and no request is on record"]
    if not f["replayed"]:
        return ["nothing to replay: nobody asked to be forgotten since the backup"]
    return [f"replayed what was asked since the backup: {_counted(f['replayed'])}"]


def _counted(told: Sequence[JsonObject]) -> str:
    kinds, rows = [one["kind"] for one in told], sum(one["rows"] for one in told)
    touched = f"{rows:,} row{'s' * (rows != 1)} touched"
    return f"{kinds.count('erase')} to erase, {kinds.count('unshare')} to unshare; {touched}"


def swapped(f: JsonObject, _: RunRecord, __: str) -> list[str]:
    """One line a file set, and what is left of it."""
    return [*(f"file set '{one['source']}' stands at {one['place']} on {f['host']}" for one in f["swapped"]), *_by_hand(f)]


def served(f: JsonObject, _: RunRecord, __: str) -> list[str]:
    """Whether it runs, and whether it did before."""
    return [f"the service {'runs' if f['runs'] else 'is stopped'}{'' if f['ran'] != f['runs'] else ', as it did before'}"]


def _by_hand(f: JsonObject) -> list[str]:
    return [f"by hand, soon: {one}" for one in f.get("by_hand", ())]
