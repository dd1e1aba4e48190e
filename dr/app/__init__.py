"""Wires the rooms: the only package that knows them all, and the one that `cli` calls.

Here: opening a home, handing each room its collaborators, one method per thing a person can ask. Not here: how any of it is done.
What is named here is imported when it is first asked for: `dr.app.completion` answers a key press, and needs none of it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dr.app.demo import prepare_demo, stop_demo
    from dr.app.evidence import verify_report
    from dr.app.failpoints import failpoint_names
    from dr.app.home import App, init_home, leave

__all__ = ["App", "failpoint_names", "init_home", "leave", "prepare_demo", "stop_demo", "verify_report"]
_FROM = {"prepare_demo": "demo", "stop_demo": "demo", "failpoint_names": "failpoints", "verify_report": "evidence"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'dr.app' has no attribute '{name}'")
    return getattr(import_module(f"dr.app.{_FROM.get(name, 'home')}"), name)
