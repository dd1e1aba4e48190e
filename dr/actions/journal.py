"""The suppression journal as it lies in the home and in every repository: signed bytes, and keys that only a drill key opens."""

import base64
import fcntl
import hmac
import json
import os
from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from dr.disk import replace_file
from dr.errors import ConfigError, Damaged, DrError, Refused
from dr.model.base import HostPath, JsonObject, SetId, Sha256, SystemName, canonical
from dr.model.ports import Keyring, Records, Repository, StepContext
from dr.model.record import Severity
from dr.model.suppression import SuppressionEntry, SuppressionJournal
from dr.policy.suppression import Judged, judge

HOME = "the home"
"""How the home's own copy is called."""
LARGEST = 512
"""Bytes of a key at most; every key is encrypted in this length, so that its own cannot be told."""
_SMALL = 64 * 2**20


def subject_of(system: str) -> str:
    """What the audit trail calls a system's journal."""
    return f"suppression/{system}"


def hmac_of(key: str, keys: Keyring) -> Sha256:
    """What audit and evidence show of a key."""
    own = hmac.digest(keys.digest_key(), b"suppression", "sha256")
    return Sha256(hmac.digest(own, key.encode(), "sha256").hex())


def seal(key: str, recipients: Sequence[str]) -> str:
    """Encrypted to everybody who may read backups. Raises ConfigError for a key that is none."""
    from pyrage import encrypt, x25519

    plain = key.encode()
    if not plain or len(plain) > LARGEST or not key.isprintable():
        raise ConfigError(f"a key is 1 to {LARGEST} bytes of printable text", hint="it is what the SQL template's :key is bound to")
    padded = len(plain).to_bytes(2, "big") + plain.ljust(LARGEST, b"\0")
    return base64.b64encode(encrypt(padded, [x25519.Recipient.from_str(one) for one in recipients])).decode("ascii")


def open_key(entry: SuppressionEntry, keys: Keyring) -> str:
    """The key of a request. Raises Refused where no drill key of this home opens it, Damaged where it is not the one that was recorded."""
    from pyrage import DecryptError, decrypt, x25519

    identities = [x25519.Identity.from_str(line) for line in keys.identity().splitlines()]
    try:
        padded = decrypt(base64.b64decode(entry.sealed), identities)
    except (DecryptError, ValueError):
        raise Refused(
            f"entry {entry.seq} of the suppression journal cannot be read with this home's drill keys",
            hint="the escrow key opens it too: run it again with --key FILE",
        ) from None
    key: str = padded[2 : 2 + int.from_bytes(padded[:2], "big")].decode("utf-8", "replace")
    if not hmac.compare_digest(hmac_of(key, keys), entry.subject):
        raise Damaged(f"entry {entry.seq} of the suppression journal holds another key than was recorded")
    return key


# ---------------------------------------------------------------- stored bytes


def to_bytes(journal: SuppressionJournal, keys: Keyring) -> bytes:
    body = journal.to_facts()
    return canonical({"journal": body, "signature": base64.b64encode(keys.sign(canonical(body))).decode("ascii")}) + b"\n"


def from_bytes(data: bytes, organisation: str, system: SystemName, keys: Keyring) -> SuppressionJournal:
    """Raises Damaged for anything but a signed and whole journal of that system."""
    try:
        whole = json.loads(data)
        body, signature = whole["journal"], base64.b64decode(whole["signature"], validate=True)
        keys.verify(canonical(body), signature)
        journal = SuppressionJournal.from_facts(body)
    except (ValueError, KeyError, TypeError, ValidationError):
        raise Damaged("it cannot be read") from None
    if (journal.organisation, journal.system) != (organisation, system):
        raise Damaged(f"it is the journal of {journal.system} of '{journal.organisation}'")
    broken = journal.broken_at()
    if broken is not None:
        raise Damaged(f"entry {broken} does not follow the one before it")
    return journal


def _name(system: str) -> str:
    return f"suppression/{system}.json"


@dataclass(frozen=True)
class Places:
    """Where a system's journal lies, and by what it is judged."""

    system: SystemName
    organisation: str
    home: HostPath
    repositories: Sequence[Repository]
    keys: Keyring
    records: Records

    @property
    def file(self) -> Path:
        return Path(self.home) / "state" / _name(self.system)

    def look(self) -> "Looked":
        """Every copy. Writes nothing."""
        looked = Looked()
        for place, read in [(HOME, self._own), *((str(r.name), lambda r=r: self._in(r)) for r in self.repositories)]:
            try:
                looked.copies[place] = read()
            except Damaged as error:
                looked.damaged[place] = error.message
            except DrError as error:
                looked.unreachable[place] = error.message
        looked.judged = judge(looked.copies, self.known())
        return looked

    def known(self) -> list[tuple[int, str]]:
        """Entries that the audit trail bears witness to."""
        seen = self.records.audit_of(subject_of(self.system))
        return [(int(e.facts["seq"]), str(e.facts["hash"])) for e in seen if {"seq", "hash"} <= set(e.facts)]

    def _own(self) -> SuppressionJournal | None:
        try:
            data = self.file.read_bytes()
        except FileNotFoundError:
            return None
        except OSError:
            raise Damaged("it cannot be read") from None
        return from_bytes(data, self.organisation, self.system, self.keys)

    def _in(self, repository: Repository) -> SuppressionJournal | None:
        repository.identity()
        if _name(self.system) not in repository.list_home():
            return None
        with repository.open_home(_name(self.system)) as stream:
            data = stream.read(_SMALL)
        return from_bytes(data, self.organisation, self.system, self.keys)

    def keep(self, journal: SuppressionJournal) -> None:
        """In the home, durably: the first copy of all."""
        self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_file(self.file, to_bytes(journal, self.keys))

    def publish(self, journal: SuppressionJournal, only: Set[str] | None = None) -> dict[str, str]:
        """In every repository (of `only`); those where it could not be, each with its cause."""
        failed = {}
        for repository in [r for r in self.repositories if only is None or r.name in only]:
            try:
                repository.identity()
                repository.put_home(_name(self.system), to_bytes(journal, self.keys))
            except DrError as error:
                failed[str(repository.name)] = error.message
        return failed

    @contextmanager
    def alone(self) -> Iterator[None]:
        """While it is held nobody else of this home changes the journal."""
        self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(self.file.parent / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


@dataclass
class Looked:
    """What was found: copies by place (None: none there), what is damaged, what does not answer."""

    copies: dict[str, SuppressionJournal | None] = field(default_factory=dict)
    damaged: dict[str, str] = field(default_factory=dict)
    unreachable: dict[str, str] = field(default_factory=dict)
    judged: Judged = field(default_factory=lambda: Judged(None, ()))

    def holding(self, system: SystemName) -> SuppressionJournal:
        """The journal. Raises Refused where it is missing, shortened or damaged everywhere: nobody knows then what must not come back."""
        if self.judged.journal is not None:
            return self.judged.journal
        why = [self.judged.wrong, *(f"{place}: {what}" for place, what in sorted((self.damaged | self.unreachable).items()))]
        raise Refused(
            f"the suppression journal of '{system}' cannot be relied on: {'; '.join(why)}",
            hint=f"dr suppress verify {system} shows every copy; where there never was one: dr suppress begin {system}",
        )

    def to_facts(self) -> JsonObject:
        return {
            "copies": {place: None if one is None else {"seq": one.seq, "head": one.head} for place, one in sorted(self.copies.items())},
            "damaged": dict(sorted(self.damaged.items())),
            "unreachable": dict(sorted(self.unreachable.items())),
            "behind": list(self.judged.behind),
            "wrong": self.judged.wrong,
        }


# ---------------------------------------------------------------- in a run


def places_of(system: SystemName, ctx: StepContext) -> Places:
    return Places(system, ctx.inventory.organisation.name, ctx.home, ctx.repositories(), ctx.keys, ctx.records)


def tell(system: SystemName, looked: Looked, ctx: StepContext) -> None:
    """A copy that lags or is damaged beside a good one stops nothing, and is told; where none is good, a recovery would be stopped."""
    prefix = f"suppression:{system}:"
    wrong = dict.fromkeys(looked.judged.behind, "is missing, or an earlier state") | looked.damaged | looked.unreachable
    held = looked.judged.journal is not None
    hint = f"dr suppress verify {system} --mend writes it there anew" if held else f"dr suppress verify {system}; never begun: `begin`"
    if not held:
        wrong = {"none": looked.judged.wrong}
    for place, what in wrong.items():
        where = f"the suppression journal of {system}" + (f" in {place}" if held else "")
        severity: Severity = "warning" if held else "critical"
        ctx.finding(f"{prefix}{place.replace(' ', '-')}", severity, f"{where}: {what}", system=system, hint=hint)
    ctx.records.close_findings(prefix, [f"{prefix}{place.replace(' ', '-')}" for place in wrong], ctx.clock.now(), ctx.run)


def settle(ctx: StepContext) -> None:
    """Every night: each system's journal is looked at, and written wherever it is missing, damaged or behind. Raises nothing for that."""
    for name, entry in ctx.inventory.systems.items():
        if entry.suppression is None:
            continue
        places = places_of(SystemName(name), ctx)
        with places.alone():
            looked = places.look()
            journal = looked.judged.journal
            wrong = {*looked.judged.behind, *looked.damaged}
            if journal is not None and wrong:
                if HOME in wrong:
                    places.keep(journal)
                places.publish(journal, only=wrong)
                looked = places.look()
        tell(SystemName(name), looked, ctx)


def require_unasked(places: Places) -> None:
    """Of a system that does not say how requests are replayed. Raises Refused where there are any, or may be for all that is known."""
    looked = places.look()
    if looked.damaged or (looked.judged.journal is None and any(seq for seq, _ in places.known())):
        looked.holding(places.system)
    asked = looked.judged.journal.entries if looked.judged.journal else ()
    if asked:
        many = f"{len(asked)} request{'s' * (len(asked) != 1)}"
        raise Refused(
            f"{places.system} has {many} in its suppression journal, and does not say how to replay one",
            hint=f"write `suppression` under systems.{places.system} in inventory/systems.yaml; see `dr suppress --help`",
        )


def require_replayed(system: SystemName, set_id: SetId, ctx: StepContext) -> None:
    """What `open` asks first. Raises Refused where this run has not replayed the system's requests on that set, and there may be some.

    A replay that found nothing declared does not stand for one after `suppression` was added.
    """
    declared = ctx.inventory.systems[system].suppression is not None
    of_this = _replays(system, set_id, ctx)
    if any(facts.get("declared", True) or not declared for facts in of_this):
        return
    if declared:
        raise Refused(
            f"the requests to {system} that came after {set_id} were not replayed on it, so it is not opened",
            hint="a replay-suppressions step must come before open; it says what is wrong with the journal",
        )
    require_unasked(places_of(system, ctx))


def late_after(system: SystemName, set_id: SetId, ctx: StepContext) -> int | None:
    """The last request that this run's replay on that set knew of, where others were made since; None where none were.

    By the trail alone, in which every request is before anybody is told that it was written down: no repository is waited for.
    """
    replayed = max((int(facts.get("entries", 0)) for facts in _replays(system, set_id, ctx)), default=0)
    newest = max((seq for seq, _ in places_of(system, ctx).known()), default=0)
    return replayed if newest > replayed else None


def _replays(system: SystemName, set_id: SetId, ctx: StepContext) -> list[JsonObject]:
    """What this run's replays on that set left."""
    done = [s.facts for s in ctx.records.steps(ctx.run) if s.action == "replay-suppressions" and s.state == "done"]
    return [facts for facts in done if (facts.get("system"), facts.get("set")) == (system, set_id)]
