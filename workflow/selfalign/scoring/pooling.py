"""Cells that are estimated together: of each country's own language, or of the models of one kind."""

from collections.abc import Mapping, Sequence

import pandas as pd

OWN = "own"
"""The column language has this value for each country's own language. No language has a code of three letters."""


def asked_in_both(scores: pd.DataFrame, arms: Sequence[str], asked_in: str, own: Mapping[str, str]) -> pd.DataFrame:
    """Cells of the countries that are asked about in one language and in their own, each with all of the arms.

    Args:
        scores: `Scores` tables, stacked.
        arms: the arms that a country needs in both languages.
        asked_in: the language that all countries share, ISO 639-1.
        own: by country, its own language.

    Returns:
        The cells of these arms; the language of the second half is `OWN`.
    """
    cells = scores[scores["arm"].isin(arms) & scores["country"].isin(list(own))]
    shared = cells[cells["language"] == asked_in]
    others = cells[_speaks_own(cells, own)].assign(language=OWN)
    both = pd.concat([shared, others], ignore_index=True)
    runs = both[["country", "language", "arm"]].astype(str).drop_duplicates()["country"].value_counts()
    return both[both["country"].isin(runs.index[runs == 2 * len(set(arms))])]


def cells_of(
    scores: pd.DataFrame, model: str, language: str, own: Mapping[str, str], kinds: Mapping[str, str]
) -> pd.DataFrame:
    """The cells of a model, or of the models of a kind, in a language, or in each country's own.

    Args:
        scores: `Scores` tables, stacked.
        model: its name, or `name_kind` of a kind.
        language: ISO 639-1, or `OWN`.
        own: by country, its own language.
        kinds: by model, its kind.

    Returns:
        The cells with their own models and languages.
    """
    models = [name for name, kind in kinds.items() if name_kind(kind) == model] or [model]
    asked = _speaks_own(scores, own) if language == OWN else scores["language"] == language
    return scores[scores["model"].isin(models) & asked]


def _speaks_own(scores: pd.DataFrame, own: Mapping[str, str]) -> pd.Series:
    """Whether cells are asked in their country's own language. As texts, since categories need not be the same."""
    return scores["language"].astype(str) == scores["country"].astype(str).map(own)


def name_kind(kind: str) -> str:
    """The value of the column model for the models of a kind. No model can have this name, because it has a space."""
    return f"{kind} models"
