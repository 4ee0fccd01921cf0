"""Tables of the figures with a row for everything that a config runs, and the boxes of a figure's texts."""

import itertools

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox
from selfalign.config.arms import arms_of_run
from selfalign.config.outputs import arms_with_cells, find_estimated, list_contrasts
from selfalign.config.sections import Config
from selfalign.scoring.schemas import Verdicts

RUNS = ["model", "language", "arm", "country"]


def agreement_of(config: Config) -> pd.DataFrame:
    return _estimate(pd.DataFrame(_cells(config, ["all"]), columns=RUNS).assign(measure="agreement"), 0.6)


def metrics_of(config: Config) -> pd.DataFrame:
    table = pd.DataFrame(_cells(config, ["all"]), columns=RUNS)
    return table.assign(
        asks="poles", metric="agreement", value=0.6, uniform=0.5, world=0.71, nearest=0.82, ceiling=0.97
    )


def contrasts_of(config: Config) -> pd.DataFrame:
    rows = []
    for contrast in list_contrasts(config):
        for model, language in find_estimated(config, contrast):
            other = contrast.against_language or language
            beyond = contrast.beyond_name or None
            for country in [*config.languages[language].countries, "all"]:
                rows.append((model, language, contrast.arm, country, contrast.against, model, other, beyond))
    table = pd.DataFrame(rows, columns=[*RUNS, "against", "against_model", "against_language", "beyond"])
    both = [table.assign(measure=measure) for measure in ("agreement", "alignment")]
    return _estimate(pd.concat(both, ignore_index=True), 0.03)


def verdicts_of(contrasts: pd.DataFrame) -> pd.DataFrame:
    """Main intervals of the mean of the countries: 1 point more below and 2 above, and 0.1 more in each next row."""
    rows = contrasts[contrasts["country"] == "all"]
    more = 0.001 * np.arange(len(rows))
    main = {"main_low": rows["low"] - 0.01 - more, "main_high": rows["high"] + 0.02 + more}
    main |= {"main": "category", "reason": "wider by category", "main_p": 0.5, "main_p_holm": 0.5}
    rows = rows.assign(**main, role="secondary", standard_error=0.05, df=9.0, p=0.5, batteries=20, categories=10)
    by_category = {"low": rows["main_low"], "high": rows["main_high"], "standard_error": 0.06, "df": 9.0, "p": 0.5}
    return rows.assign(**{f"category_{name}": value for name, value in by_category.items()})[Verdicts.names()]


def bars_of(ax: Axes) -> dict[int, list[tuple[float, float]]]:
    """Both ends of all bars, by row of the axes, from top to bottom."""
    lines = [line for lines in ax.collections if hasattr(lines, "get_segments") for line in lines.get_segments()]
    found: dict[int, list[tuple[float, float]]] = {}
    for (left, y), (right, _) in sorted((line.tolist() for line in lines), key=lambda line: line[0][1]):
        found.setdefault(round(y), []).append((round(left, 9), round(right, 9)))
    return found


def readers_of(config: Config) -> pd.DataFrame:
    """The readers as `choose_readers` returns them: 0.05 and 0.2 in contrasts, and 0.5 more in arms alone."""
    alone = agreement_of(config).assign(against="")
    contrasts = contrasts_of(config)
    table = pd.concat([alone, contrasts[contrasts["beyond"].isna()]], ignore_index=True)
    table = table[table["arm"].isin([name for name, arm in arms_of_run(config).items() if arm.shots])]
    values = {"copier": 0.05, "ideal_reader": 0.2}
    rows = [table.assign(reader=name, value=value + 0.5 * (table["against"] == "")) for name, value in values.items()]
    return pd.concat(rows, ignore_index=True)[[*RUNS, "against", "measure", "reader", "value", "estimate"]]


def transfer_of(config: Config) -> pd.DataFrame:
    arm, against = config.scoring.transfer.arm, config.scoring.transfer.against
    rows = []
    for model, language in itertools.product(config.run.models, config.run.languages):
        countries = config.languages[language].countries
        sources = config.arms[against].sources or countries
        for country, source in itertools.product([*countries, "all"], sources):
            if country != source:
                rows.append((model, language, arm, country, against, source))
    return _estimate(pd.DataFrame(rows, columns=[*RUNS, "against", "source"]).assign(measure="agreement"), 0.03)


def scores_of(config: Config, probes: int = 20) -> pd.DataFrame:
    rows = [(*cell, f"Q{probe}") for cell in _cells(config, []) for probe in range(probes)]
    table = pd.DataFrame(rows, columns=[*RUNS, "probe"])
    random = np.random.default_rng(1)
    table["share_a"], table["p_a"] = random.uniform(size=(2, len(table)))
    return table.assign(agreement=((table["p_a"] > 0.5) == (table["share_a"] > 0.5)).astype(float))


def _cells(config: Config, more: list[str]) -> list[tuple[str, ...]]:
    return [
        (model, language, arm, country)
        for model in config.run.models
        for language in config.run.languages
        for arm in config.languages[language].arms
        if arm in arms_with_cells(config, language)
        for country in [*config.languages[language].countries, *more]
    ]


def _estimate(table: pd.DataFrame, middle: float) -> pd.DataFrame:
    random = np.random.default_rng(2)
    estimate = middle + random.normal(0, 0.06, len(table))
    half = random.uniform(0.02, 0.12, len(table))
    p_holm = random.uniform(size=len(table)) ** 2
    return table.assign(estimate=estimate, low=estimate - half, high=estimate + half, p_holm=p_holm)


def texts_of(figure: Figure) -> list[Text]:
    """The texts of a figure that are seen."""
    return [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]


def faults_of(figure: Figure) -> list[str]:
    """Texts that leave the figure or meet another text."""
    figure.draw_without_rendering()
    renderer, inside = figure.canvas.get_renderer(), figure.bbox
    unseen = {label for ax in figure.findobj(Axes) for label in _out_of_view(ax)}
    boxes = [(text.get_text(), text.get_window_extent(renderer)) for text in texts_of(figure) if text not in unseen]
    faults = [
        f"cut: {text}"
        for text, box in boxes
        if box.x0 < -1 or box.y0 < -1 or box.x1 > inside.x1 + 1 or box.y1 > inside.y1 + 1
    ]
    met = [(one, other) for (one, a), (other, b) in itertools.combinations(boxes, 2) if _meet(a, b)]
    return faults + [f"overlap: {one} | {other}" for one, other in met]


def _out_of_view(ax: Axes) -> list[Text]:
    """Labels of ticks beyond the ends of an axis, which matplotlib does not draw."""
    labels = []
    for axis in (ax.xaxis, ax.yaxis):
        low, high = sorted(axis.get_view_interval())
        ticks = zip(axis.get_majorticklocs(), axis.get_majorticklabels(), strict=False)  # hidden ones have no label
        labels += [label for place, label in ticks if not low - 1e-9 <= place <= high + 1e-9]
    return labels


def _meet(one: Bbox, other: Bbox) -> bool:
    """Whether two boxes share more than the empty space around their letters."""
    width = min(one.x1, other.x1) - max(one.x0, other.x0)
    return width > 0.5 and min(one.y1, other.y1) - max(one.y0, other.y0) > 1.5
