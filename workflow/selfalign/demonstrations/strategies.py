"""The strategies by which demonstrations are chosen, and what they measure."""

SIMILARITIES = ("chrf", "bm25", "embedding")
"""Similarities of two probes: by character n-grams and words, by shared rare words, by sentence embeddings."""

SEEDED = ("random", "category")
"""The strategies that draw: from all candidates, from those of the test probe's category. They have seeds."""

STRATEGIES = (*SEEDED, *SIMILARITIES)
"""How candidates are ordered: at random, or by a measure of similarity."""


EXCLUSIONS = {"siblings": "sibling", "battery": "same_battery", "category": "same_category"}
"""By candidates that an arm can exclude, the column of `Ranking` that says whether a candidate is one of them."""


def measure_of(strategy: str) -> str:
    """The measure whose similarity is recorded for a strategy: its own, or chrF++ for a strategy that draws."""
    return strategy if strategy in SIMILARITIES else "chrf"
