"""The demonstration: an invented organisation with a database, a site, two repositories and a standby, all on this machine.

Here: what makes that world (`hmis/` the database, `site.py` the files, `world.py` the whole), and who plays in its exercise
(`players.py`, told by `receivers.py`). Not here: anything that a real
organisation needs; no other room imports this one. To add to it: a file that makes one thing, the same for the same seed.
"""
