"""`dr`: if we lost the system right now, what would we get back, how fast, and how do we know?

The house has one way through it: YAML text (`config`) becomes the vocabulary (`model`), is compiled to a plan and run durably (`engine`),
step by step (`actions`), which speak with `sources`, `repositories`, `hosts` and `checks`; bytes flow through `stream`; database engines
are known by `drivers`; `disk` writes small files whole; facts are recorded in the `catalog`; people are told (`notify`) and shown
(`report`). `policy` decides without effects. `plugins` lists every kind there is, `app` wires the rooms, `cli` is the door. Nothing flows
back up.
"""

__version__ = "0.1.0"
