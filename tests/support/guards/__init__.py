"""Every guard of the house, and the machine that switches each of them off to see its test go red."""
