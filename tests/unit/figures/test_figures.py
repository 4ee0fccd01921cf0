"""The figures: every number has its mark and every mark its name, and files are the same bytes each time."""

import itertools
import os
import subprocess
import sys
import unicodedata
import warnings
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pytest
from figure_tables import bars_of, verdicts_of
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib import get_data_path
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont
from matplotlib.ft2font import FT2Font
from matplotlib.text import Text
from selfalign.arms import Arm
from selfalign.config.looks import find_looks
from selfalign.contrasts import Contrast
from selfalign.errors import InputError
from selfalign.figures import plot_agreement, plot_calibration, plot_contrasts, plot_margin, plot_transfer
from selfalign.figures.country_rows import FigurePanel, Surroundings, stack_panels
from selfalign.figures.fonts import choose_fonts
from selfalign.figures.looks import GREY, PINK, VERMILLION
from selfalign.figures.style import Style, read_style
from selfalign.figures.text import plain, wrap
from selfalign.figures.theme import apply_theme, save
from selfalign.labels import clean_label
from selfalign.scoring.join_verdicts import join_verdicts, with_main

LABELS = {"models": {"m": "Model M"}, "arms": {"zero": "Zero-shot", "own": "Similar", "other": "Other country"}}
ARMS = {
    "zero": {"shots": 0},
    "own": {"shots": 5, "strategy": "chrf"},
    "other": {"shots": 5, "strategy": "chrf", "answers": "other"},
}


def styled(labels: dict, **more: object) -> Style:
    looks = {name: asdict(look) for name, look in find_looks(Arm.read_all(ARMS), {}).items()}
    return read_style({"labels": labels, "looks": looks, **more})


STYLE = styled(LABELS)
NO_METRICS = pd.DataFrame(
    columns=["model", "language", "arm", "asks", "country", "metric", "value", "uniform", "world", "nearest", "ceiling"]
)


@pytest.fixture(autouse=True)
def theme() -> Iterator[None]:
    with matplotlib.rc_context():
        apply_theme()
        yield
    plt.close("all")


def estimates(panels: dict[str, list[str]], countries: tuple[str, ...] = ("BOL", "DEU", "all")) -> pd.DataFrame:
    """A table of agreement: arms by language."""
    rows = []
    for language, arms in panels.items():
        for place, arm in enumerate(arms):
            for row, country in enumerate(countries):
                value = 0.4 + 0.1 * place + 0.01 * row
                rows.append(("m", language, arm, country, "agreement", value, value - 0.1, value + 0.2, 72, 40))
    columns = ["model", "language", "arm", "country", "measure", "estimate", "low", "high", "probes", "batteries"]
    return pd.DataFrame(rows, columns=columns)


def contrasts(languages: tuple[str, ...] = ("en",), countries: tuple[str, ...] = ("BOL", "DEU", "all")) -> pd.DataFrame:
    table = estimates({language: ["own"] for language in languages}, countries).assign(
        against="other",
        against_model=lambda rows: rows["model"],
        against_language=lambda rows: rows["language"],
        beyond=None,
    )
    return pd.concat([table, table.assign(measure="alignment", estimate=table["estimate"] / 2)])


def scores(panels: dict[str, list[str]]) -> pd.DataFrame:
    """Cells of four probes in two countries; the arm `own` has two seeds."""
    rows = []
    for language, arms in panels.items():
        for arm in arms:
            for seed in (1, 2) if arm == "own" else (0,):
                for country, share in (("BOL", 0.2), ("DEU", 0.6)):
                    for probe in range(4):
                        p_a = 0.1 + 0.2 * probe + 0.05 * seed
                        rows.append(("m", language, arm, seed, country, f"Q{probe}", p_a, share + 0.1 * probe))
    table = pd.DataFrame(rows, columns=["model", "language", "arm", "seed", "country", "probe", "p_a", "share_a"])
    return table.assign(agreement=((table["p_a"] > 0.5) == (table["share_a"] > 0.5)).astype(float))


def dots(ax: Axes) -> dict[str, np.ndarray]:
    """Points drawn with a marker, by name: rows of x and y."""
    return {line.get_label(): line.get_xydata() for line in ax.lines if line.get_marker() not in ("None", "")}


def panels_of(figure: Figure) -> list[str]:
    titles = [ax.get_title(loc="left") for ax in figure.axes]
    return [text.get_text() for text in figure.texts if text.get_fontweight() == "bold"] or titles


def names_in_legend(figure: Figure) -> list[str]:
    names = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    return [name for name in names if name != "Chance"]


# (a) Agreement


def test_agreement_has_a_dot_and_an_interval_per_arm_and_country() -> None:
    table = estimates({"en": ["zero", "own"]})
    figure = plot_agreement.draw(table, NO_METRICS, None, STYLE)
    (ax,) = figure.axes
    assert panels_of(figure) == ["Model M, asked in English"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["Mean of countries", "Bolivia", "Germany"]
    places = {"all": 0, "BOL": 1, "DEU": 2}
    for arm, points in zip(["zero", "own"], dots(ax).values(), strict=True):
        rows = table[table["arm"] == arm].set_index("country").loc[list(places)]
        np.testing.assert_allclose(points[:, 0], rows["estimate"])
        np.testing.assert_allclose(np.round(points[:, 1]), list(places.values()))
    lines = [line for lines in ax.collections if hasattr(lines, "get_segments") for line in lines.get_segments()]
    np.testing.assert_allclose(sorted(line[:, 0].tolist() for line in lines), table[["low", "high"]].sort_values("low"))
    assert names_in_legend(figure) == ["Zero-shot", "Similar"]


def test_country_keeps_its_row_and_an_arm_its_colour_in_every_panel() -> None:
    figure = plot_agreement.draw(
        estimates({"en": ["zero", "own", "other"], "es": ["zero", "other"]}), NO_METRICS, None, STYLE
    )
    assert panels_of(figure) == ["Model M, asked in English", "Model M, asked in Spanish"]
    colours = [
        {line.get_label(): to_hex(line.get_color()) for line in ax.lines if line.get_marker() not in ("None", "")}
        for ax in figure.axes
    ]
    assert colours[1] == {name: colours[0][name] for name in ("Zero-shot", "Other country")}
    assert colours[0]["Zero-shot"] == GREY and len(set(colours[0].values())) == 3
    rows = [dots(ax)["Other country"][:, 1] for ax in figure.axes]
    np.testing.assert_allclose(*rows)


def test_agreement_draws_the_arms_that_are_chosen() -> None:
    figure = plot_agreement.draw(estimates({"en": ["zero", "own", "other"]}), NO_METRICS, ["zero", "other"], STYLE)
    assert names_in_legend(figure) == ["Zero-shot", "Other country"]
    colours = {
        name: to_hex(line.get_color())
        for line in figure.axes[0].lines
        if (name := line.get_label()) in dots(figure.axes[0])
    }
    assert colours == {"Zero-shot": GREY, "Other country": PINK}
    (ax,) = plot_agreement.draw(estimates({"en": ["zero", "own"]}), NO_METRICS, ["own"], STYLE).axes
    assert GREY not in {to_hex(line.get_color()) for line in ax.lines if line.get_label() in dots(ax)}


def test_every_arm_drawn_is_in_the_legend() -> None:
    figure = plot_agreement.draw(estimates({"de": ["zero"], "en": ["zero", "own", "other"]}), NO_METRICS, None, STYLE)
    assert set(names_in_legend(figure)) == {name for ax in figure.axes for name in dots(ax)}


def test_agreement_of_sixty_countries_has_smaller_marks() -> None:
    arms = {f"arm{place}": f"Arm {place}" for place in range(5)}
    style = read_style({"labels": {"models": {"m": "Model M"}, "arms": arms}, "width": 6.8})
    sizes = {}
    for count in (14, 60):
        countries = (*(f"C{place}" for place in range(count)), "all")
        (ax,) = plot_agreement.draw(estimates({"en": list(arms)}, countries), NO_METRICS, None, style).axes
        sizes[count] = {line.get_markersize() for line in ax.lines if line.get_label() in arms.values()}
    assert sizes[14] == {4.0}
    assert max(sizes[60]) < 2.6


def test_agreement_of_one_country_has_one_row() -> None:
    figure = plot_agreement.draw(estimates({"en": ["zero"]}, ("BOL", "all")), NO_METRICS, None, STYLE)
    (ax,) = figure.axes
    assert [label.get_text() for label in ax.get_yticklabels()] == ["Bolivia"]
    assert {name: len(points) for name, points in dots(ax).items()} == {"Zero-shot": 1}


def test_country_that_an_arm_lacks_has_no_dot() -> None:
    table = estimates({"en": ["zero", "own"]}).query("not (arm == 'own' and country == 'DEU')")
    (ax,) = plot_agreement.draw(table, NO_METRICS, None, STYLE).axes
    assert [len(dots(ax)[name]) for name in ("Similar", "Zero-shot")] == [2, 3]


# (c) Margin


@pytest.mark.slow
def test_margin_has_both_measures_per_country_in_points() -> None:
    table = contrasts()
    figure = plot_margin.draw(table, ["own", "other"], STYLE)
    (ax,) = figure.axes
    assert names_in_legend(figure) == ["Agreement with the majority", "Soft alignment"]
    for measure, points in zip(["agreement", "alignment"], dots(ax).values(), strict=True):
        rows = table[table["measure"] == measure].set_index("country").loc[["all", "BOL", "DEU"]]
        np.testing.assert_allclose(points[:, 0], rows["estimate"])
    assert "Similar \N{MINUS SIGN} Other country, percentage points" in shown_texts(figure)
    assert [ax.xaxis.get_major_formatter()(value) for value in (-0.05, 0, 0.1)] == ["\N{MINUS SIGN}5", "0", "+10"]


def ends_of(rows: pd.DataFrame, prefix: str = "") -> list[tuple[float, float]]:
    """Both ends of the intervals of rows, as `bars_of` has them."""
    return [(round(row[f"{prefix}low"], 9), round(row[f"{prefix}high"], 9)) for _, row in rows.iterrows()]


def note_of(figure: Figure) -> str:
    """The note below a figure, as one line."""
    notes = [text.get_text() for text in figure.texts]
    return " ".join(next(note for note in notes if note.startswith("Bars")).split())


MAIN_NOTE = "Bars: 95% main intervals, the wider of one by question battery and one by category."
OF_COUNTRIES = "Where a mean is shown, single countries have intervals by question battery."
AT_0 = "Line at 0: no difference."


def test_margin_has_the_main_interval_of_the_mean_and_countries_by_battery() -> None:
    table = contrasts()
    verdicts = verdicts_of(table)
    figure = plot_margin.draw(with_main(join_verdicts(table, verdicts)), ["own", "other"], STYLE)
    (ax,) = figure.axes
    main = ends_of(verdicts, "main_")
    assert main == [(0.31, 0.64), (0.309, 0.641)]  # the table has 0.32 to 0.62, by battery
    by_country = [ends_of(table[table["country"] == country]) for country in ("BOL", "DEU")]
    assert bars_of(ax) == {0: main, 1: by_country[0], 2: by_country[1]}
    assert note_of(figure) == f"{MAIN_NOTE} {OF_COUNTRIES} {AT_0}"


@pytest.mark.slow
def test_margin_of_languages_about_one_country_each_has_main_intervals() -> None:
    table = pd.concat([contrasts(("de",), ("DEU", "all")), contrasts(("es",), ("BOL", "all"))])
    verdicts = verdicts_of(table)
    figure = plot_margin.draw(with_main(join_verdicts(table, verdicts)), ["own", "other"], STYLE)
    (ax,) = figure.axes
    assert [label.get_text() for label in ax.get_yticklabels()] == ["Bolivia (Spanish)", "Germany (German)"]
    main = [ends_of(verdicts[verdicts["language"] == language], "main_") for language in ("es", "de")]
    assert bars_of(ax) == dict(enumerate(main)) and len({end for ends in main for end in ends}) == 4
    assert note_of(figure) == f"{MAIN_NOTE} {AT_0}"
    both = pd.concat([contrasts(), table])
    figure = plot_margin.draw(with_main(join_verdicts(both, verdicts_of(both))), ["own", "other"], STYLE)
    assert note_of(figure) == f"{MAIN_NOTE} {OF_COUNTRIES} {AT_0}"


def test_note_names_what_the_bars_cover_where_batteries_are_not_drawn() -> None:
    figure = plot_margin.draw(contrasts(), ["own", "other"], replace(STYLE, covers=("respondents",)))
    assert note_of(figure) == f"Bars: 95% intervals over respondents. {AT_0}"
    notes = [
        text.get_text() for text in plot_margin.draw(contrasts(), ["own", "other"], replace(STYLE, covers=())).texts
    ]
    assert not any("Bars" in note for note in notes)


@pytest.mark.slow
def test_margin_leaves_out_contrasts_across_languages() -> None:
    across = contrasts(("es",)).assign(against_language="en")
    assert panels_of(plot_margin.draw(pd.concat([contrasts(), across]), ["own", "other"], STYLE)) == [
        "Model M, asked in English"
    ]


@pytest.mark.slow
def test_margin_draws_the_languages_that_have_the_contrast() -> None:
    table = pd.concat([contrasts(("en",)), contrasts(("es",)).assign(against="zero")])
    assert panels_of(plot_margin.draw(table, ["own", "other"], STYLE)) == ["Model M, asked in English"]
    with pytest.raises(InputError, match="no language runs both other and zero. Run both arms"):
        plot_margin.draw(table, ["other", "zero"], STYLE)


def test_ticks_of_agreement_are_not_rounded() -> None:
    axis = plot_agreement.draw(estimates({"en": ["zero"]}), NO_METRICS, None, STYLE).axes[-1].xaxis
    places = axis.get_major_locator().tick_values(0.4, 0.6)
    named = [axis.get_major_formatter()(place) for place in places]
    assert named == ["40%", "42.5%", "45%", "47.5%", "50%", "52.5%", "55%", "57.5%", "60%"]


# (b) Contrasts


def several() -> pd.DataFrame:
    """Contrasts of two languages, and one across them."""
    zero = contrasts(("en", "es")).assign(against="zero")
    return pd.concat([contrasts(("en",)), zero, contrasts(("es",)).assign(against="own", against_language="en")])


ORDER = [
    Contrast(arm="own", against="zero"),
    Contrast(arm="own", against="other"),
    Contrast(arm="own", against="own", against_language="en"),
]


@pytest.mark.slow
def test_contrasts_stand_in_the_order_of_the_config_where_a_language_has_them() -> None:
    figure = plot_contrasts.draw(several(), ORDER, STYLE)
    assert panels_of(figure) == ["Model M, asked in English", "Model M, asked in Spanish"]
    minus = " \N{MINUS SIGN} "
    assert [[label.get_text() for label in ax.get_yticklabels()] for ax in figure.axes] == [
        [f"Similar{minus}Zero-shot", f"Similar{minus}Other country"],
        [f"Similar{minus}Zero-shot", f"Similar (Spanish){minus}Similar (English)"],
    ]


@pytest.mark.slow
def test_contrasts_have_both_measures_for_the_mean_of_countries() -> None:
    figure = plot_contrasts.draw(several(), ORDER, STYLE)
    assert names_in_legend(figure) == ["Agreement with the majority", "Soft alignment"]
    for ax, table in zip(figure.axes, (contrasts(("en",)), contrasts(("es",))), strict=True):
        means = table[table["country"] == "all"].set_index("measure")
        for measure, drawn in zip(["agreement", "alignment"], dots(ax).values(), strict=True):
            assert drawn[:, 0].tolist() == [means.loc[measure, "estimate"]] * 2
            assert np.round(drawn[:, 1]).tolist() in ([0, 1], [1, 0])
        lines = [line for lines in ax.collections if hasattr(lines, "get_segments") for line in lines.get_segments()]
        assert {tuple(line[:, 0]) for line in lines} == set(zip(means["low"], means["high"], strict=True))


@pytest.mark.slow
def test_contrasts_have_main_intervals_also_across_models_and_of_differences() -> None:
    zero = contrasts().assign(against="zero")
    tables = [zero, contrasts(), contrasts().assign(against="own", against_model="n"), contrasts()]
    table = pd.concat([*tables[:3], tables[3].assign(beyond="own - zero")])
    order = [["own", "zero"], ["own", "other"], {"arm": "own", "against": "own", "against_model": "n"}]
    order += [{"arm": "own", "against": "other", "beyond": ["own", "zero"]}]
    verdicts = verdicts_of(table)
    labels = LABELS | {"models": LABELS["models"] | {"n": "Model N"}}
    drawn = [Contrast.read(one) for one in order]
    figure = plot_contrasts.draw(with_main(join_verdicts(table, verdicts.sample(frac=1))), drawn, styled(labels))
    (ax,) = figure.axes
    main = ends_of(verdicts, "main_")
    assert bars_of(ax) == {place: main[2 * place : 2 * place + 2] for place in range(4)} and len(set(main)) == 8
    assert note_of(figure) == f"{MAIN_NOTE} {AT_0}"


def test_contrasts_of_languages_about_one_country_each_have_main_intervals() -> None:
    table = pd.concat([contrasts(("de",), ("DEU", "all")), contrasts(("es",), ("BOL", "all"))])
    table = pd.concat([table.assign(against="zero"), table])
    verdicts = verdicts_of(table)
    figure = plot_contrasts.draw(with_main(join_verdicts(table, verdicts)), ORDER[:2], STYLE)
    for ax, against in zip(figure.axes, ("zero", "other"), strict=True):
        of = [verdicts[(verdicts["language"] == each) & (verdicts["against"] == against)] for each in ("es", "de")]
        assert bars_of(ax) == {place: ends_of(rows, "main_") for place, rows in enumerate(of)}
    assert note_of(figure) == f"{MAIN_NOTE} {AT_0}"


@pytest.mark.slow
def test_difference_of_differences_is_labelled() -> None:
    less = contrasts().assign(beyond="own - zero")
    order = [["own", "other"], {"arm": "own", "against": "other", "beyond": ["own", "zero"]}]
    (ax,) = plot_contrasts.draw(pd.concat([less, contrasts()]), [Contrast.read(one) for one in order], STYLE).axes
    minus = " \N{MINUS SIGN} "
    assert [label.get_text() for label in ax.get_yticklabels()] == [
        f"Similar{minus}Other country",
        f"(Similar{minus}Other country)\n\N{MINUS SIGN} (Similar{minus}Zero-shot)",
    ]
    assert panels_of(plot_margin.draw(pd.concat([less, contrasts()]), ["own", "other"], STYLE))
    with pytest.raises(InputError):
        plot_margin.draw(less, ["own", "other"], STYLE)


def test_contrasts_of_nothing_are_refused() -> None:
    with pytest.raises(InputError, match="scoring.contrasts: no language runs both arms of any"):
        plot_contrasts.draw(contrasts().head(0), ORDER, STYLE)


@pytest.mark.slow
def test_codes_of_sixty_countries_stand_apart_in_transfer() -> None:
    codes = [f"{first}{second}X" for first in "ABCDEF" for second in "ABCDEFGHIJ"]
    rows = [("m", "en", "own", "other", "DEU", code, "agreement", 0.1, 0.0, 0.2, 0.5) for code in codes]
    names = ["model", "language", "arm", "against", "country", "source", "measure", "estimate", "low", "high", "p_holm"]
    figure = plot_transfer.draw(pd.DataFrame(rows, columns=names), STYLE)
    figure.draw_without_rendering()
    boxes = [label.get_window_extent() for label in figure.axes[0].get_xticklabels()]
    assert all(one.x1 < other.x0 for one, other in itertools.pairwise(boxes))


# (e) Calibration


def test_calibration_has_a_dot_per_country_and_probe() -> None:
    table = scores({"en": ["zero", "own"]})
    figure = plot_calibration.draw(table, ["zero", "own"], STYLE)
    for ax, arm in zip(figure.axes, ["zero", "own"], strict=True):
        cells = table[table["arm"] == arm].groupby(["country", "probe"])[["share_a", "p_a", "agreement"]].mean()
        (points,) = [collection for collection in ax.collections if len(collection.get_offsets()) > 1]
        drawn, expected = points.get_offsets().tolist(), cells[["share_a", "p_a"]].to_numpy().tolist()
        np.testing.assert_allclose(sorted(drawn), sorted(expected))
        r = np.corrcoef(*(np.append(cells[side], 1 - cells[side]) for side in ("share_a", "p_a")))[0, 1]
        title = f"{LABELS['arms'][arm]}\n$r_c$ = {r:.2f}, agreement {cells['agreement'].mean():.0%}"
        assert ax.get_title(loc="left") == title


def test_dots_at_0_and_100_percent_are_whole() -> None:
    (ax,) = plot_calibration.draw(scores({"en": ["zero"]}).assign(p_a=1.0), ["zero"], STYLE).axes
    assert not ax.collections[-1].get_clip_on()


@pytest.mark.slow
def test_calibration_does_not_depend_on_which_pole_is_a() -> None:
    table = scores({"en": ["zero"]})
    renamed = table.copy()
    turned = renamed["probe"] == renamed["probe"].iloc[0]
    renamed.loc[turned, ["share_a", "p_a"]] = 1 - renamed.loc[turned, ["share_a", "p_a"]]
    titles = [plot_calibration.draw(drawn, ["zero"], STYLE).axes[0].get_title(loc="left") for drawn in (table, renamed)]
    assert titles[0] == titles[1]


@pytest.mark.slow
def test_calibration_leaves_unanswered_cells_out() -> None:
    table = scores({"en": ["zero"]})
    table.loc[0, ["p_a", "agreement"]] = np.nan, 0.5
    (ax,) = plot_calibration.draw(table, ["zero"], STYLE).axes
    answered = table.dropna(subset="p_a")
    r = np.corrcoef(*(np.append(answered[side], 1 - answered[side]) for side in ("share_a", "p_a")))[0, 1]
    reads = f"$r_c$ = {r:.2f}, agreement {table['agreement'].mean():.0%}"
    assert ax.get_title(loc="left") == f"Zero-shot\n{reads}"
    assert max(map(len, dots_of(ax))) == 7
    silent = table.assign(p_a=np.nan, agreement=0.5)
    (ax,) = plot_calibration.draw(silent, ["zero"], STYLE).axes
    assert ax.get_title(loc="left") == "Zero-shot\nno answers, agreement 50%"
    ties = table.assign(p_a=0.5, agreement=0.5)
    (ax,) = plot_calibration.draw(ties, ["zero"], STYLE).axes
    assert ax.get_title(loc="left") == "Zero-shot\nagreement 50%", "r_c has no value"
    assert len(np.unique(ax.collections[-1].get_facecolors(), axis=0)) == 1, "a tie agrees with no majority"


def test_calibration_has_no_panel_where_a_language_lacks_the_arm() -> None:
    figure = plot_calibration.draw(scores({"en": ["zero", "own"], "es": ["zero"]}), ["zero", "own"], STYLE)
    assert [max(map(len, dots_of(ax)), default=0) for ax in figure.axes] == [8, 8, 8]
    titles = [ax.get_title(loc="left").partition("\n")[0] for ax in figure.axes]
    assert titles == ["Zero-shot", "Similar", "Zero-shot"]
    first, _, third = (ax.get_position() for ax in figure.axes)
    assert (third.x0, third.y0 < first.y0) == (first.x0, True), "the place beside it is empty"


# (d) Transfer


def transfers(countries: tuple[str, ...], sources: tuple[str, ...], language: str = "en") -> pd.DataFrame:
    """A table of transfer, with a row for the mean of the countries."""
    rows = [
        ("m", language, "own", "other", measure, country, source, 0.02 * row - 0.03 * column, 0.04 if row == 1 else 0.5)
        for measure in ("agreement", "alignment")
        for row, country in enumerate(("all", *countries))
        for column, source in enumerate(sources)
        if country != source
    ]
    names = ["model", "language", "arm", "against", "measure", "country", "source", "estimate", "p_holm"]
    table = pd.DataFrame(rows, columns=names)
    return table.assign(low=table["estimate"] - 0.05, high=table["estimate"] + 0.05)


def matrix_of(ax: Axes) -> np.ma.MaskedArray:
    return ax.collections[0].get_array().reshape(len(ax.get_yticks()), len(ax.get_xticks()))


def test_transfer_has_a_row_per_country_and_a_column_per_source() -> None:
    table = transfers(("BOL", "MEX"), ("BOL", "DEU", "MEX"))
    figure = plot_transfer.draw(table, STYLE)
    ax, bar = figure.axes
    assert [label.get_text() for label in ax.get_yticklabels()] == ["Mean of countries", "Bolivia", "Mexico"]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["BOL", "DEU", "MEX"]
    agreement = table[table["measure"] == "agreement"]
    expected = agreement.pivot(index="country", columns="source", values="estimate").loc[["all", "BOL", "MEX"]]
    np.testing.assert_allclose(matrix_of(ax).filled(np.nan), expected)
    written = [text.get_text() for text in ax.texts]
    assert written == [
        "0",
        "\N{MINUS SIGN}3.0",
        "\N{MINUS SIGN}6.0",
        "\N{MINUS SIGN}1.0",
        "\N{MINUS SIGN}4.0",
        "+4.0",
        "+1.0",
    ]
    assert bar.get_xlabel() == "Similar \N{MINUS SIGN} Other country, percentage points"


def test_transfer_marks_differences_that_are_significant_after_correction() -> None:
    (ax, _) = plot_transfer.draw(transfers(("BOL", "MEX"), ("BOL", "DEU", "MEX")), STYLE).axes
    marks = [line.get_xydata()[0] for line in ax.lines if line.get_marker() == "o"]
    assert np.floor(marks).tolist() == [[1, 1], [2, 1]]  # Bolivia's row, without its own column


@pytest.mark.slow
def test_transfer_marks_follow_the_level_of_the_intervals() -> None:
    table = transfers(("BOL", "MEX"), ("BOL", "DEU", "MEX")).assign(p_holm=0.07)
    for level, marked, limit in ((0.95, False, None), (0.9, True, "p < 0.1 ")):
        figure = plot_transfer.draw(table, replace(STYLE, level=level))
        assert any(line.get_marker() == "o" for line in figure.axes[0].lines) is marked
        notes = " ".join(text.get_text() for text in figure.texts).replace("\N{NO-BREAK SPACE}", " ")
        assert (limit in notes) if limit else ("p <" not in notes)


def test_transfer_between_no_countries_is_refused() -> None:
    with pytest.raises(InputError, match="scoring.transfer: no country is answered by another. Ask about two"):
        plot_transfer.draw(transfers(("BOL",), ("BOL", "DEU")).head(0), STYLE)


def test_transfer_of_one_country_has_one_row_and_of_many_signs_only() -> None:
    many = ("AUS", "BRA", "CAN", "CHN", "DEU", "ETH", "GBR", "IND", "KEN", "MEX", "NGA")
    table = pd.concat([transfers(("BOL",), ("DEU", "MEX"), "es"), transfers(("USA", "ZWE"), many)])
    figure = plot_transfer.draw(table, replace(STYLE, width=3.3))
    assert panels_of(figure)[:2] == ["Model M, asked in Spanish", "Model M, asked in English"]
    assert matrix_of(figure.axes[0]).shape == (1, 2) and len(figure.axes[0].texts) == 2
    assert matrix_of(figure.axes[1]).shape == (3, 11)
    assert {text.get_text() for text in figure.axes[1].texts} == {"0", "+", "\N{MINUS SIGN}"}


def dots_of(ax: Axes) -> list[np.ndarray]:
    return [collection.get_offsets() for collection in ax.collections]


# Labels of users

NAMES = ["Cost $5 or $10", r"M $\foo{$ x", r"\$x$", "_none", "__", "100 % {a} ^b", "a\\", "$a_b$"]


def shown_texts(figure: Figure) -> list[str]:
    """Every text of a figure as matplotlib draws it, line by line; mathematics is left out."""
    figure.canvas.draw()
    texts = [text for text in figure.findobj(Text) if text.get_visible()]
    lines = [text._preprocess_math(line) for text in texts for line in text.get_text().split("\n")]
    return [line for line, mathematics in lines if not mathematics]


@pytest.mark.parametrize("name", NAMES)
def test_label_is_shown_as_it_is_written(name: str) -> None:
    labels = {"models": {"m": name}, "arms": LABELS["arms"] | {"own": name}}
    figure = plot_agreement.draw(estimates({"en": ["zero", "own"]}), NO_METRICS, None, styled(labels))
    assert {f"{name}, asked in English", name, "Zero-shot"} <= set(shown_texts(figure))


@pytest.mark.slow
def test_label_is_shown_as_it_is_written_in_the_other_figures() -> None:
    name = r"_$a_b$ \$x{"
    labels = {"models": {"m": name}, "arms": LABELS["arms"] | {"own": name}}
    figure = plot_contrasts.draw(several(), ORDER, styled(labels))
    assert f"{name} \N{MINUS SIGN} Zero-shot" in shown_texts(figure)
    figure = plot_margin.draw(contrasts(), ["own", "other"], styled(labels))
    assert f"{name} \N{MINUS SIGN} Other country, percentage points" in shown_texts(figure)
    figure = plot_calibration.draw(scores({"en": ["own"]}), ["own"], styled(labels))
    assert {name, f"{name}, asked in English"} <= set(shown_texts(figure))
    figure = plot_transfer.draw(transfers(("BOL",), ("DEU",)), styled(labels))
    assert f"{name} \N{MINUS SIGN} Other country, percentage points" in shown_texts(figure)


def test_look_of_an_arm_does_not_depend_on_its_name() -> None:
    labels = {"models": {"m": "M"}, "arms": {"zero": "_", "own": "Same", "other": "Same "}}
    figure = plot_agreement.draw(estimates({"en": ["zero", "own", "other"]}), NO_METRICS, None, styled(labels))
    marks = {to_hex(line.get_color()) for line in figure.axes[0].lines if line.get_marker() not in ("None", "")}
    assert marks == {GREY, VERMILLION, PINK}


@pytest.mark.parametrize(
    ("label", "expected"),
    [(" two\nlines\tand  more ", "two lines and more"), ("null\0byte", "nullbyte"), ("می\u200cخواهم", "می\u200cخواهم")],
)
def test_label_becomes_one_line(label: str, expected: str) -> None:
    assert clean_label(label) == expected


def test_line_does_not_break_within_a_number() -> None:
    for width in (0.8, 0.9, 1.0, 1.1, 1.2, 1.4):
        lines = wrap("Qwen2.5-Coder-0.5B-Instruct", width, 9).split("\n")
        assert len(lines) > 1 and not any(line.endswith("0.") for line in lines), width


@pytest.mark.slow
@given(text=st.text(st.characters(codec="utf-8", categories=("L", "M", "N", "P", "S", "Zs")), max_size=60))
@settings(max_examples=50, deadline=None)
def test_wrapping_keeps_every_character(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        lines = wrap(clean_label(text), 1.0, 9)
    assert "".join(lines.split()) == "".join(plain(clean_label(text)).split())


@pytest.mark.slow
@pytest.mark.parametrize(
    "text", ["word " * 30, "Unspaced" * 30, "通义千问模型" * 20, "จำนวนมากที่สุด" * 10, "a/b-c_d" * 20]
)
def test_long_text_breaks_where_its_width_ends(text: str) -> None:
    apply_theme(styled({"models": {"m": text}, "arms": {}}))
    lines = wrap(clean_label(text), 2.0, 9).split("\n")
    figure = plt.figure(dpi=72)
    widths = [figure.text(0, 0, line, fontsize=9).get_window_extent().width for line in lines]
    assert len(lines) > 2 and max(widths) <= 2.0 * 72 + 2
    assert not any(unicodedata.combining(line[0]) for line in lines)


@pytest.mark.slow
def test_long_labels_make_figures_higher_and_do_not_overlap() -> None:
    long = "A very long name that goes on and on with its quantisation, revision, and the date it was fetched"
    labels = {"models": {"m": long}, "arms": {"zero": long, "own": f"{long} too", "other": "Other"}}
    short = plot_agreement.draw(estimates({"en": ["zero", "own"]}), NO_METRICS, None, STYLE)
    figure = plot_agreement.draw(estimates({"en": ["zero", "own"]}), NO_METRICS, None, styled(labels))
    assert figure.get_figheight() > short.get_figheight()
    figure.canvas.draw()
    (ax,), (legend,) = figure.axes, figure.legends
    title = next(text for text in figure.texts if text.get_text().startswith("A very"))
    assert not title.get_window_extent().overlaps(legend.get_window_extent())
    assert ax.get_window_extent().width > 0.4 * figure.bbox.width
    figure = plot_contrasts.draw(several(), ORDER, styled(labels))
    figure.canvas.draw()
    for ax in figure.axes:
        boxes = [label.get_window_extent() for label in ax.get_yticklabels()]
        assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))
        assert ax.get_window_extent().width > 0.3 * figure.bbox.width


@pytest.mark.slow
def test_one_name_of_three_lines_among_many_rows_does_not_meet_its_neighbours() -> None:
    names = [f"Row {place}" for place in range(40)] + ["(One - Two)\n- (Three - Four,\nother country)"]
    apply_theme(STYLE)
    around = Surroundings("Points", "Note")
    figure, (ax,) = stack_panels([FigurePanel("Title", pd.DataFrame(), names)], around, STYLE, 0.22)
    figure.canvas.draw()
    boxes = [label.get_window_extent() for label in ax.get_yticklabels()]
    assert not any(one.overlaps(other) for one, other in itertools.pairwise(boxes))
    assert figure.get_figheight() < 1.3 * STYLE.height


SCRIPTS = ["通义千问", "モデル", "한국어", "العربية", "हिन्दी", "বাংলা", "ภาษาไทย", "עברית", "አማርኛ", "😀"]


@pytest.mark.slow
@pytest.mark.parametrize("label", SCRIPTS)
def test_script_that_the_default_font_lacks_gets_one_that_has_it(label: str, tmp_path: Path) -> None:
    labels = {"models": {"m": label}, "arms": LABELS["arms"] | {"own": f"{label} 2"}}
    for name in ("one.png", "two.png"):
        apply_theme(styled(labels))
        save(plot_agreement.draw(estimates({"en": ["zero", "own"]}), NO_METRICS, None, styled(labels)), tmp_path / name)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
    needed = {ord(character) for character in label}
    fonts = [Path(get_data_path(), "fonts/ttf/DejaVuSans.ttf"), *choose_fonts([label])]
    assert needed <= set().union(*(FT2Font(path).get_charmap() for path in fonts))


def test_figures_in_latin_greek_and_cyrillic_letters_need_no_other_font() -> None:
    assert choose_fonts(["Zero-shot", "Ελληνικά", "русский", "Tiếng Việt", "Türkçe"]) == []
    apply_theme(STYLE)
    assert matplotlib.rcParams["font.family"] == ["DejaVu Sans"]


@pytest.mark.slow
def test_character_without_a_glyph_is_refused_and_no_box_is_drawn(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="U\\+13000, EGYPTIAN HIEROGLYPH A001.*figures.style.font"):
        apply_theme(styled({"models": {"m": "\U00013000"}, "arms": {}}))
    labels = {"models": {"m": "\U00013000"}, "arms": LABELS["arms"]}
    with pytest.raises(InputError, match="U\\+13000"):
        save(plot_margin.draw(contrasts(), ["own", "other"], styled(labels)), tmp_path / "box.png")
    assert not list(tmp_path.iterdir())


def test_font_of_the_user_comes_first(tmp_path: Path) -> None:
    own = Path(get_data_path(), "fonts/ttf/DejaVuSerif.ttf")
    assert choose_fonts(["Latin", "한국어"], own)[0] == own
    apply_theme(replace(STYLE, font=own))
    family, default = matplotlib.rcParams["font.family"]
    assert findfont(FontProperties(family=family, weight="bold")) == str(own) and default == "DejaVu Sans"
    (tmp_path / "no.ttf").write_bytes(b"no font")
    with pytest.raises(InputError, match="figures.style.font.*no.ttf.*cannot be read as a font"):
        apply_theme(replace(STYLE, font=tmp_path / "no.ttf"))


def test_right_to_left_labels_keep_the_order_of_a_difference() -> None:
    labels = styled({"models": {}, "arms": {"a": "فارسی", "b": "Latin"}}).labels
    assert labels["arms"] == {"a": "\u2068فارسی\u2069", "b": "Latin"}


# Files


@pytest.mark.slow
@pytest.mark.parametrize(
    "draw",
    [
        pytest.param(
            lambda: plot_agreement.draw(estimates({"en": ["zero", "own"]}), NO_METRICS, None, STYLE), id="agreement"
        ),
        pytest.param(lambda: plot_margin.draw(contrasts(), ["own", "other"], STYLE), id="margin"),
        pytest.param(lambda: plot_calibration.draw(scores({"en": ["own"]}), ["own"], STYLE), id="calibration"),
        pytest.param(lambda: plot_contrasts.draw(several(), ORDER, STYLE), id="contrasts"),
        pytest.param(lambda: plot_transfer.draw(transfers(("BOL",), ("DEU",)), STYLE), id="transfer"),
    ],
)
def test_files_are_the_same_to_the_byte_each_time(draw, tmp_path: Path, monkeypatch) -> None:
    starts = {"png": b"\x89PNG", "pdf": b"%PDF", "svg": b"<?xml"}
    for name, epoch in (("one", "0"), ("other", "1000000000")):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
        save(draw(), *(tmp_path / f"{name}.{suffix}" for suffix in starts))
    for suffix, start in starts.items():
        one, other = ((tmp_path / f"{name}.{suffix}").read_bytes() for name in ("one", "other"))
        assert one == other and len(one) > 4000 and one.startswith(start), suffix
    assert len(list(tmp_path.iterdir())) == 2 * len(starts)


@pytest.mark.slow
def test_a_pdf_is_the_same_to_the_byte_in_every_process(tmp_path: Path) -> None:
    """The order of sets, which differs between processes, decides nothing."""
    program = (
        "import sys; from matplotlib import pyplot; from pathlib import Path; from selfalign.figures.theme import save;"
        "figure, ax = pyplot.subplots(); ax.plot([1, 2], label='Zero-shot \u2212 similar'); ax.legend();"
        "save(figure, *map(Path, sys.argv[1:]))"
    )
    made = []
    for seed in ("1", "2"):
        files = [tmp_path / f"{seed}.{suffix}" for suffix in ("pdf", "svg")]
        subprocess.run([sys.executable, "-c", program, *files], env={**os.environ, "PYTHONHASHSEED": seed}, check=True)
        made.append([file.read_bytes() for file in files])
    assert made[0] == made[1] and all(map(len, made[0]))


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("BOL", "Bolivia"),
        ("RUS", "Russia"),
        ("TWN", "Taiwan"),
        ("all", "Mean of countries"),
        ("NIR", "Northern Ireland"),
    ],
)
def test_country_is_called_by_its_common_name(code: str, name: str) -> None:
    assert STYLE.country(code) == name
