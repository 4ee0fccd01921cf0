"""Figures across models: the numbers that they show, their marks, their CSVs, and the tables as LaTeX."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pytest
from figure_tables import faults_of, texts_of
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from selfalign.config.figures import TYPESET
from selfalign.errors import InputError
from selfalign.figures import (
    plot_categories,
    plot_country_ranks,
    plot_gains,
    plot_gains_by_country,
    plot_kinds,
    plot_languages,
    plot_margins,
)
from selfalign.figures.by_model import Differences, find_gains, find_margins
from selfalign.figures.difference_rows import choose_gains, choose_pairs, mean_of_countries
from selfalign.figures.readers import choose_readers, readers_of_gains
from selfalign.figures.style import ENGLISH, Style, read_figure_texts, read_style
from selfalign.figures.text import width_of
from selfalign.figures.theme import apply_theme
from selfalign.figures.typeset_tables import LATEX_TABLES, typeset, write_caption
from selfalign.scoring.join_verdicts import join_verdicts, with_main
from selfalign.scoring.schemas import (
    Categories,
    Contrasts,
    CountryRanks,
    Kinds,
    Languages,
    MainContrasts,
    Metrics,
    ReaderContrasts,
    Verdicts,
)
from selfalign.tables import read_table, write_table
from surveys import run

MODELS = {"m": "Model M", "n": "Model_N & 50 %"}
ARMS = {"zero": "Zero-shot", "near": "Similar", "drawn": "Random", "near_other": "Similar, other country"}
LOOKS = {"near": {"colour": "#d55e00"}, "drawn": {"colour": "#0072b2", "marker": "s"}}
GAINS, MARGINS = [["drawn", "zero"], ["near", "zero"]], [["near", "near_other"]]
MINUS = "\N{MINUS SIGN}"


def described(**settings: object) -> dict:
    return {"labels": {"models": MODELS, "arms": ARMS}, "looks": LOOKS, **settings}


@pytest.fixture(params=[3.3, 6.8], ids=["one column", "two columns"])
def style(request: pytest.FixtureRequest) -> Iterator[Style]:
    made = read_style(described(width=request.param))
    with matplotlib.rc_context():
        apply_theme(made)
        yield made
    plt.close("all")


@pytest.fixture
def wide() -> Iterator[Style]:
    made = read_style(described(width=6.8))
    with matplotlib.rc_context():
        apply_theme(made)
        yield made
    plt.close("all")


def row(model: str, arm: str, against: str, country: str, estimate: float, **others: object) -> dict:
    """A row of `Contrasts` with an interval of 10 points on both sides."""
    made = {"model": model, "language": "en", "arm": arm, "country": country, "measure": "agreement"}
    made |= {"estimate": estimate, "standard_error": 0.05, "low": estimate - 0.1, "high": estimate + 0.1, "df": 9.0}
    made |= {name: round(made[name], 6) for name in ("estimate", "low", "high")}
    made |= {"p": 0.2, "family": "", "p_holm": 0.0004, "p_bh": 0.3, "probes": 60, "batteries": 10, "respondents": 900}
    made |= {"against": against, "against_model": model, "against_language": "en", "beyond": None}
    return made | others


def contrasts() -> pd.DataFrame:
    """Two models, two countries and their mean: gains of two selectors and a margin, and rows that no figure shows."""
    rows = []
    for place, model in enumerate(MODELS):
        for at, country in enumerate(("BOL", "DEU", "all")):
            rows.append(row(model, "near", "zero", country, 0.2 + 0.1 * place - 0.15 * at))
            rows.append(row(model, "drawn", "zero", country, 0.02 - 0.05 * place + 0.01 * at))
            rows.append(row(model, "near", "near_other", country, 0.05 + 0.01 * at))
            rows.append(row(model, "near", "zero", country, 0.9, language="es", against_language="es"))
            rows.append(row(model, "near", "near", country, 0.9, language="es"))
            rows.append(row(model, "near", "zero", country, 0.9, measure="alignment"))
            rows.append(row(model, "near", "zero", country, 0.9, beyond="drawn - zero"))
    return pd.DataFrame(rows)[Contrasts.names()]


def languages(arms: tuple[str, ...] = ("near",)) -> pd.DataFrame:
    """Gains in English, in two own languages, and their differences: certain in Bolivia only."""
    rows = []
    for model in MODELS:
        for arm in arms:
            for country, spoken, own in (("BOL", "es", 0.3), ("DEU", "de", 0.05), ("all", "own", 0.175)):
                rows.append(row(model, arm, "zero", country, 0.1))
                rows.append(row(model, arm, "zero", country, own, language=spoken, against_language=spoken))
                rows.append(row(model, arm, arm, country, own - 0.1, language=spoken, beyond="zero - zero"))
    return pd.DataFrame(rows)[Languages.names()]


def categories() -> pd.DataFrame:
    """Gains in three categories, of which one has one battery and so no interval."""
    rows = []
    for model in MODELS:
        for arm in ("drawn", "near"):
            for category, batteries, estimate in (("ethics", 7, 0.1), ("my_values", 2, 0.2), ("science", 1, -0.1)):
                made = row(model, arm, "zero", "all", estimate, category=category, batteries=batteries)
                none = {"low": None, "high": None, "standard_error": None}
                rows.append(made | ({"low": -0.9, "high": 1.0} if batteries == 2 else none if batteries == 1 else {}))
    return pd.DataFrame(rows)[Categories.names()]


def kinds() -> pd.DataFrame:
    """One English-centric and two multilingual models, in English and in own languages."""
    rows = []
    english, several = "english models", "multilingual models"
    for language in ("en", "own"):
        asked = {"language": language, "against_language": language}
        for model, kind, count, gain in (
            ("m", "english", 1, 0.1),
            ("n", "multilingual", 1, 0.2),
            ("o", "multilingual", 1, 0.4),
            (english, "english", 1, 0.1),
            (several, "multilingual", 2, 0.3),
        ):
            rows.append(row(model, "near", "zero", "all", gain, kind=kind, models=count, **asked))
        between = {"against_model": english, "beyond": "zero - zero", "kind": "multilingual", "models": 2}
        rows.append(row(several, "near", "near", "all", 0.2, **asked | between))
    return pd.DataFrame(rows)[Kinds.names()]


def metrics() -> pd.DataFrame:
    """Zero-shot agrees on 40 % in both models; others on 50, 64, 77 and 98 %. Other metrics are not drawn."""
    rows = [
        (model, "en", arm, "poles", country, metric, 0.4, 0.5, 0.64, 0.77, 0.98 if metric == "agreement" else 0.1)
        for model in MODELS
        for arm in ARMS
        for country in ("BOL", "DEU", "all")
        for metric in ("agreement", "pearson")
    ]
    names = ["model", "language", "arm", "asks", "country", "metric", "value", "uniform", "world", "nearest", "ceiling"]
    table = pd.DataFrame(rows, columns=names).assign(nearest_country=None, probes=60, not_applicable=0)
    return table[Metrics.names()]


def verdicts() -> pd.DataFrame:
    """Main intervals of the mean of the countries, which are wider than those by battery."""
    rows = mean_of_countries(contrasts())
    low, high = rows["low"] - 0.01, rows["high"] + 0.01
    main = {
        "main": "category",
        "reason": "wider",
        "main_low": low,
        "main_high": high,
        "main_p": 0.5,
        "main_p_holm": 0.5,
    }
    by_category = {"standard_error": 0.06, "low": low, "high": high, "df": 9.0, "p": 0.5}
    rows = rows.assign(**main, **{f"category_{name}": value for name, value in by_category.items()})
    return rows.assign(role="secondary", categories=10)[Verdicts.names()]


def main_contrasts() -> pd.DataFrame:
    return join_verdicts(contrasts(), verdicts())


def gains_by_country() -> pd.DataFrame:
    """The rows of the figure as it draws them."""
    return with_main(choose_pairs(main_contrasts(), GAINS, "en"))


def gains() -> Differences:
    return find_gains(main_contrasts(), metrics(), GAINS, "en")


def margins() -> Differences:
    return find_margins(main_contrasts(), MARGINS, "en")


def readers() -> pd.DataFrame:
    """A `ReaderContrasts` table: the model agrees with 40 % and gains 10 points, in a margin of 7 points."""
    rows = []
    for model, (reader, ahead), country in product(MODELS, [("copier", 0.1), ("ideal_reader", 0.3)], ["DEU", "all"]):
        for arm, against, beyond, estimate in [
            ("near", None, None, 0.4),
            ("near", "zero", None, 0.1),
            ("near", "near_other", None, 0.07),
            ("near", "near_other", "drawn - zero", 0.5),
            ("zero", None, None, 0.3),
        ]:
            rows.append((model, reader, arm, against, beyond, country, estimate, estimate + ahead))
    names = ["model", "reader", "arm", "against", "beyond", "country", "estimate", "reader_estimate"]
    table = pd.DataFrame(rows, columns=names).assign(language="en", measure="agreement", probes=60, batteries=9)
    table = pd.concat([table, table.assign(language="es", reader_estimate=0.9)])
    return table.reindex(columns=ReaderContrasts.names())


def marks(ax: Axes) -> dict[str, list[tuple[float, int]]]:
    """Places and rows of the marks of baselines, by name."""
    found = {lines.get_label(): lines for lines in ax.collections if hasattr(lines, "get_segments")}
    return {
        name: [(round(line[0, 0], 6), round(line[:, 1].mean())) for line in lines.get_segments()]
        for name, lines in found.items()
        if not name.startswith("_")
    }


def dots(ax: Axes) -> list[tuple[str, float, float]]:
    """Colour and place of every dot, from top to bottom."""
    found = [
        (to_hex(line.get_color()), *point)
        for line in ax.lines
        if line.get_marker() not in ("None", "", "|")
        for point in line.get_xydata().tolist()
    ]
    return sorted(found, key=lambda dot: (dot[2], dot[1]))


def bars(ax: Axes) -> list[tuple[float, float]]:
    lines = [line for lines in ax.collections if hasattr(lines, "get_segments") for line in lines.get_segments()]
    return sorted(tuple(line[:, 0]) for line in lines if len(line) and np.isfinite(line).all())


def rows_of(figure: Figure) -> list[str]:
    return [label.get_text() for label in figure.axes[0].get_yticklabels()]


# Which numbers


def test_gains_are_the_rows_of_one_language_in_the_order_of_the_selectors() -> None:
    rows = choose_pairs(contrasts(), GAINS, "en")
    assert len(rows) == 12 and rows["estimate"].max() < 0.5
    assert list(dict.fromkeys(rows["arm"])) == ["drawn", "near"]
    means = mean_of_countries(rows).set_index(["model", "arm"])["estimate"].round(6)
    assert means.to_dict() == {("m", "drawn"): 0.04, ("n", "drawn"): -0.01, ("m", "near"): -0.1, ("n", "near"): 0.0}
    with pytest.raises(InputError, match="no difference between drawn and near_other"):
        choose_pairs(contrasts(), [["drawn", "near_other"]], "en")


def test_rows_of_other_figures_are_those_of_the_agreement() -> None:
    table = pd.concat([languages(), languages().assign(measure="alignment"), languages(("drawn",))])
    assert len(choose_gains(table, [["near", "zero"]])) == len(languages())


# Marks


@pytest.mark.slow
def test_gains_have_a_row_per_model_and_a_dot_with_its_interval_per_selector(style: Style) -> None:
    rows = gains().rows
    figure = plot_gains.draw(rows, gains(), style)
    (ax,) = figure.axes
    assert rows_of(figure) == list(MODELS.values())
    orange, blue = "#d55e00", "#0072b2"
    assert [(colour, round(x, 6), round(y)) for colour, x, y in dots(ax)] == [
        (blue, 0.04, 0),
        (orange, -0.1, 0),
        (blue, -0.01, 1),
        (orange, 0.0, 1),
    ]
    assert set(zip(rows["low"] - 0.01, rows["high"] + 0.01, strict=True)) <= set(bars(ax)), "the main intervals"
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["Random", "Similar", "Chance", "World majority", "Nearest country", "The same people again"]
    others = {"uniform": 0.1, "world": 0.24, "nearest": 0.37, "ceiling": 0.58}
    assert marks(ax) == {name: [(gain, 0), (gain, 1)] for name, gain in others.items()}
    texts = [text.get_text() for text in texts_of(figure)]
    assert "Gain over Zero-shot, mean of countries, percentage points" in " ".join(texts).replace("\n", " ")


def test_margins_have_a_dot_per_arm_named_after_it_and_an_axis_of_their_own(style: Style) -> None:
    figure = plot_margins.draw(margins().rows, margins(), style)
    low, high = figure.axes[0].get_xlim()
    assert -0.1 < low < 0 and 0.17 < high < 0.2, "gains go from -0.1 to 0.58"
    assert [round(x, 6) for _, x, _ in dots(figure.axes[0])] == [0.07, 0.07]
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["Similar"]
    assert marks(figure.axes[0]) == {}


def test_controls_of_one_arm_have_names_and_looks_that_differ(wide: Style) -> None:
    table, pairs = main_contrasts(), [*MARGINS, ["near", "zero"]]
    several = find_margins(table, pairs, "en")
    figure = plot_margins.draw(several.rows, several, wide)
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == [f"Similar {MINUS} Similar, other country", f"Similar {MINUS} Zero-shot"]
    looks = [(handle.get_color(), handle.get_marker()) for handle in figure.legends[0].legend_handles]
    assert looks == [("#d55e00", "o"), ("#d55e00", "s")]
    lines = [line for line in figure.axes[0].lines if len(line.get_xdata())]
    drawn = {line.get_marker(): np.round(line.get_xdata(), 6).tolist() for line in lines}
    gains = table[(table["arm"] == "near") & (table["against"] == "zero") & (table["country"] == "all")]
    gains = gains[(gains["language"] == "en") & (gains["measure"] == "agreement") & gains["beyond"].isna()]
    assert drawn["o"] == [0.07, 0.07] and drawn["s"] == gains["estimate"].round(6).tolist()


@pytest.mark.slow
def test_readers_are_marks_of_gains_and_margins(style: Style) -> None:
    chosen = choose_readers(readers(), ["near"])
    gained = find_gains(main_contrasts(), metrics(), GAINS, "en", chosen)
    differing = find_margins(main_contrasts(), MARGINS, "en", chosen)
    drawn = (plot_gains.draw(gained.rows, gained, style), plot_margins.draw(differing.rows, differing, style))
    for figure, copier, ideal in zip(drawn, (0.2, 0.17), (0.4, 0.37), strict=True):
        (ax,) = figure.axes
        found = {line.get_label(): line.get_xydata() for line in ax.lines if len(line.get_xdata())}
        assert found["copier"][:, 0] == pytest.approx([copier] * 2)
        assert found["ideal_reader"][:, 0] == pytest.approx([ideal] * 2)
        heights = sorted({y for colour, _, y in dots(ax) if colour == "#d55e00"})
        assert found["copier"][:, 1] == pytest.approx(heights)
        marks = [line for line in ax.lines if line.get_label() in found and len(line.get_xdata())]
        assert {mark.get_color() for mark in marks if mark.get_label() in ("copier", "ideal_reader")} == {"#d55e00"}
        legend = [text.get_text() for text in figure.legends[0].get_texts()]
        assert legend[-2:] == ["Copier of the answers shown", "Ideal reader of the answers shown"]
        assert faults_of(figure) == []


def test_a_gain_with_a_readers_answers_is_over_the_models_own_first_arm() -> None:
    gains = readers_of_gains(choose_readers(readers(), ["near"]), GAINS)
    chosen = gains[(gains["language"] == "en") & (gains["country"] == "all") & (gains["model"] == "m")]
    values = chosen.set_index("reader")["value"]
    assert values.to_dict() == pytest.approx({"copier": 0.5 - 0.3, "ideal_reader": 0.7 - 0.3})
    assert set(gains["arm"]) == {"near"} and set(gains["against"]) == {"zero"}


def test_uncertain_cells_are_hatched_and_certain_numbers_are_bold(style: Style) -> None:
    figure = plot_gains_by_country.draw(gains_by_country(), GAINS, style)
    drawn, near = figure.axes[:2]
    assert [ax.get_title(loc="left") for ax in (drawn, near)] == ["Random", "Similar"]
    assert [label.get_text() for label in near.get_yticklabels() or drawn.get_yticklabels()] == [
        "Mean of countries",
        "Bolivia",
        "Germany",
    ]
    values = near.collections[0].get_array().reshape(3, 2)
    np.testing.assert_allclose(values, [[-0.1, 0.0], [0.2, 0.3], [0.05, 0.15]], atol=1e-9)
    hatched = {(patch.get_y(), patch.get_x()) for patch in near.patches if patch.get_hatch()}
    assert hatched == {(0, 0), (0, 1), (2, 0)}, "intervals reach 10 points to both sides"
    written = {text.get_text(): text.get_fontweight() for text in near.texts}
    assert written == {
        f"{MINUS}10": "normal",
        "0": "normal",
        "+20": "bold",
        "+30": "bold",
        "+5": "normal",
        "+15": "bold",
    }
    assert len([patch for patch in drawn.patches if patch.get_hatch()]) == 6


def test_mean_of_gains_by_country_is_certain_by_its_main_interval(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = contrasts()
    by_battery = table["estimate"] + 0.03, table["estimate"] - 0.03
    table = table.assign(high=by_battery[0].round(6), low=by_battery[1].round(6))
    write_table(table, tmp_path / "contrasts.csv", Contrasts)
    write_table(verdicts(), tmp_path / "verdicts.csv", Verdicts)
    figures: list[Figure] = []
    draw = plot_gains_by_country.draw
    monkeypatch.setattr(plot_gains_by_country, "draw", lambda *given: figures.append(draw(*given)) or figures[-1])
    options = [f"--{name}={tmp_path / name}.csv" for name in ("contrasts", "verdicts")]
    options += ["--language", "en", "--pairs", json.dumps(GAINS), "--style", json.dumps(described(width=6.8))]
    run("plot-gains-by-country", *options, "--csv", tmp_path / "g.csv", "--figures", tmp_path / "g.svg")
    (figure,) = figures
    near = figure.axes[1]
    hatched = {(patch.get_y(), patch.get_x()) for patch in near.patches if patch.get_hatch()}
    assert hatched == {(0, 0), (0, 1)}, "the mean of -10 points is certain by battery, and not by its main interval"
    notes = " ".join(text.get_text() for text in figure.texts).replace("\n", " ")
    main = "Mean: main interval, the wider of one by question battery and one by category."
    assert f"{main} Countries: by question battery." in notes
    made = read_table(tmp_path / "g.csv", MainContrasts)
    mean = made["country"] == "all"
    assert set(made.loc[mean, "main"]) == {"category"} and made.loc[~mean, "main"].isna().all()
    chosen = made[mean & (made["arm"] == "near") & (made["model"] == "m")].iloc[0]
    assert chosen[["low", "high", "main_low", "main_high"]].tolist() == pytest.approx([-0.13, -0.07, -0.21, 0.01])
    assert made.loc[~mean, ["main_low", "main_high", "main_p"]].isna().all(axis=None)


def test_dumbbell_of_a_country_has_both_languages_and_is_pale_where_uncertain(style: Style) -> None:
    figure = plot_languages.draw(choose_gains(languages(), [["near", "zero"]]), [["near", "zero"]], "en", style)
    assert rows_of(figure) == ["Mean of countries", "Bolivia (Spanish)", "Germany (German)"]
    assert [ax.get_title(loc="left").replace("\n", " ") for ax in figure.axes] == list(MODELS.values())
    ax = figure.axes[0]
    hollow = {
        to_hex(line.get_markerfacecolor()): line.get_xydata()[:, 0].tolist()
        for line in ax.lines
        if line.get_marker() == "o"
    }
    assert hollow["#ffffff"] == [0.1, 0.1, 0.1] and hollow["#d55e00"] == pytest.approx([0.3, 0.05, 0.175])
    ring, dot = sorted((line for line in ax.lines if line.get_marker() == "o"), key=lambda line: -line.get_markersize())
    white = (ring.get_markersize() - ring.get_markeredgewidth()) - (dot.get_markersize() + dot.get_markeredgewidth())
    assert white > 0.8, "a ring and a dot at the same place are seen as two"
    sure, pale = [lines for lines in ax.collections if hasattr(lines, "get_segments")]
    assert [line[:, 0].tolist() for line in sure.get_segments()] == [[0.1, 0.3]]
    assert sorted(line[:, 0].tolist() for line in pale.get_segments()) == [[0.1, 0.05], [0.1, 0.175]]
    assert to_hex(sure.get_edgecolor()[0]) == "#d55e00" != to_hex(pale.get_edgecolor()[0])


@pytest.mark.slow
def test_category_without_an_interval_is_an_outline_with_its_number_of_batteries(style: Style) -> None:
    figure = plot_categories.draw(choose_gains(categories(), GAINS), GAINS, style)
    assert rows_of(figure) == ["Ethics (7)", "My values (2)", "Science (1)"]
    ax = figure.axes[0]
    assert len(bars(ax)) == 4, "two selectors in two categories"
    open_dots = [line for line in ax.lines if to_hex(line.get_markerfacecolor()) == "#ffffff" and len(line.get_xdata())]
    assert {round(line.get_ydata()[0]) for line in open_dots} == {2}
    low, high = ax.get_xlim()
    assert low < -0.1 and 0.2 < high < 1, "room for all dots, not for the widest intervals"


def test_kinds_have_their_models_as_ticks_and_their_difference_as_a_row(style: Style) -> None:
    figure = plot_kinds.draw(choose_gains(kinds(), [["near", "zero"]]), [["near", "zero"]], style)
    assert [name.replace("\n", " ") for name in rows_of(figure)] == [
        "English-centric (1 model)",
        "Multilingual (2 models)",
        f"Multilingual {MINUS} English-centric",
    ] or style.narrow
    assert [ax.get_title(loc="left").replace("\n", " ") for ax in figure.axes] == [
        "Asked in English",
        "Asked in the country's own language",
    ]
    for ax in figure.axes:
        assert [(round(x, 6), round(y)) for _, x, y in dots(ax)] == [(0.1, 0), (0.3, 1), (0.2, 2)]
        (ticks,) = [line.get_xydata() for line in ax.lines if line.get_marker() == "|"]
        assert sorted(np.round(ticks, 6).tolist()) == [[0.1, 0.0], [0.2, 1.0], [0.4, 1.0]]


def country_ranks() -> pd.DataFrame:
    """Two models and three countries, of which the run asks about two; one country is not ranked."""
    rows = [
        (model, country, country != "AUS", value + shift, np.nan if country == "AUS" else rank)
        for model, shift in (("m", 0.0), ("n", 0.1))
        for country, value, rank in (("BOL", 0.6, 2), ("DEU", 0.7, 1), ("AUS", 0.5, 0))
    ]
    table = pd.DataFrame(rows, columns=["model", "country", "asked", "similarity", "rank"])
    table = table.assign(low=table["similarity"] - 0.1, high=table["similarity"] + 0.1, rank_low=1, rank_high=2)
    missing = dict.fromkeys(CountryRanks.to_schema().columns.keys() - set(table) - {"language", "arm"}, 0.5)
    table = table.assign(**missing | {"countries": 2, "probes": 9, "batteries": 3, "against": ""})
    table = table.assign(language="en", arm="zero")
    return CountryRanks.validate(table[CountryRanks.names()])


@pytest.mark.slow
def test_countries_are_in_the_order_of_their_similarity(style: Style) -> None:
    figure = plot_country_ranks.draw(country_ranks(), style)
    assert rows_of(figure) == ["Germany", "Bolivia", "Australia"]
    first, second = figure.axes
    assert sorted((round(x, 6), round(y)) for _, x, y in dots(first)) == [(0.5, 2), (0.6, 1), (0.7, 0)]
    assert sorted((round(x, 6), round(y)) for _, x, y in dots(second)) == [(0.6, 2), (0.7, 1), (0.8, 0)]
    alone = plot_country_ranks.draw(country_ranks().query("model == 'm'"), style)
    assert rows_of(alone) == ["Germany: 1 [1, 2]", "Bolivia: 2 [1, 2]", "Australia"], "not ranked: no number"


def test_countries_without_room_are_counted(style: Style) -> None:
    low = replace(style, height=plot_country_ranks._FIXED + 2 * plot_country_ranks._ROW + 0.01)
    figure = plot_country_ranks.draw(country_ranks(), low)
    assert rows_of(figure) == ["Germany", "Bolivia"], "those that the run asks about stay"
    assert "1 more countries" in " ".join(text.get_text().replace("\n", " ") for text in figure.texts)


DRAWN = {
    "country_ranks": lambda style: plot_country_ranks.draw(country_ranks(), style),
    "gains": lambda style: plot_gains.draw(gains().rows, gains(), style),
    "gains_by_country": lambda style: plot_gains_by_country.draw(gains_by_country(), GAINS, style),
    "languages": lambda style: plot_languages.draw(languages(("drawn", "near")), GAINS, "en", style),
    "categories": lambda style: plot_categories.draw(categories(), GAINS, style),
    "kinds": lambda style: plot_kinds.draw(kinds(), [["near", "zero"]], style),
    "margins": lambda style: plot_margins.draw(margins().rows, margins(), style),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", DRAWN)
def test_figure_has_its_width_and_no_text_leaves_it(name: str, style: Style) -> None:
    figure = DRAWN[name](style)
    assert figure.get_figwidth() == style.width and figure.get_figheight() <= style.height
    figure.draw_without_rendering()
    renderer = figure.canvas.get_renderer()
    inches = figure.dpi_scale_trans.inverted()
    written = [text.get_window_extent(renderer).transformed(inches) for text in figure.texts]
    boxes = [figure.get_tightbbox(renderer), *written]
    for box in boxes:
        assert box.x0 >= -0.02 and box.x1 <= style.width + 0.02
        assert box.y0 >= -0.02 and box.y1 <= figure.get_figheight() + 0.02
    note, *others = sorted(written, key=lambda box: box.y0)
    assert all(note.y1 <= other.y0 + 0.02 for other in others), "the axis label is above the note"


@pytest.mark.slow
def test_label_of_the_scale_fits_in_spanish() -> None:
    texts = read_figure_texts(ENGLISH.with_stem("es"))
    made = read_style(described(width=3.3, language="es"), ENGLISH.with_stem("es"))
    with matplotlib.rc_context():
        apply_theme(made)
        figure = plot_gains_by_country.draw(gains_by_country(), GAINS, made)
        assert faults_of(figure) == []
    label = figure.axes[-1].get_xlabel().replace("\n", " ")
    assert label == texts["gains.axis_country"].format(baseline="Zero-shot")
    plt.close("all")


# Commands


@pytest.mark.slow
def test_command_writes_the_figure_and_its_numbers(tmp_path: Path) -> None:
    write_table(contrasts(), tmp_path / "contrasts.csv", Contrasts)
    write_table(verdicts(), tmp_path / "verdicts.csv", Verdicts)
    write_table(categories(), tmp_path / "categories.csv", Categories)
    write_table(metrics(), tmp_path / "metrics.csv", Metrics)
    styled = ["--style", json.dumps(described(width=3.3))]
    common = ["--pairs", json.dumps(GAINS), *styled]
    asked = [f"--{name}={tmp_path / name}.csv" for name in ("contrasts", "verdicts", "metrics")] + ["--language", "en"]
    run("plot-gains", *asked, *common, "--csv", tmp_path / "gains.csv", "--figures", tmp_path / "gains.svg")
    made = read_table(tmp_path / "gains.csv", MainContrasts)
    assert len(made) == 4 and (tmp_path / "gains.svg").read_text().startswith("<?xml")
    files = ["--csv", tmp_path / "c.csv", "--figures", tmp_path / "c.pdf"]
    run("plot-categories", "--table", tmp_path / "categories.csv", *common, *files)
    pd.testing.assert_frame_equal(
        read_table(tmp_path / "c.csv", Categories),
        choose_gains(read_table(tmp_path / "categories.csv", Categories), GAINS),
    )
    assert (tmp_path / "c.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize("figure", ["plot-gains", "plot-gains-by-country", "plot-margins"])
def test_mean_without_a_verdict_is_refused_and_never_left_out(figure: str, tmp_path: Path) -> None:
    write_table(contrasts(), tmp_path / "contrasts.csv", Contrasts)
    without = verdicts()[verdicts()["arm"] != "drawn"]
    write_table(without, tmp_path / "verdicts.csv", Verdicts)
    write_table(metrics(), tmp_path / "metrics.csv", Metrics)
    names = ["contrasts", "verdicts", *(["metrics"] if figure == "plot-gains" else [])]
    options = [f"--{name}={tmp_path / name}.csv" for name in names]
    options += ["--language", "en", "--pairs", json.dumps(GAINS), "--style", json.dumps(described(width=3.3))]
    options += ["--csv", tmp_path / "numbers.csv", "--figures", tmp_path / "figure.svg"]
    with pytest.raises(InputError, match="verdicts.csv: there is no row of drawn minus zero, model m, measure agree"):
        run(figure, *options)
    assert not (tmp_path / "numbers.csv").exists()


# LaTeX


def test_tables_in_latex_are_those_of_the_registry() -> None:
    assert set(LATEX_TABLES) == set(TYPESET)


def as_latex(name: str, table: pd.DataFrame, style: Style) -> str:
    caption = write_caption(name, table, style, "en")
    return typeset(LATEX_TABLES[name][1](table, style, "en"), style, caption, f"tab:{name}")


def unbroken(made: str) -> str:
    """A table without the commands that break its names and heads into lines."""
    heads = re.sub(r"\\parbox\[b\]\{[\d.]+pt\}\{\\raggedleft ([^}]*)\}", r"\1", made)
    return heads.replace(r"\raggedright ", "")


def test_table_of_gains_as_latex(wide: Style) -> None:
    made = as_latex("gains", gains().rows, wide)
    assert made.splitlines() == [
        r"% \usepackage{booktabs}",
        r"\begin{table}",
        r"\centering",
        r"\caption{Gain in agreement with the majority over Zero-shot by model and demonstrations, in percentage "
        r"points: mean of the countries, asked in English. In square brackets: 95\% main intervals, the wider of "
        r"one by question battery and one by category. Probes: 60. Batteries: 10. Respondents: 900.}",
        r"\label{tab:gains}",
        r"\begin{tabular}{lrr}",
        r"\toprule",
        r"Model & Random & Similar \\",
        r"\midrule",
        r"Model M & +4.0 [$-$7.0, +15.0] & $-$10.0 [$-$21.0, +1.0] \\",
        r"Model\_N \& 50 \% & $-$1.0 [$-$12.0, +10.0] & 0 [$-$11.0, +11.0] \\",
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]


def test_a_caption_counts_only_the_rows_of_the_table(wide: Style) -> None:
    other = main_contrasts().assign(beyond="a - b", probes=7)
    caption = write_caption("contrasts", pd.concat([main_contrasts(), other]), wide, "en")
    assert caption.endswith("Probes: 60. Batteries: 10. Respondents: 900.")
    some = gains().rows
    some.loc[some.index[0], "batteries"] = 4
    assert "Probes: 60. Batteries: 4 to 10." in write_caption("gains", some, wide, "en")


def test_captions_say_what_is_compared(wide: Style) -> None:
    caption = write_caption("country_ranks", country_ranks(), wide, "en")
    assert "(Zero-shot, asked in English)" in caption and "Respondents" not in caption
    no_intervals = replace(wide, covers=())
    assert "square brackets" not in write_caption("categories", categories(), no_intervals, "en")
    assert "over Zero-shot" in write_caption("languages", choose_gains(languages(), GAINS), wide, "en")


def test_table_of_categories_as_latex_has_no_interval_where_there_is_none(wide: Style) -> None:
    made = as_latex("categories", choose_gains(categories(), GAINS), wide)
    assert r"Random & Ethics (7) & +10.0 [0, +20.0] & +10.0 [0, +20.0] \\" in made
    assert r" & My values (2) & +20.0 [$-$90.0, +100.0] & +20.0 [$-$90.0, +100.0] \\" in made
    assert r" & Science (1) & $-$10.0 & $-$10.0 \\" in made


def test_table_of_contrasts_as_latex_has_both_measures_and_p(wide: Style) -> None:
    made = unbroken(as_latex("contrasts", main_contrasts(), wide))
    assert r"Model & Difference & Agreement with the majority & p (Holm) & Soft alignment \\" in made
    # by battery $-$20.0 to 0, with p below 0.001: see `row` and `verdicts`
    assert r"Model M & Similar $-$ Zero-shot & $-$10.0 [$-$21.0, +1.0] & 0.500 & +90.0 [+79.0, +101.0] \\" in made
    assert r"95\% main intervals, the wider of one by question battery and one by category. Probes: 60." in made
    assert made.count("Model M") == 1, "repeated names are left out"


def test_table_of_gains_by_country_has_main_intervals_of_the_mean_only(wide: Style) -> None:
    table = choose_pairs(main_contrasts(), GAINS, "en")
    made = as_latex("gains_by_country", table, wide)
    assert r"Random & Mean of countries & +4.0 [$-$7.0, +15.0] & $-$1.0 [$-$12.0, +10.0] \\" in made
    assert r" & Bolivia & +2.0 [$-$8.0, +12.0] & $-$3.0 [$-$13.0, +7.0] \\" in made
    main = "main intervals, the wider of one by question battery and one by category."
    assert f"{main} Where a mean is shown, single countries have intervals by question battery. Probes: 60." in made
    caption = write_caption("gains_by_country", table, replace(wide, covers=("respondents",)), "en")
    assert "In square brackets: 95% intervals over respondents. Probes: 60." in caption


def test_table_of_contrasts_needs_the_verdicts_of_every_mean(tmp_path: Path) -> None:
    write_table(contrasts(), tmp_path / "contrasts.csv", Contrasts)
    write_table(verdicts(), tmp_path / "verdicts.csv", Verdicts)
    options = [f"--table=contrasts={tmp_path / 'contrasts.csv'}", "--style", json.dumps(described(width=6.8))]
    options += ["--language", "en", "--outputs", tmp_path / "contrasts.tex"]
    with pytest.raises(InputError, match="--verdicts: the table contrasts has the main intervals of this file"):
        run("typeset-tables", *options)
    run("typeset-tables", *options, f"--verdicts={tmp_path / 'verdicts.csv'}")
    assert "[$-$21.0, +1.0] & 0.500" in (tmp_path / "contrasts.tex").read_text()
    write_table(verdicts().iloc[:-1], tmp_path / "verdicts.csv", Verdicts)
    with pytest.raises(InputError, match="verdicts.csv: there is no row of"):
        run("typeset-tables", *options, f"--verdicts={tmp_path / 'verdicts.csv'}")


def test_table_of_languages_and_kinds_as_latex(wide: Style) -> None:
    made = unbroken(as_latex("languages", choose_gains(languages(), GAINS), wide))
    assert r"Model M & Mean of countries & +10.0 [0, +20.0] & +17.5 [+7.5, +27.5] & +7.5 [$-$2.5, +17.5] \\" in made
    assert r" & Bolivia & +10.0 [0, +20.0] & +30.0 [+20.0, +40.0] & +20.0 [+10.0, +30.0] \\" in made
    made = as_latex("kinds", choose_gains(kinds(), [["near", "zero"]]), wide)
    assert r"Asked in English & English-centric (1 model) & +10.0 [0, +20.0] \\" in made
    assert r" & Multilingual $-$ English-centric & +20.0 [+10.0, +30.0] \\" in made


def test_table_of_country_ranks_as_latex(wide: Style) -> None:
    made = as_latex("country_ranks", country_ranks(), wide)
    assert r"Model M & Germany & 70.0 [60.0, 80.0] & 1 [1, 2] \\" in made
    assert r" & Australia & 50.0 [40.0, 60.0] &  \\" in made


def test_long_table_breaks_over_pages(wide: Style) -> None:
    table = pd.DataFrame({"x": ["1"] * 46}, index=pd.Index([f"row {n}" for n in range(46)], name="name"))
    made = typeset(table, replace(wide, texts=read_figure_texts(ENGLISH.with_stem("de"))), "50 % & more_", "tab:x")
    assert r"\begin{longtable}{lr}" in made and "longtable}" in made.splitlines()[0]
    assert r"\caption{50 \% \& more\_} \label{tab:x}" in made
    assert "Fortsetzung auf der nächsten Seite" in made and "Continued" not in made
    short = typeset(table.head(45), wide, "Short", "tab:x")
    assert r"\begin{tabular}" in short and r"\caption{Short}" in short


TEN = {f"m{place}": f"Model-with-a-long-name-{place}-Instruct" for place in range(10)}


def of_ten(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of one model for each of ten models."""
    rows = table[table["model"] == "m"]
    return pd.concat([rows.assign(model=model) for model in TEN], ignore_index=True)


@pytest.mark.slow
def test_names_of_ten_models_stand_apart_below_narrow_cells(wide: Style) -> None:
    style = replace(wide, labels={"models": TEN, "arms": ARMS})
    rows = of_ten(gains_by_country())
    pairs = [*GAINS, ["near_other", "zero"]]
    rows = pd.concat([rows, rows[rows["arm"] == "near"].assign(arm="near_other")], ignore_index=True)
    assert faults_of(plot_gains_by_country.draw(rows, pairs, style)) == []


@pytest.mark.slow
def test_ticks_of_narrow_panels_stand_apart(wide: Style) -> None:
    style = replace(wide, labels={"models": TEN, "arms": ARMS})
    figure = plot_country_ranks.draw(of_ten(country_ranks()), style)
    figure.draw_without_rendering()
    (low, high), places = figure.axes[-1].get_xlim(), figure.axes[2].get_xticks()
    inches = figure.axes[2].get_position().width * style.width / (high - low)
    assert np.diff(places).min() * inches > width_of("0.75", "xtick.labelsize")


def test_ticks_of_country_ranks_are_not_rounded(wide: Style) -> None:
    axis = plot_country_ranks.draw(country_ranks(), wide).axes[0].xaxis
    assert [axis.get_major_formatter()(place) for place in (0.6, 0.625, 0.65)] == ["0.60", "0.625", "0.65"]


def test_labels_start_no_option_and_keep_their_signs_in_latex(wide: Style) -> None:
    table = pd.DataFrame({"a|b": ["1", "2"]}, index=pd.Index(["[base] <M>", "*star"], name="Model"))
    made = typeset(table, wide, "p < 1", "tab:x")
    assert r"{[}base] \textless{}M\textgreater{} & 1 \\" in made and r"{*}star & 2 \\" in made
    assert r"Model & a\textbar{}b \\" in made and r"\caption{p \textless{} 1}" in made


TEX = shutil.which("pdflatex")


@pytest.mark.skipif(TEX is None, reason="no pdflatex")
@pytest.mark.parametrize("language", ["en", "de", "es"])
def test_tables_compile(language: str, tmp_path: Path) -> None:
    texts = read_figure_texts(ENGLISH.with_stem(language))
    style = Style({"models": MODELS | {"m": "[base] * <M>", "o": "O"}, "arms": ARMS}, texts=texts, language=language)
    made = {
        "contrasts": main_contrasts(),
        "gains": gains().rows,
        "gains_by_country": choose_pairs(main_contrasts(), GAINS, "en"),
        "languages": languages(("drawn", "near")),
        "categories": categories(),
        "kinds": kinds(),
        "margins": margins().rows,
        "country_ranks": country_ranks(),
    }
    body = "".join(as_latex(name, table, style) + "\n\n" for name, table in made.items())
    packages = r"\usepackage[utf8]{inputenc}\usepackage[T1]{fontenc}\usepackage{booktabs, longtable}"
    command = [TEX, "-interaction=nonstopmode", "-halt-on-error", "all.tex"]
    references = ", ".join(rf"\ref{{tab:{name}}}" for name in made)
    assert body.count(r"\caption{") == len(made) == body.count(r"\label{tab:")
    text = rf"\documentclass{{article}}{packages}\begin{{document}}{body}{references}\end{{document}}"
    (tmp_path / "all.tex").write_text(text)
    for _ in range(2):  # the second run knows the numbers of the tables
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, re.findall(r"(?m)^!.*", done.stdout)
    assert "undefined" not in done.stdout
