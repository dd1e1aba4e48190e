"""What a step can do: one verb a file.

Here: the order of things in one verb, and what makes it safe to repeat (look, act, record). Not here: how bytes, servers, hosts or
mailboxes work; those arrive through the step context. To add one: a file with Params, Facts, `run` and `ACTION`, and one line in
`dr/plugins.py`.
"""
