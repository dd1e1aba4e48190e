"""One folder per thing that is spoken with: a database engine (its connections, dumps, proofs), a file tree, the network.

Here: what it takes to speak with it. Not here: when to do so (actions), where the bytes go (stream), which host may be written to
(hosts). To add one: a folder, used by a source or by checks.
"""
