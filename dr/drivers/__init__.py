"""One folder per database engine: its connections, binaries, dumps, digests and proofs.

Here: what it takes to speak with a server of that engine. Not here: when to do so (actions), where the bytes go (stream), which host may
be written to (hosts). To add one: a folder, used by a source and by checks.
"""
