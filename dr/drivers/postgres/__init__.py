"""PostgreSQL: binaries, connections, throwaway clusters, dump and load, content proof. Versions 14 to 18.

Here: everything that knows PostgreSQL. To add to it: a file with one verb, which takes a `Dsn` or a `Runner` and returns values.
"""
