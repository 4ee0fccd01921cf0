"""The figures of a run: which files each one reads, and what it asks of the config. Rules and tools read this list."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from selfalign.config.arms import arms_of_run
from selfalign.config.commands import as_json
from selfalign.config.outputs import (
    agreeing_arms,
    asked_in,
    calibrated_arms,
    drawn_contrasts,
    find_shown,
    first_arms,
    list_dumbbells,
    list_gains,
    list_margins,
    mapped_arms,
)
from selfalign.runs import SCORES

CELLS = SCORES
"""The table of cells of each model and language."""

READERS = "readers"
"""The output of a run that marks of readers are drawn from."""

Config = dict[str, Any]


@dataclass(frozen=True)
class Figure:
    """A figure as the workflow makes it. The command `plot-{name}` draws it.

    Attributes:
        label: of the figure in Snakemake's report. The letter decides its place there.
        message: what Snakemake shows while it draws the figure.
        reads: the files that the figure is drawn from, by option of the command, in the folder of the run.
        settings: the other options of the command, by name, from the merged settings.
        also: outputs of the run that the figure is drawn from too if the run has them. The option has the same name,
            and the file is a table of this name.
    """

    label: str
    message: str
    reads: Mapping[str, str]
    settings: Callable[[Config], dict[str, str]] = lambda config: {}
    also: tuple[str, ...] = ()


def _margin(config: Config) -> dict[str, str]:
    """The contrast of the figure margin, and whether it is an arm with its control."""
    contrast = config["figures"]["margin"]["contrast"]
    settings = {"contrast": as_json(contrast), "room": as_json(contrast in list_margins(config))}
    return settings | _demonstrated(config)


def _by_model(config: Config) -> dict[str, str]:
    """What the figures gains and margins ask: both have all pairs, because they have the same axis."""
    pairs = {"gains": list_gains(config), "margins": list_margins(config)}
    settings = {name: as_json(value) for name, value in pairs.items()} | {"language": asked_in(config)}
    return settings | _demonstrated(config)


def _agreement(config: Config) -> dict[str, str]:
    """The arms of the figure agreement."""
    return {"arms": " ".join(agreeing_arms(config))} | _demonstrated(config)


def _demonstrated(config: Config) -> dict[str, str]:
    """The arms that readers have marks in, if the run has readers."""
    arms = [name for name, arm in arms_of_run(config).items() if arm.shots]
    return {"demonstrated": " ".join(arms)} if READERS in find_shown(config)[0] else {}


CONTRASTS = {"contrasts": "tables/contrasts.csv"}
METRICS = {"metrics": "tables/metrics.csv"}

FIGURES: dict[str, Figure] = {
    "agreement": Figure(
        "a: agreement",
        "Drawing agreement per arm and country",
        {"estimates": "tables/agreement.csv"} | METRICS,
        _agreement,
        also=(READERS,),
    ),
    "contrasts": Figure(
        "b: contrasts",
        "Drawing every contrast",
        CONTRASTS,
        lambda config: {"order": as_json([one.setting for one in drawn_contrasts(config)])},
    ),
    "margin": Figure(
        "c: margin",
        "Drawing own minus other country",
        CONTRASTS | METRICS,
        _margin,
        also=(READERS,),
    ),
    "transfer": Figure("d: transfer", "Drawing the transfer between countries", {"transfer": "tables/transfer.csv"}),
    "calibration": Figure(
        "e: calibration",
        "Drawing the model against the people",
        {"scores": CELLS},
        lambda config: {"arms": " ".join(calibrated_arms(config))},
    ),
    "gains": Figure(
        "f: gains",
        "Drawing gains over zero-shot, by model",
        CONTRASTS | METRICS,
        _by_model,
        also=(READERS,),
    ),
    "gains_by_country": Figure(
        "g: gains by country",
        "Drawing gains over zero-shot, by model and country",
        CONTRASTS,
        lambda config: {"pairs": as_json(list_gains(config)), "language": asked_in(config)},
    ),
    "languages": Figure(
        "h: own language",
        "Drawing gains in each country's own language",
        {"table": "tables/languages.csv"},
        lambda config: {"pairs": as_json(list_dumbbells(config)), "asked-in": asked_in(config)},
    ),
    "categories": Figure(
        "i: categories",
        "Drawing gains within each category of values",
        {"table": "tables/categories.csv"},
        lambda config: {"pairs": as_json(list_gains(config))},
    ),
    "kinds": Figure(
        "j: kinds of models",
        "Drawing gains of each kind of models",
        {"table": "tables/kinds.csv"},
        lambda config: {"pairs": as_json(list_gains(config))},
    ),
    "margins": Figure(
        "k: margins",
        "Drawing own minus other country, by model",
        CONTRASTS | METRICS,
        _by_model,
        also=(READERS,),
    ),
    "country_ranks": Figure(
        "l: country ranks",
        "Drawing the similarity with every surveyed country",
        {"table": "tables/country_ranks.csv"},
        lambda config: {"language": asked_in(config), "arm": first_arms(config)[asked_in(config)]},
    ),
    "specifications": Figure(
        "m: specifications",
        "Drawing own minus other country in every specification",
        {"table": "tables/specifications.csv"},
        lambda config: {"language": asked_in(config)},
    ),
    "map": Figure(
        "n: cultural map",
        "Drawing the cultural map",
        {"points": "tables/map.csv", "axes": "tables/map_axes.csv"},
        lambda config: {"arms": " ".join(mapped_arms(config)), "start": as_json(first_arms(config))},
    ),
}
"""By name. The module of a figure is `selfalign.figures.plot_{name}`."""


def files_of_figure(figure: str, config: Config) -> dict[str, str]:
    """The files that a figure of a run is drawn from, by option of its command, in the folder of the run.

    Args:
        figure: its name.
        config: the merged settings.
    """
    what, (shown, _) = FIGURES[figure], find_shown(dict(config))
    return {**what.reads, **{name: f"tables/{name}.csv" for name in what.also if name in shown}}
