"""How a cell without an answer counts in the agreement with the people."""

import numpy as np
import pandas as pd

COUNTS_AS = {"half": 0.5, "wrong": 0.0, "left_out": np.nan}
"""By rule, the agreement of a cell without an answer; NaN: the cell is left out."""

AGREEMENTS = {"agreement_answered": "left_out", "agreement_wrong": "wrong", "agreement_half": "half"}
"""By name of a measure, the rule of its agreement. The setting scoring.unanswered names the main rule."""


def add_agreements(scores: pd.DataFrame) -> pd.DataFrame:
    """Scores with a column for the agreement under each rule.

    Args:
        scores: `Scores` tables, stacked.

    Returns:
        The table with the columns of `AGREEMENTS`. Cells with an answer have the same value in all of them.
    """
    answered = scores["answered"]
    return scores.assign(
        **{name: scores["agreement"].where(answered, COUNTS_AS[rule]) for name, rule in AGREEMENTS.items()}
    )


def find_repeated(scores: pd.DataFrame) -> list[str]:
    """Names of the columns of `AGREEMENTS` that equal the main agreement in every cell.

    One of them always does. If every cell has an answer, all of them do.

    Args:
        scores: as `add_agreements` returns them.
    """
    return [name for name in AGREEMENTS if scores[name].equals(scores["agreement"].rename(name))]


def repeat_rows(estimates: pd.DataFrame, measures: list[str]) -> pd.DataFrame:
    """Estimates with the rows of agreement repeated under other names. This saves a bootstrap of each.

    Args:
        estimates: a table that `bootstrap.estimate` returned.
        measures: the names, from `find_repeated`.

    Returns:
        The table in the order of `bootstrap.estimate`. Repeated rows have no p: each hypothesis is tested once.
    """
    main = estimates[estimates["measure"] == "agreement"]
    table = pd.concat([estimates, *(main.assign(measure=name, p=np.nan) for name in measures)])
    keys = [name for name in estimates.columns[: estimates.columns.get_loc("country")] if name != "measure"]
    return table.sort_values([*keys, "measure", "country"], kind="stable", ignore_index=True)
