"""The style of figures: exact widths, texts in three languages, looks of arms, and files per page."""

import itertools
import json
import re
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
import yaml
from click.testing import CliRunner
from configs import altered, shipped
from figure_tables import (
    agreement_of,
    contrasts_of,
    faults_of,
    metrics_of,
    readers_of,
    scores_of,
    transfer_of,
    verdicts_of,
)
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from nonempty import some
from selfalign.config.figures import FIGURES
from selfalign.config.looks import find_looks
from selfalign.config.outputs import agreeing_arms, calibrated_arms, drawn_contrasts
from selfalign.config.pages import SEVERAL, find_pages
from selfalign.config.read import read_config
from selfalign.config.sections import Config
from selfalign.config.style import describe_style
from selfalign.errors import InputError
from selfalign.figures import plot_agreement, plot_calibration, plot_contrasts, plot_margin, plot_transfer
from selfalign.figures.figure_options import Pages
from selfalign.figures.style import ENGLISH, Style, read_figure_texts, read_style
from selfalign.figures.theme import DIVERGING, DPI, MEASURED, apply_theme, save
from selfalign.scoring.metrics import METRICS, Metric
from selfalign.scoring.schemas import Contrasts

pytestmark = pytest.mark.slow

WIDTHS = [3.3, 6.8]
LANGUAGES = ["en", "de", "es"]

ROWS = ["agreement", "contrasts", "margin", "transfer", "calibration"]
"""Figures with pages that every run may have; tests/unit/scoring/test_cultural_map.py draws the map."""


@pytest.fixture(autouse=True)
def theme() -> Iterator[None]:
    with matplotlib.rc_context():
        yield
    plt.close("all")


def default() -> dict[str, Any]:
    return shipped()


def paper() -> dict[str, Any]:
    """Five models; English about fourteen countries, thirteen languages about one country each."""
    config = default()
    names = ["Llama-3-8B-Instruct", "Mistral-7B-Instruct-v0.2", "Command R", "BLOOMZ-7B1", "Gemini 2.5 Flash"]
    models = {f"m{place}": config["models"]["smollm2-135m"] | {"label": name} for place, name in enumerate(names)}
    own = {"ro": "ROU", "el": "GRC", "ur": "PAK", "fa": "IRN", "tl": "PHL", "id": "IDN", "de": "DEU"}
    own |= {"ms": "MYS", "bn": "BGD", "sr": "SRB", "tr": "TUR", "vi": "VNM", "ko": "KOR"}
    arms = [*config["languages"]["en"]["arms"], "chrf_without_battery"]
    config["models"] = models
    config["arms"]["chrf_other"]["sources"] = ["DEU", "PAK", "SRB", "VNM"]
    config["languages"] = {"en": {"countries": ["USA", *own.values()], "arms": arms}}
    config["languages"] |= {language: {"countries": [country], "arms": arms} for language, country in own.items()}
    config["run"] |= {"models": list(models), "languages": list(config["languages"])}
    return config


def study() -> dict[str, Any]:
    """Nineteen countries, fourteen arms, and long names of contrasts."""
    return shipped("study")


def style_for(config: Config, figure: str) -> Style:
    file = ENGLISH.with_name(f"{config.figures.style.language}.yaml")
    style = read_style(json.loads(describe_style(config, figure)), file)
    apply_theme(style)
    return style


def draw_pages(settings: dict[str, Any], figure: str) -> dict[str, Figure]:
    """The first page of each kind, by the end of its name."""
    config = Config.read(settings)
    style, pages, metrics = style_for(config, figure), find_pages(config, figure), metrics_of(config)
    table, draw = {
        "agreement": (
            agreement_of,
            lambda rows: plot_agreement.draw(rows, metrics, agreeing_arms(config), style, readers_of(config)),
        ),
        "contrasts": (contrasts_of, lambda rows: plot_contrasts.draw(rows, drawn_contrasts(config), style)),
        "margin": (
            contrasts_of,
            lambda rows: plot_margin.draw(rows, config.figures.margin.contrast.setting, style, readers_of(config)),
        ),
        "transfer": (transfer_of, lambda rows: plot_transfer.draw(rows, style)),
        "calibration": (scores_of, lambda rows: plot_calibration.draw(rows, calibrated_arms(config), style)),
    }[figure]
    first = config.run.models[0]
    drawn = {}
    rows = table(config)
    for name, shown in pages.items():
        if first in shown["models"]:
            chosen = rows["model"].isin(shown["models"]) & rows["language"].isin(shown["languages"])
            drawn[name] = draw(rows[chosen])
    return drawn


# Widths and texts


@pytest.mark.parametrize("figure", ROWS)
@pytest.mark.parametrize(("make", "width"), [(default, 3.3), (default, 6.8), (paper, 3.3), (paper, 6.8), (study, 3.3)])
def test_texts_are_whole_and_apart_at_both_widths(make: Callable, width: float, figure: str) -> None:
    config = make()
    config["figures"]["style"]["width"] = width
    for drawn in some(draw_pages(config, figure)).values():
        assert drawn.get_figwidth() == width and drawn.get_figheight() <= 9
        assert faults_of(drawn) == []


@pytest.mark.parametrize("figure", ROWS)
@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_texts_of_other_languages_fit_one_column(language: str, figure: str) -> None:
    config = default()
    config["figures"]["style"] |= {"width": 3.3, "language": language}
    (drawn,) = draw_pages(config, figure).values()
    assert faults_of(drawn) == []


@pytest.mark.parametrize("figure", ["agreement", "calibration"])
def test_many_arms_with_long_names_stay_apart(figure: str) -> None:
    config = study()
    config["figures"]["style"]["width"] = 3.3
    arms = [*config["languages"]["en"]["arms"], "bm25", "embedding", "chrf_mmr", "chrf_1", "chrf_3", "chrf_10"]
    for name in arms:
        config["arms"][name]["label"] += " with a name that goes on and on, and on"
    config["languages"]["en"]["arms"] = arms
    config["figures"]["agreement"].pop("arms")
    config["figures"]["calibration"]["arms"] = arms[:9]
    (drawn,) = draw_pages(config, figure).values()
    assert faults_of(drawn) == []


@pytest.mark.parametrize("width", [*WIDTHS, 5.05])
def test_files_have_exactly_the_width_of_the_setting(width: float, tmp_path: Path) -> None:
    config = default()
    config["figures"]["style"]["width"] = width
    (drawn,) = draw_pages(config, "margin").values()
    files = {suffix: tmp_path / f"margin.{suffix}" for suffix in ("png", "pdf", "svg")}
    save(drawn, *files.values())
    pixels, _ = struct.unpack(">II", files["png"].read_bytes()[16:24])
    assert pixels == round(width * DPI)
    box = re.search(rb"/MediaBox \[ 0 0 ([\d.]+)", files["pdf"].read_bytes())
    points = re.search(r'<svg .*?width="([\d.]+)pt"', files["svg"].read_text(), re.DOTALL)
    assert float(box[1]) == pytest.approx(72 * width) and float(points[1]) == pytest.approx(72 * width)


def test_a_figure_may_have_a_width_that_differs(tmp_path: Path) -> None:
    config = default()
    config["figures"]["margin"]["width"] = 3.3
    widths = [style_for(Config.read(config), figure).width for figure in ("margin", "agreement")]
    assert widths == [3.3, 6.8]


# Languages


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_the_same_texts(language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    newer = Metric("newer", "Newer", METRICS["js_distance"].function, "options", "lower")
    monkeypatch.setitem(METRICS, "newer", newer)  # somebody adds it later, and its name has no translation
    files = {path.stem: read_figure_texts(path) for path in ENGLISH.parent.glob("*.yaml")}
    assert set(files) == set(LANGUAGES)
    names = {f"measures.{name}" for name in METRICS}  # may be left out: the registry has them in English
    assert files[language].keys() - names == files["en"].keys() - names
    assert all(text.strip() for text in files[language].values())
    lower = files[language]["measures.lower"]
    assert Style({"models": {}, "arms": {}}, texts=files[language]).measure("newer") == f"Newer ({lower})"
    spoken = {path.stem for path in (ENGLISH.parents[1] / "templates").glob("*.yaml")}
    assert spoken <= {key.removeprefix("languages.") for key in files[language] if key.startswith("languages.")}


@pytest.mark.parametrize("figure", ROWS)
def test_no_english_text_is_left_in_a_spanish_figure(figure: str) -> None:
    config = default()
    config["figures"]["style"]["language"] = "es"
    english, spanish = read_figure_texts(ENGLISH), read_figure_texts(ENGLISH.with_name("es.yaml"))
    (drawn,) = draw_pages(config, figure).values()
    shown = " ".join(text.get_text().replace("\n", " ") for text in drawn.findobj(matplotlib.text.Text))
    differ = [text for key, text in english.items() if text != spanish[key]]
    words = {name for text in differ for name in re.findall(r"[A-Za-z]{5,}", text)}
    words -= {word for text in spanish.values() for word in re.findall(r"[A-Za-z]{5,}", text)}
    labels = " ".join(entry["label"] for kind in ("models", "arms") for entry in config[kind].values())
    assert {word for word in words if re.search(rf"\b{word}\b", shown)} <= set(re.findall(r"\w+", labels))
    assert "inglés" in shown


def test_zero_has_no_sign() -> None:
    style = Style({"models": {}, "arms": {}})
    assert [style.number(value) for value in (-0.004, -0.006, 0.004)] == ["0.00", "\N{MINUS SIGN}0.01", "0.00"]


def test_names_and_numbers_follow_the_language() -> None:
    files = [ENGLISH.with_name(f"{language}.yaml") for language in LANGUAGES]
    styles = [read_style({"labels": {}, "language": file.stem}, file) for file in files]
    minus = "\N{MINUS SIGN}"
    assert [style.country("GRC") for style in styles] == ["Greece", "Griechenland", "Grecia"]
    assert [style.country("RUS") for style in styles] == ["Russia", "Russland", "Rusia"]
    assert [style.language_name("el") for style in styles] == ["Greek", "Griechisch", "griego"]
    assert styles[0].language_name("xx") == "xx", "ISO 639-1 has no such code"
    assert [style.points(-0.125, "+.1f") for style in styles] == [f"{minus}12.5", f"{minus}12,5", f"{minus}12,5"]
    assert [style.percent(0.5) for style in styles] == ["50%", "50\xa0%", "50\xa0%"]
    assert [style.whole(97_220) for style in styles] == ["97,220", "97\u202f220", "97\u202f220"]
    german = styles[1].in_order(iter(["TUR", "AUT", "OMN", "all"]))
    assert german == ["all", "OMN", "AUT", "TUR"]  # Oman, Österreich, Türkei


def test_countries_stand_in_the_order_and_under_the_names_of_the_user() -> None:
    config = default()
    config["figures"]["style"]["countries"] = {"order": ["USA", "MEX"], "names": {"USA": "the States"}}
    (drawn,) = draw_pages(config, "agreement").values()
    names = [label.get_text() for label in drawn.axes[0].get_yticklabels()]
    assert names[:4] == ["Mean of countries", "the States", "Mexico", "Bolivia"]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda texts: texts.pop("mean"), "mean is missing"),
        (lambda texts: texts["agreement"].update(extra="x"), "agreement.extra is not a text of any figure"),
        (lambda texts: texts.update(asked="asked"), "asked must have the placeholders: {language}, {model}"),
        (lambda texts: texts.update(mean=1), "mean must be a text"),
    ],
)
def test_texts_that_do_not_fit_are_refused(change: Callable, problem: str, tmp_path: Path) -> None:
    texts = yaml.safe_load(ENGLISH.read_text(encoding="utf-8"))
    change(texts)
    (tmp_path / "fr.yaml").write_text(yaml.safe_dump(texts), encoding="utf-8")
    with pytest.raises(InputError, match=re.escape(problem)):
        read_figure_texts(tmp_path / "fr.yaml")


@pytest.mark.parametrize(
    ("figures", "tells"),
    [
        ({"style": {"language": "fr"}}, ["figures.style.language", "de, en, es"]),
        ({"style": {"width": 1}}, ["figures.style.width"]),
        ({"style": {"formats": ["jpg"]}}, ["figures.style.formats"]),
        ({"style": {"palette": {"chrff": {"colour": "#000000"}}}}, ["figures.style.palette", "chrf"]),
        ({"style": {"countries": {"order": ["USB"]}}}, ["figures.style.countries.order", "USB"]),
        ({"style": {"font": "no.ttf"}}, ["figures.style.font", "no.ttf"]),
        ({"font": "a.ttf"}, ["figures.font", "figures.style.font"]),
        ({"agreement": {"height": 5}}, ["figures.agreement.height", "figures.style.height"]),
    ],
)
def test_settings_that_do_not_fit_are_refused(figures: dict, tells: list[str], tmp_path: Path) -> None:
    (tmp_path / "my.yaml").write_text(yaml.safe_dump({"figures": figures}), encoding="utf-8")
    with pytest.raises(InputError) as told:
        read_config([tmp_path / "my.yaml"])
    assert all(word in str(told.value) for word in tells)


# Looks


def test_no_two_arms_look_alike() -> None:
    looks = find_looks(Config.read(default()).arms, {})
    assert len(set(looks.values())) == len(looks) > 25


def test_an_arm_looks_the_same_in_every_run() -> None:
    config, own = default(), {"mine": {"shots": 5, "strategy": "chrf", "answers": "other", "label": "Mine"}}
    first = json.loads(describe_style(Config.read(config)))["looks"]
    config["arms"] |= own
    config["languages"]["en"]["arms"] = ["chrf", "mine", "zero_shot"]
    second = json.loads(describe_style(Config.read(config)))["looks"]
    assert second["chrf"] == first["chrf"] and second["zero_shot"] == first["zero_shot"]
    assert second["mine"] not in first.values()


def test_palette_of_the_user_replaces_colour_and_marker() -> None:
    config = default()
    config["figures"]["style"]["palette"] = {"chrf": {"colour": "#123456", "marker": "*"}}
    look = style_for(Config.read(config), "agreement").look("chrf")
    assert (look.colour, look.marker, look.open) == ("#123456", "*", False)


MACHADO = {  # Machado, Oliveira and Fernandes (2009), severity 1.0, on linear RGB
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "normal": np.eye(3).tolist(),
}


def lab(colour: str, vision: str) -> np.ndarray:
    """A colour in CIELAB (D65), as a vision sees it."""
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    linear = np.clip(np.array(MACHADO[vision]) @ linear, 0, 1)
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ linear
    x, y, z = np.cbrt(xyz / np.array([0.95047, 1, 1.08883]))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("vision", MACHADO)
def test_colours_differ_for_every_vision(vision: str) -> None:
    looks = find_looks(Config.read(default()).arms, {})
    main = [looks[arm].colour for arm in ("zero_shot", "random", "category", "chrf", "chrf_inverted")]
    apart = [np.linalg.norm(lab(a, vision) - lab(b, vision)) for a, b in itertools.combinations(main, 2)]
    assert min(apart) > 15
    measures = [lab(colour, vision) for colour, *_ in MEASURED.values()]
    assert abs(measures[0][0] - measures[1][0]) > 15  # lightness: greyscale shows it
    ends = [lab(matplotlib.colors.to_hex(DIVERGING(place)), vision) for place in (0.0, 1.0)]
    assert np.linalg.norm(ends[0] - ends[1]) > 50


def test_arms_of_a_figure_differ_without_colour() -> None:
    for file in ([], [Path("config/study.yaml")]):
        config = read_config(file)
        looks = find_looks(config.arms, {})
        shapes = [(looks[arm].marker, looks[arm].open) for arm in agreeing_arms(config)]
        assert len(set(shapes)) == len(shapes)


# Marks and notes


def test_baselines_are_marks_in_every_row() -> None:
    (drawn,) = draw_pages(default(), "agreement").values()
    legend = [text.get_text() for text in drawn.legends[0].get_texts()]
    assert {"World majority", "Nearest country", "The same people again", "Chance"} <= set(legend)
    for ax in drawn.axes:
        marks = {lines.get_label(): lines for lines in ax.collections if hasattr(lines, "get_segments")}
        for name, value in {"world": 0.71, "nearest": 0.82, "ceiling": 0.97}.items():
            segments = marks[name].get_segments()
            assert len(segments) == len(ax.get_yticks()) and {round(segment[0, 0], 9) for segment in segments} == {
                value
            }


def marks_of_readers(ax: Axes) -> dict[str, list[list[float]]]:
    found: dict[str, list[list[float]]] = {"copier": [], "ideal_reader": []}
    for line in ax.lines:
        if line.get_label() in found:
            found[line.get_label()] += line.get_xydata().round(6).tolist()
    return found


@pytest.mark.parametrize(("figure", "copier", "ideal"), [("agreement", 0.55, 0.7), ("margin", 0.05, 0.2)])
def test_readers_are_marks_at_the_dots_of_arms_with_demonstrations(figure: str, copier: float, ideal: float) -> None:
    (drawn,) = draw_pages(default(), figure).values()
    legend = [text.get_text() for text in drawn.legends[0].get_texts()]
    assert legend[-2:] == ["Copier of the answers shown", "Ideal reader of the answers shown"]
    for ax in drawn.axes:
        assert all(line.get_path_effects() for line in ax.lines if line.get_label() in ("copier", "ideal_reader"))
        marks = marks_of_readers(ax)
        assert {x for x, _ in marks["copier"]} == {copier} and {x for x, _ in marks["ideal_reader"]} == {ideal}
        named = [line for line in ax.lines if line.get_label() not in marks and not line.get_label().startswith("_")]
        dots = {round(y, 6) for line in named if line.get_label() != "Zero-shot" for y in line.get_ydata()}
        assert sorted(y for _, y in marks["copier"]) == sorted(dots)
        assert sorted(y for _, y in marks["ideal_reader"]) == sorted(dots)


def test_note_explains_the_bars() -> None:
    config = default()
    config["scoring"] |= {"level": 0.9, "resample": ["batteries", "seeds"]}
    (drawn,) = draw_pages(config, "agreement").values()
    notes = [text.get_text() for text in drawn.texts]  # with one seed, no interval covers the seeds
    assert any(note.startswith("Bars: 90% intervals over question batteries.") for note in notes)


def test_uncertain_cells_are_hatched() -> None:
    config = Config.read(default())
    table = transfer_of(config).query("language == 'es' and country != 'all'").assign(p_holm=1.0)
    table[["estimate", "low", "high"]] = [[0.2, -0.1, 0.5], [0.1, 0.05, 0.15]]
    drawn = plot_transfer.draw(table, style_for(config, "transfer"))
    ax = drawn.axes[0]
    assert [patch.get_edgecolor()[:3] for patch in ax.patches if patch.get_hatch()] == [(1, 1, 1)]
    light = table.assign(estimate=[0.2, 0.01], low=[0.1, -0.1], high=[0.3, 0.1])
    (hatched,) = plot_transfer.draw(light, style_for(config, "transfer")).axes[0].patches
    assert hatched.get_edgecolor()[:3] != (1, 1, 1), "white lines cannot be seen on a light cell"
    written = {text.get_text(): text.get_fontweight() for text in ax.texts}
    assert written == {"+10.0": "bold", "+20.0": "normal"}


@pytest.mark.slow
def test_cells_without_an_interval_are_explained() -> None:
    config = Config.read(default())
    table = transfer_of(config).query("language == 'es' and country != 'all'").assign(p_holm=np.nan)
    notes = {}
    for name, low in {"some": [0.1, np.nan], "all": [0.1, 0.1]}.items():
        drawn = plot_transfer.draw(table.assign(low=low, high=low), style_for(config, "transfer"))
        notes[name] = " ".join(text.get_text().replace("\n", " ") for text in drawn.texts)
    assert "includes 0, or there is none" in notes["some"]
    assert "there is none" not in notes["all"]


# Pages


def test_panels_that_need_more_than_a_page_have_a_file_per_model() -> None:
    config = Config.read(paper())
    models, several = list(config.run.models), list(config.run.languages[1:])
    assert list(find_pages(config, "margin")) == [f"margin_{model}" for model in models]
    assert list(find_pages(config, "calibration")) == [f"calibration_{model}" for model in models]
    contrasts = find_pages(config, "contrasts")
    assert list(contrasts)[:2] == ["contrasts_m0_en", f"contrasts_m0_{SEVERAL}"]
    assert contrasts[f"contrasts_m0_{SEVERAL}"] == {"models": ["m0"], "languages": several}
    for figure in ROWS:
        pages = find_pages(config, figure).values()
        shown = [panel for page in pages for panel in itertools.product(page["models"], page["languages"])]
        assert sorted(shown) == sorted(itertools.product(models, config.run.languages))
    assert all(list(find_pages(Config.read(default()), figure)) == [figure] for figure in ROWS)
    higher = paper()
    higher["figures"]["style"]["height"] = 100
    assert list(find_pages(Config.read(higher), "margin")) == ["margin"]


def test_each_file_shows_its_models(tmp_path: Path) -> None:
    config = Config.read(paper())
    pages = find_pages(config, "margin")
    files = [tmp_path / f"{name}.svg" for name in list(pages)[:2]]
    seen: list[list[str]] = []

    def draw(rows: Any) -> Figure:
        seen.append(sorted(set(rows["model"])))
        return plt.figure(figsize=(2, 2))

    Pages(files, pages).draw(contrasts_of(config), draw)
    assert seen == [["m0"], ["m1"]] and all(file.is_file() for file in files)


def test_command_draws_in_all_formats_of_the_list(tmp_path: Path) -> None:
    config = altered(figures={"style": {"language": "de", "width": 3.3}})
    rows = contrasts_of(config).assign(standard_error=0.1, df=9, p=0.5, family="f", p_bh=0.5)
    rows = rows.assign(probes=9, batteries=9, respondents=9)[Contrasts.names()]
    rows.to_csv(tmp_path / "contrasts.csv", index=False)
    verdicts_of(rows).to_csv(tmp_path / "verdicts.csv", index=False)
    files = [tmp_path / f"margin.{suffix}" for suffix in ("png", "pdf", "svg")]
    arguments = ["--contrasts", tmp_path / "contrasts.csv", "--verdicts", tmp_path / "verdicts.csv"]
    arguments += ["--contrast", '["chrf", "chrf_other"]']
    arguments += ["--style", describe_style(config, "margin"), "--texts", ENGLISH.with_name("de.yaml")]
    arguments += ["--figures", " ".join(map(str, files))]
    run = CliRunner().invoke(plot_margin.command, list(map(str, arguments)), catch_exceptions=False)
    assert run.exit_code == 0, run.output
    assert all(file.stat().st_size > 4000 for file in files)
    assert struct.unpack(">I", files[0].read_bytes()[16:20])[0] == 990


@pytest.mark.parametrize("figure", ["contrasts", "margin"])
def test_command_draws_main_intervals_and_refuses_a_mean_without_one(
    figure: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = Config.read(default())
    rows = contrasts_of(config).assign(standard_error=0.1, df=9, p=0.5, family="f", p_bh=0.5)
    rows = rows.assign(probes=9, batteries=9, respondents=9)[Contrasts.names()]
    verdicts = verdicts_of(rows)
    rows.to_csv(tmp_path / "contrasts.csv", index=False)
    verdicts.to_csv(tmp_path / "verdicts.csv", index=False)
    arguments = ["--contrasts", str(tmp_path / "contrasts.csv"), "--verdicts", str(tmp_path / "verdicts.csv")]
    arguments += [part for name, value in FIGURES[figure].settings(config).items() for part in (f"--{name}", value)]
    arguments += ["--style", describe_style(config, figure), "--figures", str(tmp_path / f"{figure}.svg")]
    module = {"contrasts": plot_contrasts, "margin": plot_margin}[figure]
    given: list[Any] = []
    draw = module.draw
    monkeypatch.setattr(module, "draw", lambda rows, *more: given.append(rows) or draw(rows, *more))
    CliRunner().invoke(module.command, arguments, catch_exceptions=False)
    (drawn,) = given
    means = drawn[drawn["country"] == "all"].reset_index(drop=True)
    np.testing.assert_allclose(means[["low", "high"]], verdicts[["main_low", "main_high"]])
    single = rows["country"] != "all"
    np.testing.assert_allclose(drawn.loc[single, ["low", "high"]], rows.loc[single, ["low", "high"]])
    verdicts.iloc[1:].to_csv(tmp_path / "verdicts.csv", index=False)
    with pytest.raises(InputError, match="verdicts.csv: there is no row of .* Make it from .*contrasts.csv"):
        CliRunner().invoke(module.command, arguments, catch_exceptions=False)
