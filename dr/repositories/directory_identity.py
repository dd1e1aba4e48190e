"""What says that a folder is a repository, and whose."""

import json

from pydantic import ValidationError

from dr.errors import Damaged, DrError, Refused, Unreachable
from dr.model.backup import FORMAT, RepositoryIdentity
from dr.repositories.directory_upload import Place
from dr.repositories.tree import NotPlainFile, Tree

IDENTITY = "dr-repository.json"


def read_identity(place: Place, tree: Tree) -> RepositoryIdentity | None:
    """None where there is none. Raises Refused for a format of a later dr, Damaged for one that cannot be read."""
    with place.reaching("be read"):
        try:
            facts = json.loads(tree.read(IDENTITY))
            number = facts["format"]
            if isinstance(number, int) and number > FORMAT:
                raise Refused(
                    f"repository '{place.name}' at {place.root} has format {number}; this dr knows format {FORMAT}",
                    hint="use a newer dr",
                )
            return RepositoryIdentity.from_facts(facts)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (ValueError, KeyError, TypeError, ValidationError, NotPlainFile):
            raise Damaged(f"repository '{place.name}': {place.root}/{IDENTITY} cannot be read") from None


def nothing_here(place: Place) -> DrError:
    """What a folder without an identity is: something else, or nothing that is mounted."""
    root = place.root
    if root.is_dir() and any(root.iterdir()):
        return Refused(
            f"repository '{place.name}': {root} is not a repository of dr",
            hint=f"is it the right folder? `dr repositories init {place.name}` makes one in an empty or a new folder",
        )
    state = "is empty" if root.is_dir() else "does not exist"
    return Unreachable(
        f"repository '{place.name}': {root} {state}",
        hint=f"if it is another disk or machine, mount it; if it was never made: `dr repositories init {place.name}`",
    )
