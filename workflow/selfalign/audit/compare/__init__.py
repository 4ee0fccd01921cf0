"""The command `compare`: `changes` finds what differs between two runs, `report` writes it as text."""
