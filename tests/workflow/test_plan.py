"""`selfalign plan`: what it says before a run, compared with what the run then did."""

import json
import math
import sqlite3
from contextlib import closing
from dataclasses import replace
from itertools import dropwhile, takewhile
from pathlib import Path

import national
import numpy as np
import pandas as pd
import pytest
import yaml
from click.testing import CliRunner
from endpoint_server import Endpoint as Served
from endpoint_server import serving
from project import ROOT, Project
from refusal import Refused
from scipy import stats
from selfalign.cli import program
from selfalign.config.read import read_config, read_settings
from selfalign.config.sections import Config, Model, Price, Survey
from selfalign.contrasts import Contrast
from selfalign.errors import InputError
from selfalign.home import HOME
from selfalign.inference.endpoint.ask import command as ask
from selfalign.inference.endpoint.settings import Endpoint, without_price
from selfalign.plan import endpoints, models, tokens, variances
from selfalign.plan.designs import Designer, Laid
from selfalign.plan.people import read_distributions, read_people
from selfalign.plan.plan import command
from selfalign.plan.planner import Options, make_plan
from selfalign.plan.plans import Plan, PlannedEndpoint, PlannedSurvey
from selfalign.plan.precision import Series, Width, expect_width, expect_widths
from selfalign.plan.report import write_report
from selfalign.prompts.schemas import Prompts
from selfalign.runs import Run
from selfalign.screen_text import about_hours, size
from selfalign.survey.schemas import Distributions
from selfalign.tables import read_table, write_table

NEAR = 0.2
NOWHERE = Path("no results")
NO_RUN = Run(NOWHERE / "none")
SHIPPED = ROOT / "resources/plan/variances.csv"


@pytest.fixture
def overlay(undisturbed: Project, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The config file of the finished run; the tests work in the run's folder."""
    monkeypatch.chdir(undisturbed.folder)
    return Path("overlay.yaml")


@pytest.fixture
def before(overlay: Path) -> Plan:
    """The plan of the run as it was before anything ran."""
    return make_plan(read_config([overlay]), Options(rates={"local": 100}), results=NOWHERE)


@pytest.fixture(scope="module")
def default() -> Laid:
    """The English part of the default, laid out."""
    config = read_config([])
    people, probes = read_people(config, HOME, NO_RUN, on_scales=False)
    return Designer(config, HOME, people, probes, NO_RUN).lay_out("en")


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


def test_some_probes_tell_the_tokens_of_all(default: Laid) -> None:
    model = Model.read({"shown": "turns", "format": "chat", "engine": "packed", "row_tokens": 2048, "reply": 0})
    whole, part = (tokens.count_tokens(default, tokens.TokenEstimator(4.2), model, {}, most) for most in (0, 1500))
    assert part.sampled and not whole.sampled
    assert part.prompts == whole.prompts == len(default.prompts)
    for what in ("single", "computed", "sent", "bytes"):
        assert getattr(part, what) == pytest.approx(getattr(whole, what), rel=0.1), what


def test_default_has_the_cells_and_prompts_that_its_design_step_counts(default: Laid) -> None:
    assert (len(default.cells), int(default.asked.sum())) == (91002, 2230)


@pytest.mark.parametrize("readout", ["logprobs", "echo", "samples"])
def test_requests_are_those_of_the_step(readout: str, default: Laid, tmp_path: Path) -> None:
    few = default.prompts.sort_values("premise").tail(6)
    few = pd.concat([few, default.prompts[default.prompts["prompt"].isin(few["premise"])]])
    few = few.assign(labels=few["labels"].where(few["premise"] == "", '["A", "B"]'))
    laid = Laid(default.cells, few.reset_index(drop=True))
    path, ledger = tmp_path / "prompts.parquet", tmp_path / "en.sqlite"
    write_table(laid.prompts, path, Prompts)
    with serving(Served()) as served:
        endpoint = {"url": served.url, "model": "mini", "readout": readout, "samples": 3, "reply_tokens": 4}
        settings = {"format": "chat", "shown": "turns", "endpoint": endpoint | {"price": {"input": 2, "output": 5}}}
        model = Model.read(settings)
        planned = endpoints.count_requests(laid, model, model.endpoint, ledger, 4.2)
        given = ["--prompts", path, "--format", "chat", "--endpoint", json.dumps(endpoint), "--ledger", ledger]
        words = [str(word) for word in [*given, "--output", tmp_path / "answers.parquet"]]
        if readout != "echo":  # the server in miniature does not give the tokens of these texts
            result = CliRunner().invoke(ask, words, catch_exceptions=False)
            assert result.exit_code == 0, result.output
    if readout != "echo":
        with closing(sqlite3.connect(ledger)) as database:
            assert database.execute("SELECT count(*) FROM answers").fetchone() == (planned.requests,)
        after = endpoints.count_requests(laid, model, model.endpoint, ledger, 4.2)
        assert (after.requests, after.missing, after.sent) == (planned.requests, 0, 0)
    each = {"logprobs": 6, "samples": 18, "echo": 6 * 5 + 3 * (len(few) - 6)}[readout]
    assert planned.requests == planned.missing == each
    assert planned.received == {"logprobs": 6, "samples": 6 * 3 * 4, "echo": each}[readout]
    price = endpoints.find_price([planned], model.endpoint.price)
    assert price == pytest.approx((2 * planned.sent + 5 * planned.received) / 1e6)


def test_rates_of_an_endpoint_limit_its_hours() -> None:
    asked = [endpoints.Requests(100, 600, 600, sent=90_000, received=6_000)]
    none = pd.DataFrame({"prompts": [], "seconds": []})
    assert endpoints.find_hours(asked, Endpoint.read({}), none) is None
    assert endpoints.find_hours(asked, Endpoint.read({"requests_per_minute": 10}), none) == pytest.approx(1)
    both = Endpoint.read({"requests_per_minute": 10, "tokens_per_minute": 800})
    assert endpoints.find_hours(asked, both, none) == pytest.approx(2)
    measured = pd.DataFrame({"prompts": [50], "seconds": [900.0]})
    assert endpoints.find_hours(asked, both, measured) == pytest.approx(3)


@pytest.fixture(scope="module")
def expected(default: Laid) -> dict[str, Width]:
    """The widths of the English part of the default, before it has scores."""
    config = read_config([])
    people, _ = read_people(config, HOME, NO_RUN, on_scales=False)
    widths = expect_widths({"en": default}, people.poles, people.bank, config, NO_RUN, SHIPPED)
    return {one.name: one for one in widths}


def rows_of(title: str) -> list[list[str]]:
    """The rows of the table in docs/study_size.md that follows a line."""
    lines = (ROOT / "docs/study_size.md").read_text(encoding="utf-8").partition(title)[2].splitlines()
    table = list(takewhile(lambda line: line.startswith("|"), dropwhile(lambda line: not line.startswith("|"), lines)))
    return [[cell.strip(" `") for cell in row.strip("|").split("|")] for row in table[2:]]


def test_widths_of_the_default_are_near_those_that_it_had(expected: dict[str, Width]) -> None:
    rows = rows_of("The half widths of the default")
    assert len(rows) == 12
    near = 0
    for name, planned, measured, *_ in rows:
        middle, low, high = (100 * half for half in expected[name].main)
        assert middle == pytest.approx(float(planned), abs=0.051), name
        assert low < float(measured) < high, name
        near += abs(middle / float(measured) - 1) < NEAR
    assert near >= 9


def test_components_give_the_variance_of_a_mean() -> None:
    """Stances that countries share, help that they share, and chance: the planted variances are found again."""
    generator = np.random.default_rng(3)
    batteries, size, countries = 150, 4, 6
    home = np.repeat(np.arange(batteries), size)
    poles = generator.choice([-1.0, 1.0], (len(home), countries))
    stance = 0.5 * generator.normal(size=(batteries, 1))[home] + 0.6 * generator.normal(size=(len(home), 1))
    level = 0.3 * generator.normal(size=(batteries, 1))[home]
    chance = 0.4 * generator.normal(size=(len(home), countries))
    parts = variances.find_parts(poles * stance + level + chance, poles, home)
    planted = {"variance": 0.86, "probe_level": 0.09, "probe_stance": 0.61, "battery_level": 0.09}
    planted |= {"battery_stance": 0.25, "both_level": 0.09, "both_stance": 0.25}
    assert parts == pytest.approx(planted, abs=0.06)

    def error(countries: int, alike: float) -> float:
        drawn = np.where(generator.random((len(home), countries)) < alike, 1.0, -1.0)
        return variances.expect_errors(pd.DataFrame([planted]), drawn, home)[0][0]

    probes = len(home)
    assert error(1, 1.0) == pytest.approx(np.sqrt((0.86 + 3 * 0.34) / probes), rel=0.01)
    all_agree = 0.09 + 0.61 + 0.16 / 6 + 3 * 0.34  # of the stances, nothing averages out
    assert error(6, 1.0) == pytest.approx(np.sqrt(all_agree / probes), rel=0.01)
    unrelated = 0.09 + 0.61 / 6 + 0.16 / 6 + 3 * 0.09  # majorities that differ by chance average stances out
    assert error(6, 0.5) == pytest.approx(np.sqrt(unrelated / probes), rel=0.06)


def test_main_interval_is_by_category_where_categories_share_more_than_batteries() -> None:
    poles, home = np.where(np.arange(72).reshape(36, 2) % 3, 1.0, -1.0), np.arange(36) // 3
    table = variances.read_variances(SHIPPED)
    rows = table[table["kind"] == "similar, own - similar, other"]
    by_battery = variances.expect_errors(rows, poles, home)
    same = variances.expect_by_category(rows.assign(**{variances.RATIO: 1.0}), poles, home, home)
    np.testing.assert_allclose(same, by_battery)  # categories of one battery each

    def expect(ratio: float, categories: int) -> Width:
        series = Series("en", "chrf", "", "country", poles, home, home % categories)
        return expect_width(series, rows.assign(**{variances.RATIO: ratio}), "same contrast")

    alike, apart, few = expect(1.5, 6), expect(0.2, 6), expect(1.5, 5)
    assert apart.main == apart.mean == few.main == few.mean == alike.mean
    error, freedom = variances.expect_by_category(rows.assign(**{variances.RATIO: 1.5}), poles, home, home % 6)
    assert (error == pytest.approx(1.5 * by_battery[0])) and (freedom <= 5).all()
    assert alike.main[0] == pytest.approx(np.median(stats.t.ppf(0.975, freedom) * error))
    assert alike.found == pytest.approx(np.median(variances.reach(error, freedom, 0.95)))
    assert apart.found == few.found == pytest.approx(np.median(variances.reach(*by_battery, 0.95)))
    assert few.found < alike.found


def test_difference_is_found_as_often_as_the_plan_says() -> None:
    (found,) = variances.reach(np.array([0.04]), np.array([12.0]), 0.95)
    generator = np.random.default_rng(5)
    t = (found + 0.04 * generator.normal(size=40_000)) / (0.04 * np.sqrt(generator.chisquare(12, 40_000) / 12))
    assert np.mean(np.abs(t) > stats.t.ppf(0.975, 12)) == pytest.approx(0.8, abs=0.01)


def test_arms_that_never_differ_have_a_plan() -> None:
    poles, home = np.where(np.arange(24).reshape(12, 2) % 3, 1.0, -1.0), np.arange(12) // 3
    parts = pd.DataFrame([variances.find_parts(np.zeros((12, 2)), poles, home)])
    error, freedom = variances.expect_errors(parts, poles, home)
    assert error == [0] and freedom == [3]
    assert variances.reach(error, freedom, 0.95) == [0]


def test_width_of_a_country_is_from_the_probes_that_it_was_asked() -> None:
    poles, home = np.ones((8, 2)), np.array([0, 0, 1, 1, 2, 2, 3, 4])
    poles[4:, 0] = poles[:4, 1] = np.nan
    table = variances.read_variances(SHIPPED)
    rows = table[table["kind"] == "similar, own - similar, other"]

    def of_country(poles: np.ndarray, home: np.ndarray) -> tuple[float, float, float]:
        return expect_width(Series("en", "chrf", "", "", poles, home, home), rows, "scores").country

    first, second = of_country(poles[:4, :1], home[:4]), of_country(poles[4:, 1:], home[4:] - 2)
    both = of_country(poles, home)
    assert min(first[0], second[0]) < both[0] < max(first[0], second[0])
    alike = np.where(np.isnan(poles[:, [0, 0]]), np.nan, 1.0)  # two countries that were asked the same probes
    assert of_country(alike, home) == pytest.approx(first)
    poles[5:, 1] = np.nan  # one battery is left, which has no interval
    assert of_country(poles, home) == pytest.approx(first)
    assert np.isnan(of_country(poles[:, 1:], home)).all()


def test_components_are_those_of_the_likest_contrasts() -> None:
    table = variances.read_variances(SHIPPED)
    arms = read_config([]).arms
    main = variances.describe_contrast(Contrast(arm="chrf", against="chrf_other"), arms)
    assert main == {"name": "chrf - chrf_other", "kind": "similar, own - similar, other", "family": "country"}
    rows, why = variances.find_rows(table, main["kind"], main["family"], ["smollm2-135m"])
    assert (list(rows["study"]), why) == (["study"], "same model")
    rows, why = variances.find_rows(table, main["kind"], main["family"], ["another"])
    assert (len(rows), why) == (4, "same contrast")
    family = variances.describe_contrast(Contrast(arm="bm25", against="embedding"), arms)
    rows, why = variances.find_rows(table, family["kind"] + "x", family["family"], ["smollm2-135m"])
    assert set(rows["family"]) == {"selection"} and why == "like contrasts"


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


def test_components_of_a_run_count_once_for_all_ratios() -> None:
    poles, home = np.where(np.arange(24).reshape(12, 2) % 3, 1.0, -1.0), np.arange(12) // 2
    rows = variances.read_variances(SHIPPED).query("family == 'country'").head(1).drop(columns=variances.RATIO)
    repeated = rows.merge(pd.DataFrame({variances.RATIO: [0.9, 1.0, 1.3]}), how="cross")
    width = expect_width(Series("en", "chrf - chrf_other", "", "country", poles, home, home), repeated, "scores")
    assert width.rows == 1 and width.mean.low == width.mean.high < width.main.high


def test_report_says_where_widths_are_from(before: Plan) -> None:
    def said(source: str) -> str:
        return write_report(replace(before, widths=[replace(one, source=source) for one in before.widths]))

    assert "measured in studies of this project" in said("same contrast")
    assert "measured in studies" not in said("scores")


def test_rates_of_the_table_fill_the_gaps_between_sizes() -> None:
    table = models.read_table_of_rates(ROOT / "resources/plan/rates.csv", None)
    settings = {"device": "cuda", "dtype": "bfloat16", "engine": "packed"}
    none = pd.DataFrame(columns=["model", "parameters", "dtype", "device", "engine", "tokens", "seconds"])

    def rate(parameters: float, hardware: str, dtype: str = "bfloat16", cores: int = 2) -> float:
        size = models.Size(parameters, "card")
        speeds = models.Speeds(none, table, hardware, cores)
        return models.find_rate(Model.read(settings | {"dtype": dtype}, "m"), size, speeds).tokens_per_second

    assert rate(8030261248, "h200") == 25400
    assert 25400 < rate(1e9, "h200") < 44800
    assert rate(80302612480, "h200") == pytest.approx(2540)
    assert rate(134515008, "cpu", "float32", cores=4) == pytest.approx(2 * 590)
    assert models.find_rate(Model.read(settings, "m"), None, models.Speeds(none, table, "h200", 2)) is None


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("qwen2.5-coder-0.5b", 0.5e9), ("SmolLM2-135M", 135e6), ("llama-3-70B", 70e9), ("gpt", None)],
)
def test_size_is_in_the_name(name: str, parameters: float | None, tmp_path: Path) -> None:
    found = models.find_size(Model.read({"label": "", "source": {"folder": "x"}}, name), tmp_path)
    assert (found and found.parameters) == parameters


def test_a_parsed_survey_is_read_from_the_results(tmp_path: Path) -> None:
    settings = {"form": "wvs7", "source": {"url": "https://lab.example/survey.zip", "sha256": "0" * 64}}
    survey = Survey.read(settings, "mine")
    run = Run(tmp_path / "one")
    with pytest.raises(InputError, match=r"fetch and parse it first: snakemake \S+ --cores 1 --configfile"):
        read_distributions(survey, HOME, run)
    table, _ = read_distributions(read_config([]).surveys["example"], HOME, run)
    parsed = tmp_path / "shared/survey/mine/distributions.parquet"
    write_table(table, parsed, Distributions)
    assert len(read_distributions(survey, HOME, run)[0]) == len(table) > 1000


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


def test_counts_are_read_as_the_workflow_weighs_them(undisturbed: Project, overlay: Path) -> None:
    survey = read_config([overlay]).surveys["example"]
    keys = ["country", "question", "code"]
    planned = read_distributions(survey, HOME, NO_RUN)[0].sort_values(keys).reset_index(drop=True)
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


def test_price_is_a_setting_that_no_request_holds(tmp_path: Path) -> None:
    endpoint = {"url": "http://gpu7:8000/v1", "model": "m", "readout": "echo", "price": {"input": 0.1, "output": 0.4}}
    path = tmp_path / "mine.yaml"
    settings = {"models": {"far": {"label": "Far", "endpoint": endpoint}}, "run": {"models": ["far"]}}
    path.write_text(yaml.safe_dump(settings))
    assert read_config([path]).models["far"].endpoint.price == Price(input=0.1, output=0.4)
    assert "price" not in without_price(endpoint)


def test_numbers_are_short() -> None:
    assert [about_hours(hours) for hours in (0.001, 0.5, 12.34, 1234.0)] == ["4 s", "30 min", "12.3 h", "1,234 h"]
    assert [size(number) for number in (5e6, 1.5e9)] == ["5 MB", "1.5 GB"]
