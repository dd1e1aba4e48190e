"""Decisions, without effects.

Here: given facts and an instant, what should happen, and why: which copies stay (`retention`), how ready a system is (`readiness`),
how much would be lost (`rpo`), how long it would take to be back (`forecast`, `burndown`;
`unmeasured` and `opening` know what no drill measures, `still` what is no measurement); who takes over what a lost office held
(`failover`, a state machine of several files; `succession` knows beforehand what it would find missing), and how well that was rehearsed
(`scenario`, `exercise`).
Not here: reading a file, a database or a clock, or doing any of it.
To add one: a function from frozen values to a frozen decision with its reasons, and its properties in tests/unit/policy/.
"""
