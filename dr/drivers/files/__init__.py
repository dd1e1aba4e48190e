"""File sets: what a tree of files is, in facts and keyed digests, and GNU tar's arguments.

Here: everything that knows how files are read, described and compared. Names are bytes inside and percent-encoded outside, since a name
need not be UTF-8; a name can name a client, so none goes into a message, a log or the evidence.
"""
