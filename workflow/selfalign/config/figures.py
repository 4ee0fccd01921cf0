"""The figures of a run: which files each one reads, and what it asks of the config. Rules and tools read this list."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from selfalign.config.arms import arms_of_run
from selfalign.config.commands import as_json
from selfalign.config.outputs import (
    agreeing_arms,
    asked_in,
    calibrated_arms,
    drawn_contrasts,
    first_arms,
    has_readers,
    list_dumbbells,
    list_gains,
    list_margins,
    mapped_arms,
)
from selfalign.config.panels import (
    height_of_agreement,
    height_of_calibration,
    height_of_contrasts,
    height_of_map,
    height_of_rows,
    panels_of_arms,
    panels_of_contrasts,
)
from selfalign.config.sections import Config
from selfalign.contrasts import Contrast
from selfalign.runs import SCORES

_READERS = "readers"
"""The output of a run that marks of readers are drawn from."""


@dataclass(frozen=True)
class Paged:
    """How a figure is spread over pages, each in its own files (`pages.find_pages`).

    Attributes:
        panels: the models and languages that have a panel, in the order of the run, from the config.
        height: inches that a panel needs at least, from the config, the languages that share the panel, and
            the figure's width.
    """

    panels: Callable[[Config], list[tuple[str, str]]]
    height: Callable[[Config, Sequence[str], float], float] = height_of_rows


@dataclass(frozen=True)
class Figure:
    """A figure as the workflow makes it. The command `plot-{name}` draws it.

    Attributes:
        label: of the figure in Snakemake's report. The letter decides its place there.
        message: what Snakemake shows while it draws the figure.
        reads: the files that the figure is drawn from, by option of the command, in the folder of the run.
        settings: the other options of the command, by name, from the config.
        also: outputs of the run that the figure is drawn from too if the run has them. The option has the same name,
            and the file is a table of this name.
        paged: how it is spread over pages; None for a figure across models, which is one file.
        csv: whether it has a table of its numbers, which the command writes.
        typeset: whether the numbers are also written as LaTeX (`selfalign.figures.typeset_tables`).
    """

    label: str
    message: str
    reads: Mapping[str, str]
    settings: Callable[[Config], dict[str, str]] = lambda config: {}
    also: tuple[str, ...] = ()
    paged: Paged | None = None
    csv: bool = True
    typeset: bool = True


def _margin(config: Config) -> dict[str, str]:
    """The contrast of the figure margin."""
    return {"contrast": as_json(config.figures.margin.contrast)} | _demonstrated(config)


def _by_model(pairs: Sequence[Contrast], config: Config) -> dict[str, str]:
    """What the figures gains and margins ask: their pairs of arms, and the language of the models."""
    return {"pairs": as_json(pairs), "language": asked_in(config)} | _demonstrated(config)


def _agreement(config: Config) -> dict[str, str]:
    """The arms of the figure agreement."""
    return {"arms": " ".join(agreeing_arms(config))} | _demonstrated(config)


def _demonstrated(config: Config) -> dict[str, str]:
    """The arms that readers have marks in, if the run has readers."""
    arms = [name for name, arm in arms_of_run(config).items() if arm.shots]
    return {"demonstrated": " ".join(arms)} if has_readers(config) else {}


_CONTRASTS = {"contrasts": "tables/contrasts.csv"}
_METRICS = {"metrics": "tables/metrics.csv"}
_VERDICTS = {"verdicts": "tables/verdicts.csv"}

FIGURES: dict[str, Figure] = {
    "agreement": Figure(
        "a: agreement",
        "Drawing agreement per arm and country",
        {"estimates": "tables/agreement.csv"} | _METRICS,
        _agreement,
        also=(_READERS,),
        paged=Paged(lambda config: panels_of_arms(config, agreeing_arms(config)), height_of_agreement),
        csv=False,
    ),
    "contrasts": Figure(
        "b: contrasts",
        "Drawing every contrast",
        _CONTRASTS | _VERDICTS,
        lambda config: {"order": as_json(drawn_contrasts(config))},
        paged=Paged(lambda config: panels_of_contrasts(config, drawn_contrasts(config)), height_of_contrasts),
        csv=False,
    ),
    "margin": Figure(
        "c: margin",
        "Drawing own minus other country",
        _CONTRASTS | _VERDICTS,
        _margin,
        also=(_READERS,),
        paged=Paged(lambda config: panels_of_contrasts(config, [config.figures.margin.contrast])),
        csv=False,
        typeset=False,
    ),
    "transfer": Figure(
        "d: transfer",
        "Drawing the transfer between countries",
        {"transfer": "tables/transfer.csv"},
        paged=Paged(lambda config: panels_of_contrasts(config, filter(None, [config.scoring.transfer]))),
        csv=False,
        typeset=False,
    ),
    "calibration": Figure(
        "e: calibration",
        "Drawing the model against the people",
        {"scores": SCORES},
        lambda config: {"arms": " ".join(calibrated_arms(config))},
        paged=Paged(lambda config: panels_of_arms(config, calibrated_arms(config)), height_of_calibration),
        csv=False,
        typeset=False,
    ),
    "gains": Figure(
        "f: gains",
        "Drawing gains over zero-shot, by model",
        _CONTRASTS | _VERDICTS | _METRICS,
        lambda config: _by_model(list_gains(config), config),
        also=(_READERS,),
    ),
    "gains_by_country": Figure(
        "g: gains by country",
        "Drawing gains over zero-shot, by model and country",
        _CONTRASTS | _VERDICTS,
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
        _CONTRASTS | _VERDICTS,
        lambda config: _by_model(list_margins(config), config),
        also=(_READERS,),
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
        typeset=False,
    ),
    "map": Figure(
        "n: cultural map",
        "Drawing the cultural map",
        {"points": "tables/map.csv", "axes": "tables/map_axes.csv"},
        lambda config: {"arms": " ".join(mapped_arms(config)), "start": as_json(first_arms(config))},
        paged=Paged(lambda config: panels_of_arms(config, mapped_arms(config)), height_of_map),
        typeset=False,
    ),
}
"""By name. The module of a figure is `selfalign.figures.plot_{name}`."""

PAGED = tuple(name for name, figure in FIGURES.items() if figure.paged)
"""Figures that may have several pages. The others are across models."""

WITH_CSV = tuple(name for name, figure in FIGURES.items() if figure.csv)
"""Figures that have a table of their numbers."""

TYPESET = tuple(name for name, figure in FIGURES.items() if figure.typeset)
"""Figures whose numbers are also written as LaTeX."""


def numbers_of_figure(figure: str) -> str:
    """The file with the numbers that a figure shows, in the folder of the run: its CSV, or the first file it reads."""
    return f"figures/{figure}.csv" if figure in WITH_CSV else next(iter(FIGURES[figure].reads.values()))


def files_of_figure(figure: str, outputs: Collection[str]) -> dict[str, str]:
    """The files that a figure of a run is drawn from, by option of its command, in the folder of the run.

    Args:
        outputs: of the run, as `find_shown` names them.
    """
    what = FIGURES[figure]
    return {**what.reads, **{name: f"tables/{name}.csv" for name in what.also if name in outputs}}
