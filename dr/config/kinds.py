"""The kinds that may be named in the files, with the models of their parameters: what `config` needs to know of the other rooms."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from dr.model.base import StrictModel
from dr.model.ports import Action

Params = Mapping[str, type[StrictModel]]
"""Kind to the model of its `with`."""


@dataclass(frozen=True)
class Kinds:
    """Handed in by whoever wires the rooms together; nothing in `config` imports a kind."""

    actions: Mapping[str, Action] = field(default_factory=dict)
    sources: Params = field(default_factory=dict)
    repositories: Params = field(default_factory=dict)
    hosts: Params = field(default_factory=dict)
    checks: Params = field(default_factory=dict)
