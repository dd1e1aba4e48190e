"""Where sets live: one file a kind, each fulfilling `dr.model.ports.Repository` with the layout of format 1.

A repository keeps, gives back and removes stored bytes; it sees no plain text and decides nothing. What a set consists of is known by
`dr.stream`. To add a kind: a file with its parameters, its class and `KIND = RepositoryKind(...)`, a line in `dr/plugins.py`, and a line
in the parameters of tests/contracts/test_repository_contract.py.
"""
