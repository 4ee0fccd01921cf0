"""Which contrasts a run has, and which of its tables and figures would be empty."""

from pathlib import Path

import pytest
import yaml
from project import ROOT
from selfalign.outputs import agreeing_arms, calibrated_arms, can_estimate, find_shown, list_contrasts
from selfalign.settings import read_config


def config_of(tmp_path: Path, **settings: object) -> dict:
    """The default settings with others on top."""
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(settings))
    return read_config([path])


def test_contrasts_of_the_default_follow_from_its_arms() -> None:
    found = list_contrasts(read_config([]))
    first = [[arm, "zero_shot"] for arm in ("random", "category", "chrf", "chrf_other", "chrf_inverted")]
    assert found[:5] == first
    assert found[5:7] == [["chrf", "chrf_other"], ["chrf", "chrf_inverted"]]
    assert all(isinstance(contrast, dict) for contrast in found[7:])


def test_controls_of_the_study_are_the_arms_with_the_same_demonstrations() -> None:
    found = list_contrasts(read_config([ROOT / "config/study.yaml"]))
    controls = [pair for pair in found if isinstance(pair, list) and pair[1] != "zero_shot"]
    assert sorted(controls) == sorted(
        [
            ["random", "random_other"],
            *(["chrf", f"chrf_{one}"] for one in ("other", "nearest", "farthest", "world", "inverted", "shuffled")),
            ["chrf_without_battery", "chrf_without_battery_other"],
            ["chrf", "chrf_without_battery"],
        ]
    )
    assert len(found) == len({str(contrast) for contrast in found})


def test_new_arm_has_contrasts_without_a_list(tmp_path: Path) -> None:
    arms = {"chrf_10": {"label": "Similar, ten", "shots": 10, "strategy": "chrf"}}
    arms["chrf_10_other"] = {"label": "Similar, ten, other", "shots": 10, "strategy": "chrf", "answers": "other"}
    languages = {"en": {"arms": ["zero_shot", "chrf", "chrf_10", "chrf_10_other"]}}
    found = list_contrasts(config_of(tmp_path, arms=arms, languages=languages))
    pairs = [pair for pair in found if isinstance(pair, list)]
    assert [pair for pair in pairs if pair[0] == "chrf_10"] == [["chrf_10", "zero_shot"], ["chrf_10", "chrf_10_other"]]
    assert ["chrf", "chrf_10_other"] not in pairs, "it has another number of demonstrations"


def test_draws_of_a_control_must_be_the_same(tmp_path: Path) -> None:
    arms = {"random_other": {"label": "Random, other", "shots": 5, "strategy": "random", "answers": "other"}}
    languages = {"en": {"arms": ["zero_shot", "random", "random_other"]}}
    for seeds, compared in (([1], True), ([1, 2], False)):
        arms["random_other"]["seeds"] = seeds
        found = list_contrasts(config_of(tmp_path, arms=arms, languages=languages))
        assert (["random", "random_other"] in found) == compared


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
def test_contrast_of_one_country_in_one_language(contrast: object, known: bool, tmp_path: Path) -> None:
    config = config_of(tmp_path, run={"languages": ["de"]})
    assert can_estimate(config, contrast) == known


def test_contrast_with_another_language_needs_both(tmp_path: Path) -> None:
    contrast = {"arm": "chrf", "against": "chrf", "against_language": "en"}
    assert can_estimate(config_of(tmp_path, run={"languages": ["en", "es"]}), contrast)


def test_contrast_of_models_needs_both(tmp_path: Path) -> None:
    contrast = {"arm": "chrf", "against": "chrf", "against_model": "smollm2-135m"}
    assert not can_estimate(read_config([]), contrast), "a model less itself"
    models = {"two": {"label": "Two", "source": {"hub": "org/two", "revision": "0" * 40}}}
    config = config_of(tmp_path, models=models, run={"models": ["smollm2-135m", "two"]})
    assert can_estimate(config, contrast)
    assert can_estimate(config, {**contrast, "model": "two"})
    assert not can_estimate(config, {**contrast, "model": "smollm2-135m"})


def test_arms_of_figures_are_those_that_are_run(tmp_path: Path) -> None:
    config = config_of(tmp_path, run={"languages": ["de"]})
    shown, skipped = find_shown(config)
    assert shown == {"contrasts", "mixed", "calibration"}
    assert set(skipped) == {"margin", "transfer"}
    assert calibrated_arms(config) == ["zero_shot", "chrf"], "chrf_other has no cells"
    assert agreeing_arms(config) == config["languages"]["de"]["arms"]
    assert find_shown(read_config([])) == ({"contrasts", "mixed", "margin", "transfer", "calibration"}, {})
