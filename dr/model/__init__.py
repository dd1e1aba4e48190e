"""The vocabulary: frozen, typed values, and the ports through which the rooms speak.

Here: what a thing is called and what it holds. Not here: reading, deciding or doing (no I/O, no os, no pathlib, no driver; a path is a
NewType of str). To add a word: a StrictModel in the file of its noun, with its meaning and units in the docstring.
"""
