"""The schema's history. One file per version in `versions/`, never changed once released; run by `store` when a catalog is opened.

To add one: the change in `schema`, the next number in `REVISIONS` and in `versions/`, with `batch_alter_table` for anything but a new
table (SQLite cannot alter much in place).
"""
