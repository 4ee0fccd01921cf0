"""Step estimate_readers: what simple readers of the same demonstrations reach, and how much of it a model reaches."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import click
import numpy as np
import pandas as pd
from scipy import stats

from selfalign.contrasts import Contrast
from selfalign.options import Words, readable, writable
from selfalign.scoring.bootstrap import FACTORS, Resampling, estimate
from selfalign.scoring.contrast_options import contrasts_option
from selfalign.scoring.estimate_options import Estimation, resample_options, takes_estimation
from selfalign.scoring.inputs import read_scores
from selfalign.scoring.main_intervals import choose_main, cluster_by_category
from selfalign.scoring.measures import CONTRASTED
from selfalign.scoring.panels import Panel, build_panels, contrast_panels
from selfalign.scoring.schemas import EVERY_ARM, ReaderContrasts
from selfalign.tables import write_estimates

_ROW = ["language", "arm", "against", "beyond", "measure", "country"]
_RESULT = ["estimate", "standard_error", "low", "high", "df"]
_OF_READER = {"model": "reader", **{name: f"reader_{name}" for name in _RESULT}}


def estimate_readers(
    scores: pd.DataFrame,
    readers: pd.DataFrame,
    contrasts: Sequence[Contrast],
    how: Resampling,
) -> pd.DataFrame:
    """Each arm and each contrast of a model, next to those of each reader of the same demonstrations.

    Args:
        scores: `Scores` tables of the models, stacked.
        readers: `Scores` tables of the readers, stacked; the reader's name is in the column model.
        contrasts: those between models or languages are left out.

    Returns:
        A `ReaderContrasts` table. In the rows of an arm, `against` and `share` are empty. A fixed policy has rows
        without a model, whose arm is `EVERY_ARM`.
    """
    names = sorted(readers["model"].unique())
    every = pd.concat([scores, readers], ignore_index=True)
    panels = build_panels(every, list(CONTRASTED), list(FACTORS.values()))
    within = [one for one in contrasts if not one.is_across]
    compared = contrast_panels(panels, within) if within else {}
    pairs = {country: _less_readers(panel, names) for country, panel in compared.items()}
    table = _estimate(panels, pairs, names, how)
    panels, pairs = (cluster_by_category(some, every) for some in (panels, pairs))
    table = _add_main(table, _estimate(panels, pairs, names, how), how.resample)
    table = table.reindex(columns=ReaderContrasts.names())
    return table.sort_values(["model", "reader", *_ROW], ignore_index=True)


def _estimate(
    panels: Mapping[str, Panel], pairs: Mapping[str, Panel], readers: Sequence[str], how: Resampling
) -> pd.DataFrame:
    """The rows of arms, of contrasts and of policies.

    Args:
        panels: by country: the arms of models and readers.
        pairs: by country: their contrasts, as `_less_readers` returns them; nothing if there are none.
        readers: names of the readers.
    """
    arms = estimate(panels, how).assign(against="", beyond="")
    tables = [_pair(arms, readers), _list_policies(arms)]
    if not pairs:
        return pd.concat(tables, ignore_index=True).assign(share=np.nan, share_low=np.nan, share_high=np.nan)
    shares = _add_shares(_pair(estimate(pairs, how, differences=True), readers), how.level)
    return pd.concat([*tables, shares], ignore_index=True)


def _add_main(table: pd.DataFrame, by_category: pd.DataFrame, resample: Sequence[str]) -> pd.DataFrame:
    """Add the main intervals of the model, of the reader, and of the share of contrasts.

    An interval of a share without bounds is wider than any other. It is the main one then, and has no ends.

    Args:
        table: as `_estimate` returns it.
        by_category: the same from panels whose batteries are categories.
        resample: what the intervals cover.
    """
    keys = ["model", "reader", *_ROW]
    again = by_category.set_index(keys).add_prefix("category_").rename(columns={"category_batteries": "categories"})
    table = table.join(again, on=keys, validate="one_to_one")
    has = {"": table["estimate"].notna(), "reader_": table["reader_estimate"].notna(), "share_": table["against"] != ""}
    for of, known in has.items():
        ends = {f"{kind}{end}": table[f"{kind}{of}{end}"] for kind in ("", "category_") for end in ("low", "high")}
        part = pd.DataFrame({**ends, "categories": table["categories"]})[known]
        if of == "share_":
            part = part.fillna({name: -np.inf if name.endswith("low") else np.inf for name in ends})
        chosen = choose_main(part, resample)[["main", "reason", "main_low", "main_high"]]
        table = table.join(chosen.replace([-np.inf, np.inf], np.nan).add_prefix(of))
    return table


def _less_readers(panel: Panel, readers: Sequence[str]) -> Panel:
    """A panel of contrasts, and after its series the differences between each model and each reader.

    The column less of such a difference has the name of the reader. It is empty for the other series.
    """
    numbered = panel.series.assign(number=np.arange(len(panel.series)), less="")
    is_reader = numbered["model"].isin(readers)
    keys = ["language", "against_language", "arm", "against", "beyond", "measure"]
    pairs = numbered[~is_reader].merge(numbered[is_reader], on=keys, suffixes=("", "_reader"))
    first, second = pairs["number"].to_numpy(), pairs["number_reader"].to_numpy()
    series = pairs.assign(less=pairs["model_reader"])[[*panel.series, "less"]]

    def added(values: np.ndarray) -> np.ndarray:
        return np.concatenate([values, values[..., first] - values[..., second]], axis=-1)

    return replace(
        panel,
        series=pd.concat([numbered.drop(columns="number"), series], ignore_index=True),
        value=added(panel.value),
        slope=added(panel.slope),
        levels={factor: added(part) for factor, part in panel.levels.items()},
        runs={
            factor: np.concatenate([has, has[:, first] | has[:, second]], axis=1) for factor, has in panel.runs.items()
        },
    )


def _pair(table: pd.DataFrame, readers: Sequence[str]) -> pd.DataFrame:
    """Rows of models next to those of readers, whose columns begin with `reader_`, also the number of their probes.

    The column apart is the standard error of the difference of both, where that was estimated.
    """
    table = table.assign(less=table.get("less", ""))
    is_reader = table["model"].isin(readers)
    alone = table["less"] == ""
    models = table.loc[alone & ~is_reader, ["model", *_ROW, *_RESULT, "probes", "batteries"]]
    others = table.loc[alone & is_reader, ["model", *_ROW, *_RESULT, "probes"]]
    others = others.rename(columns=_OF_READER | {"probes": "reader_probes"})
    paired = models.merge(others, on=_ROW)
    apart = table.loc[~alone, ["model", "less", *_ROW, "standard_error"]]
    apart = apart.rename(columns={"less": "reader", "standard_error": "apart"})
    return paired.merge(apart, on=["model", "reader", *_ROW], how="left")


def _list_policies(arms: pd.DataFrame) -> pd.DataFrame:
    """Rows of the readers that answer all arms alike: they have no model next to them."""
    rows = arms[arms["arm"] == EVERY_ARM].rename(columns=_OF_READER)
    return rows[[*_OF_READER.values(), *_ROW, "probes", "batteries"]].assign(model="")


def _add_shares(table: pd.DataFrame, level: float) -> pd.DataFrame:
    """Add share, share_low and share_high: a model's contrast as a share of the reader's.

    They are NaN if model and reader do not have values for the same number of probes.
    """
    variance, other = table["standard_error"] ** 2, table["reader_standard_error"] ** 2
    shared = (variance + other - table["apart"] ** 2) / 2
    reach = stats.t.ppf((1 + level) / 2, np.minimum(table["df"], table["reader_df"]))
    low, high = divide_with_interval(table["estimate"], table["reader_estimate"], variance, other, shared, reach)
    same = table["probes"] == table["reader_probes"]
    low, high = low.where(same), high.where(same)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = (table["estimate"] / table["reader_estimate"]).where(low.notna())
    return table.assign(share=share, share_low=low, share_high=high)


def divide_with_interval(
    over: pd.Series, under: pd.Series, var_over: pd.Series, var_under: pd.Series, shared: pd.Series, reach: pd.Series
) -> tuple[pd.Series, pd.Series]:
    """Interval of a ratio of two estimates (Fieller 1954).

    It has the ratios that a t test of over - ratio * under = 0 does not reject.

    Args:
        over: the estimate that is divided.
        under: the estimate that divides.
        var_over: its variance, of `over`.
        var_under: the variance of `under`.
        shared: their covariance.
        reach: quantile of t.

    Returns:
        Lower and upper end; NaN where `under` does not differ from 0, because the interval then has no bounds.
    """
    squared = reach**2
    a = under**2 - squared * var_under
    b = over * under - squared * shared
    c = over**2 - squared * var_over
    root = np.sqrt((b**2 - a * c).clip(lower=0))
    bounded = a > 0
    return ((b - root) / a).where(bounded), ((b + root) / a).where(bounded)


@click.command()
@click.argument("scores", type=readable, nargs=-1, required=True)
@click.option("--readers", type=Words(Path), required=True, help="Scores of the readers (Parquet).")
@contrasts_option
@takes_estimation(resample_options)
@click.option("--output", type=writable, required=True, help="Readers (CSV).")
def command(
    scores: tuple[Path, ...],
    readers: list[Path],
    contrasts: list[Contrast],
    how: Estimation,
    output: Path,
) -> None:
    """Estimate what simple readers of the same demonstrations reach, and the share of it that models reach."""
    table = estimate_readers(read_scores(scores), read_scores(readers), contrasts, how.resampling)
    write_estimates(table, output, ReaderContrasts)
