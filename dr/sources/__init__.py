"""What can be backed up: one kind a file, which reads its thing into the artifacts of a set and puts such artifacts back.

Here: which artifacts a kind makes, in what order, and how it comes up again on a standby. Not here: how an engine is spoken to (drivers),
how bytes are cut and encrypted (stream), which host may be written to (hosts), what proves a restore (checks). To add one: a file with
its parameters and a `SOURCE`, a line in `plugins.py`, and a line in tests/contracts/test_source_contract.py.
"""
