"""Step estimate_groups: scores and contrasts by group of people, within and between countries."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import click
import pandas as pd

from selfalign.contrasts import Contrast
from selfalign.options import Json, readable, writable
from selfalign.population import country_of, group_of, variable_of
from selfalign.probes.schemas import Poles
from selfalign.progress import show_progress
from selfalign.scoring.bootstrap import FACTORS, Resampling, estimate
from selfalign.scoring.cell_options import bank_option, poles_option
from selfalign.scoring.cells import keep_discriminating
from selfalign.scoring.contrast_options import contrasts_option
from selfalign.scoring.estimate_contrasts import compare_panels
from selfalign.scoring.estimate_options import Estimation, estimate_options, takes_estimation
from selfalign.scoring.families import SCOPE, correct
from selfalign.scoring.inputs import read_cells
from selfalign.scoring.measures import nulls_of
from selfalign.scoring.panels import Panel, build_panels
from selfalign.scoring.schemas import ALL, GroupContrasts, GroupEstimates
from selfalign.tables import Table, read_table, write_estimates

Panels = Mapping[str, Panel]
Estimator = Callable[[Panels], pd.DataFrame]
"""Estimates of each of some people, and of their mean, as `bootstrap.estimate` returns them."""


def estimate_by_group(panels: Panels, estimated: Estimator) -> pd.DataFrame:
    """Estimates for each group of people, for each country, and for their means.

    All people of a mean count the same. The groups of one variable only are averaged.

    Args:
        panels: by id of a group.
        estimated: what to estimate.

    Returns:
        The estimates with columns variable, group (a name or `all`) and country (a code or `all`).
    """
    tables = []
    for variable in sorted({variable_of(one) for one in panels}):
        mine = {one: panel for one, panel in panels.items() if variable_of(one) == variable}
        table = estimated(mine).assign(variable=variable)
        single = table["country"] != ALL
        names = table["country"].where(single, "")
        tables.append(
            table.assign(
                group=names.map(lambda one: group_of(one).partition(".")[2]).where(single, ALL),
                country=names.map(country_of).where(single, ALL),
            )
        )
        for group in show_progress("estimate", variable, items=sorted({group_of(one) for one in mine})):
            some = {one: panel for one, panel in mine.items() if group_of(one) == group}
            tables.append(_mean(estimated(some), variable, group=group.partition(".")[2]))
        for country in sorted({country_of(one) for one in mine}):
            some = {one: panel for one, panel in mine.items() if country_of(one) == country}
            tables.append(_mean(estimated(some), variable, country=country))
    filled = [table for table in tables if len(table)]  # a variable may have no contrast in discriminating cells
    return pd.concat(filled or tables, ignore_index=True)


def _mean(table: pd.DataFrame, variable: str, group: str = ALL, country: str = ALL) -> pd.DataFrame:
    """The mean of some people, under the name of their group or country."""
    return table[table["country"] == ALL].assign(variable=variable, group=group, country=country)


def estimate_scores(scores: pd.DataFrame, how: Resampling, measures: Sequence[str]) -> pd.DataFrame:
    """Measures of every arm by group; see `estimate_by_group`.

    Args:
        scores: `Scores` tables, stacked; the column country has ids of groups.
    """
    estimated = partial(estimate, how=how, null=nulls_of(measures))
    return estimate_by_group(build_panels(scores, measures, list(FACTORS.values())), estimated)


def estimate_differences(
    scores: pd.DataFrame,
    contrasts: list[Contrast],
    poles: pd.DataFrame,
    shown: Mapping[str, str],
    how: Resampling,
    measures: Sequence[str],
) -> pd.DataFrame:
    """Contrasts by group, in all cells and in discriminating ones; see `estimate_by_group`.

    Two groups of a country agree on most probes. There the demonstrations of both may lead to the same answer, and a
    margin over all cells is small even if the model follows its demonstrations.

    Args:
        scores: `Scores` tables, stacked; the column country has ids of groups.
        poles: a `Poles` table with all sources of demonstrations.
        shown: by arm, whose answers its demonstrations have.
    """
    differing, within = keep_discriminating(scores, poles, contrasts)
    tables = []
    for name, cells, pairs in (("all", scores, contrasts), ("discriminating", differing, within)):
        if not pairs or cells.empty:
            continue
        panels = build_panels(cells, measures, list(FACTORS.values()))
        estimated = partial(compare_panels, contrasts=pairs, how=how)
        tables.append(estimate_by_group(panels, estimated).assign(cells=name))
    if not tables:
        return pd.DataFrame(columns=GroupContrasts.names())
    table = pd.concat(tables, ignore_index=True)
    return table.assign(shown=table["against"].map(shown))


def correct_by_group(table: pd.DataFrame, families: Sequence[str]) -> pd.DataFrame:
    """Correct p-values within each variable and kind of row: the mean of all, a group's, a country's, or one people's.

    Args:
        table: as `estimate_scores` or `estimate_differences` returns it.
        families: columns that also name a family.
    """
    kind = pd.Series("all groups", table.index)
    kind = kind.mask(table["group"] != ALL, "one group").mask(table["country"] != ALL, "one country")
    kind = kind.mask((table["group"] != ALL) & (table["country"] != ALL), "a group of a country")
    cells = table["cells"] if "cells" in table else pd.Series(ALL, table.index)
    names = [name for name in families if name not in (SCOPE, "country")]
    parts = []
    for (variable, scope, which), rows in table.groupby([table["variable"], kind, cells], sort=False):
        part = correct(rows, names)
        parts.append(part.assign(family=f"{variable}, {scope}, {which} cells, " + part["family"].astype(str)))
    return pd.concat(parts, ignore_index=True) if parts else table


@click.command()
@click.argument("scores", type=readable, nargs=-1, required=True)
@contrasts_option
@click.option(
    "--shown", type=Json(dict[str, str]), required=True, help="By arm, whose answers its demonstrations have (JSON)."
)
@poles_option
@takes_estimation(estimate_options)
@bank_option
@click.option("--output", type=writable, required=True, help="Scores by group (CSV).")
@click.option("--differences", type=writable, required=True, help="Contrasts by group (CSV).")
def command(
    scores: tuple[Path, ...],
    contrasts: list[Contrast],
    shown: dict[str, str],
    poles: Path,
    how: Estimation,
    bank: Path,
    output: Path,
    differences: Path,
) -> None:
    """Estimate the score of every arm, and the differences between arms, by group of people."""
    cells = read_cells(scores, how.measures, bank)
    table = estimate_scores(cells, how.resampling, how.measures)
    _write(table, how.families, output, GroupEstimates)
    known = read_table(poles, Poles)
    table = estimate_differences(cells, contrasts, known, shown, how.resampling, how.measures)
    _write(table, how.families, differences, GroupContrasts)


def _write(table: pd.DataFrame, families: Sequence[str], path: Path, schema: type[Table]) -> None:
    order = ["variable", "group", "country"]
    table = correct_by_group(table, families).sort_values(order, kind="stable")
    write_estimates(table, path, schema)
