"""What holds for every test: one that lacks a program of the machine is left out and named, never passed over in silence."""

pytest_plugins = ["tests.support.needs", "tests.support.workers"]
