"""`dr agent`: the half of `dr` that works on another machine, for a controller that reached it over SSH.

Here: the questions that a controller may ask (`verbs`), the step as the work here sees it (`context`), the life of the process (`serve`).
A step's work on a standby is a *unit*, named `<run>-<step>`: a process of its own that outlives the connection (`unit`), which the process
that ssh starts only hands its streams to; one lock a standby, so nothing is doubled, and a time, so nothing is forsaken for ever (`units`).
Not here: the work itself, which is that of a local host, the sources and the checks; and what may be asked back (`dr/hosts/desk`).
It keeps nothing: no home, no catalog, no key. What it writes is below the standby's root, or in a private folder that it removes.
"""
