"""A person lets a set pass that does not count as good: what it holds is normal from now on."""

from dr.app.home import App, whoami
from dr.errors import ConfigError, Refused
from dr.model.base import RunId, SetId


def accept(app: App, set_id: str, reason: str) -> list[str]:
    """Clear the mark of a shrunken set, on record with who and why. Raises Refused where nothing odd is known of it."""
    if not reason.strip():
        raise ConfigError("a reason is needed", hint="say why the source is as it should be; it is kept on record")
    manifest, copies = app.backup(set_id)
    prefix = f"source:{manifest.system}:"
    odd = [f for f in app.records.open_findings(manifest.system) if f.key.startswith(prefix) and f.message.startswith(f"{set_id}: ")]
    if not odd and not any(copy.shrunken for copy in copies):
        raise Refused(f"nothing odd is known of {set_id}", hint="`dr backups list` shows which sets are shrunken")
    by, now = whoami(), app.clock.now()
    app.records.audit("set.accepted", set_id, {"reason": reason, "findings": [f.key for f in odd]}, actor=by, at=now)
    app.records.accept_shrunken(SetId(set_id), by, reason, now)
    for finding in odd:
        app.records.close_finding(finding.key, now, RunId(""))
    closed = f"{len(odd)} finding{'' if len(odd) == 1 else 's'} closed"
    return [f"{set_id} is accepted as it is: {closed}, and it counts as good once it is verified"]
