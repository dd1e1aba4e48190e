"""Another organisation than the example: a library in Norway. Two systems on PostgreSQL 15 and 18, three databases, three repositories in
three tiers, names and a zone of its own, and runbooks of its own that use what a drill and a probe can ask over the network."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent, indent

from dr.app import App
from dr.app.hosts import enrol
from dr.app.repositories import initialise
from dr.config.keys import make_keys
from dr.drivers.postgres.connect import Dsn, connect
from tests.support.main_job import Home
from tests.support.postgres import PASSWORD, free_port, server
from tests.support.web import Page, Web, authority, issued, web

TIERS = {"utlaan": ("kjeller", "fjell"), "regnskap": ("kjeller", "naboby")}
"""System to the tiers that it is copied to."""
STORES = {"skap": "kjeller", "hvelv": "fjell", "filial": "naboby"}
"""Repository to its tier."""
_LOANS = """
CREATE TABLE loan (id int PRIMARY KEY, book text, changed timestamptz NOT NULL DEFAULT now());
INSERT INTO loan (id, book) SELECT n, 'book ' || n FROM generate_series(1, 400) n
"""
_MEMBERS = """
CREATE SCHEMA "Låner";
CREATE TABLE "Låner"."Kort" (nr int PRIMARY KEY, navn text, endret timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'Europe/Oslo'));
INSERT INTO "Låner"."Kort" (nr, navn) SELECT n, 'Navn ' || n FROM generate_series(1, 300) n
"""
_LEDGER = "CREATE TABLE entry (id int PRIMARY KEY, day date); INSERT INTO entry SELECT n, current_date FROM generate_series(1, 150) n"


@dataclass(frozen=True)
class Library:
    """Its home and command, its two servers, and the page by which its members come in."""

    home: Home
    shelves: Dsn
    books: Dsn
    portal: Web


@contextmanager
def library(place: Path) -> Iterator[Library]:
    """Everything running, the files written, hosts enrolled and repositories ready; nothing backed up yet."""
    path = place / "hjem"
    with ExitStack() as stack:
        shelves = stack.enter_context(server(place / "shelves", major=15, user="styrer"))
        books = stack.enter_context(server(place / "books", major=18))
        _fill(shelves, {"loans": _LOANS, "members": _MEMBERS})
        _fill(books, {"ledger": _LEDGER})
        (place / "scans" / "1998").mkdir(parents=True)
        (place / "scans" / "1998" / "brev.txt").write_text("Kjære bibliotek" * 100)
        chain = issued(place, "localhost")
        portal = stack.enter_context(web({"/": Page("Velkommen til biblioteket")}, certificate=chain))
        _write_home(path, place, shelves, books, portal)
        app = App.open(str(path))
        for host in app.inventory.hosts:
            enrol(app, host)
        for repository in app.repositories():
            initialise(app, repository.name)
        yield Library(Home(path), shelves, books, portal)


def _fill(dsn: Dsn, databases: dict[str, str]) -> None:
    for name, script in databases.items():
        with connect(dsn) as connection:
            connection.execute(f'CREATE DATABASE "{name}"'.encode())
        with connect(dsn.at(name)) as connection:
            connection.execute(f"SET search_path = public; {script}".encode())


# ---------------------------------------------------------------- its files


def _write_home(path: Path, place: Path, shelves: Dsn, books: Dsn, portal: Web) -> None:
    for folder in ("inventory", "runbooks", "keys", "state", "evidence"):
        (path / folder).mkdir(parents=True, mode=0o700)
    keys = make_keys(path)
    for name, text in (("base.password", PASSWORD), ("vakt.url", f"json://127.0.0.1:{free_port()}/")):
        (path / "keys" / name).write_text(text + "\n")
        (path / "keys" / name).chmod(0o600)
    (path / "keys" / "ca.pem").write_bytes(authority().pem)
    (path / "inventory" / "alt.yaml").write_text(_inventory(place, keys, shelves, books))
    for system, tiers in TIERS.items():
        _runbook(path, f"kveld-{system}", _evening(system, tiers))
        for tier in tiers:
            _runbook(path, f"prove-{system}-{tier}", _rehearsal(system, tier, portal))
    _runbook(path, "vakt", _watch(shelves, portal))


def _runbook(path: Path, name: str, text: str) -> None:
    (path / "runbooks" / f"{name}.yaml").write_text(f"runbook: {name}\n{dedent(text).lstrip()}")


def _inventory(place: Path, keys: dict[str, str], shelves: Dsn, books: Dsn) -> str:
    return dedent(
        f"""\
        organisation:
          name: Nordre Bibliotek
          zone: Europe/Oslo
          keys:
            recipients: [{keys["drill"]}, {keys["escrow"]}]
            identity: !secret {{file: keys/drill.agekey}}
            signing: !secret {{file: keys/signing.key}}
            trusted: [keys/signing.pub]
        contacts:
          vakt: {{name: Vakthavende, groups: [drift], channels: [!secret {{file: keys/vakt.url}}]}}
        hosts:
          hylle: {{kind: local, role: production, with: {{postgres: {_postgres(shelves)}}}}}
          bok: {{kind: local, role: production, with: {{postgres: {_postgres(books)}}}}}
          reserve: {{kind: local, role: standby, with: {{path: {place}/reserve, postgres: {{port: {free_port()}}}}}}}
        repositories:
          skap: {{kind: directory, tier: kjeller, with: {{path: {place}/skap}}}}
          hvelv: {{kind: directory, tier: fjell, with: {{path: {place}/hvelv}}}}
          filial: {{kind: directory, tier: naboby, with: {{path: {place}/filial}}}}
        systems:
          utlaan:
            title: Loans and members
            sources:
              hyller: {{kind: postgres_logical, host: hylle, needle: true}}
              skanninger: {{kind: files, host: hylle, with: {{path: {place}/scans}}}}
            objectives: {{rpo: 24h, tiers: {{kjeller: {{rto: 2h}}, fjell: {{rto: 1d}}}}}}
            retention: {{kjeller: {{keep_daily: 7}}, fjell: {{keep_weekly: 8, expire_after: 400d}}}}
            runbooks: {{nightly: kveld-utlaan, drill: {{kjeller: prove-utlaan-kjeller, fjell: prove-utlaan-fjell}}}}
          regnskap:
            title: The books
            sources:
              bilag: {{kind: postgres_logical, host: bok}}
            objectives: {{rpo: 7d, tiers: {{kjeller: {{rto: 8h}}, naboby: {{rto: 8h, target: 4h}}}}}}
            retention: {{kjeller: {{keep_last: 3}}, naboby: {{keep_yearly: 10}}}}
            runbooks: {{nightly: kveld-regnskap, drill: {{kjeller: prove-regnskap-kjeller, naboby: prove-regnskap-naboby}}}}
        """
    )


def _postgres(dsn: Dsn) -> str:
    return f"{{port: {dsn.port}, user: {dsn.user}, password: !secret {{file: keys/base.password}}}}"


def _evening(system: str, tiers: tuple[str, ...]) -> str:
    to = ", ".join(tiers)
    return f"""
        title: The evening's backup of {system}
        kind: backup
        schedule: "30 22 * * *"
        steps:
          - {{id: ta, action: backup, with: {{system: {system}, to: [{to}]}}}}
          - {{id: les, action: verify, with: {{system: {system}, tiers: [{to}], set: "${{steps.ta.set}}"}}}}
          - {{id: rydd, action: prune, with: {{system: {system}}}}}
        on_failure:
          - {{action: notify, with: {{to: drift, template: nightly-failed}}}}
        always:
          - {{action: report}}
        """


_CHECKS = {
    "utlaan": """
        - needle
        - site-files-equal
        - {check: newest-row-age, with: {database: loans, table: loan, column: changed, at_most: 1h}}
        - {check: newest-row-age, with: {database: members, schema: Låner, table: Kort, column: endret, at_most: 1h}}
        - {check: row-count-change, with: {down: 5, up: 10}}
        - {check: http-answers, with: {url: "https://localhost:PORT/", contains: Velkommen, lacks: Feil, ca: keys/ca.pem}}
        """,
    "regnskap": """
        - {check: newest-row-age, with: {database: ledger, table: entry, column: day, at_most: 2d}}
        - {check: tls-expiry, with: {host: localhost, port: PORT, at_least: 14d, ca: keys/ca.pem}}
        """,
}


def _rehearsal(system: str, tier: str, portal: Web) -> str:
    own = indent(dedent(_CHECKS[system]).strip().replace("PORT", str(portal.port)), " " * 16)
    return f"""
        title: Bring {system} back from {tier}
        kind: drill
        steps:
          - {{id: velg, action: select-backup, with: {{system: {system}, tier: {tier}}}}}
          - id: hent
            action: restore
            with: {{system: {system}, set: "${{steps.velg.set}}", from: "${{steps.velg.repository}}", onto: reserve}}
          - id: se
            phase: prove
            action: check
            with:
              host: reserve
              system: {system}
              set: "${{steps.velg.set}}"
              from: "${{steps.velg.repository}}"
              checks:
                - starts-up
                - content-equals-source
{own}
        on_failure:
          - {{action: notify, with: {{to: drift, template: drill-failed}}}}
        always:
          - {{action: scrub, with: {{host: reserve}}}}
          - {{action: report}}
        """


def _watch(shelves: Dsn, portal: Web) -> str:
    return f"""
        title: Can the members come in?
        kind: maintenance
        steps:
          - id: inn
            action: probe
            with:
              system: utlaan
              checks:
                - {{check: http-answers, with: {{url: "https://localhost:{portal.port}/", contains: Velkommen, ca: keys/ca.pem}}}}
                - {{check: tls-expiry, with: {{host: localhost, port: {portal.port}, ca: keys/ca.pem}}}}
                - {{check: tcp-answers, with: {{host: 127.0.0.1, port: {shelves.port}}}}}
            retry: {{attempts: 2, wait: 100ms}}
        """
