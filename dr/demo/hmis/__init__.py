"""A homeless management information system's database, as large and as awkward as a real one, with invented people.

Here: the published schema (`fy2026.json`), its SQL (`ddl.py`, `security.sql`), and the generator (`generate.py` and the files of rows
it uses). To add a table: its facts go into the JSON, its rows into the file of what it is about.
"""
