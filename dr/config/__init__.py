"""Text in, model out: what people write in `inventory/` and `runbooks/`, read, checked and compiled.

Here: the safe YAML loader with positions, every problem of every file at once, references, secrets, the home's keys, `dr init`.
Not here: which kinds exist (they are passed in as `Kinds`), and running anything.
To add a rule: a function that yields Problems in the file of its noun, and a bad file with its whole expected text in
`tests/corpus/config/`. Begin reading at `load.py`.
"""
