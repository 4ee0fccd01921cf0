"""The figure calibration: its panels and dots, which no table has."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from selfalign.audit.trace.contributions import is_same, largest_first
from selfalign.audit.trace.evidence import statement
from selfalign.audit.trace.names import RunNames
from selfalign.audit.trace.points import Point, Term
from selfalign.audit.trace.results import Results
from selfalign.audit.trace.show import first_rows, paragraph, percent, section, table
from selfalign.scoring.calibration import average_cells, correlate, parts_of_correlation


def panels(scores: pd.DataFrame, arms: list[str], wanted: Mapping[str, str]) -> list[pd.DataFrame]:
    """The panels of the figure that are meant, each with its dots.

    Args:
        scores: `Scores` tables, stacked.
        wanted: a model, language or arm; without them, every panel.

    Returns:
        For each panel, the columns of `average_cells` and adds: what a dot adds to r_c.
    """
    dots = average_cells(scores, arms)
    for column in ("model", "language", "arm"):
        if column in wanted:
            dots = dots[dots[column] == wanted[column]]
    return [
        panel.assign(adds=parts_of_correlation(panel))
        for _, panel in dots.groupby(["model", "language", "arm"], sort=False)
    ]


def dots_of(panel: pd.DataFrame, country: str | None) -> pd.DataFrame:
    """The dots of a panel, or of one country in it, by the size of what they add to r_c."""
    return largest_first(panel if country is None else panel[panel["country"] == country])


def point_of_dot(panel: pd.DataFrame, country: str, probe: str) -> Point:
    """The height of a dot: the mean of p(A) over the cells of a country and probe."""
    first = panel.iloc[0]
    term = Term(1, first["model"], first["language"], first["arm"])
    return Point("calibration", None, country, "p_a", (term,), None, {}, probe)


def title_of_panel(panel: pd.DataFrame, names: RunNames) -> str:
    """Model, language and arm of a panel."""
    first = panel.iloc[0]
    model, language = names.models[first["model"]], names.languages[first["language"]]
    return f"Calibration of {model}, asked in {language}: {names.title_of_arm(first['arm'])}"


def describe_panel(
    results: Results, names: RunNames, panel: pd.DataFrame, country: str | None, limit: int | None
) -> str:
    """A panel of the figure calibration: r_c, agreement, and what each dot adds to r_c."""
    dots = dots_of(panel, country)
    first = panel.iloc[0]
    texts = results.texts(first["language"])
    rows = [
        [
            row.probe,
            statement(texts, row.probe),
            row.country,
            percent(row.share_a),
            percent(row.p_a),
            f"{row.agreement:.3g}",
            f"{row.adds:+.5f}",
        ]
        for row in dots.itertuples()
    ]
    shown, rest = first_rows(rows, limit)
    unanswered = int(panel["p_a"].isna().sum())
    value, check = describe_correlation(correlate(panel), panel["adds"].sum(), len(panel) - unanswered)
    agreement = f"Agreement {panel['agreement'].mean():.1%}, the mean over {len(panel)} probes of all countries."
    head = [value, agreement, *check]
    if unanswered:
        head.append(f"{unanswered} probes have no answer and no dot.")
    if country is not None:
        name = names.title_of_country(country)
        head.append(f"The {len(dots)} dots of {name} add {dots['adds'].sum():+.6f}.")
    columns = ["probe", "statement", "country", "people A", "model A", "agreement", "adds to r_c"]
    options = f"--figure calibration --language {first['language']} --arm {first['arm']}"
    example = dots.iloc[0]
    return "\n\n".join(
        [
            section(title_of_panel(panel, names), *map(paragraph, head), line="="),
            section("Dots, the largest contribution first", table(shown, columns, left=(0, 2), flexible=1), rest),
            section(
                "The evidence of a dot",
                f"selfalign trace {results.run.name} {options} --country {example['country']}"
                f" --probe {example['probe']}",
            ),
        ]
    )


def describe_correlation(r: float, added: float, dots: int) -> tuple[str, list[str]]:
    """r_c of a panel, and whether the contributions of its dots sum to it.

    Args:
        r: r_c; NaN if it has no value, as where the model gives each option one half.
        added: sum of the contributions.
        dots: number of dots.
    """
    if np.isnan(r):
        return f"r_c has no value over {dots} dots.", []
    verdict = "The same" if is_same(added, r) else "NOT THE SAME"
    return f"r_c = {r:.6f} over {dots} dots.", [f"Check: the contributions of all dots sum to {added:.6f}. {verdict}."]
