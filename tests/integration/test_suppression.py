"""Requests to be erased: written down outside the database, found whole or refused, and carried out on whatever is restored."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from dr import plugins
from dr.actions import journal, opening, replay_suppressions
from dr.actions.journal import HOME, require_replayed, settle
from dr.app import suppress
from dr.app.beforehand import stopped_by_journal
from dr.app.home import App
from dr.drivers.postgres.connect import Dsn, connect, passfile_line, write_private
from dr.errors import ConfigError, Damaged, Failed, Refused
from dr.model.backup import Copy
from dr.model.base import HostName, JsonObject, SetId
from dr.model.inventory import Inventory
from dr.model.ports import ReplayOrder, Replays, StepContext, WritableHost
from dr.model.record import StepRecord
from dr.model.suppression import SuppressionEntry, SuppressionTemplates
from tests.support.catalog_copies import HMIS, copy_at, manifest_at
from tests.support.catalog_runs import plan_of, run_at
from tests.support.home_world import HomeStep, HomeWorld
from tests.support.stream_keys import TestKeys

pytestmark = pytest.mark.integration
KEY, OTHER = "canary-C0000001'; DROP TABLE client; --", "canary-C0000002"
ERASE = "DELETE FROM visit WHERE client = :key; DELETE FROM client WHERE id = :key AND note <> '100%';"


class Standby:
    """A handle that passed its guard: what was restored onto it is a database of the test's server."""

    def __init__(self, place: JsonObject, held: SetId) -> None:
        self.name, self._place, self._held = HostName("standby"), place, held

    def holds(self, set_id: SetId) -> bool:
        return set_id == self._held

    def places(self) -> JsonObject:
        return {"database": self._place}

    def replay(self, source: Replays, place: JsonObject, order: ReplayOrder, ctx: StepContext) -> list[int]:
        return source.replay(place, order, ctx)


class Step(HomeStep):
    """What of `StepContext` the replay reaches."""

    def __init__(self, world: "World") -> None:
        super().__init__(world, world.run)
        self.inventory = world.inventory
        self.plan = plan_of().model_copy(update={"system": HMIS})
        self._standby = world.standby

    def writable_host(self, name: HostName) -> Standby:
        return self._standby

    def source(self, kind: str) -> Any:
        return plugins.SOURCES[kind]

    def failpoint(self, name: str) -> None:
        assert name in replay_suppressions.ACTION.failpoints

    def progress(self, what: str, done: int | None = None, total: int | None = None, unit: str = "") -> None:
        assert "canary" not in what

    def as_context(self) -> StepContext:
        return cast("StepContext", self)


class World(HomeWorld):
    """A home whose system says how it erases; a set of a certain night, and a database that was restored from it."""

    def __post_init__(self) -> None:
        super().__post_init__()
        (self.home / "inventory" / "erase.sql").write_text(ERASE)
        templates = SuppressionTemplates(source="database", erase="inventory/erase.sql")
        system = self.loaded.inventory.systems["hmis"].model_copy(update={"suppression": templates})
        self.inventory: Inventory = self.loaded.inventory.model_copy(update={"systems": {"hmis": system}})
        self.app = App(self.home, self.clock, lambda _: None)
        self.app.inventory = self.inventory
        self.run = run_at().run
        self.catalog.begin_run(run_at(), plan_of())
        self.standby = Standby({}, SetId(""))

    def later(self, **delta: float) -> None:
        self.clock.move_to(self.clock.now() + timedelta(**delta))

    def backed_up(self) -> SetId:
        """A set of now in the catalog, restored by the run that goes on, and compared."""
        copy: Copy = copy_at(self.clock.now())
        self.catalog.record_copy(copy, manifest_at(self.clock.now()), self.run)
        self.standby._held = copy.set
        self.step("check", {"set": copy.set, "host": "standby"}, {})
        return copy.set

    def step(self, action: str, resolved: JsonObject, facts: JsonObject) -> None:
        made = {"run": self.run, "step": action, "section": "steps", "action": action, "state": "done", "attempt": 1}
        self.catalog.record_step(StepRecord.from_facts({**made, "resolved": resolved, "facts": facts}))

    def replay(self, set_id: SetId) -> JsonObject:
        params = replay_suppressions.Params(system=HMIS, host=HostName("standby"), set=set_id)
        facts = replay_suppressions.run(params, Step(self).as_context()).facts
        self.step("replay-suppressions", params.to_facts(), facts)
        return facts

    def late(self, set_id: SetId) -> tuple[JsonObject, ...]:
        """What `open` carries out before it lets anybody in."""
        params = opening.Params(host=HostName("standby"), set=set_id)
        return opening._replayed_late(params, cast("WritableHost", self.standby), Step(self).as_context())

    def files(self) -> dict[str, Path]:
        stored = {str(r.name): self.folder(str(r.name)) / "home" / "suppression" / "hmis.json" for r in self.repositories}
        return {HOME: self.home / "state" / "suppression" / "hmis.json", **stored}


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path)
    suppress.begin(made.app, "hmis")
    return made


@contextmanager
def restored(world: World, server: Dsn, tmp_path: Path) -> Iterator[Callable[[str], list[Any]]]:
    """A database `erasing` with two clients, as if it had just been restored; gives what asks it."""
    with connect(server) as connection:
        connection.execute("CREATE DATABASE erasing")
    try:
        with connect(server.at("erasing")) as connection:
            connection.execute("CREATE TABLE public.client (id text PRIMARY KEY, note text NOT NULL)")
            connection.execute("CREATE TABLE public.visit (client text REFERENCES public.client)")
            for key in (KEY, OTHER, "stays"):
                connection.execute("INSERT INTO public.client VALUES (%s, 'n')", (key,))
                connection.execute("INSERT INTO public.visit VALUES (%s), (%s)", (key, key))
        passfile = tmp_path / "superuser.pgpass"
        write_private(passfile, passfile_line(server.host, server.port, server.password, user=server.user))
        place = {
            "host": server.host,
            "port": server.port,
            "user": server.user,
            "passfile": str(passfile),
            "databases": ["erasing", "postgres"],
        }
        world.standby._place = {**place, "server_version": "18.0"}

        def ask(query: str) -> list[Any]:
            with connect(server.at("erasing")) as connection:
                return connection.execute(query.encode()).fetchall()

        yield ask
    finally:
        with connect(server) as connection:
            connection.execute("DROP DATABASE erasing WITH (FORCE)")


def test_what_was_asked_after_the_backup_is_carried_out_once_and_again(world: World, pg18: Dsn, tmp_path: Path) -> None:
    """Erased with all that hangs on it, whatever the key looks like; what was asked before the backup is not done; twice is as once."""
    suppress.add(world.app, "hmis", "erase", OTHER)
    world.later(hours=1)
    set_id = world.backed_up()
    world.later(hours=1)
    suppress.add(world.app, "hmis", "erase", KEY)
    with restored(world, pg18, tmp_path) as ask:
        facts = world.replay(set_id)
        assert ask("SELECT id FROM public.client ORDER BY id") == [(OTHER,), ("stays",)]
        assert ask("SELECT count(*) FROM public.visit") == [(4,)]
        assert [(one["entry"], one["kind"], one["rows"]) for one in facts["replayed"]] == [(2, "erase", 3)]
        again = world.replay(set_id)
        assert [one["rows"] for one in again["replayed"]] == [0]
        assert ask("SELECT count(*) FROM public.client") == [(2,)]
    require_replayed(HMIS, set_id, Step(world).as_context())


@pytest.mark.positive_control
def test_without_the_replay_the_erased_are_back(world: World, pg18: Dsn, tmp_path: Path) -> None:
    """The twin: the restored database holds them, and `open` would let users see them if it did not ask."""
    set_id = world.backed_up()
    suppress.add(world.app, "hmis", "erase", KEY)
    with restored(world, pg18, tmp_path) as ask:
        assert ask("SELECT count(*) FROM public.client") == [(3,)]
    with pytest.raises(Refused, match="were not replayed on it, so it is not opened"):
        require_replayed(HMIS, set_id, Step(world).as_context())


def test_what_was_asked_while_it_waited_to_be_opened_is_carried_out_first(world: World, pg18: Dsn, tmp_path: Path) -> None:
    """From the replay to a second person's yes may take hours; who asks to be forgotten meanwhile is."""
    set_id = world.backed_up()
    world.later(hours=1)
    suppress.add(world.app, "hmis", "erase", KEY)
    with restored(world, pg18, tmp_path) as ask:
        world.replay(set_id)
        assert world.late(set_id) == ()
        world.later(hours=2)
        suppress.add(world.app, "hmis", "erase", OTHER)
        assert ask("SELECT id FROM public.client ORDER BY id") == [(OTHER,), ("stays",)]
        assert [(one["entry"], one["rows"]) for one in world.late(set_id)] == [(2, 3)]
        assert ask("SELECT id FROM public.client") == [("stays",)]


def test_what_cannot_be_carried_out_then_is_tried_again_and_ends_no_recovery(world: World, pg18: Dsn, tmp_path: Path) -> None:
    """A refusal would end what took hours; while the step's `retry` lasts a person mends it."""
    set_id = world.backed_up()
    with restored(world, pg18, tmp_path):
        world.replay(set_id)
        suppress.add(world.app, "hmis", "unshare", OTHER)
        with pytest.raises(Failed, match="there are requests to unshare, and no SQL that does it"):
            world.late(set_id)


def test_one_that_fails_undoes_all_and_tells_no_value(world: World, pg18: Dsn, tmp_path: Path) -> None:
    """All or none, and a server's error quotes the key: that is withheld."""
    (world.home / "inventory" / "erase.sql").write_text("DELETE FROM visit WHERE client = :key; SELECT (:key || 'x')::int;")
    set_id = world.backed_up()
    suppress.add(world.app, "hmis", "erase", OTHER)
    with restored(world, pg18, tmp_path) as ask:
        with pytest.raises(Failed) as failed:
            world.replay(set_id)
        assert ask("SELECT count(*) FROM public.visit") == [(6,)]
    assert (
        failed.value.message
        == "request 1 of 1 could not be replayed, so none was: a value that type integer does not take (SQLSTATE 22P02)"
    )


def test_no_key_is_anywhere_but_encrypted(world: World, pg18: Dsn, tmp_path: Path) -> None:
    """Promise 7: journal, catalog, audit and facts hold its HMAC, and nothing else of it."""
    set_id = world.backed_up()
    for key in (KEY, OTHER):
        suppress.add(world.app, "hmis", "erase", key)
    with restored(world, pg18, tmp_path):
        facts = world.replay(set_id)
    written = json.dumps(facts).encode() + b"".join(path.read_bytes() for path in world.place.rglob("*") if path.is_file())
    assert b"canary-C" not in written
    assert facts["replayed"][0]["hmac"] in {e.subject for e in suppress.journal_of(world.app, "hmis").entries}


# ---------------------------------------------------------------- the journal itself


def spoil(path: Path) -> None:
    path.write_text(path.read_text().replace("erase", "unshare", 1))


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-50])


def remove(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize("how", [spoil, truncate, remove])
def test_a_journal_that_is_whole_nowhere_stops_the_replay(world: World, how: Callable[[Path], None]) -> None:
    """Exit 3: nobody knows then what must not come back. One whole copy is enough, and the night makes the others whole."""
    set_id = world.backed_up()
    suppress.add(world.app, "hmis", "erase", KEY)
    files = world.files()
    keeper = files.pop("bank-vault")
    for path in files.values():
        how(path)
    assert suppress.journal_of(world.app, "hmis").seq == 1
    whole = keeper.read_bytes()
    how(keeper)
    with pytest.raises(Refused) as refused:
        world.replay(set_id)
    assert refused.value.exit_code == 3
    assert refused.value.message.startswith("the suppression journal of 'hmis' cannot be relied on: ")
    settle(Step(world).as_context())
    assert [f.severity for f in world.catalog.open_findings()] == ["critical"]
    keeper.write_bytes(whole)
    settle(Step(world).as_context())
    assert world.catalog.open_findings() == []
    assert {path.read_bytes() for path in world.files().values()} == {whole}


def test_a_journal_that_was_put_back_to_an_earlier_state_is_found(world: World) -> None:
    """Rolled back everywhere at once, signature and all: the audit trail knows of the entry that is missing."""
    suppress.add(world.app, "hmis", "erase", KEY)
    earlier = {path: path.read_bytes() for path in world.files().values()}
    suppress.add(world.app, "hmis", "erase", OTHER)
    for path, data in earlier.items():
        path.write_bytes(data)
    with pytest.raises(Refused, match="it was shortened: it ends with entry 1, and entry 2 is on record"):
        suppress.journal_of(world.app, "hmis")
    with pytest.raises(Refused, match="it was shortened"):
        suppress.add(world.app, "hmis", "erase", "third")


def test_a_strangers_entry_is_not_believed(world: World) -> None:
    """Who can write to every repository, but has no signing key, has nobody erased: the chain alone would let it pass."""
    whole = suppress.journal_of(world.app, "hmis")
    forged = SuppressionEntry(
        seq=1,
        kind="erase",
        at=world.clock.now(),
        by="a stranger",
        subject=journal.hmac_of(KEY, world.services.keys),
        sealed=journal.seal(KEY, world.services.keys.recipients),
        previous=whole.head,
    )
    for path in world.files().values():
        path.write_bytes(journal.to_bytes(whole.model_copy(update={"entries": (forged,)}), TestKeys(seed="stranger")))
    with pytest.raises(Refused, match="the signature was made by none of the trusted keys"):
        suppress.journal_of(world.app, "hmis")


def test_an_empty_journal_never_takes_the_place_of_one_that_was_lost(world: World) -> None:
    for path in world.files().values():
        path.unlink()
    with pytest.raises(Refused, match="hmis has a suppression journal, or had one"):
        suppress.begin(world.app, "hmis")


def test_a_repository_that_was_away_has_it_after_the_next_night(world: World) -> None:
    """It is told, its exit code is 5 at the command line, and `settle` (the nightly's) or --mend writes it there."""
    vault = world.folder("bank-vault")
    vault.rename(world.place / "away")
    kept = suppress.add(world.app, "hmis", "erase", KEY)
    assert list(kept.failed) == ["bank-vault"]
    (world.place / "away").rename(vault)
    looked = suppress.look(world.app, "hmis")
    assert looked.judged.behind == ("bank-vault",)
    assert suppress.mend(world.app, "hmis").failed == {}
    assert suppress.look(world.app, "hmis").judged.behind == ()


def test_another_key_under_an_entry_is_found(world: World) -> None:
    """An entry whose sealed key was exchanged, and signed anew by whoever has the signing key only, does not fit its HMAC."""
    suppress.add(world.app, "hmis", "erase", KEY)
    one = suppress.journal_of(world.app, "hmis").entries[0]
    other = one.model_copy(update={"sealed": journal.seal(OTHER, world.services.keys.recipients)})
    assert journal.open_key(one, world.services.keys) == KEY
    with pytest.raises(Damaged, match="holds another key than was recorded"):
        journal.open_key(other, world.services.keys)


def test_it_shrinks_when_no_copy_can_need_it(world: World) -> None:
    """Not while the vault may still keep a copy of before; afterwards the entry goes, in every place, and the chain holds."""
    world.backed_up()
    world.later(hours=1)
    suppress.add(world.app, "hmis", "erase", KEY)
    world.later(days=20)
    suppress.add(world.app, "hmis", "erase", OTHER)
    assert suppress.shrink(world.app, "hmis").gone == 0
    for copy in world.catalog.copies(HMIS):
        world.catalog.record_removed(copy.set, copy.repository, world.clock.now(), world.run, "expired")
    world.later(days=1)
    assert suppress.shrink(world.app, "hmis").gone == 0  # of 21 days, and the vault keeps 31
    world.later(days=12)
    assert suppress.shrink(world.app, "hmis").gone == 1
    left = suppress.journal_of(world.app, "hmis")
    assert (left.base_seq, left.seq, [e.subject for e in left.entries]) == (1, 2, [journal.hmac_of(OTHER, world.services.keys)])
    assert suppress.look(world.app, "hmis").judged.behind == ()


@pytest.mark.parametrize("key", ["", "a\nb", "a\0b", "x" * 513])
def test_a_key_that_is_none_is_refused(world: World, key: str) -> None:
    with pytest.raises(ConfigError, match="a key is 1 to 512 bytes of printable text"):
        suppress.add(world.app, "hmis", "erase", key)


def test_before_the_comparison_nothing_is_replayed(world: World) -> None:
    """It would find the erased ones missing, and say that the backup is bad."""
    set_id = world.backed_up()
    world.run = run_at(run=type(world.run)("another-run")).run
    world.catalog.begin_run(run_at(run=world.run), plan_of())
    with pytest.raises(Refused, match="was not compared with its source yet"):
        world.replay(set_id)


# ---------------------------------------------------------------- a system that does not say how


def undeclared(world: World) -> World:
    """As every system is until `suppression` is written under it."""
    system = world.inventory.systems["hmis"].model_copy(update={"suppression": None})
    world.inventory = world.inventory.model_copy(update={"systems": {"hmis": system}})
    return world


def test_a_system_without_requests_has_nothing_to_replay_and_that_is_said(world: World) -> None:
    """So that the step may stand in every runbook, long before anybody asks to be forgotten: begun or not, the journal is empty."""
    declared = world.inventory
    set_id = undeclared(world).backed_up()
    facts = world.replay(set_id)
    assert (facts["declared"], facts["entries"], facts["replayed"], facts["head"]) == (False, 0, [], None)
    require_replayed(HMIS, set_id, Step(world).as_context())
    world.inventory = declared


def test_a_step_that_found_nothing_to_do_does_not_open_a_system_that_declares_it_since(world: World) -> None:
    """`suppression` may be written while a recovery waits for its approval."""
    declared = world.inventory
    set_id = undeclared(world).backed_up()
    world.replay(set_id)
    world.inventory = declared
    with pytest.raises(Refused, match="were not replayed on it, so it is not opened"):
        require_replayed(HMIS, set_id, Step(world).as_context())


def test_requests_of_a_system_that_does_not_say_how_stop_the_run(world: World) -> None:
    """Whoever asked is not forgotten for a line that is missing in the inventory: neither with the step in the runbook nor without."""
    suppress.add(world.app, "hmis", "erase", KEY)
    set_id = undeclared(world).backed_up()
    for act in (lambda: world.replay(set_id), lambda: require_replayed(HMIS, set_id, Step(world).as_context())):
        with pytest.raises(Refused) as refused:
            act()
        assert refused.value.message == "hmis has 1 request in its suppression journal, and does not say how to replay one"
        assert refused.value.hint == "write `suppression` under systems.hmis in inventory/systems.yaml; see `dr suppress --help`"


@pytest.mark.parametrize("how", [spoil, remove])
def test_a_journal_that_was_lost_is_no_empty_one_there_either(world: World, how: Callable[[Path], None]) -> None:
    """The trail bears witness that there was a request."""
    suppress.add(world.app, "hmis", "erase", KEY)
    for path in world.files().values():
        how(path)
    set_id = undeclared(world).backed_up()
    with pytest.raises(Refused, match="the suppression journal of 'hmis' cannot be relied on"):
        world.replay(set_id)


def test_a_journal_that_would_stop_a_recovery_is_told_before_it_begins(world: World) -> None:
    """While it restores there is time to mend it; of a system that declares nothing there is nothing to tell."""
    suppress.add(world.app, "hmis", "erase", KEY)
    assert stopped_by_journal(world.app, HMIS) == []
    for path in world.files().values():
        path.unlink()
    (line,) = stopped_by_journal(world.app, HMIS)
    assert line.startswith("nothing will be opened as things are: the suppression journal of 'hmis' cannot be relied on: ")
    assert "Mend it while it restores: dr suppress verify hmis shows every copy" in line
    world.app.inventory = undeclared(world).inventory
    assert stopped_by_journal(world.app, HMIS) == []


def test_the_key_comes_by_standard_input_and_is_printed_nowhere(world: World) -> None:
    from click.testing import CliRunner

    from dr.cli import cli

    done = CliRunner().invoke(cli, ["--home", str(world.home), "suppress", "add", "hmis", "--kind", "erase"], input=f"{KEY}\n")
    assert (done.exit_code, "canary" in done.output) == (0, False)
    shown = CliRunner().invoke(cli, ["--home", str(world.home), "suppress", "list", "hmis"])
    assert "erase" in shown.output
    assert "canary" not in shown.output
