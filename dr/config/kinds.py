"""The kinds that may be named in the files, with the models of their parameters: what `config` needs to know of the other rooms."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dr.model.base import StrictModel
from dr.model.places import Place
from dr.model.ports import Action

Params = Mapping[str, type[StrictModel]]
"""Kind to the model of its `with`."""
Places = Mapping[str, Callable[[Any, str], Sequence[Place]]]
"""Kind to what its parameters, with the home that relative paths begin at, say of where on its machine it is."""


@dataclass(frozen=True)
class Kinds:
    """Handed in by whoever wires the rooms together; nothing in `config` imports a kind."""

    actions: Mapping[str, Action] = field(default_factory=dict)
    sources: Params = field(default_factory=dict)
    repositories: Params = field(default_factory=dict)
    hosts: Params = field(default_factory=dict)
    checks: Params = field(default_factory=dict)
    redundancy: Params = field(default_factory=dict)
    source_places: Places = field(default_factory=dict)
    repository_places: Places = field(default_factory=dict)
    host_places: Places = field(default_factory=dict)
    machines: Mapping[str, Callable[[Any], str]] = field(default_factory=dict)
    """Kind of host or repository to what its parameters say of which machine it is; of a kind that is not here it is this one."""
