"""`selfalign plan`: what it says before a run, compared with what the run then did."""

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner
from planning import NEAR, NO_RUN, NOWHERE
from project import Project
from refusal import Refused
from scipy import stats
from selfalign.config.read import read_config, read_settings
from selfalign.config.sections import Config
from selfalign.plan import models
from selfalign.plan.people import read_distributions
from selfalign.plan.plan import command
from selfalign.plan.planner import Options, make_plan
from selfalign.plan.plans import Plan, PlannedEndpoint
from selfalign.plan.report import write_report
from selfalign.survey.schemas import Distributions
from selfalign.tables import read_table


@pytest.fixture
def overlay(undisturbed: Project, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The config file of the finished run; the tests work in the run's folder."""
    monkeypatch.chdir(undisturbed.folder)
    return Path("overlay.yaml")


@pytest.fixture
def before(overlay: Path) -> Plan:
    """The plan of the run as it was before anything ran."""
    return make_plan(read_config([overlay]), Options(rates={"local": 100}), results=NOWHERE)


def run_of(project: Project) -> dict:
    """The only run in the ledger."""
    with closing(sqlite3.connect(project.folder / "results/shared/ledger/local/en.sqlite")) as database:
        table = database.execute("SELECT * FROM runs")
        return dict(zip([column[0] for column in table.description], table.fetchone(), strict=True))


def test_cells_and_prompts_are_those_of_the_run(before: Plan, undisturbed: Project) -> None:
    results = undisturbed.folder / "results/default"
    design, prompts = (pd.read_parquet(results / f"{stage}/en.parquet") for stage in ("design", "prompts"))
    planned = before.languages["en"]
    assert planned.cells == len(design)
    assert planned.prompts == (prompts["premise"] != "").sum()
    assert planned.premises == (prompts["premise"] == "").sum()
    (model,) = before.models
    assert (model.prompts, model.answered) == (run_of(undisturbed)["prompts"], 0)


def test_tokens_hours_memory_and_disk_are_near_those_of_the_run(before: Plan, undisturbed: Project) -> None:
    (model,), run = before.models, run_of(undisturbed)
    assert model.new == pytest.approx(run["tokens"], rel=NEAR)
    assert model.computed == model.new
    assert model.hours == pytest.approx(run["tokens"] / 100 / 3600, rel=NEAR)
    assert model.memory == pytest.approx(run["peak_memory"], abs=0.25e9), "the libraries need more than the model"
    with closing(sqlite3.connect(undisturbed.folder / "results/shared/ledger/local/en.sqlite")) as database:
        lengths = "length(CAST(text AS BLOB)) + length(scores) + length(digest) + 2 * 32 + 16"
        (stored,) = database.execute(f"SELECT sum({lengths}) FROM answers").fetchone()
    assert model.languages["en"].bytes == pytest.approx(stored, rel=NEAR)


def test_a_finished_run_has_nothing_new_and_planning_writes_nothing(overlay: Path, undisturbed: Project) -> None:
    files = {path: path.lstat().st_mtime_ns for path in Path("results").rglob("*")}
    (model,) = make_plan(read_config([overlay]), Options()).models
    assert model.answered == model.prompts == run_of(undisturbed)["prompts"]
    assert model.new == model.hours == 0
    assert {path: path.lstat().st_mtime_ns for path in Path("results").rglob("*")} == files


def test_a_new_arm_needs_its_own_prompts_at_the_rate_of_the_ledger(
    overlay: Path, undisturbed: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "_LEAST", 100)  # this run is short
    config = read_settings([overlay])
    config["languages"]["en"]["arms"] += ["chrf_inverted"]
    plan, run = make_plan(Config.read(config), Options()), run_of(undisturbed)
    (model,) = plan.models
    assert model.answered == run["prompts"]
    planned = plan.languages["en"]
    assert model.prompts == planned.prompts + planned.premises > run["prompts"]
    assert 0 < model.new <= model.computed
    assert model.rate.source == "ledger"
    assert model.rate.tokens_per_second == pytest.approx(run["tokens"] / run["seconds"])
    assert model.hours == pytest.approx(model.new / model.rate.tokens_per_second / 3600, rel=NEAR, abs=1e-3)


def test_answers_of_another_engine_or_number_format_do_not_count(overlay: Path) -> None:
    config = read_settings([overlay])
    config["models"]["local"]["dtype"] = "bfloat16"
    assert make_plan(Config.read(config), Options()).models[0].answered == 0


def test_replies_of_a_finished_run_are_new(overlay: Path) -> None:
    config = read_settings([overlay])
    config["models"]["local"]["reply"] = 2
    (model,) = make_plan(Config.read(config), Options(rates={"local": 100})).models
    assert model.answered == model.prompts
    assert 0 < model.new < model.computed, "the likelihoods are in the ledger, and the replies are not"
    assert model.hours > 0


def test_a_ledger_in_use_is_noted(finished: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(finished.folder)
    monkeypatch.setattr("selfalign.ledger.storage.PATIENCE", 0.1)
    with closing(sqlite3.connect("results/shared/ledger/local/en.sqlite")) as database:
        database.execute("PRAGMA locking_mode=EXCLUSIVE")
        database.execute("BEGIN EXCLUSIVE")
        plan = make_plan(read_config([Path("overlay.yaml")]), Options())
    assert plan.models[0].answered == 0
    assert any("another job is using this ledger" in note for note in plan.notes)


def test_without_a_tokenizer_tokens_are_estimated(before: Plan, overlay: Path, tmp_path: Path) -> None:
    config = read_settings([overlay])
    config["models"]["local"]["source"] = {"folder": str(tmp_path)}
    (model,) = make_plan(Config.read(config), Options(), results=NOWHERE).models
    (counted,) = before.models
    assert model.estimated and not counted.estimated
    for what in ("sent", "single", "computed"):
        assert getattr(model, what) == pytest.approx(getattr(counted, what), rel=NEAR), what
    assert model.hours is None and model.memory is None  # nothing tells how large the model is


def test_scores_on_the_disk_tell_the_widths_of_their_run(overlay: Path) -> None:
    plan = make_plan(read_config([overlay]), Options())
    widths = {one.name: one for one in plan.widths}
    known = pd.read_csv("results/default/tables/agreement.csv")
    known = known[(known["measure"] == "agreement") & (known["country"] == "all")].set_index("arm")
    for arm in ("zero_shot", "chrf"):
        assert widths[arm].source == "scores"
        reach = stats.t.ppf(0.975, known.loc[arm, "df"])  # the table's intervals end at 0 and 1
        assert widths[arm].rows == 1, "one model"
        assert widths[arm].mean.median == pytest.approx(reach * known.loc[arm, "standard_error"], rel=NEAR)


def test_report_names_the_source_of_widths(before: Plan) -> None:
    def said(source: str) -> str:
        return write_report(replace(before, widths=[replace(one, source=source) for one in before.widths]))

    assert "measured in studies of this project" in said("same contrast")
    assert "measured in studies" not in said("scores")


def test_counts_are_read_as_the_workflow_weighs_them(undisturbed: Project, overlay: Path) -> None:
    survey = read_config([overlay]).surveys["example"]
    keys = ["country", "question", "code"]
    planned = read_distributions(survey, NO_RUN)[0].sort_values(keys).reset_index(drop=True)
    parsed = read_table(undisturbed.folder / "results/shared/survey/example/distributions.parquet", Distributions)
    pd.testing.assert_frame_equal(planned, parsed.sort_values(keys).reset_index(drop=True), check_dtype=False)


def test_a_large_plan_fits_on_a_screen(before: Plan) -> None:
    model, one = before.models[0], before.languages["en"]
    asked = PlannedEndpoint("m", "endpoint", {}, 1, 10**6, 10**6, 1e9, 1e7, True, 1234.5, 30.0, 1.0)
    many = [replace(model, model="llama-3.3-70b-instruct")] * 12
    languages = dict.fromkeys(map(str, range(10)), one)
    large = replace(before, languages=languages, models=[*many, *[asked] * 3], notes=["A sentence."] * 5)
    lines = write_report(large).splitlines()
    assert len(lines) <= 50
    assert max(map(len, lines)) <= 130
    assert "4 more models" in write_report(large)


def test_command_prints_a_table_or_json(overlay: Path) -> None:
    told = CliRunner().invoke(command, ["--configfile", str(overlay)], catch_exceptions=False)
    assert told.exit_code == 0, told.output
    assert "Plan of the run default (overlay.yaml)" in told.stdout
    assert "local" in told.stdout and "chrf - chrf_other" in told.stdout
    words = ["--configfile", str(overlay), "--json", "--rate", "local=50", "--exact"]
    found = json.loads(CliRunner().invoke(command, words, catch_exceptions=False).stdout)
    assert list(found) == [
        *("run", "survey", "languages", "models", "level", "widths", "contrasts", "main_language", "notes", "files")
    ]
    (model,) = found["models"]
    assert model["rate"] == {"tokens_per_second": 50, "source": "given", "place": "local"}
    assert list(model)[:6] == ["model", "kind", "parameters", "languages", "prompts", "answered"]


def test_options_that_name_nothing_are_refused(refused: Refused, overlay: Path) -> None:
    refused("plan", "--configfile", overlay, "--rate", "locl=50", tells=["--rate", "locl", "The run has: local"])
    refused("plan", "--configfile", overlay, "--hardware", "h20", tells=["--hardware", "Did you mean", "h200"])
    assert CliRunner().invoke(command, ["--rate", "local=fast"]).exit_code == 2
