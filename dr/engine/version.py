"""The format of a run under way. Change it whenever the workflow's operations or their order change."""

ENGINE_VERSION = "dr-engine-3"
"""Stored with every run; a run of another version is refused, never left to wait for ever."""
