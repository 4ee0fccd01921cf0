"""Does a model follow a country, or repeat the option that it was just shown most often?

The program takes the cells of an arm in which three or more demonstrations have one of the test probe's two options as
their answer, one of the options more often: this option leads. If the country's majority chooses it, repetition looks
like agreement. If the majority chooses the other option, repetition looks like disagreement.

For each model it estimates how often the leading option is chosen, and the agreement of cells whose people are on its
side, on the other side, and of all other cells: with the demonstrations, without them (zero-shot), and the difference.
Estimates are means of the countries with the workflow's intervals by battery and by category, and the main one. The
groups of cells are taken as given. docs/findings/demonstrations.md has the results.

    python benchmarks/repetition.py RUN [--arm chrf] [--output FILE]
"""

from collections.abc import Mapping
from pathlib import Path

import click
import numpy as np
import pandas as pd
from kept_tables import keep_table, show_intervals
from selfalign.contrasts import Contrast
from selfalign.errors import InputError, did_you_mean, exit_on_mistake
from selfalign.probes.schemas import Replicates
from selfalign.prompts.schemas import Design, Prompts
from selfalign.runs import Run, find_run
from selfalign.scoring.bootstrap import FACTORS, Resampling, estimate
from selfalign.scoring.inputs import categories_to_text, read_scores
from selfalign.scoring.main_intervals import choose_main, cluster_by_category
from selfalign.scoring.panels import Panel, build_panels, contrast_panels
from selfalign.scoring.readers import count_options
from selfalign.scoring.schemas import ALL
from selfalign.tables import read_table

CELL = ["country", "probe", "source", "seed", "template"]
LEAST = 3
"""Demonstrations that must have one of the test probe's options as their answer."""

LEADING = "leading_chosen"
"""Measure: whether the model chooses the leading option. It does not depend on the people."""

ZERO = "zero_shot"
KEYS = ["model", "language", "arm", "against", "measure"]
ENDS = ["standard_error", "low", "high", "df"]


def count_own_options(run: Run, language: str, arm: str) -> pd.DataFrame:
    """How often each cell's demonstrations answer with its own option for pole A, and for pole B.

    Returns:
        Columns of a cell's key, a, b.
    """
    design = read_table(run.design(language), Design)
    prompts = read_table(run.prompts(language), Prompts)[["prompt", "shown", "options"]]
    cells = design[(design["arm"] == arm) & (design["order"] == "AB")].merge(prompts, on="prompt")
    counts = count_options(cells["shown"], cells["options"])
    return cells[CELL].assign(a=counts[:, 0], b=counts[:, 1])


def find_leading(scores: pd.DataFrame, counts: pd.DataFrame, arm: str) -> pd.DataFrame:
    """The answered cells of an arm with the pole whose option leads, and the zero-shot cells next to them.

    Args:
        scores: `Scores` tables, stacked.
        counts: as `count_own_options` returns them.
        arm: whose demonstrations are counted.

    Returns:
        `Scores` of the arm, then of zero-shot, one for each cell of the arm. Column leads: A, B, or empty if no option
        leads. Column `LEADING`: 1, 0, or NaN if none leads or the cell has no answer.
    """
    cells = scores[(scores["arm"] == arm) & scores["answered"]].merge(counts, on=CELL)
    some = (cells["a"] + cells["b"] >= LEAST) & (cells["a"] != cells["b"])
    cells["leads"] = np.select([some & (cells["a"] > cells["b"]), some], ["A", "B"], "")
    zero = scores[scores["arm"] == ZERO]
    before = zero.merge(cells[["model", "country", "probe", "template", "leads"]])
    both = pd.concat([cells.drop(columns=["a", "b"]), before], ignore_index=True)
    chosen = (np.where(both["p_a"] > 0.5, "A", "B") == both["leads"]).astype(float)
    return both.assign(**{LEADING: chosen.where((both["leads"] != "") & both["answered"])})


def divide_cells(cells: pd.DataFrame) -> dict[str, tuple[pd.Series, str]]:
    """By name of a group: whether a cell is in it, and the measure that is estimated there.

    Args:
        cells: as `find_leading` returns them.
    """
    leads, with_people = cells["leads"] != "", cells["leads"] == cells["majority"]
    return {
        "one option leads": (leads, LEADING),
        "people on its side": (leads & with_people, "agreement"),
        "people on the other side": (leads & ~with_people, "agreement"),
        "elsewhere": (~leads, "agreement"),
    }


def estimate_both(panels: Mapping[str, Panel], arm: str, how: Resampling) -> pd.DataFrame:
    """The two arms and their difference, for the mean of the countries; `against` is empty for an arm."""
    pairs = contrast_panels(panels, [Contrast(arm=arm, against=ZERO)])
    table = pd.concat([estimate(panels, how).assign(against=""), estimate(pairs, how, differences=True)])
    return table.loc[table["country"] == ALL, [*KEYS, "estimate", *ENDS, "probes", "batteries"]]


def estimate_group(cells: pd.DataFrame, measure: str, arm: str, how: Resampling) -> pd.DataFrame:
    """A measure in a group of cells, with intervals by battery and by category, and the main one."""
    panels = build_panels(cells, [measure], list(FACTORS.values()))
    again = estimate_both(cluster_by_category(panels, cells), arm, how).drop(columns=["estimate", "probes"])
    again = again.rename(columns={name: f"category_{name}" for name in ENDS} | {"batteries": "categories"})
    table = estimate_both(panels, arm, how).merge(again, on=KEYS, how="left", validate="one_to_one")
    return choose_main(table, how.resample).sort_values(KEYS, ignore_index=True)


def estimate_repetition(run: Run, language: str, arm: str, draws: int) -> pd.DataFrame:
    """Choices of the leading option, and agreement in each group of cells: a row per group, model and arm.

    Args:
        run: a finished run.
        language: of the prompts.
        arm: whose demonstrations are counted.
        draws: bootstrap resamples.

    Returns:
        Columns group, cells (of the model's arm in the group), all_cells (of its arm), and those of `estimate_group`.

    Raises:
        InputError: the run has no such arm.
    """
    settings = run.config["scoring"]
    people = read_table(run.people("replicates.parquet"), Replicates)
    how = Resampling(people, draws, settings["level"], settings["seed"], settings["resample"])
    scores = categories_to_text(read_scores(sorted(run.folder.glob(f"scores/*/{language}.parquet"))))
    if arm not in (arms := set(scores["arm"])):
        raise InputError(run.folder, "has no cells of this arm", did_you_mean(arm, arms), value=arm)
    cells = find_leading(scores, count_own_options(run, language, arm), arm).assign(ordered=True)
    asked, tables = cells["arm"] == arm, []
    for group, (here, measure) in divide_cells(cells).items():
        table = estimate_group(cells[here], measure, arm, how)
        number, every = (cells.loc[some, "model"].value_counts() for some in (asked & here, asked))
        table.insert(0, "group", group)
        table.insert(1, "cells", table["model"].map(number))
        table.insert(2, "all_cells", table["model"].map(every))
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


@click.command()
@click.argument("name", metavar="RUN")
@click.option("--language", default="en", show_default=True)
@click.option("--arm", default="chrf", show_default=True, help="Arm whose cells are looked at.")
@click.option("--draws", default=10_000, show_default=True, help="Bootstrap resamples.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="File for the table (CSV).")
def main(name: str, language: str, arm: str, draws: int, output: Path | None) -> None:
    """Print choices of the leading option, and agreement, of each model of RUN in each group of cells, in per cent."""
    with exit_on_mistake():
        table = estimate_repetition(find_run(name), language, arm, draws)
    keep_table(table, output)
    table["percent"] = show_intervals(table, ".1f")
    table["series"] = table["arm"].where(table["against"] == "", table["arm"] + " - " + table["against"])
    rows = ["group", "measure", "model", "cells", "all_cells"]
    print(table.pivot_table(index=rows, columns="series", values="percent", aggfunc="first", sort=False).to_string())


if __name__ == "__main__":
    main()
