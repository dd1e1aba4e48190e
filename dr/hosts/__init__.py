"""Where commands run, and the only door to a writable host.

Here: what a machine is and how it is recognised (one kind a file: `local`), the guard that decides whether it may be written to, the
signed markers it decides by, enrolment, the claimed places of a run and their scrub, what a recovery does on a host that it opened
(`serving`, `swap`, `unit`), and processes that end with the step.
Not here: what is done on a host (actions, sources, checks). To add one: a file with its parameters and a `KIND`, a line in `plugins.py`,
and a line in tests/contracts/test_host_contract.py.
"""
