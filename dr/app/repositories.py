"""`dr repositories init`, and one set looked into."""

import secrets

from dr.app.home import App, whoami
from dr.errors import Refused
from dr.model.backup import RepositoryIdentity
from dr.model.base import JsonObject, RepositoryName, SetId


def initialise(app: App, name: str) -> RepositoryIdentity:
    """Make it ours, with an identity of its own. Raises Refused where it is another's."""
    repository = app.services.repository(RepositoryName(name))
    identity = repository.initialise(app.inventory.organisation.name, secrets.token_hex(8), app.clock.now())
    app.records.audit("repository.initialised", name, {"id": identity.id}, actor=whoami(), at=app.clock.now())
    return identity


def open_set(app: App, set_id: str, repository: str | None) -> JsonObject:
    """Manifest and index in clear; an access, so it is audited."""
    manifest, copies = app.backup(set_id)
    named = [c.repository for c in copies if repository in (None, c.repository) and not c.damaged]
    if not named:
        raise Refused(f"there is no undamaged copy of {set_id}" + (f" in {repository}" if repository else ""))
    app.records.audit("set.opened", f"{named[0]}/{set_id}", {}, actor=whoami(), at=app.clock.now())
    opened = app.services.sets.open(manifest.system, SetId(set_id), app.services.repository(named[0]))
    index = opened.index.to_facts()
    return {"manifest": opened.manifest.to_facts(), "index": {**index, "key": "********"}}
