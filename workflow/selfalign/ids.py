"""The form of the ids of questions and probes."""

NAME = r"^[A-Za-z][A-Za-z0-9_.-]*$"
"""A letter, then letters, digits, dots, hyphens or underscores."""
