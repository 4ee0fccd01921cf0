"""Step estimate_alternatives: the contrasts for other probes, and under another cut of the answer scales."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import click
import pandas as pd

from selfalign.contrasts import Contrast
from selfalign.options import readable, writable
from selfalign.probes.bank import read_bank
from selfalign.probes.cuts import Cutter
from selfalign.probes.kinds import PROBE_KINDS, read_kinds
from selfalign.probes.schemas import Poles
from selfalign.progress import show_progress
from selfalign.scoring.bootstrap import FACTORS, Resampling
from selfalign.scoring.cell_options import bank_option, poles_option
from selfalign.scoring.cells import keep_discriminating
from selfalign.scoring.contrast_options import contrasts_option
from selfalign.scoring.cut_options import cut_options, kinds_option
from selfalign.scoring.estimate_contrasts import compare_panels
from selfalign.scoring.estimate_options import Estimation, families_option, resample_options, takes_estimation
from selfalign.scoring.families import correct
from selfalign.scoring.inputs import read_scores
from selfalign.scoring.measures import CONTRASTED
from selfalign.scoring.panels import CONTRAST_KEYS, build_panels, take_probes
from selfalign.scoring.recut import count_changed, recut_cells, recut_people
from selfalign.scoring.schemas import ALL, ALTERNATIVES, Alternatives
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


def estimate_alternatives(
    scores: pd.DataFrame,
    contrasts: list[Contrast],
    poles: pd.DataFrame,
    kinds: pd.DataFrame | None,
    cut: tuple[pd.DataFrame, pd.DataFrame] | None,
    how: Resampling,
    families: list[str],
) -> pd.DataFrame:
    """The contrasts for the mean of the countries: the main ones, and under each alternative.

    Each alternative is estimated as if the survey had no other probes: only their batteries are resampled.

    Args:
        scores: `Scores` tables, stacked.
        contrasts: of two arms each.
        poles: a `Poles` table.
        kinds: as `read_kinds` returns them; None if the bank has no kinds.
        cut: `Poles` and `Replicates` of the probes that the other cut changes; None if it cannot be estimated.
        how: how intervals are computed.
        families: columns that name a family of tests. No family has rows of two alternatives.

    Returns:
        An `Alternatives` table.
    """
    panels = build_panels(scores, CONTRASTED, list(FACTORS.values()))
    chosen = choose_alternatives(sorted(scores["probe"].astype(str).unique()), kinds)
    parts = {"main": compare_panels(panels, contrasts, how)}
    for name, kept in show_progress("estimate", "alternative", items=list(chosen.items())):
        parts[name] = compare_panels(take_probes(panels, kept), contrasts, how)
    differing, within = keep_discriminating(scores, poles, contrasts)
    if within:
        panels = build_panels(differing, CONTRASTED, list(FACTORS.values()))
        parts["discriminating"] = compare_panels(panels, within, how)
    if cut is not None and len(cut[0]):
        changed, replicates = cut
        panels = build_panels(recut_cells(scores, changed), CONTRASTED, list(FACTORS.values()))
        others = replace(how, people=recut_people(how.people, replicates))
        parts["middle"] = compare_panels(panels, contrasts, others)
        parts["middle"]["changed"] = count_changed(scores, changed)
    return _join(parts, families)


def _join(parts: Mapping[str, pd.DataFrame], families: list[str]) -> pd.DataFrame:
    """One table of all alternatives, in the order of `ALTERNATIVES`, with the probes that each leaves out."""
    main = parts["main"]
    main = main[main["country"] == ALL].set_index(CONTRAST_KEYS)["probes"]
    tables = []
    for name in ALTERNATIVES:
        if name not in parts:
            continue
        table = correct(parts[name], families)
        table = table[table["country"] == ALL].assign(alternative=name)
        before = main.reindex(pd.MultiIndex.from_frame(table[CONTRAST_KEYS])).to_numpy()
        tables.append(table.assign(left_out=before - table["probes"], changed=table.get("changed", pd.NA)))
    joined = pd.concat(tables, ignore_index=True)
    return joined.assign(changed=joined["changed"].astype("Int64"))[Alternatives.names()]


@click.command()
@click.argument("scores", type=readable, nargs=-1, required=True)
@contrasts_option
@poles_option
@kinds_option
@cut_options
@takes_estimation(resample_options, families_option, bank_option)
@click.option("--output", type=writable, required=True, help="Alternatives (CSV).")
def command(
    scores: tuple[Path, ...],
    contrasts: list[Contrast],
    poles: Path,
    kinds: Path | None,
    cutter: Cutter,
    how: Estimation,
    output: Path,
) -> None:
    """Estimate the contrasts for other probes or cells, and with another cut of ten-point scales."""
    cells = read_scores(scores)
    of_kind = read_kinds(kinds) if kinds else None
    probes = read_bank(how.bank)
    probes = probes[probes["probe"].isin(cells["probe"].unique())]
    cut = None
    if (cells["asks"] == "poles").all():
        cut = cutter.cut("middle", probes, cells["country"].unique())
    else:
        click.echo("middle: left out, because the cells do not ask with two options", err=True)
    if of_kind is None:
        click.echo("kinds of probes and forced choices: left out, because the bank has no kinds", err=True)
    elif without := sorted(set(probes["probe"]) - set(of_kind.index)):
        click.echo(f"{len(without)} probes have no kind: {', '.join(without)}", err=True)
    known = read_table(poles, Poles)
    table = estimate_alternatives(cells, contrasts, known, of_kind, cut, how.resampling(), how.families)
    write_estimates(table, output, Alternatives)
