"""The figures stage: one function per figure, from a tidy table to a Figure."""
