"""Step rank_countries: the surveyed countries whose people a model's answers are most similar to, by arm."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import click
import numpy as np
import pandas as pd

from selfalign.contrasts import Contrast
from selfalign.errors import InputError
from selfalign.options import Json, Words, readable, writable
from selfalign.probes.replicates import draw_shares
from selfalign.probes.schemas import Poles
from selfalign.scoring.bootstrap import FACTORS, Resampling, estimate, place_probes, resample_each
from selfalign.scoring.estimate_options import Estimation, resample_options, takes_estimation
from selfalign.scoring.inputs import read_scores
from selfalign.scoring.metrics import js_distance, js_distance_slope
from selfalign.scoring.panels import Panel, build_panels, contrast_panel, drop_empty
from selfalign.scoring.ranks import Drawn, average, bound_rank, bound_share, bound_value
from selfalign.scoring.schemas import ALL, CountryRanks
from selfalign.tables import read_table, write_estimates

_DISTANCE = "js_distance"
_SERIES = ["model", "language", "arm"]
_ABOUT = "about"
"""Column with the country that a cell asks about; empty for arms whose prompts are the same for all countries."""

_RANKS = ["rank", "rank_low", "rank_high", "lead", "lead_low", "lead_high"]


def choose_probes(poles: pd.DataFrame, used: Sequence[str], least: float) -> tuple[list[str], list[str]]:
    """The countries to rank, and the probes that all of them were asked.

    Args:
        poles: a `Poles` table.
        used: the probes of the run.
        least: the share of these probes that a country must have been asked.

    Returns:
        Countries and probes, both sorted.

    Raises:
        InputError: no country was asked so many probes, or no probe was asked in all of these countries.
    """
    asked = poles[poles["probe"].isin(used)].assign(known=True).pivot(index="country", columns="probe", values="known")
    asked = asked.eq(True).reindex(columns=list(used), fill_value=False)
    ranked = asked[asked.mean(axis=1) >= least]
    place, most = "config: scoring.country_ranks.least", asked.mean(axis=1).max()
    if ranked.empty:
        problem = f"no country was asked so many of the probes; the largest share is {most:.3f}"
        raise InputError(place, problem, "Lower it", value=least)
    if not ranked.all(axis=0).any():
        problem = f"no probe was asked in all of the {len(ranked)} countries that were asked so many"
        raise InputError(place, problem, "Raise it, so that fewer countries are ranked", value=least)
    return sorted(ranked.index), sorted(ranked.columns[ranked.all(axis=0)])


def rank_countries(
    scores: pd.DataFrame,
    poles: pd.DataFrame,
    baselines: Mapping[str, str],
    without_country: Sequence[str],
    least: float,
    how: Resampling,
) -> pd.DataFrame:
    """Similarity of each arm's answers with the countries' people, the countries' ranks, and the change by each arm.

    The similarity of a probe is 1 - the Jensen-Shannon distance of the shares of both poles (Durmus et al. 2023). The
    similarity with a country is its mean over the probes that all ranked countries were asked.

    Args:
        scores: `Scores` tables, stacked.
        poles: a `Poles` table of all countries of the survey.
        baselines: by language, the arm with which the others are compared.
        without_country: the arms whose prompts are the same for all countries. They are compared with all countries of
            the survey, and the others with the country that is asked about.
        least: the share of the probes that a country must have been asked, to be ranked.
        how: how intervals are computed. Shares of countries without replicates are drawn from their standard errors.

    Returns:
        A `CountryRanks` table.
    """
    ranked, probes = choose_probes(poles, scores["probe"].unique(), least)
    cells = scores[scores["probe"].isin(probes)]
    shares = poles.pivot(index="country", columns="probe", values="share_a")
    how = replace(how, people=_complete(how.people, poles[poles["probe"].isin(probes)], how.seed))
    rows = [_estimate(build_panels(cells, [_DISTANCE], list(FACTORS.values())), baselines, how).assign(asked=True)]
    others = _compare_with_others(cells, shares, without_country)
    if others:
        rows.append(_estimate(others, baselines, how).assign(asked=False).query("country != @ALL"))
    table = pd.concat(rows, ignore_index=True)
    ranks = pd.DataFrame(_rank(cells, shares, ranked, without_country, how), columns=[*_SERIES, "country", *_RANKS])
    table = table.merge(ranks, on=[*_SERIES, "country"], how="left")
    even = table["country"].map(_even(shares, probes))
    table = table.assign(countries=len(ranked), even=even.where(table["country"] != ALL))
    table["country_first"] = table["country"] != ALL
    order = [*_SERIES, "country_first", "country"]
    return table.sort_values(order, ignore_index=True)[CountryRanks.names()]


def _complete(people: pd.DataFrame, poles: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Replicates of all countries: those that are missing are drawn from the standard errors of their shares."""
    rest = poles[~poles["country"].isin(people["country"])]
    size = people["shares"].map(len).max()
    return pd.concat([people, draw_shares(rest, int(size), seed)], ignore_index=True) if len(rest) and size else people


def _even(shares: pd.DataFrame, probes: list[str]) -> pd.Series:
    """Similarity of an even guess with each country."""
    known = shares[probes].to_numpy()
    distance = js_distance(np.full((1, 1, 2), 0.5), np.stack([known, 1 - known], axis=-1))
    return pd.Series(1 - np.nanmean(distance, axis=1), shares.index)


def _with_country(cells: pd.DataFrame, country: str, shares: pd.DataFrame) -> pd.DataFrame:
    """Cells compared with a country's people, without the probes that these were not asked."""
    share = cells["probe"].map(shares.loc[country]).astype(float)
    majority = np.where(share > 0.5, "A", "B")
    return cells.assign(country=country, share_a=share, majority=majority)[share.notna().to_numpy()]


def _take_once(cells: pd.DataFrame, without_country: Sequence[str]) -> pd.DataFrame:
    """The cells of arms without a country, each once: they are the same for every country that is asked about."""
    mine = cells[cells["arm"].isin(list(without_country))]
    return mine.drop_duplicates([*_SERIES, "probe", "source", "seed", "template"])


def _compare_with_others(cells: pd.DataFrame, shares: pd.DataFrame, without_country: Sequence[str]) -> dict[str, Panel]:
    """Panels of the arms without a country, by country that their language does not ask about."""
    asked = cells[["language", "country"]].drop_duplicates().astype(str)
    once = _take_once(cells, without_country)
    panels: dict[str, Panel] = {}
    for country in shares.index:
        languages = set(asked.loc[asked["country"] == country, "language"])
        mine = _with_country(once[~once["language"].isin(list(languages))], country, shares)
        if len(mine):
            panels |= build_panels(mine, [_DISTANCE], list(FACTORS.values()))
    return panels


def _estimate(panels: dict[str, Panel], baselines: Mapping[str, str], how: Resampling) -> pd.DataFrame:
    """Similarity per series and country, and its change from the baseline of the language, with intervals."""
    found = estimate(panels, how)
    table = found.assign(similarity=1 - found["estimate"], low=1 - found["high"], high=1 - found["low"])
    changes = _contrast(panels, baselines)
    changed = estimate(changes, how, differences=True) if changes else pd.DataFrame(columns=[*found, "against"])
    changed = changed.assign(change=-changed["estimate"], change_low=-changed["high"], change_high=-changed["low"])
    columns = ["against", "change", "change_low", "change_high"]
    table = table.merge(changed[[*_SERIES, "country", *columns]], on=[*_SERIES, "country"], how="left")
    drawn = _collect(changes, how) if changes else {}
    improved = [(*key, *bound_share(one, how.level)) for key, (_, one) in drawn.items()]
    shares = pd.DataFrame(improved, columns=[*_SERIES, "improved", "improved_low", "improved_high"])
    table = table.merge(shares.assign(country=ALL), on=[*_SERIES, "country"], how="left")
    return table.assign(against=table["against"].fillna(""))


def _contrast(panels: Mapping[str, Panel], baselines: Mapping[str, str]) -> dict[str, Panel]:
    """Each arm minus the baseline of its language, by country."""
    found = {}
    for country, panel in panels.items():
        pairs = panel.series[["language", "arm"]].drop_duplicates().itertuples(index=False)
        named = [
            Contrast(arm=arm, against=baselines[language], language=language)
            for language, arm in pairs
            if arm != baselines[language]
        ]
        if named and len((differences := contrast_panel(panel, named)).series):
            found[country] = differences
    return found


def _collect(
    panels: Mapping[str, Panel], how: Resampling, keys: Sequence[str] = _SERIES
) -> dict[tuple[str, ...], tuple[list[str], Drawn]]:
    """The joint resamples of the countries, by series: the countries that have it, and their similarities.

    The signs are reversed, because the panels have distances.

    Args:
        panels: by country.
        keys: the columns that name a series.
    """
    probes, battery_of = place_probes(panels.values())
    parts: dict[tuple[str, ...], list[tuple[object, ...]]] = {}
    for country, resampled in resample_each(panels, how):
        rows = probes.get_indexer(panels[country].probes)
        for column, key in enumerate(panels[country].series[list(keys)].itertuples(index=False, name=None)):
            part, present = np.zeros(len(probes)), np.zeros(len(probes), dtype=bool)
            part[rows], present[rows] = resampled.parts[:, column], resampled.present[:, column]
            one = (country, resampled.estimate[column], resampled.changes[:, column], part, present)
            parts.setdefault(key, []).append(one)
    places = battery_of if "batteries" in how.resample else None
    found = {}
    for key, several in parts.items():
        countries, values, deviations, added, known = zip(*several, strict=True)
        deviation, part, has = np.column_stack(deviations), np.column_stack(added), np.column_stack(known)
        found[key] = (list(countries), Drawn(-np.array(values), -deviation, -part, has, places))
    return found


def _rank(
    cells: pd.DataFrame, shares: pd.DataFrame, ranked: list[str], without_country: Sequence[str], how: Resampling
) -> Iterator[tuple[object, ...]]:
    """Ranks and leads among the ranked countries.

    Arms without a country have rows for all ranked countries, the others for the country that is asked about. The rows
    of `all` are the means of the countries that the language asks about.
    """
    for (model, language), mine in cells.groupby(["model", "language"], observed=True):
        asked = set(mine["country"])
        leads: dict[str, list[Drawn]] = {}
        places: dict[str, list[int]] = {}
        for arm, about, countries, drawn in _compare_with_ranked(mine, shares, ranked, without_country, how):
            for column, country in enumerate(countries):
                if about not in ("", country):
                    continue
                rank, lead = bound_rank(drawn, column, how.level), drawn.lead(column)
                yield (model, language, arm, country, *rank, *bound_value(lead, how.level))
                if country in asked:
                    leads.setdefault(arm, []).append(lead)
                    places.setdefault(arm, []).append(rank[0])
        for arm, several in leads.items():
            mean = np.mean(places[arm]), np.nan, np.nan
            yield (model, language, arm, ALL, *mean, *bound_value(average(several), how.level))


def _compare_with_ranked(
    cells: pd.DataFrame, shares: pd.DataFrame, ranked: list[str], without_country: Sequence[str], how: Resampling
) -> Iterator[tuple[str, str, list[str], Drawn]]:
    """By arm and country asked about (empty for an arm without one): the similarities with all ranked countries.

    All of them are drawn together, so that they have the same resamples.

    Args:
        cells: of one model in one language.
    """
    named = cells[~cells["arm"].isin(list(without_country))]
    named = named.assign(**{_ABOUT: named["country"].astype(str)})
    every = pd.concat([_take_once(cells, without_country).assign(**{_ABOUT: ""}), named])
    panels = _compare_with_each(every.astype({"arm": str}), shares.loc[ranked]) if len(every) else {}
    found = _collect(panels, how, [*_SERIES, _ABOUT]) if panels else {}
    for (_, _, arm, about), (countries, drawn) in found.items():
        yield arm, about, countries, drawn


def _compare_with_each(cells: pd.DataFrame, shares: pd.DataFrame) -> dict[str, Panel]:
    """Panels of the same cells compared with each of some countries, as `build_panels` makes them.

    Only the people's shares differ between the panels, so the cells are counted once.

    Args:
        cells: of one model and language, with a series for each arm and country asked about.
        shares: the people's share of pole A: countries x probes, with all probes of the cells.
    """
    probes = np.array(sorted(cells["probe"].unique()))
    keys = [*_SERIES, _ABOUT]
    labels = cells.groupby(keys, observed=True)
    series = labels.size().reset_index()[keys].astype(str).assign(measure=_DISTANCE)
    row = pd.Index(probes).get_indexer(cells["probe"].astype(str))
    place = row * len(series) + labels.ngroup().to_numpy()
    p_a, size = cells["p_a"].to_numpy(float), len(probes) * len(series)
    known = np.isfinite(p_a)
    row, place, p = row[known], place[known], np.column_stack([p_a, 1 - p_a])[known]
    number = np.bincount(place, minlength=size)
    batteries = cells.drop_duplicates("probe").set_index("probe")["battery"].astype(str).loc[probes].to_numpy()

    def mean(values: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore"):
            return (np.bincount(place, values, size) / number).reshape(len(probes), len(series))

    panels = {}
    for country, share in zip(shares.index, shares[list(probes)].to_numpy(float), strict=True):
        q = np.column_stack([share, 1 - share])[row]
        slope = np.nan_to_num(np.subtract(*js_distance_slope(p, q).T))
        panel = Panel(
            probes=probes,
            batteries=batteries,
            share=share,
            majority=(share > 0.5).astype(float),
            series=series,
            value=mean(js_distance(p, q)),
            slope=mean(slope),
            levels={},
            runs={},
        )
        panels[country] = drop_empty(panel)
    return panels


@click.command()
@click.argument("scores", type=readable, nargs=-1, required=True)
@click.option("--poles", type=readable, required=True, help="What the people of all countries answer (Parquet).")
@click.option(
    "--baselines", type=Json(dict[str, str]), required=True, help="By language, the arm that is subtracted, as JSON."
)
@click.option(
    "--without-country", type=Words(), required=True, help="Arms whose prompts are the same for all countries."
)
@click.option("--least", type=click.FloatRange(0, 1), required=True, help="Share of the probes of a ranked country.")
@takes_estimation(resample_options)
@click.option("--output", type=writable, required=True, help="Country ranks (CSV).")
def command(
    scores: tuple[Path, ...],
    poles: Path,
    baselines: dict[str, str],
    without_country: list[str],
    least: float,
    how: Estimation,
    output: Path,
) -> None:
    """Rank the surveyed countries by their similarity with a model's answers, and compare the arms."""
    surveyed = read_table(poles, Poles)
    table = rank_countries(read_scores(scores), surveyed, baselines, without_country, least, how.resampling)
    left_out = surveyed["country"].nunique() - table["countries"].iloc[0]
    click.echo(f"{table['countries'].iloc[0]} countries ranked, {left_out} asked too few of the probes", err=True)
    write_estimates(table, output, CountryRanks)
