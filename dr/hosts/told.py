"""What another machine says of itself, before any of it is written down: it may be somebody else's by now.

What is recorded of production keeps a standby from being written to, for good, so a machine must not be able to name what it likes: a
folder that is everybody's, an address that is not its own, a time that nothing newer ever replaces.
"""

import posixpath
import re
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from pathlib import PurePosixPath

from dr.errors import Damaged, DrError, Failed, Refused
from dr.hosts.canaries import also_here, verify
from dr.hosts.postgres import HostPostgres
from dr.model.base import HostName, JsonObject, JsonValue, RunId
from dr.model.ports import ArtifactReader, Standing, StepContext
from dr.model.record import CheckResult, ProductionFacts, ScrubCertificate
from dr.units import visible

_MACHINE = re.compile(r"[0-9a-f]{32}")
_IDENTIFIER = re.compile(r"[0-9]{1,20}")


def believed(
    told: JsonObject, host: HostName, host_keys: Sequence[str], now: datetime, postgres: HostPostgres | None, folders: Collection[str]
) -> ProductionFacts:
    """The facts, under the name, host keys, address and time that are ours to say.

    `folders`: those of the inventory that may be named; one that is not absolute is below a folder of that machine's. Raises Refused.
    """
    try:
        facts = ProductionFacts.from_facts(told)
    except ValueError:
        facts = None
    wrong = "are none that dr writes" if facts is None else _wrong(facts, folders)
    if facts is None or wrong:
        raise Refused(
            f"host '{host}': the facts by which it is to be recognised {wrong}, so nothing of it is recorded",
            hint="is dr there the same version as here, and is the machine still yours?",
        )
    asked = postgres if facts.port is not None else None
    ours = {"address": asked.host if asked else None, "port": asked.port if asked else None, "recorded": now}
    return facts.model_copy(update={**ours, "host": host, "host_keys": tuple(host_keys)})


def _wrong(facts: ProductionFacts, folders: Collection[str]) -> str:
    """Empty where nothing is."""
    if any(pattern.fullmatch(said) is None for said, pattern in _said(facts)):
        return "are none that dr writes"
    if facts.data_directory is not None and not _is_place(facts.data_directory):
        return "name a data directory that is none"
    if not all(_is_own(place, folders) for place in facts.paths):
        return "name a folder that is not its source's"
    return ""


def _said(facts: ProductionFacts) -> list[tuple[str, re.Pattern[str]]]:
    both = ((facts.machine, _MACHINE), (facts.system_identifier, _IDENTIFIER))
    return [(said, pattern) for said, pattern in both if said is not None]


def _is_place(path: str) -> bool:
    """An absolute path of more than one name, with nothing to be resolved in it."""
    plain = PurePosixPath(path)
    return "\0" not in path and str(plain) == path and len(plain.parts) > 2 and path[0] == "/" != path[1] and ".." not in plain.parts


def _is_own(place: JsonObject, folders: Collection[str]) -> bool:
    path = place.get("path")
    if set(place) != {"path", "device", "inode"} or not isinstance(path, str) or path == "/" or not path.startswith("/"):
        return False
    if any(type(place[name]) is not int for name in ("device", "inode")):
        return False
    return any(_same(path, PurePosixPath(posixpath.normpath(folder))) for folder in folders)


def _same(path: str, own: PurePosixPath) -> bool:
    if own.is_absolute():
        return PurePosixPath(path) == own
    below = [part for part in own.parts if not part.startswith("~") and part != "."]
    return ".." not in below and bool(below) and list(PurePosixPath(path).parts[-len(below) :]) == below


_SKEW = timedelta(hours=1)
"""A certificate is dated by our clock, told when the connection was made and counted on: ours may have been set right meanwhile."""


def certificate(
    told: JsonObject, host: HostName, run: RunId, canaries: Sequence[bytes], standing: Standing, now: datetime
) -> ScrubCertificate:
    """What was signed for this scrub, with what is left in our own logs. Raises Failed for one that is not about what was asked, Damaged
    for one that nobody signed."""
    try:
        found = ScrubCertificate.from_facts(told)
    except ValueError:
        found = None
    if found is None or not _is_asked(found, host, run, len({canary for canary in canaries if canary}), now):
        raise Failed(
            f"host '{host}' certified something else than the scrub that it was asked for", hint="look at that machine: is it still yours?"
        )
    verify(found, standing.keys)
    return also_here(found, standing, canaries)


def _is_asked(found: ScrubCertificate, host: HostName, run: RunId, canaries: int, now: datetime) -> bool:
    """Its words are signed, so one that a terminal would not show as it is cannot be spelled otherwise, only not believed."""
    words = bool(found.searched) and all(visible(word) == word for word in (*found.removed, *found.searched))
    return (found.host, found.run, found.canaries) == (host, run, canaries) and words and abs(found.at - now) < _SKEW


def result(
    told: JsonObject, host: HostName, check: str, proving: bool, artifacts: Collection[str], began: datetime, now: datetime
) -> CheckResult:
    """What a check found there, at the time that it was by our clock, in words that a terminal can show.

    That it digested what it restored is its word alone; what it says must be about this check and these artifacts. Raises Failed.
    """
    try:
        found = CheckResult.from_facts(told)
    except ValueError:
        found = None
    if found is None or found.check != check or not set(found.artifacts) <= set(artifacts) or (found.proves and not proving):
        raise Failed(f"host '{host}' answered something else than check {check} was asked", hint="look at that machine: is it still yours?")
    facts = shown(found.to_facts())
    assert isinstance(facts, dict)
    return CheckResult.from_facts(facts).model_copy(update={"started": began, "ended": now})


def lines(told: JsonObject) -> list[tuple[bool, str]]:
    """What a look at it found, each in words that a terminal can show; what goes on below is set in, so that it passes for no line."""
    return [(bool(ok), re.sub(r"\n *", "\n      ", visible(str(what)[:_LINE]))) for ok, what in told["lines"]]


def shown(value: JsonValue) -> JsonValue:
    """The same with every text in it made visible."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, dict):
        return {visible(key): shown(one) for key, one in value.items()}
    return [shown(one) for one in value] if isinstance(value, list) else value


_OBJECT = re.compile(r": set [^ :]+: ([^ :/]+)/[^ :]+")
_BLOCK = 1 << 20
_LINE = 2000


def believed_damage(said: Damaged, host: HostName, sealed: Sequence[ArtifactReader], ctx: StepContext) -> DrError:
    """What a machine says is damaged would void the copy, and every set that shares its bytes: so it is read here again, first.

    `sealed`: the artifacts that are decrypted over there; of others every byte was checked here on its way. Gives back the error to raise.
    """
    named = _OBJECT.search(said.message)
    for reader in sealed:
        if named is None or reader.artifact.name == named[1]:
            try:
                with reader.stream() as stream:
                    while stream.read(_BLOCK):
                        ctx.check_stop()
            except Damaged as found:
                return found
    return Failed(
        f"host '{host}' says that what it was sent is damaged, and read from here it is whole: {said.message}",
        hint="its memory, its disk or its dr: look at that machine, then try again",
    )
