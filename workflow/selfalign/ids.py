"""The form of the ids of questions, probes and people."""

NAME = r"^[A-Za-z][A-Za-z0-9_.-]*$"
"""A letter, then letters, digits, dots, hyphens or underscores."""

PART = r"[A-Za-z0-9][A-Za-z0-9_+-]*"
"""The form of the names of variables and of groups of people, such as sex and female."""

PEOPLE_ID = rf"^[A-Z]{{3}}(?:\.{PART}\.{PART})?$"
"""The form of the id of people: a country (ISO 3166 alpha-3); or country, variable and group with dots between them."""
