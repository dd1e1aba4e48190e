"""The long work of one unit: begun once, also where the controller's next process asks for it again, which is given what comes of it."""

import hashlib
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from dr.app.agent.answers import LONG_WORK
from dr.app.agent.caller import Caller
from dr.errors import Unreachable
from dr.model.base import JsonObject, SetId

_LOAD = "bring"
_ALONE = frozenset({"scrub", "replay", "enter-service", "accept"})
"""Questions that are not answered beside work that a process before the one that asks had begun."""


@dataclass
class _Work:
    verb: str
    caller: Caller
    owner: object
    """Whose question it answers now."""
    over: threading.Event = field(default_factory=threading.Event)
    reply: JsonObject | None = None
    error: BaseException | None = None


class Works:
    """`end`: what ends the unit."""

    def __init__(self, end: Callable[[], None]) -> None:
        self._end = end
        self._lock = threading.Lock()
        self._works: dict[str, _Work] = {}
        self._set: SetId | None = None
        self.root: int | None = None
        """The standby's folder, locked."""

    @property
    def goes_on(self) -> bool:
        """Whether there is something that the controller's next process can take up: nothing of it broke, and no bytes are under way."""
        with self._lock:
            works = list(self._works.values())
        return bool(works) and not any(one.error or (one.caller.streaming and not one.over.is_set()) for one in works)

    def loaded_before(self, owner: object) -> bool:
        """Whether a process before this one had begun to load what `owner` would: it lies there, and is not removed."""
        with self._lock:
            return any(one.verb == _LOAD and one.owner is not owner for one in self._works.values())

    def claimed(self, owner: object, set_id: SetId) -> bool:
        """Whether what `owner` claims a place for was begun by a process before it. Raises Unreachable where another set was."""
        if self.loaded_before(owner):
            if self._set != set_id:
                self._refuse()
            return True
        self._set = set_id
        return False

    def require_own(self, owner: object) -> None:
        """Raises Unreachable, and ends all, where work is under way that `owner` has not taken up."""
        with self._lock:
            others = any(one.owner is not owner and not one.over.is_set() for one in self._works.values())
        if others:
            self._refuse()

    def _refuse(self) -> None:
        self._end()
        raise Unreachable("something else of this step was still at work there, and was ended")

    def answered(self, verb: str, args: JsonObject, caller: Caller, owner: object, answer: Callable[[], JsonObject]) -> JsonObject:
        """As `done` where it is long work; else what `answer` gives. Raises Unreachable where that must not be beside what is under way."""
        if verb in LONG_WORK:
            return self.done(verb, args, caller, owner, answer)
        if verb in _ALONE:
            self.require_own(owner)
        return answer()

    def done(self, verb: str, args: JsonObject, caller: Caller, owner: object, work: Callable[[], JsonObject]) -> JsonObject:
        """What comes of it: of what an earlier process of the controller had begun, or of `work`, begun now. Raises what it raises."""
        found = self._taken_up(_key(verb, args), verb, caller, owner, work)
        found.over.wait()
        if found.error is not None:
            raise found.error
        return found.reply or {}

    def _taken_up(self, key: str, verb: str, caller: Caller, owner: object, work: Callable[[], JsonObject]) -> _Work:
        with self._lock:
            known = self._works.get(key)
            if known is not None and known.owner is not owner:
                known.owner = owner
                known.caller.use(caller.link)
                return known
        self.require_own(owner)
        with self._lock:
            begun = self._works[key] = _Work(verb, caller, owner)
        threading.Thread(target=_do, args=(begun, work), daemon=True).start()
        return begun

    def wait(self, seconds: float) -> None:
        """Until nothing is under way."""
        until = time.monotonic() + seconds
        for one in list(self._works.values()):
            one.over.wait(max(0.0, until - time.monotonic()))


def _do(begun: _Work, work: Callable[[], JsonObject]) -> None:
    try:
        begun.reply = work()
    except BaseException as error:  # noqa: BLE001 - carried to whoever asks
        begun.error = error
    begun.over.set()


def _key(verb: str, args: JsonObject) -> str:
    """The same for what is the same work: which attempt of the step asks for it is no part of it."""
    asked = {name: value for name, value in args.items() if name != "step"}
    return hashlib.sha256(json.dumps([verb, asked], sort_keys=True).encode("utf-8")).hexdigest()
