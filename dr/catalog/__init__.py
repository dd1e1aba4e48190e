"""Where facts are recorded: who, what, when, how long, what was proven. All SQL against our own store is here.

Here: the tables (`schema`), opening and upgrading the store (`store`, `migrations/`), and one file per noun whose methods make up the
`Catalog`, which is the port `Records`. Not here: what the facts mean (`policy`), or any other program's database.
To add a fact: a table or column in `schema`, a migration that makes it (tests compare the two), a method in its noun's file, and its
promise in tests/contracts/test_records_contract.py.
"""
