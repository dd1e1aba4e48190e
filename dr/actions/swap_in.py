"""`swap-in`: restored file sets take the places at which the applications look for them. Only in a recovery, and once it was opened.

Until then what was restored may be scrubbed and what stands at the place is somebody's: so nothing is touched. Safe to repeat: the host
does one thing at a time, each looked for before it is done; there is one whole tree at the place throughout, and the old one stays.
"""

from collections.abc import Iterator
from itertools import permutations

from pydantic import Field, field_validator

from dr.actions.settled import record_settled
from dr.errors import Failed, Refused
from dr.model.base import HostName, JsonObject, SourceName, StrictModel
from dr.model.ports import Action, Effect, Outcome, Rehearsal, RehearseContext, ServingHost, StepContext
from dr.model.swapping import PlacePath, kept_name

_STATES = ("beside", "swapped", "kept")
"""What a host says on the way to `done`, each at most once."""


class Params(StrictModel):
    host: HostName
    """The host that this recovery opened."""
    places: dict[SourceName, PlacePath] = Field(min_length=1)
    """File set to the folder at which its application looks for it: `{site: /srv/hmis/site}`. The host's entry in the inventory must name
    the folder under `places` too, and so must the forced command of an SSH login (`--place`)."""

    @field_validator("places")
    @classmethod
    def _apart(cls, places: dict[SourceName, PlacePath]) -> dict[SourceName, PlacePath]:
        for one, other in permutations(places.values(), 2):
            if other.startswith(f"{one}/"):
                raise ValueError(f"'{other}' lies in '{one}': one file set would bury the other")
        if len(set(places.values())) < len(places):
            raise ValueError("two file sets cannot take one place")
        return places


class Swapped(StrictModel):
    """One file set where it belongs."""

    source: SourceName
    place: str
    before: str | None = None
    """How what stood there is called now."""
    copied: bool = False
    """Whether the restored tree is still where it was restored, too."""


class Facts(StrictModel):
    host: HostName
    swapped: tuple[Swapped, ...]
    by_hand: tuple[str, ...] = ()
    """What is left for a person to do on that host."""


def run(params: Params, ctx: StepContext) -> Outcome:
    serving = ctx.serving_host(params.host) if ctx.plan.kind == "recovery" else None
    if serving is None:
        raise Refused(
            f"no file set takes a place on '{params.host}': this run did not open it", hint="swap-in comes after `open`, in a recovery"
        )
    done, changed = [], False
    for source, place in params.places.items():
        ctx.check_stop()
        ctx.progress(f"putting {source} at {place}")
        one, moved = _swap(source, place, serving, ctx)
        done.append(one)
        changed = changed or moved
    record_settled(serving.settled(), params.host, ctx)  # nothing is ever made there again
    ctx.failpoint("after-recognised")
    facts = Facts(host=params.host, swapped=tuple(done), by_hand=tuple(line for one in done for line in _left(one, params.host, ctx)))
    return Outcome(changed=changed, facts=facts.to_facts())


def _swap(source: SourceName, place: PlacePath, serving: ServingHost, ctx: StepContext) -> tuple[Swapped, bool]:
    """One after another, and whether there was anything to do. Raises Failed where the host does not come to an end."""
    for moved in range(len(_STATES) + 1):
        told = _step(source, place, serving)
        if told.get("state") == "done":
            said: JsonObject = {"before": kept_name(place, ctx.run) if told.get("before") else None, "copied": told.get("copied") is True}
            ctx.audit("files.swapped-in", source, {"place": place, **said})
            return Swapped.from_facts({"source": source, "place": place, **said}), moved > 0
        if told.get("state") in _STATES:
            ctx.failpoint(f"after-{told['state']}")
    raise Failed(
        f"file set '{source}' does not come to its place {place}", hint="look at that folder by hand: does something move it back?"
    )


def _step(source: SourceName, place: PlacePath, serving: ServingHost) -> JsonObject:
    """A refusal ends a run, and no other run may do this: so it is a failure, which is tried again while the step's `retry` lasts."""
    try:
        return serving.swap_in(source, place)
    except Refused as refusal:
        raise Failed(refusal.message, hint=refusal.hint) from None


def _left(one: Swapped, host: HostName, ctx: StepContext) -> Iterator[str]:
    if one.before:
        yield f"what stood at {one.place} is kept on {host} as {one.before}: look at it, then remove it"
    if one.copied:
        steps = [s for s in ctx.records.steps(ctx.run) if s.action == "restore" and s.facts.get("onto") == host]
        told = steps[-1].facts.get("places", {}).get(one.source, {}) if steps else {}
        yield f"{one.place} is a copy: what was restored of {one.source} lies on {host} in {told.get('path', 'the place of the run')} too"


def rehearse(params: Params, ctx: RehearseContext) -> Rehearsal:
    """What would be put where, and what of the host speaks against it now."""
    says, problems = [], []
    for source, place in params.places.items():
        says.append(f"would put file set '{source}' at {place} on {params.host}")
        if not any(source in system.sources for system in ctx.inventory.systems.values()):
            problems.append(f"there is no source '{source}'")
    for fine, what in ctx.swappable(params.host, list(params.places.values())):
        (says if fine else problems).append(what)
    return Rehearsal(tuple(says), problems=tuple(problems))


ACTION = Action(
    kind="swap-in",
    params=Params,
    facts=Facts,
    effect=Effect.WRITES,
    run=run,
    failpoints=(*(f"after-{state}" for state in _STATES), "after-recognised"),
    rehearse=rehearse,
)
