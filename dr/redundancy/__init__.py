"""What there are two of, so that one may fail unnoticed: disks of a mirror, mains and battery, two providers, a pair of routers.

Here: one kind a file: its parameters, what it reads (a command's output, a connection), and a pure parser from that text to a `Reading`.
Not here: how often is looked, what is kept and who is told (actions), what a free disk's slope means (policy). A kind only reads, by
argument lists of its own. What it does not understand is `unknown`, which is a finding; a look that saw no half is never whole.
To add one: a file with its `Params`, `parse` and a `WATCH`; a line in `dr/plugins.py`; captures of it healthy, degraded, rebuilding and
absent in tests/corpus/redundancy/<kind>/ with their SOURCES.md.
"""
