"""`python -m dr`."""

from dr.cli import main

main()
