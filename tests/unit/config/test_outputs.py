"""Which contrasts a run has, and which of its tables and figures would be empty."""

from pathlib import Path

import pytest
import yaml
from configs import altered, shipped
from selfalign.config import outputs
from selfalign.config.figures import FIGURES, PAGED, TYPESET, WITH_CSV, Figure, files_of_figure, numbers_of_figure
from selfalign.config.outputs import (
    agreeing_arms,
    asked_in,
    calibrated_arms,
    can_estimate,
    drawn_contrasts,
    find_primary,
    find_shown,
    kinds_of_models,
    list_contrasts,
    list_gains,
    list_margins,
    list_specified,
    own_languages,
)
from selfalign.config.pages import name_pages
from selfalign.config.paths import Paths
from selfalign.config.read import read_config
from selfalign.config.sections import Config
from selfalign.config.style import describe_style
from selfalign.contrasts import Contrast
from selfalign.errors import InputError


@pytest.fixture(autouse=True)
def newer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A figure that somebody adds later, so that no test of this file depends on a list of all figures."""
    find_reasons = outputs._why_not_across
    monkeypatch.setitem(FIGURES, "newer", Figure("z: newer", "Drawing", {"contrasts": "tables/contrasts.csv"}))
    monkeypatch.setattr(outputs, "_why_not_across", lambda config: find_reasons(config) | {"newer": ""})


def config_of(tmp_path: Path, **settings: object) -> Config:
    """The default settings with others on top."""
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(settings))
    return read_config([path])


def test_contrasts_of_the_default_follow_from_its_arms() -> None:
    found = [one.setting for one in list_contrasts(altered())]
    arms = ("chrf", "chrf_other", "chrf_without_battery", "chrf_without_battery_other")
    assert found[:4] == [[arm, "zero_shot"] for arm in arms]
    assert found[4:6] == [["chrf", "chrf_other"], ["chrf_without_battery", "chrf_without_battery_other"]]
    assert all(isinstance(contrast, dict) for contrast in found[6:])


def test_controls_of_the_study_are_the_arms_with_the_same_demonstrations() -> None:
    found = [one.setting for one in list_contrasts(altered("study"))]
    controls = [pair for pair in found if isinstance(pair, list) and pair[1] != "zero_shot"]
    assert sorted(controls) == sorted(
        [
            *([arm, f"{arm}_other"] for arm in ("persona", "cultural", "anthropological", "random")),
            *([f"{arm}_chrf", f"{arm}_chrf_other"] for arm in ("persona", "cultural")),
            *(["chrf", f"chrf_{one}"] for one in ("other", "nearest", "farthest", "world", "inverted", "shuffled")),
            ["chrf_without_battery", "chrf_without_battery_other"],
            ["chrf", "chrf_without_battery"],
        ]
    )
    assert len(found) == len({str(contrast) for contrast in found})


def test_figure_draws_the_contrasts_of_the_arms_that_are_chosen() -> None:
    config = altered("study")
    drawn = drawn_contrasts(altered("study", figures={"contrasts": {"arms": ["chrf"]}}))
    assert drawn == [one for one in list_contrasts(config) if one.arm == "chrf"]
    assert 0 < len(drawn) < len(list_contrasts(config))
    assert drawn_contrasts(altered()) == list_contrasts(altered())


def test_pages_of_contrasts_are_those_of_the_contrasts_that_are_drawn() -> None:
    low = {"style": {"height": 3}}
    assert name_pages(altered(figures=low), "contrasts")[-1] == "contrasts_smollm2-135m_es"
    not_run = altered(figures={**low, "contrasts": {"arms": ["bm25"]}})
    assert drawn_contrasts(not_run) == list_contrasts(not_run) != []
    english = altered(figures={**low, "contrasts": {"arms": ["chrf_without_battery"]}})
    assert {one.arm for one in drawn_contrasts(english)} == {"chrf_without_battery"}
    assert name_pages(english, "contrasts") == ["contrasts"]


@pytest.mark.slow
def test_new_arm_has_contrasts_without_a_list(tmp_path: Path) -> None:
    arms = {"chrf_10": {"label": "Similar, ten", "shots": 10, "strategy": "chrf"}}
    arms["chrf_10_other"] = {"label": "Similar, ten, other", "shots": 10, "strategy": "chrf", "answers": "other"}
    languages = {"en": {"arms": ["zero_shot", "chrf", "chrf_10", "chrf_10_other"]}}
    found = [one.setting for one in list_contrasts(config_of(tmp_path, arms=arms, languages=languages))]
    pairs = [pair for pair in found if isinstance(pair, list)]
    assert [pair for pair in pairs if pair[0] == "chrf_10"] == [["chrf_10", "zero_shot"], ["chrf_10", "chrf_10_other"]]
    assert ["chrf", "chrf_10_other"] not in pairs, "it has another number of demonstrations"


@pytest.mark.slow
def test_draws_of_a_control_must_be_the_same(tmp_path: Path) -> None:
    arms = {"random_other": {"label": "Random, other", "shots": 5, "strategy": "random", "answers": "other"}}
    languages = {"en": {"arms": ["zero_shot", "random", "random_other"]}}
    for seeds, compared in (([1], True), ([1, 2], False)):
        arms["random_other"]["seeds"] = seeds
        found = list_contrasts(config_of(tmp_path, arms=arms, languages=languages))
        assert (Contrast(arm="random", against="random_other") in found) == compared


@pytest.mark.parametrize(
    ("contrast", "known"),
    [
        (["chrf", "zero_shot"], True),
        (["chrf", "chrf_other"], False),
        ({"arm": "chrf", "against": "zero_shot", "beyond": ["random", "zero_shot"]}, True),
        ({"arm": "chrf", "against": "zero_shot", "beyond": ["chrf_other", "zero_shot"]}, False),
        ({"arm": "chrf", "against": "chrf", "against_language": "en"}, False),
        ({"arm": "chrf", "against": "zero_shot", "language": "es"}, False),
    ],
)
def test_contrast_of_one_country_in_one_language(contrast: object, known: bool) -> None:
    config = altered(run={"languages": ["de"]})
    assert can_estimate(config, Contrast.read(contrast)) == known


def test_contrast_with_another_language_needs_both() -> None:
    contrast = Contrast(arm="chrf", against="chrf", against_language="en")
    assert can_estimate(altered(run={"languages": ["en", "es"]}), contrast)
    assert not can_estimate(altered(run={"languages": ["es"]}), contrast)


@pytest.mark.slow
def test_contrast_of_models_needs_both(tmp_path: Path) -> None:
    contrast = Contrast(arm="chrf", against="chrf", against_model="smollm2-135m")
    assert not can_estimate(altered(), contrast), "a model less itself"
    models = {"two": {"label": "Two", "source": {"hub": "org/two", "revision": "0" * 40}}}
    config = config_of(tmp_path, models=models, run={"models": ["smollm2-135m", "two"]})
    assert can_estimate(config, contrast)
    assert can_estimate(config, contrast.replace(model="two"))
    assert not can_estimate(config, contrast.replace(model="smollm2-135m"))


def test_arms_of_figures_are_those_that_are_run() -> None:
    config = altered(run={"languages": ["de"]})
    shown, skipped = find_shown(config)
    german = {"contrasts", "calibration", "gains", "categories"}
    others = {"margin", "mixed", "transfer", "gains_by_country", "languages", "kinds", "margins", "readers"}
    assert german <= shown and not others & shown
    assert others <= skipped.keys() and not german & skipped.keys()
    assert calibrated_arms(config) == ["zero_shot", "chrf"], "chrf_without_battery is not run"
    assert agreeing_arms(config) == list(config.languages["de"].arms)
    shown, skipped = find_shown(altered())
    assert german | others - {"kinds"} <= shown
    assert "kinds" in skipped


# Figures across models


def pairs_of(contrasts: list[Contrast]) -> list[object]:
    """Contrasts as a config has them."""
    return [one.setting for one in contrasts]


def test_gains_are_of_the_selectors_that_the_language_runs() -> None:
    assert pairs_of(list_gains(altered())) == [["chrf", "zero_shot"]]
    three = altered(languages={"en": {"arms": ["zero_shot", "random", "category", "chrf"]}})
    assert pairs_of(list_gains(three)) == [["random", "zero_shot"], ["category", "zero_shot"], ["chrf", "zero_shot"]]
    german = altered(run={"languages": ["de"]}, languages={"de": {"arms": ["zero_shot", "chrf"]}})
    assert asked_in(german) == "de" and pairs_of(list_gains(german)) == [["chrf", "zero_shot"]]
    both = altered(run={"languages": ["es", "en"]}, figures={"selectors": ["chrf"]})
    assert asked_in(both) == "en" and pairs_of(list_gains(both)) == [["chrf", "zero_shot"]]


def test_margins_are_own_arms_with_their_other_country_control() -> None:
    arms = {"random_other": {**shipped()["arms"]["random"], "answers": "other"}}
    english = {"arms": ["zero_shot", "random", "random_other", "chrf", "chrf_other", "chrf_inverted", "chrf_3"]}
    found = pairs_of(list_margins(altered(arms=arms, languages={"en": english})))
    assert found == [["random", "random_other"], ["chrf", "chrf_other"]]


def test_specifications_are_of_arms_with_demonstrations() -> None:
    named = ["zero_shot", "persona", "persona_other", "cultural", "cultural_other"]
    both = ["persona_chrf", "persona_chrf_other", "cultural_chrf", "cultural_chrf_other"]
    found = list_specified(altered(languages={"en": {"arms": [*named, *both]}}, run={"languages": ["en"]}))
    assert [(row["arm"], row["persona"]) for row in found] == [
        ("persona_chrf", "asked"),
        ("cultural_chrf", "asked_cultural"),
    ]
    scoring = {"specifications": {"cuts": ["bank"]}}
    only_named = altered(languages={"en": {"arms": named}}, run={"languages": ["en"]}, scoring=scoring)
    assert list_margins(only_named) and not list_specified(only_named)
    shown, skipped = find_shown(only_named)
    assert "margins" in shown and skipped["specifications"] == "no arm with demonstrations has such a control"


def test_own_language_is_the_first_other_language_that_asks_about_the_country() -> None:
    assert own_languages(altered()) == {"BOL": "es", "MEX": "es"}
    arms = ["zero_shot", "chrf"]
    languages = {"de": {"countries": ["DEU", "BOL", "AUS"], "arms": arms}, "es": {"arms": arms}}
    several = altered(run={"languages": ["de", "en", "es"]}, languages=languages)
    assert own_languages(several) == {"DEU": "de", "BOL": "de", "MEX": "es"}, "English does not ask about Australia"
    languages["es"] = {"arms": ["zero_shot", "neutral"]}
    assert own_languages(altered(languages=languages)) == {}, "Spanish runs no selector"


def test_figures_across_models_are_skipped_with_a_reason() -> None:
    shown, skipped = find_shown(altered(models={"smollm2-135m": {"kind": ""}}))
    assert {"gains", "gains_by_country", "languages", "categories", "margins"} <= shown
    assert skipped["kinds"] == "no model of the run has a kind"
    one = {"languages": {"de": {"arms": ["zero_shot", "neutral"]}}, "run": {"languages": ["de"]}}
    _, skipped = find_shown(altered(**one))
    none = "de does not run its first arm and an arm of figures.selectors"
    assert {skipped[name] for name in ("gains", "gains_by_country", "languages", "categories", "kinds")} == {none}
    assert skipped["margins"] == "de runs no arm together with its other-country control"
    _, skipped = find_shown(altered(run={"languages": ["de"]}))
    assert skipped["gains_by_country"] == "de asks about one country"
    assert skipped["languages"] == "no country is asked about in de and in another language"


def test_no_mixed_models_are_a_setting() -> None:
    shown, skipped = find_shown(altered(scoring={"mixed": []}))
    assert "mixed" not in shown and skipped["mixed"] == "scoring.mixed is []"


def test_primary_hypothesis_is_that_of_the_margin_if_none_is_set() -> None:
    margin = Contrast(arm="chrf", against="chrf_other", language="en")
    assert find_primary(altered()) == margin
    assert find_primary(altered(scoring={"primary": ["chrf", "zero_shot"]})) == Contrast(
        arm="chrf", against="zero_shot"
    )
    one_country = altered(run={"languages": ["de"]}, languages={"de": {"arms": ["zero_shot", "chrf"]}})
    assert find_primary(one_country) is None


@pytest.mark.slow
def test_contrast_is_the_same_however_it_is_written(tmp_path: Path) -> None:
    pair = {"arm": "chrf", "against": "chrf_other"}
    assert config_of(tmp_path, scoring={"mixed": [pair]}).scoring.mixed == (Contrast(**pair),)
    assert list_contrasts(altered(scoring={"contrasts": [pair]})) == list_contrasts(altered(scoring={"contrasts": []}))
    with pytest.raises(InputError, match=r"scoring.mixed: \['chrf_other', 'chrf'\] is not estimated"):
        config_of(tmp_path, scoring={"mixed": [["chrf_other", "chrf"]]})


@pytest.mark.slow
def test_primary_hypothesis_must_be_estimated(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("scoring: { primary: [chrf_other, chrf_without_battery_other] }")
    with pytest.raises(InputError, match=r"scoring.primary: .* is not estimated"):
        read_config([path])
    path.write_text("scoring: { primary: [chrf_3, zero_shot] }")
    with pytest.raises(InputError, match=r"scoring.primary: no language .* has cells of .*scoring.primary: null"):
        read_config([path])
    path.write_text("figures: { map: { arms: [chrff] } }")
    with pytest.raises(InputError, match=r'figures.map.arms: "chrff" is not defined'):
        read_config([path])
    path.write_text("scoring: { primary: { arm: chrf, against: zero_shot, language: es } }")
    assert find_primary(read_config([path])).language == "es"


def test_kinds_need_models_of_two_kinds() -> None:
    source = {"hub": "org/two", "revision": "0" * 40}
    models = {"two": {"label": "Two", "source": source, "kind": "multilingual"}, "smollm2-135m": {"kind": "english"}}
    both = altered(models=models, run={"models": ["smollm2-135m", "two"]})
    assert kinds_of_models(both) == {"smollm2-135m": "english", "two": "multilingual"}
    assert "kinds" in find_shown(both)[0]
    models["two"]["kind"] = "english"
    _, skipped = find_shown(altered(models=models, run={"models": ["smollm2-135m", "two"]}))
    assert skipped["kinds"] == "all models with a kind are english"


@pytest.mark.slow
def test_figures_read_the_readers_if_the_run_has_them(tmp_path: Path) -> None:
    with_readers, without = read_config([]), config_of(tmp_path, scoring={"readers": None})
    for figure in ("agreement", "gains", "margin", "margins"):
        assert files_of_figure(figure, find_shown(with_readers).outputs)["readers"] == "tables/readers.csv"
        assert "readers" not in files_of_figure(figure, find_shown(without).outputs)
        assert "demonstrated" not in FIGURES[figure].settings(without)
        shown = FIGURES[figure].settings(with_readers)["demonstrated"].split()
        assert shown == ["chrf", "chrf_other", "chrf_without_battery", "chrf_without_battery_other"]
    assert "readers" not in files_of_figure("contrasts", find_shown(with_readers).outputs)


def test_figure_that_is_added_is_drawn_in_the_style_of_the_run() -> None:
    config = altered()
    assert "<run>/figures/newer.png" in Paths(config).figures and name_pages(config, "newer") == ["newer"]
    assert files_of_figure("newer", find_shown(config).outputs) == {"contrasts": "tables/contrasts.csv"}
    assert describe_style(config, "newer") == describe_style(config)


def test_facts_of_figures_are_those_of_the_registry() -> None:
    one_file = {"gains", "gains_by_country", "languages", "categories", "kinds", "margins", "country_ranks"}
    panels = {"agreement", "contrasts", "margin", "transfer", "calibration"}
    assert one_file | {"specifications"} <= set(FIGURES) - set(PAGED) and panels | {"map"} <= set(PAGED)
    with_main = {name for name in FIGURES if files_of_figure(name, ()).get("verdicts") == "tables/verdicts.csv"}
    assert with_main == {"contrasts", "margin", "gains", "margins", "gains_by_country"}, (
        "docs/interval_choice.md names them"
    )
    assert one_file | {"specifications", "map"} <= set(WITH_CSV) and not panels & set(WITH_CSV)
    assert one_file | {"agreement", "contrasts"} <= set(TYPESET)
    assert not {"margin", "transfer", "calibration", "specifications", "map"} & set(TYPESET)
    assert numbers_of_figure("gains") == "figures/gains.csv" and numbers_of_figure("margin") == "tables/contrasts.csv"
