"""A standby that the inventory puts where production was found to be: a problem of the files, told where it is written.

The files alone are compared with one another when they are read; here with what was recorded of production when it was enrolled, and at
every backup since: its data directory, and its port under whatever name it is reached. The guard refuses such a standby in any case.
"""

import os
from collections.abc import Iterator

from dr import plugins
from dr.app.home import App
from dr.config.inventory import check_inventory, placed
from dr.config.places import STANDBY, Placed, relation
from dr.config.problems import ConfigProblems, Problem
from dr.hosts.production import Protected, protected
from dr.model.places import Server

_FOLDER = "drills are loaded there and scrubbed: give the standby an empty folder that shares nothing with production"
_PORT = "give the standby a free port of its own, such as {}"


def require_apart(app: App) -> None:
    """Raises ConfigProblems. A home that has recorded nothing yet is not judged."""
    if not (app.home / "state" / "catalog.db").exists():
        return
    kinds = plugins.kinds()
    known = protected(app.records.production())
    every = placed(check_inventory(app.home, kinds).root, kinds, app.home)
    found = [problem for one in every if one.role == STANDBY and not one.machine for problem in _meets(one, known)]
    if found:
        raise ConfigProblems(found)


def _meets(one: Placed, known: Protected) -> Iterator[Problem]:
    place = one.place
    if isinstance(place, Server):
        if place.port in known.ports:
            message = f"{one.name}: port {place.port} is that of production host '{known.ports[place.port]}', as it was recorded"
            yield one.node.problem(message, _PORT.format(place.port % 65535 + 1))
        return
    for path, host in known.paths.items():
        how = relation(place.path, path)
        if how:
            shown = os.path.relpath(path, os.path.realpath(place.path)) if how == "holds" else path
            yield one.node.problem(f"{one.name}: its folder {how} {shown}, recorded as production's (host '{host}')", _FOLDER)
