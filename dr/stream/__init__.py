"""Where bytes flow: a tar stream is cut into parts, compressed, encrypted, digested, written to every repository at once, and read back.

Here: format 1 of a backup set (`layout` names its places, `cut` and `encode` make its parts, `writer` and `reader` a whole set, `verify`
and `copying` what is done with stored bytes, `guide` the text that restores a set without `dr`). Not here: where the bytes lie
(`repositories`), what they mean (`sources`), what is kept (`policy`).
To add to the format: a new optional field of the signed words in `model/backup.py`; anything that an older `dr` would read wrongly is
format 2. The repositories in `tests/corpus/golden-v*` must restore for ever.
"""
