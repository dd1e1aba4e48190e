"""Proofs on a restored system: one kind a file, which looks at what a restore brought up and says what is not as it should be.

Here: what is looked at, and when that passes. Not here: how an engine is read (drivers), when a set counts as proven (actions). A check
only reads, names things and counts them, and never shows a value. To add one: a file with its parameters and a `CHECK`, a line in
`plugins.py`, and a line in tests/contracts/test_check_contract.py.
"""
