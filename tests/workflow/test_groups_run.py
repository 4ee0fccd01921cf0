"""Groups of people from the survey's file to the samples of their answers, by the workflow; and their price."""

import pandas as pd
import pytest
from grouped import MISSING_SEX, write_planted
from project import Project
from selfalign.audit.trace.names import RunNames
from selfalign.config.read import read_config
from selfalign.plan.people import read_people
from selfalign.probes.schemas import Dropped, GroupSizes, Poles, Replicates
from selfalign.runs import Run
from selfalign.survey.schemas import GroupCounts
from selfalign.tables import read_table


def test_workflow_goes_from_the_file_to_the_majorities_of_groups(plain: Project) -> None:
    write_planted(plain.folder / "survey.csv")
    config = {
        "surveys": {"mine": {"form": "wvs7", "source": {"file": "survey.csv"}}},
        "run": {"name": "g", "survey": "mine", "languages": ["en"], "groups": {"by": ["sex"], "least": 20}},
        "languages": {"en": {"countries": ["DEU", "NGA"], "arms": ["zero_shot"]}},
        "probes": {"only": ["Q4", "Q6", "Q8"], "replicates": 20},
    }
    run = plain.snakemake("results/g/people/replicates.parquet", config=config)
    assert run.code == 0, run.output
    assert set(run.finished()) == {
        *("parse_wvs7", "weigh_answers", "read_groups", "select_probes"),
        *("form_groups", "map_poles", "resample_people"),
    }
    people, shared = plain.folder / "results" / "g" / "people", plain.folder / "results" / "shared"
    share = read_table(people / "poles.parquet", Poles).set_index(["country", "probe"])["share_a"]
    assert share["DEU.sex.male", "Q4"] == pytest.approx(0.4) and share["NGA.sex.female", "Q4"] == pytest.approx(0.75)
    drawn = read_table(people / "replicates.parquet", Replicates)
    assert set(drawn["country"]) == {f"{one}.sex.{sex}" for one in ("DEU", "NGA") for sex in ("female", "male")}
    assert set(read_table(people / "dropped.csv", Dropped)["reason"]) <= {"tie"}
    assert read_table(people / "groups.csv", GroupSizes)["used"].sum() == 6  # Mexico's groups can be shown
    none = read_table(shared / "survey" / "mine" / "groups.csv", GroupCounts).query(
        "variable == 'sex' and group.isna()"
    )
    assert none.groupby("country")["n"].sum().to_dict() == dict.fromkeys(("DEU", "MEX", "NGA"), MISSING_SEX)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(plain.folder)
        settings = read_config([plain.folder / "overlay.yaml"])
        planned, _ = read_people(settings, Run(people.parent), on_scales=False)
    pd.testing.assert_frame_equal(planned.poles, read_table(people / "poles.parquet", Poles), check_dtype=False)
    names = RunNames(settings, planned.poles["country"])
    assert names.country("deu.sex.female") == "DEU.sex.female"
    assert names.title_of_country("DEU.sex.female") == "Germany, female"
