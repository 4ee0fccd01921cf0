"""Step estimate_alternatives: the contrasts for other probes, and under another cut of the answer scales."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import click
import pandas as pd

from selfalign.contrasts import Contrast
from selfalign.options import readable, writable
from selfalign.probes.bank import read_bank
from selfalign.probes.cuts import Cutter, Recut
from selfalign.probes.kinds import PROBE_KINDS, read_kinds
from selfalign.probes.schemas import Poles
from selfalign.progress import show_progress
from selfalign.scoring.bootstrap import FACTORS, Resampling
from selfalign.scoring.cell_options import bank_option, poles_option
from selfalign.scoring.cells import keep_discriminating
from selfalign.scoring.contrast_options import contrasts_option
from selfalign.scoring.cut_options import kinds_option, takes_cutter
from selfalign.scoring.estimate_contrasts import compare_panels
from selfalign.scoring.estimate_options import Estimation, families_option, resample_options, takes_estimation
from selfalign.scoring.families import correct
from selfalign.scoring.inputs import read_scores
from selfalign.scoring.main_intervals import choose_main, cluster_by_category, join_categories
from selfalign.scoring.measures import CONTRASTED
from selfalign.scoring.panels import Panel, build_panels, take_probes
from selfalign.scoring.recut import count_changed, recut_cells
from selfalign.scoring.schemas import ALL, CONTRAST_KEYS, Alternatives
from selfalign.tables import read_table, write_estimates


def choose_alternatives(probes: list[str], kinds: pd.DataFrame | None) -> dict[str, set[str]]:
    """By alternative, the probes that it keeps. Alternatives that keep all probes or none are left out.

    Args:
        probes: of the run.
        kinds: as `read_kinds` returns them; None if the bank has no kinds.
    """
    if kinds is None:
        return {}
    kind = kinds["kind"].reindex(probes)
    chosen = {name: kind == name for name in PROBE_KINDS}
    chosen["value_attitude"] = kind.isin(["value", "attitude"])
    chosen["other"] = ~chosen["value_attitude"] & kind.notna()
    chosen["without_forced"] = kinds["forced"].reindex(probes) != "yes"
    found = {name: set(kind.index[keep]) for name, keep in chosen.items()}
    return {name: kept for name, kept in found.items() if 0 < len(kept) < len(probes)}


@dataclass(frozen=True)
class Alternative:
    """What is estimated under an alternative.

    Attributes:
        name: of the alternative; see `ALTERNATIVES` and `OF_CATEGORIES`.
        panels: by country.
        contrasts: of two arms each.
        people: a `Replicates` table.
        changed: majorities that another cut changes; None if the cut is the bank's.
    """

    name: str
    panels: Mapping[str, Panel]
    contrasts: Sequence[Contrast]
    people: pd.DataFrame
    changed: int | None = None


def estimate_alternatives(
    scores: pd.DataFrame,
    contrasts: list[Contrast],
    poles: pd.DataFrame,
    kinds: pd.DataFrame | None,
    recut: Recut | None,
    how: Resampling,
    families: list[str],
) -> pd.DataFrame:
    """The contrasts for the mean of the countries: the main ones, and under each alternative.

    Each alternative is estimated as if the survey had no other probes: only their batteries, and for the intervals by
    category their categories, are resampled. `choose_main` has the rule of the main interval.

    Args:
        scores: `Scores` tables, stacked.
        poles: a `Poles` table.
        kinds: as `read_kinds` returns them; None if the bank has no kinds.
        recut: the people's answers under the other cut; None if it cannot be estimated.
        families: columns that name a family of tests. No family has rows of two alternatives.

    Returns:
        An `Alternatives` table.
    """
    every = list_alternatives(scores, contrasts, poles, kinds, recut, how.people)
    tables = []
    for one in show_progress("estimate", "alternative", items=every):
        drawn = replace(how, people=one.people)
        table = correct(compare_panels(one.panels, one.contrasts, drawn), families)
        again = compare_panels(cluster_by_category(one.panels, scores), one.contrasts, drawn)
        table, again = (rows[rows["country"] == ALL] for rows in (table, again))
        table = choose_main(join_categories(table, again), how.resample)
        tables.append(table.assign(alternative=one.name, changed=one.changed))
    joined = pd.concat(tables, ignore_index=True)
    main = tables[0].set_index(CONTRAST_KEYS)["probes"]
    before = main.reindex(pd.MultiIndex.from_frame(joined[CONTRAST_KEYS])).to_numpy()
    joined = joined.assign(left_out=before - joined["probes"], changed=joined["changed"].astype("Int64"))
    return joined[Alternatives.names()]


def list_alternatives(
    scores: pd.DataFrame,
    contrasts: list[Contrast],
    poles: pd.DataFrame,
    kinds: pd.DataFrame | None,
    recut: Recut | None,
    people: pd.DataFrame,
) -> list[Alternative]:
    """The main estimates, then the alternatives, in the order of their rows.

    A category has only contrasts that subtract an arm with other countries' answers: its gains over zero-shot are in
    categories.csv.

    Args:
        scores: `Scores` tables, stacked.
        poles: a `Poles` table.
        kinds: as `read_kinds` returns them; None if the bank has no kinds.
        recut: the people's answers under the other cut; None for no such alternative.
        people: a `Replicates` table.
    """
    panels = _build(scores)
    chosen = choose_alternatives(sorted(scores["probe"].astype(str).unique()), kinds)
    found = [Alternative("main", panels, contrasts, people)]
    found += [Alternative(name, take_probes(panels, kept), contrasts, people) for name, kept in chosen.items()]
    differing, margins = keep_discriminating(scores, poles, contrasts)
    apart = {"category": panels, "discriminating": _build(differing)} if margins else {}
    if margins:
        found.append(Alternative("discriminating", apart["discriminating"], margins, people))
    if recut is not None and len(recut.poles):
        again, others = _build(recut_cells(scores, recut.poles)), recut.join_people(people)
        found.append(Alternative("middle", again, contrasts, others, count_changed(scores, recut.poles)))
    category_of = scores.drop_duplicates("probe").set_index("probe")["category"].astype(str)
    names = sorted(category_of.unique())
    for (of, cells), name in product(apart.items(), names if len(names) > 1 else []):
        if taken := take_probes(cells, category_of.index[category_of == name]):
            found.append(Alternative(f"{of}:{name}", taken, margins, people))
    return found


def _build(scores: pd.DataFrame) -> dict[str, Panel]:
    return build_panels(scores, CONTRASTED, list(FACTORS.values()))


@click.command()
@click.argument("scores", type=readable, nargs=-1, required=True)
@contrasts_option
@poles_option
@kinds_option
@takes_cutter
@takes_estimation(resample_options, families_option)
@bank_option
@click.option("--output", type=writable, required=True, help="Alternatives (CSV).")
def command(
    scores: tuple[Path, ...],
    contrasts: list[Contrast],
    poles: Path,
    kinds: Path | None,
    cutter: Cutter,
    how: Estimation,
    bank: Path,
    output: Path,
) -> None:
    """Estimate the contrasts for other probes or cells, and with another cut of ten-point scales."""
    cells = read_scores(scores)
    of_kind = read_kinds(kinds) if kinds else None
    probes = read_bank(bank)
    probes = probes[probes["probe"].isin(cells["probe"].unique())]
    recut = None
    if (cells["asks"] == "poles").all():
        recut = cutter.cut("middle", probes, cells["country"].unique())
    else:
        click.echo("middle: left out, because the cells do not ask with two options", err=True)
    if of_kind is None:
        click.echo("kinds of probes and forced choices: left out, because the bank has no kinds", err=True)
    elif without := sorted(set(probes["probe"]) - set(of_kind.index)):
        click.echo(f"{len(without)} probes have no kind: {', '.join(without)}", err=True)
    known = read_table(poles, Poles)
    table = estimate_alternatives(cells, contrasts, known, of_kind, recut, how.resampling, how.families)
    write_estimates(table, output, Alternatives)
