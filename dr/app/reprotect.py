"""`dr reprotect`: after a recovery the nightlies read the new production. The inventory itself is changed, since people read it.

What is changed is shown first, and checked: the files are put back as they were where the home would not be right with them.
Safe to repeat: what says already what it should is left alone.
"""

import contextlib
import difflib
import json
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dr import plugins
from dr.app.beforehand import lets_in
from dr.app.home import App, whoami
from dr.app.in_service import in_service
from dr.clock import local
from dr.config.inventory_edit import Inventory
from dr.config.load import load
from dr.disk import replace_file
from dr.errors import Refused
from dr.model.base import HostName, JsonObject, RunId, SystemName
from dr.model.inventory import SecretRef
from dr.model.record import Finding, HostState
from dr.sources import files

NOTE = "dr reprotect: in service"
"""Begins the comment that stands behind the role of a host that a recovery made production."""
_THE_KEY = "THE-PUBLIC-KEY-THAT-STANDS-IN-THAT-LINE"
_MOVED = {files.SOURCE.kind: "path"}
"""Kind of source to the parameter that says where it lies on its host, as a restore's facts name it too."""


@dataclass(frozen=True)
class Changes:
    """What is to be changed. `texts`: file to its text before and after; empty: nothing."""

    system: SystemName
    host: str
    lost: tuple[str, ...]
    """The hosts that the system's sources were read on until now."""
    texts: dict[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def diff(self) -> list[str]:
        """As people read changes; unchanged files are not named."""
        lines: list[str] = []
        for name, (before, after) in self.texts.items():
            lines += difflib.unified_diff(before.splitlines(), after.splitlines(), name, name, lineterm="", n=2)
        return lines


def prepare(app: App, system: str) -> Changes:
    """Find what went into service last, and what of the inventory does not say so. Raises Refused where nothing did."""
    name = app.system(system)
    state = _newest(app, name)
    moved = _moved(app, state)
    sources = app.inventory.systems[name].sources
    left = {source: entry for source, entry in sources.items() if source in moved and entry.host != state.host}
    lost = tuple(dict.fromkeys(entry.host for entry in left.values()))
    edit = Inventory(app.home)
    _host(app, state, lost, moved, edit)
    for source, entry in left.items():
        edit.set(("systems", name, "sources", source, "host"), state.host)
        key = _MOVED.get(entry.kind)
        if key and key in moved[source]:
            edit.set(("systems", name, "sources", source, "with", key), scalar(str(moved[source][key])))
    return Changes(name, state.host, lost, edit.texts())


def write(app: App, changes: Changes) -> None:
    """Write them, and see that the home is right with them. Raises Refused, and puts back what was there, where it is not."""
    exchange(app.home, changes.texts, lambda: load(app.home, plugins.kinds()))
    now = app.clock.now()
    if changes.texts:
        facts: JsonObject = {"host": changes.host, "files": sorted(changes.texts)}
        app.records.audit("system.reprotected", changes.system, facts, actor=whoami(), at=now)
    app.records.close_finding(f"reprotect:{changes.system}", now, RunId(""))
    state = _newest(app, changes.system)
    if not _drilled_since(app, changes.system, state):
        app.records.finding(_no_standby(app, changes, state))


def exchange(home: Path, texts: Mapping[str, tuple[str, str]], judged: Callable[[], object]) -> None:
    """All files, or none: what could not be written, what `judged` raises at, and Ctrl-C leave every one as it was.

    Raises Refused where one was changed since it was read: between the two a person is asked, and may edit it meanwhile.
    """
    edited = [name for name, (before, _) in texts.items() if _text_of(home / name) not in (before, None)]
    if edited:
        raise Refused(f"{' and '.join(edited)} was changed by somebody meanwhile, so nothing was written", hint="type it again")
    try:
        for name, (_, after) in texts.items():
            replace_file(home / name, after.encode())
        judged()
    except BaseException:
        for name, (before, _) in texts.items():
            with contextlib.suppress(OSError):  # one that could not be written is as it was
                replace_file(home / name, before.encode())
        raise


def _text_of(file: Path) -> str | None:
    """None for one that cannot be read: writing it says why."""
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def still_to_do(app: App, system: str, changes: Changes) -> Sequence[str]:
    """What no command does, in the order in which it is due. `app`: opened anew, with the inventory as it is now.

    After a line's own break stands what is copied as it is, in one piece.
    """
    name = app.system(system)
    spare = [host for host, entry in app.inventory.hosts.items() if entry.role == "standby"]
    runbooks = app.inventory.systems[name].runbooks
    nightly = runbooks.nightly or "NIGHTLY"
    new = spare[0] if spare else "NEW"
    lost = changes.lost or _no_longer_read(app)
    answering = lets_in(app, [HostName(one) for one in lost if one in app.inventory.hosts], HostName(changes.host))
    first = [*answering, *_login(app, name, changes.host), f"dr run {nightly}: the first backup of the new production, now"]
    standby = [
        "a new standby is demanded: name one in inventory/hosts.yaml (role: standby), under a name of its own"
        if not spare
        else f"the new standby: {', '.join(spare)}",
        f"dr hosts enrol {new}; name it in runbooks/ ({', '.join(naming(app, name))}), as the default of the parameter `standby`",
        f"drill it: dr drill {name} --tier {next(iter(runbooks.drill), 'TIER')}; `dr status` is red until one has passed",
    ]
    old = [
        f"host '{one}' stays in the inventory, so that nothing is ever written to it; take it out when that machine is gone for good"
        for one in lost
    ]
    return [f"{number}. {line}" for number, line in enumerate([*first, *standby, *old], start=1)]


def naming(app: App, system: SystemName) -> list[str]:
    """The runbooks in which the standby of the system has to be named anew: its own, and all that take one, such as the way back."""
    own = app.inventory.systems[system].runbooks
    found = {*own.drill.values(), *([own.recover] if own.recover else [])}
    for name, runbook in app.runbooks.items():
        of = runbook.parameters.get("system")
        if "standby" in runbook.parameters and (of is None or of.default == system):
            found.add(name)
    return sorted(found)


def _login(app: App, system: SystemName, host: str) -> Sequence[str]:
    """Of a host that is reached over SSH: a key that may only restore there reads no production."""
    entry = app.inventory.hosts[host]
    if "user" not in entry.with_:
        return ()
    sources = app.inventory.systems[system].sources.values()
    folders = [str(one.with_[_MOVED[one.kind]]) for one in sources if one.host == host and _MOVED.get(one.kind, "") in one.with_]
    where = f"{entry.with_['user']}@{entry.with_.get('address')}"
    line = key_line(str(entry.with_.get("dr") or "dr"), folders, _public(app, entry.with_.get("key")))
    return (
        f"{where}, authorized_keys: where its forced command is a standby's (`agent --root ...`), the whole line is from now on\n{line}",
    )


def key_line(program: str, folders: Sequence[str], public: str) -> str:
    """As it stands in authorized_keys, where a quotation mark within the command is written behind a backslash."""
    words = [shlex.quote(program), "agent --only capture", *(f"--root {shlex.quote(folder)}" for folder in folders)]
    command = " ".join(words).replace('"', '\\"')
    return f'command="{command}",restrict {public}'


def _public(app: App, key: object) -> str:
    """The public half that lies beside the key, without its comment; else what a person puts there."""
    if key is None:
        return _THE_KEY
    said = (_text_of(app.home / f"{key}.pub") or "").split()
    return " ".join(said[:2]) if len(said) > 1 else _THE_KEY


def _no_longer_read(app: App) -> tuple[str, ...]:
    read = {entry.host for system in app.inventory.systems.values() for entry in system.sources.values()}
    return tuple(name for name, entry in app.inventory.hosts.items() if entry.role == "production" and name not in read)


def _newest(app: App, system: SystemName) -> HostState:
    """Raises Refused where no recovery of the system was opened."""
    states = [s for s in in_service(app.records).values() if s.run and _system_of(app, s.run) == system and s.host in app.inventory.hosts]
    if not states:
        raise Refused(
            f"no recovery of {system} was opened on a host of this inventory, so there is nothing to protect anew",
            hint=f"dr recover {system} --reason TEXT; or write the hosts by hand",
        )
    return max(states, key=lambda state: state.since)


def _system_of(app: App, run: RunId) -> str | None:
    record = app.records.run(run)
    return record.system if record else None


def _moved(app: App, state: HostState) -> dict[str, JsonObject]:
    """Source to where it is: as the restore of that run recorded it, or where that run put a file set afterwards."""
    steps = app.records.steps(state.run) if state.run else []
    places = [s.facts.get("places", {}) for s in steps if s.action == "restore" and s.facts.get("onto") == state.host]
    swapped = [one for s in steps if s.action == "swap-in" and s.facts.get("host") == state.host for one in s.facts.get("swapped", ())]
    return {**(places[-1] if places else {}), **{one["source"]: {"path": one["place"]} for one in swapped}}


def _host(app: App, state: HostState, lost: Sequence[str], moved: dict[str, JsonObject], edit: Inventory) -> None:
    """The host is production; its server is reached as the lost one's was."""
    entry = app.inventory.hosts[state.host]
    if entry.role != "production":
        edit.set(("hosts", state.host, "role"), "production")
        edit.note(("hosts", state.host, "role"), f"{NOTE} since {local(state.since, app.inventory.organisation.zone)}")
    given = entry.with_.get("postgres")
    if not isinstance(given, dict):
        return
    server = next((place for place in moved.values() if "port" in place), {})
    of_lost: JsonObject = next((app.inventory.hosts[one].with_.get("postgres") or {} for one in lost), {})
    login = of_lost if of_lost.get("user", "postgres") and of_lost.get("password") else {}
    wanted = {"user": login.get("user") or server.get("user"), "password": login.get("password")}
    missing = [(key, _text(value)) for key, value in wanted.items() if value and key not in given]
    if missing:
        edit.add(("hosts", state.host, "with", "postgres"), missing)


def _text(value: object) -> str:
    if isinstance(value, dict):
        ref = SecretRef.from_facts(value).to_facts()
        return "!secret {" + ", ".join(f"{key}: {scalar(str(place))}" for key, place in ref.items() if place is not None) + "}"
    return scalar(str(value))


def scalar(text: str) -> str:
    """As YAML: plain where that is surely read as it is, else in quotes."""
    return text if re.fullmatch(r"/?[A-Za-z_][A-Za-z0-9_./-]*", text) and text.lower() not in _WORDS else _quoted(text)


def _quoted(text: str) -> str:
    """In YAML's double quotes, which know no pairs of surrogates: what shows is written as it is."""
    return json.dumps(text, ensure_ascii=not text.isprintable())


_WORDS = frozenset({"yes", "no", "on", "off", "true", "false", "null", "y", "n"})


def _drilled_since(app: App, system: SystemName, state: HostState) -> bool:
    """No drill can have been held on what went into service: one that passed since was held on another standby."""
    drills = app.records.runs(system=system, kind="drill", limit=50)
    return any(run.verdict == "PASS" and run.started > state.since for run in drills)


def _no_standby(app: App, changes: Changes, state: HostState) -> Finding:
    since = local(state.since, app.inventory.organisation.zone)
    return Finding(
        key=f"no-standby:{changes.system}",
        severity="critical",
        system=changes.system,
        message=f"{changes.system} runs on '{changes.host}' since {since}, and behind it is no standby on which a drill has passed",
        hint=f"name a new one in inventory/hosts.yaml, dr hosts enrol it, drill; `dr reprotect {changes.system}` says it in steps",
        run=state.run,
        at=app.clock.now(),
    )
