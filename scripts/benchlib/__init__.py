"""What `scripts/bench` measures with: a world of the wanted size, the same work by hand, a table of ratios.

Here: one file for each thing that is measured, and what they share (`watch` times a command and weighs its processes, `table` says what
came of it). Not here: anything that `dr` itself needs, and no verdict on one machine's seconds: what counts are ratios within one run.
"""
