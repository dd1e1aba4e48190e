"""What a home says, without reading it all again: files that were checked before are taken as they were understood then.

Only for who looks (`dr status`) at thousands of systems, whose files take seconds to read. What the disk says beside the files (does one
place lie in another?) is not asked again: whatever runs something reads and checks everything afresh.
"""

import json
from contextlib import suppress
from pathlib import Path

from dr.config.files import replace_file
from dr.config.kinds import Kinds
from dr.config.load import Loaded, load
from dr.model.base import Sha256, canonical, sha256
from dr.model.inventory import Inventory
from dr.model.runbook import Runbook

WORTH = 256 * 1024
"""Bytes of files: less is read in a moment."""


def load_known(home: Path, kinds: Kinds, kept: Path, release: str) -> Loaded:
    """As `load`, and raises what it raises. `kept`: a private file for what this release of dr understood of these very bytes."""
    files = {path.relative_to(home): path for folder in ("inventory", "runbooks") for path in sorted((home / folder).glob("[!.]*"))}
    try:
        data = {str(name): path.read_bytes() for name, path in files.items()}
    except OSError:  # said better by who reads them one by one
        return load(home, kinds)
    if sum(map(len, data.values())) < WORTH:
        return load(home, kinds)
    key = sha256(canonical({"release": release, "home": str(home), "files": {name: sha256(text) for name, text in data.items()}}))
    return _known(kept, key) or _kept(load(home, kinds), kept, key)


def _known(kept: Path, key: Sha256) -> Loaded | None:
    """None where other files were understood, or nothing that can still be read."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        first, inventory, runbooks = kept.read_text(encoding="utf-8").splitlines()
        if first == key:
            return Loaded(Inventory.from_json(inventory), {name: Runbook.from_facts(one) for name, one in json.loads(runbooks).items()})
    return None


def _kept(loaded: Loaded, kept: Path, key: Sha256) -> Loaded:
    """A line each: whose it is, the inventory, the runbooks. Secrets are not in it, only where they are kept."""
    runbooks = json.dumps({name: one.to_facts() for name, one in loaded.runbooks.items()})
    with suppress(OSError):  # then it is read afresh the next time too
        replace_file(kept, "\n".join((key, json.dumps(loaded.inventory.to_facts()), runbooks)).encode())
    return loaded
