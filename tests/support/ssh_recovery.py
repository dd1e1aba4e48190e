"""A home whose standby is another machine, reached over real sshd; what was asked to be forgotten; and a production that can be lost."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from dr.demo.world import opened, stop_production
from dr.drivers.postgres.connect import Dsn, connect
from tests.support.main_job import Home, demo_home
from tests.support.ssh_world import Machine, machine
from tests.support.tcp_proxy import Proxy

STANDBY_ONLY = 'command="{program} agent --root {home}/standby --place {home}/srv/site",restrict'
ERASED, UNSHARED, STAYS = "canary-erased-71c3@example.org", "canary-unshared-88d1@example.org", "canary-stays-42af@example.org"
"""Keys of three clients: the first two ask, after the backup, to be forgotten and to be shared no longer."""
CLIENTS = {"who was erased": ERASED, "who is not shared": UNSHARED, "who stays": STAYS}
ERASE = "DELETE FROM public.asked WHERE mail = :key;\n"
UNSHARE = "UPDATE public.asked SET shared = false WHERE mail = :key AND shared;\n"
PASSWORD = "keys/production-postgres.password"


@dataclass
class Site:
    """`net`: the way to the standby, which can be cut."""

    home: Home
    standby: Machine
    net: Proxy

    @property
    def root(self) -> Path:
        return self.standby.home / "standby"

    @property
    def place(self) -> Path:
        """Over there, where the application looks for its files."""
        return self.standby.home / "srv" / "site"

    def ask(self, query: str) -> list[tuple[object, ...]]:
        """Of what was opened, as whoever knew the lost production's password."""
        world = opened(self.home.path)
        at = Dsn("127.0.0.1", world.known.standby, "postgres", world.dsn.database, (self.home.path / PASSWORD).read_text().strip())
        with connect(at) as connection:
            return connection.execute(query.encode()).fetchall()

    def lose_production(self) -> None:
        """Its server and its files are gone."""
        world = opened(self.home.path)
        stop_production(world)
        for folder in (world.production, world.site):
            shutil.rmtree(folder)


@contextmanager
def ssh_site(place: Path) -> Iterator[Site]:
    """Enrolled and backed up; then two of three clients have asked."""
    with ExitStack() as held:
        home = held.enter_context(demo_home(place / "home"))
        standby = held.enter_context(machine("standby"))
        standby.forced = STANDBY_ONLY.format(program=standby.program, home=standby.home)
        standby.authorise()
        net = held.enter_context(closing(Proxy(standby.port)))
        site = Site(home, standby, net)
        standby.know(f"[127.0.0.1]:{net.port}")
        site.place.parent.mkdir()
        owner = standby.home.stat()
        os.chown(site.place.parent, owner.st_uid, owner.st_gid)
        _rewrite(site)
        with connect(opened(home.path).dsn) as connection:
            connection.execute("CREATE TABLE public.asked (mail text PRIMARY KEY, shared bool NOT NULL)")
            connection.execute("INSERT INTO public.asked VALUES (%s, true), (%s, true), (%s, true)", [ERASED, UNSHARED, STAYS])
        home.dr("hosts", "enrol", "standby", "--yes")
        home.dr("suppress", "begin", "hmis")
        home.dr("run", "nightly")
        for kind, key in (("erase", ERASED), ("unshare", UNSHARED)):
            (home.path / "request").write_text(f"{key}\n")
            home.dr("suppress", "add", "hmis", "--kind", kind, "--key-file", str(home.path / "request"))
            (home.path / "request").unlink()
        yield site


def _rewrite(site: Site) -> None:
    home = site.home
    login = site.standby.login(port=site.net.port, path=str(site.root), decrypt="standby", silence="5s", places=[str(site.place)])
    lines = "".join(f"      {line}\n" for line in yaml.safe_dump(login).splitlines())
    hosts = home.path / "inventory" / "hosts.yaml"
    head, name, rest = hosts.read_text().partition("  standby:\n")
    rest = rest.replace("kind: local", "kind: ssh", 1)
    hosts.write_text(head + name + rest)
    home.rewrite("inventory/hosts.yaml", "      path: demo/standby\n", lines)
    home.rewrite("inventory/systems.yaml", "    # suppression: {", "    suppression: {")
    (home.path / "inventory" / "erase.sql").write_text(ERASE)
    (home.path / "inventory" / "unshare.sql").write_text(UNSHARE)
    home.rewrite("runbooks/recover.yaml", "retry: {attempts: 2, wait: 30s}", "retry: {attempts: 2, wait: 100ms}")
    recover = home.path / "runbooks" / "recover.yaml"
    before, _, rest = recover.read_text().partition("  # - id: files ")
    swap, after, rest = f"  # - id: files {rest}".partition("  # - id: move-address")
    recover.write_text(before + re.sub("^  # ", "  ", swap, flags=re.MULTILINE).replace("/srv/hmis/site", str(site.place)) + after + rest)
