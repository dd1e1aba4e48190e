"""What lies beside a file set: folders that no source covers, told apart by keyed digests, since a folder's name can name a client."""

import hmac
import os
import re
from collections.abc import Sequence

_ASIDE = re.compile(r"\.before-[a-z0-9-]+-\d{8}T\d{6}Z-[0-9a-f]{4}$")
"""How `dr.model.swapping.kept_name` ends."""


def uncovered(root: str, covered: Sequence[str], key: bytes) -> tuple[str, ...]:
    """Digests of the folders in the parent of `root` that are, hold and lie in none of `covered`; empty where one may not look.

    Hidden folders are left out: they are a tool's, not a site's; and what a recovery of ours put aside, since it is named in that run.
    """
    parent = os.path.dirname(root)  # noqa: PTH120 - as text: the path of a host, not opened through pathlib
    taken = [os.path.realpath(path) for path in (root, *covered)]
    try:
        with os.scandir(parent) as entries:
            folders = [
                e.name for e in entries if not e.name.startswith(".") and not _ASIDE.search(e.name) and e.is_dir(follow_symlinks=False)
            ]
    except OSError:
        return ()
    new = [name for name in folders if not any(_related(os.path.join(parent, name), path) for path in taken)]  # noqa: PTH118
    return tuple(sorted(hmac.new(key, b"beside:" + os.fsencode(name), "sha256").hexdigest()[:16] for name in new))


def _related(one: str, other: str) -> bool:
    return one == other or one.startswith(other.rstrip("/") + "/") or other.startswith(one.rstrip("/") + "/")
