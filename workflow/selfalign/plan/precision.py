"""The expected width of the main intervals, from scores on the disk or from the survey and the design alone.

Without scores, a model is simulated that knows nothing of values. Its log-odds of a prompt are a random number. Prompts
with the same demonstrations share a part of it, whoever answers the demonstrations. The estimator of the workflow then
estimates each series of the simulated choices, and its standard errors are averaged. docs/plan.md compares the result
with real runs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from selfalign.config.outputs import list_contrasts
from selfalign.plan.designs import Laid
from selfalign.probes.schemas import Replicates
from selfalign.prompts.schemas import CELL
from selfalign.scoring.bootstrap import estimate
from selfalign.scoring.panels import Contrast, Panel, as_contrast, build_panels, contrast_panel
from selfalign.scoring.schemas import ALL
from selfalign.tables import read_table

ALIKE = 0.8
"""Correlation of the log-odds of two prompts that show the same demonstrations with other answers."""

WITHIN = 0.35
"""Correlation of a model's agreement on two probes of one battery."""

DRAWS = 20
"""Simulated models."""

_RESAMPLES = 200
_MEASURE = "agreement"


@dataclass(frozen=True)
class Width:
    """The expected interval of one estimate of agreement.

    Attributes:
        language: of the prompts.
        name: the arm or the contrast.
        mean: half its width for the mean of the countries, from 0 to 1; NaN with fewer than two countries.
        country: the same for one country.
        source: `scores` or `assumed`.
    """

    language: str
    name: str
    mean: float
    country: float
    source: str


def expect_widths(
    laid: Mapping[str, Laid], poles: pd.DataFrame, bank: pd.DataFrame, config: Mapping[str, Any], run: Path
) -> list[Width]:
    """The expected width of the agreement of each arm and of each contrast, as a mean over models.

    Args:
        laid: designs by language.
        poles: a `Poles` table.
        bank: a `Bank` table.
        config: the merged settings.
        run: folder of the run, which may have scores.
    """
    panels = build_panels(simulate(laid, poles, bank), [f"draw{number}" for number in range(DRAWS)])
    found = _estimate(panels, config, _no_people(), WITHIN, "assumed")
    scores = [path for name in config["run"]["models"] for path in sorted((run / "scores" / name).glob("*.parquet"))]
    if scores:
        table = pd.concat([pd.read_parquet(path) for path in scores], ignore_index=True)
        people = run / "human" / "replicates.parquet"
        replicates = read_table(people, Replicates) if people.is_file() else _no_people()
        known = _estimate(build_panels(table, [_MEASURE]), config, replicates, 0, "scores")
        scale = effective(panels, WITHIN), effective(build_panels(table, [_MEASURE]), WITHIN)
        factor = float(np.sqrt(scale[1] / scale[0]))
        found |= {
            key: replace(one, mean=one.mean * factor, country=one.country * factor)
            for key, one in known.items()
            if key in found
        }
    return list(found.values())


def simulate(laid: Mapping[str, Laid], poles: pd.DataFrame, bank: pd.DataFrame) -> pd.DataFrame:
    """Cells with the agreement of simulated models: columns of `Scores` that panels need, and draw0, draw1, ...

    Args:
        laid: designs by language.
        poles: a `Poles` table.
        bank: a `Bank` table.
    """
    people = poles[["country", "probe", "share_a", "majority"]]
    battery = bank.set_index("probe")["battery"]
    generator, parts = np.random.default_rng(1), []
    for language, one in laid.items():
        prompts = one.prompts[one.asked]
        odds = pd.DataFrame(_draw(prompts, generator), index=prompts["prompt"])
        forward, backward = (one.cells[one.cells["order"] == order].set_index(CELL)["prompt"] for order in ("AB", "BA"))
        both = odds.loc[forward].to_numpy() + odds.loc[backward.loc[forward.index]].to_numpy()
        cells = forward.index.to_frame(index=False).merge(people, on=["country", "probe"], how="left")
        agrees = (both > 0) == (cells["majority"] == "A").to_numpy()[:, None]
        drawn = pd.DataFrame(agrees.astype(float), columns=[f"draw{number}" for number in range(DRAWS)])
        about = cells.assign(model="simulated", language=language, battery=cells["probe"].map(battery))
        parts.append(pd.concat([about, drawn], axis=1))
    return pd.concat(parts, ignore_index=True)


def _draw(prompts: pd.DataFrame, generator: np.random.Generator) -> np.ndarray:
    """Log-odds of each prompt in each simulated model: prompts x draws."""
    shown = prompts["demonstrations"].str.replace(r"=\S+", "", regex=True)
    same = pd.factorize(pd.MultiIndex.from_arrays([shown, prompts["asked"]]))[0]
    shared = generator.standard_normal((same.max() + 1, DRAWS))[same]
    return np.sqrt(ALIKE) * shared + np.sqrt(1 - ALIKE) * generator.standard_normal(shared.shape)


def _no_people() -> pd.DataFrame:
    return pd.DataFrame({"country": [], "probe": [], "shares": [], "respondents": []})


def _estimate(
    panels: dict[str, Panel], config: Mapping[str, Any], people: pd.DataFrame, within: float, source: str
) -> dict[tuple[str, str], Width]:
    """Widths by language and by the name of their arm or contrast, arms first."""
    level, resample = config["scoring"]["level"], config["scoring"]["resample"]
    contrasts = within_models(config)
    widen = _widen(panels, within) if "batteries" in resample else 1.0
    tables = [estimate(panels, people, _RESAMPLES, level, 1, resample)]
    if contrasts:
        compared = {country: contrast_panel(panel, contrasts) for country, panel in panels.items()}
        tables.append(estimate(compared, people, _RESAMPLES, level, 1, resample, differences=True))
    found = {}
    for table in tables:
        table = table.assign(
            name=_names(table), half=stats.t.ppf((1 + level) / 2, table["df"]) * table["standard_error"] * widen
        )
        keys = ["language", "name"]
        alone = table[table["country"] != ALL].groupby(keys, sort=False)["half"].agg(["mean", "size"])
        means = table[table["country"] == ALL].groupby(keys, sort=False)["half"].mean()
        models = max(table.get("model", pd.Series(["one"])).nunique(), 1) * table["measure"].nunique()
        for key, row in alone.iterrows():
            several = row["size"] > models
            found[key] = Width(*key, float(means[key]) if several else float("nan"), float(row["mean"]), source)
    return found


def _names(table: pd.DataFrame) -> pd.Series:
    """What each row estimates, in the words of the config."""
    if "against" not in table or table.empty:
        return table["arm"]
    plain = table["arm"] + " - " + table["against"]
    across = table["arm"] + " - " + table["against"] + " in " + table["against_language"]
    names = plain.where(table["language"] == table["against_language"], across)
    return names.where(table["beyond"] == "", "(" + names + ") - (" + table["beyond"] + ")")


def within_models(config: Mapping[str, Any]) -> list[Contrast]:
    """The contrasts of a run that compare no two models, as they are of every model."""
    entries = [as_contrast(entry) for entry in list_contrasts(dict(config))]
    return [
        Contrast(**{key: value for key, value in entry.items() if key != "model"})
        for entry in entries
        if "against_model" not in entry
    ]


def name_contrast(entry: Any) -> str:
    """The name that the widths have for a contrast of the config."""
    contrast = as_contrast(entry)
    name = f"{contrast['arm']} - {contrast['against']}"
    if "against_language" in contrast:
        name += f" in {contrast['against_language']}"
    return f"({name}) - ({' - '.join(contrast['beyond'])})" if contrast.get("beyond") else name


def _widen(panels: Mapping[str, Panel], within: float) -> float:
    """Factor of a standard error if probes of one battery are alike."""
    sizes = _batteries(panels)
    return float(np.sqrt(1 + within * ((sizes**2).sum() / sizes.sum() - 1)))


def effective(panels: Mapping[str, Panel], within: float) -> float:
    """Number of independent probes that would give the same variance."""
    sizes = _batteries(panels)
    return float(sizes.sum() ** 2 / (sizes * (1 + (sizes - 1) * within)).sum())


def _batteries(panels: Mapping[str, Panel]) -> np.ndarray:
    homes = pd.concat([pd.Series(panel.batteries, panel.probes) for panel in panels.values()])
    return homes.groupby(level=0).first().value_counts().to_numpy(float)
