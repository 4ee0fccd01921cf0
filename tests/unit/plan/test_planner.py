"""A plan before anything ran."""

import math
from pathlib import Path

import national
import pytest
from click.testing import CliRunner
from planning import NOWHERE
from selfalign.cli import program
from selfalign.config.read import read_config, read_settings
from selfalign.config.sections import Config
from selfalign.errors import InputError
from selfalign.plan.planner import Options, make_plan
from selfalign.plan.plans import PlannedSurvey


@pytest.mark.slow
@pytest.mark.parametrize("form", ["csv", "sav", "dta"])
def test_own_survey_is_planned_before_it_is_parsed(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    national.write_survey(tmp_path)
    words = ["start-survey", f"national.{form}", "--country", "PRT", "--folder", "mine"]
    CliRunner().invoke(program, words, catch_exceptions=False, standalone_mode=False)
    national.fill_in(Path("mine"))
    config = read_config([Path("mine/config.yaml")])
    plan = make_plan(config, Options(), results=NOWHERE)
    batteries = 8 if form == "csv" else 7
    assert plan.survey == PlannedSurvey("mine", 1, 12, batteries, {})
    assert (plan.languages["en"].cells, plan.languages["en"].prompts) == (96, 96)
    assert all(math.isnan(one.mean.median) for one in plan.widths), "one country has no mean of countries"
    settings = read_settings([Path("mine/config.yaml")])
    settings["prompts"]["frames"] = ["scale"]
    with pytest.raises(InputError, match=r"Make it first: snakemake .+questionnaire/scales.csv"):
        make_plan(Config.read(settings), Options(), results=NOWHERE)
