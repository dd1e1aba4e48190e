"""Wires the rooms: the only package that knows them all, and the one that `cli` calls.

Here: opening a home, handing each room its collaborators, one method per thing a person can ask. Not here: how any of it is done.
"""

from dr.app.demo import prepare_demo, stop_demo
from dr.app.failpoints import failpoint_names
from dr.app.home import App, init_home, leave, verify_report

__all__ = ["App", "failpoint_names", "init_home", "leave", "prepare_demo", "stop_demo", "verify_report"]
