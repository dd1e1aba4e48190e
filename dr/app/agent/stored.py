"""The questions that a controller may ask of a repository here, each answered by kind `directory`'s own code."""

import itertools
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import IO

from dr import __version__
from dr.errors import Refused
from dr.model.backup import Tombstone
from dr.model.base import HostPath, JsonObject, RepositoryName, SetId, SystemName
from dr.model.ports import Repository, SetUpload
from dr.repositories import directory
from dr.stream.layout import LONGEST
from dr.wire.link import Call, Link
from dr.wire.pipes import CHUNK

_LONG = frozenset(f"repository-{noun}" for noun in ("sets", "manifest", "listing", "tombstones", "sweep", "list-home", "claims"))
"""Questions whose answers grow with what is stored: they cross as bytes."""


class Stored:
    """One repository, for one controller. `root`: the one folder that may be named, None for any."""

    def __init__(self, link: Link, root: str | None) -> None:
        self.link, self._root = link, root
        self._found: Repository | None = None
        self._uploads: dict[int, SetUpload] = {}
        self._numbers = itertools.count(1)
        self._lock: AbstractContextManager[None] | None = None
        self._verbs: Mapping[str, Callable[[Call], JsonObject]] = {
            "repository": self._open,
            "repository-identity": lambda _: self._here().identity().to_facts(),
            "repository-initialise": self._initialise,
            "repository-free": lambda _: {"bytes": self._here().free()},
            "repository-lock": self._locked,
            "repository-unlock": self._unlocked,
            "repository-begin": self._begin,
            "repository-sets": self._sets,
            "repository-manifest": self._manifest,
            "repository-open": lambda call: self._read(call, lambda: self._here().open(*_set(call), str(call.args["path"]))),
            "repository-listing": lambda call: {"paths": self._here().listing(*_set(call))},
            "repository-beside": self._beside,
            "repository-mend": self._mend,
            "repository-withdraw": self._withdraw,
            "repository-remove": self._remove,
            "repository-tombstones": self._tombstones,
            "repository-sweep": self._sweep,
            "repository-put-home": self._put_home,
            "repository-list-home": lambda _: {"paths": self._here().list_home()},
            "repository-open-home": lambda call: self._read(call, lambda: self._here().open_home(str(call.args["name"]))),
            "repository-remove-home": lambda call: {"removed": self._here().remove_home(str(call.args["name"]))},
            "repository-claim": self._claim,
            "repository-claims": lambda call: {"claims": [[n, d.hex()] for n, d in self._here().claims(str(call.args["line"]))]},
            "upload-put": self._put,
            "upload-link": self._link,
            "upload-commit": self._commit,
            "upload-abandon": self._abandon,
        }

    def serve(self, call: Call) -> JsonObject:
        """Raises Refused for what nobody knows."""
        verb = self._verbs.get(call.verb)
        if verb is None:
            raise Refused(f"this dr ({__version__}) knows no '{call.verb}'", hint="install the same version of dr on both machines")
        return call.reply_long(verb(call)) if call.verb in _LONG else verb(call)

    def _open(self, call: Call) -> JsonObject:
        args = call.args
        path = str(args["path"])
        if self._root is not None and path != self._root:
            raise Refused(f"this login is for the repository in {self._root}, not for {path}", hint="its authorized_keys says so")
        params = directory.DirectoryParams.from_facts({"path": path, "min_free": args["min_free"]})
        home = HostPath(str(Path.home()))
        self._found = directory.KIND.open(RepositoryName(str(args["name"])), str(args["tier"]), params, home, str(args["organisation"]))
        return {}

    def _here(self) -> Repository:
        if self._found is None:
            raise Refused("the controller did not say which repository")
        return self._found

    def _initialise(self, call: Call) -> JsonObject:
        args = call.args
        now = datetime.fromisoformat(str(args["now"]))
        return self._here().initialise(str(args["organisation"]), str(args["identity"]), now).to_facts()

    def _locked(self, _call: Call) -> JsonObject:
        lock = self._here().locked()
        lock.__enter__()
        self._lock = lock
        return {}

    def _unlocked(self, _call: Call) -> JsonObject:
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.__exit__(None, None, None)
        return {}

    # ------------------------------------------------------------ sets

    def _sets(self, call: Call) -> JsonObject:
        system = call.args.get("system")
        return {"sets": [[owner, one] for owner, one in self._here().sets(SystemName(str(system)) if system else None)]}

    def _manifest(self, call: Call) -> JsonObject:
        manifest, signature = self._here().manifest(*_set(call))
        return {"manifest": manifest.hex(), "signature": signature.hex()}

    def _read(self, call: Call, opening: Callable[[], IO[bytes]]) -> JsonObject:
        with opening() as file:
            while block := file.read(CHUNK):
                call.outlet.write(block)
        return {}

    def _beside(self, call: Call) -> JsonObject:
        self._here().beside(*_set(call), str(call.args["path"]), call.inlet.read())
        return {}

    def _mend(self, call: Call) -> JsonObject:
        places = [(SetId(str(one)), str(path)) for one, path in call.args["places"]]
        self._here().mend(SystemName(str(call.args["system"])), places, call.inlet.read())
        return {}

    def _withdraw(self, call: Call) -> JsonObject:
        self._here().withdraw(*_set(call), str(call.args["path"]))
        return {}

    def _remove(self, call: Call) -> JsonObject:
        tombstone, signature = Tombstone.from_facts(call.args["tombstone"]), bytes.fromhex(str(call.args["signature"]))
        removed = self._here().remove(tombstone, signature, failpoint=lambda name: _told(self.link, name))
        return {"removed": removed}

    def _tombstones(self, call: Call) -> JsonObject:
        found = self._here().tombstones(SystemName(str(call.args["system"])))
        return {"tombstones": [[said.hex(), signature.hex()] for said, signature in found]}

    def _sweep(self, call: Call) -> JsonObject:
        return {"swept": self._here().sweep(datetime.fromisoformat(str(call.args["older_than"])))}

    def _put_home(self, call: Call) -> JsonObject:
        self._here().put_home(str(call.args["name"]), call.inlet.read())
        return {}

    def _claim(self, call: Call) -> JsonObject:
        line, place, data = str(call.args["line"]), int(call.args["place"]), bytes.fromhex(str(call.args["data"]))
        return {"stands": self._here().claim(line, place, data).hex()}

    # ------------------------------------------------------------ a set that is being written

    def _begin(self, call: Call) -> JsonObject:
        number = next(self._numbers)
        self._uploads[number] = self._here().begin(*_set(call))
        return {"upload": number}

    def _upload(self, said: JsonObject) -> SetUpload:
        found = self._uploads.get(int(said["upload"]))
        if found is None:
            raise Refused("no such set is being written here")
        return found

    def _put(self, call: Call) -> JsonObject:
        self._upload(call.args).put(str(call.args["path"]), call.inlet.read())
        return {}

    def _link(self, call: Call) -> JsonObject:
        origin, path, digest = SetId(str(call.args["origin"])), str(call.args["origin_path"]), str(call.args["sha256"])
        return {"linked": self._upload(call.args).link(str(call.args["path"]), origin, path, digest)}

    def _commit(self, call: Call) -> JsonObject:
        said = call.long_args(LONGEST)
        manifest, signature = (bytes.fromhex(str(said[name])) for name in ("manifest", "signature"))
        beside = {str(path): bytes.fromhex(str(data)) for path, data in dict(said["beside"]).items()}
        self._upload(said).commit(manifest, signature, beside)
        return {}

    def _abandon(self, call: Call) -> JsonObject:
        self._upload(call.args).abandon()
        return {}


def _told(link: Link, name: str) -> None:
    link.call("failpoint", {"name": name})


def _set(call: Call) -> tuple[SystemName, SetId]:
    return SystemName(str(call.args["system"])), SetId(str(call.args["set"]))
