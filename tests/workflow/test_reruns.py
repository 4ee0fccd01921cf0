"""Only what changed: the real workflow on a small experiment, whose inputs change and whose jobs are killed."""

import ast
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import chdir, closing, suppress
from copy import deepcopy
from pathlib import Path

import nbformat
import pandas as pd
import psutil
import pytest
from project import ONE_THREAD, ROOT, Batch, Project, Run
from refusal import assert_one_paragraph
from selfalign.audit.jobs import Records
from small_run import ANSWERS, PROBES, changed, run_from_scratch, write_small_inputs
from snakemake.utils import update_config

LEDGER = "results/shared/ledger/local/en.sqlite"
LOG = "results/default/logs/infer/local/en.log"
TABLES = [
    f"results/default/tables/{table}.csv"
    for table in ("agreement", "contrasts", "verdicts", "contrasts_by_readout", "transfer", "mixed", "worth", "metrics")
]
FIGURES = ["agreement", "contrasts", "margin", "calibration", "transfer"]
ESTIMATES = {"estimate_agreement", "estimate_contrasts", "estimate_readouts", "estimate_transfer", "fit_mixed"}
ESTIMATES |= {"estimate_categories", "choose_intervals"}
ACROSS = ["gains", "gains_by_country", "categories", "margins"]
PLOTS = {f"plot_{figure}" for figure in FIGURES + ACROSS} | {"typeset_tables"}
OF_CONTRASTS = PLOTS - {"plot_agreement", "plot_calibration"}
ALL = {"record_run", "record_outputs", "all"}
FROM_SCORING = (
    {"score_answers", "compare_readouts", "compute_metrics", "estimate_worth", "explore"} | ESTIMATES | PLOTS | ALL
)
FROM_DESIGN = {"design_prompts", "describe_demonstrations", "infer"} | FROM_SCORING


def edit(path: Path, old: str, new: str) -> None:
    """Replace a text that is in a file once."""
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in {path}"
    path.write_text(text.replace(old, new), encoding="utf-8")


def states(project: Project) -> dict[str, tuple[int, bytes]]:
    """Time and content of every result, but not of logs and benchmarks."""
    results = project.folder / "results"
    stages = [stage for stage in results.glob("*/*") if stage.name not in ("logs", "benchmarks")]
    files = [path for stage in stages for path in stage.rglob("*")]
    return {
        str(path.relative_to(results)): (
            path.lstat().st_mtime_ns,
            path.read_bytes() if path.suffix != ".safetensors" else b"",
        )
        for path in files
        if path.is_file()
    }


def contents(project: Project, *patterns: str) -> dict[str, bytes]:
    """Bytes of the files that match, by path."""
    found = sorted(path for pattern in patterns for path in project.folder.glob(pattern))
    return {str(path.relative_to(project.folder)): path.read_bytes() for path in found}


# What a change reruns


def test_second_run_has_nothing_to_do(finished: Project, config: dict) -> None:
    before = states(finished)
    run = finished.snakemake(config=config)
    assert run.code == 0
    assert "Nothing to be done" in run.output
    assert not run.finished()
    assert states(finished) == before


@pytest.fixture(scope="module")
def trial(config: dict) -> dict:
    """Settings of another run, of one country, one arm and three probes."""
    settings = changed(config, "run", "name", value="trial")
    settings = changed(settings, "probes", "only", value=["Q4", "Q8", "Q164"])
    settings = changed(settings, "figures", "style", "formats", value=["png"])
    return changed(settings, "languages", "en", value={"countries": ["MEX"], "arms": ["chrf"]})


@pytest.fixture(scope="module")
def tried(undisturbed: Project, trial: dict, tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Run]:
    """A copy of the finished run in which the other one ran too; not to be changed."""
    project = undisturbed.copy(tmp_path_factory.mktemp("tried") / "project")
    run = project.snakemake(config=trial)
    assert run.code == 0, run.output
    assert run.finished() == run.planned()
    return project, run


def test_runs_of_two_names_do_not_change_each_other(
    undisturbed: Project, tried: tuple[Project, Run], config: dict, trial: dict, tmp_path: Path
) -> None:
    before = states(undisturbed)
    finished, run = tried[0].copy(tmp_path / "project"), tried[1]
    ran = set(run.finished())
    assert {"map_poles", "design_prompts", "infer", "plot_agreement"} <= ran
    assert not ran & {"simulate_survey", "parse_wvs7", "weigh_answers", "fetch_model", "convert_model"}
    log = (finished.folder / LOG.replace("default", "trial")).read_text()
    assert re.search(r"prompts: [1-9]\d* to answer, [1-9]\d* in the ledger", log), "both runs show one probe to another"
    with_trial = states(finished)
    mine = {path for path in with_trial if path.startswith("trial/")}
    assert mine
    ledgers = {path for path in with_trial if path.startswith("shared/ledger/")}
    assert {path: with_trial[path] for path in before if path not in ledgers} == {
        path: state for path, state in before.items() if path not in ledgers
    }
    for settings in (config, trial):
        again = finished.snakemake(config=settings)
        assert again.code == 0, again.output
        assert "Nothing to be done" in again.output
    assert states(finished) == with_trial
    for file in ("probes.csv", "en.csv"):
        path = finished.folder / "tiny" / file
        rows = path.read_text(encoding="utf-8").splitlines(True)
        assert sum(row.startswith("Q167,") for row in rows) == 1
        path.write_text("".join(row for row in rows if not row.startswith("Q167,")), encoding="utf-8")
    unused = finished.snakemake(config=trial)
    assert "Nothing to be done" in unused.output, "the trial does not use the probe that is gone"
    assert {"map_poles", "design_prompts"} <= set(finished.snakemake("--dry-run", config=config).planned())
    edit(finished.folder / "tiny" / "en.csv", "God counts for", "God truly counts for")
    planned = set(finished.snakemake("--dry-run", config=trial).planned())
    assert {"measure_similarity", "design_prompts", "record_bank"} <= planned
    assert "map_poles" not in planned


def test_every_step_between_inputs_and_results_is_asked_for(undisturbed: Project) -> None:
    """So that a file which a failed or killed job has deleted is made again, though the results are there."""
    with chdir(undisturbed.folder):
        records = Records().files
    asked = set(records["results/default/manifest.csv"]["input"])
    jobs: dict[str, set[str]] = {}
    for path, record in records.items():
        jobs.setdefault(record["shellcmd"], set()).add(path)
    weights = {"results/shared/models/local/source"}  # they may be deleted; a new source reruns the step after them
    last = {"results/default/manifest.csv", "results/default/jobs.json"}
    assert [files for files in jobs.values() if not files & asked] in ([weights, last], [last, weights])


def test_failed_step_is_run_again_though_later_results_are_there(
    finished: Project, config: dict, model: Path, tmp_path: Path
) -> None:
    module = finished.folder / "workflow/selfalign/probes/map_poles.py"
    text = module.read_text(encoding="utf-8")
    module.write_text(
        text.replace("\ndef command(", "\ndef command(*_, **__):\n    1 / 0\n\n\ndef unused(", 1), encoding="utf-8"
    )
    assert finished.snakemake(config=config).code == 1
    assert not (finished.folder / "results/default/people/poles.parquet").exists()
    assert (finished.folder / "results/default/tables/agreement.csv").exists()
    assert finished.snakemake("--dry-run", config=config).planned()["map_poles"] == 1
    module.write_text(text, encoding="utf-8")
    assert finished.snakemake("--dry-run", config=config).planned()["map_poles"] == 1
    shutil.copytree(model, tmp_path / "other")
    other = changed(config, "models", "local", "source", "folder", value=str(tmp_path / "other"))
    shutil.rmtree(finished.folder / "results/shared/models/local/source")
    planned = finished.snakemake("--dry-run", config=other).planned()
    assert planned["fetch_model"] == planned["convert_model"] == 1, "of a model whose new source was not fetched"


def test_order_of_countries_and_of_settings_of_an_arm_reruns_nothing(finished: Project, config: dict) -> None:
    reordered = changed(config, "languages", "en", "countries", value=["NGA", "MEX"])
    reordered = changed(reordered, "arms", "chrf", value={"named": "own", "shots": 1})
    run = finished.snakemake("--dry-run", config=reordered)
    assert run.code == 0, run.output
    assert set(run.planned()) == ALL


def test_empty_output_is_skipped_with_a_line(tried: tuple[Project, Run], config: dict) -> None:
    finished, run = tried
    told = re.findall(r"(?m)^selfalign: no (\w+): .+", run.output)
    across = ["categories", "gains", "gains_by_country", "kinds", "languages", "margins"]
    assert sorted(told) == sorted(["contrasts", "margin", "mixed", "transfer", *across])
    folder = finished.folder / "results/trial"
    tables = sorted(path.name for path in (folder / "tables").glob("*.csv"))
    assert tables == ["agreement.csv", "metrics.csv", "worth.csv"]
    assert sorted(path.stem for path in (folder / "figures").glob("*.png")) == ["agreement", "calibration"]
    country = changed(config, "languages", "en", "countries", value=["MEX"])
    planned = set(finished.snakemake("--dry-run", config=changed(country, "run", "name", value="one")).planned())
    assert {"estimate_contrasts", "plot_contrasts", "plot_calibration"} <= planned
    assert {"plot_gains", "plot_categories"} <= planned
    assert not planned & {"estimate_transfer", "plot_transfer", "plot_margin", "plot_margins", "plot_gains_by_country"}


def test_results_can_be_in_another_folder(plain: Project, tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    run = plain.snakemake("--dry-run", "--directory", str(folder))
    assert run.code == 0, run.output
    assert run.planned()["infer"] == 2
    assert (
        f"--bank {plain.folder}/resources/probes/probes.csv "
        in plain.snakemake("--dry-run", "--printshellcmds", "--directory", str(folder)).output
    )


def test_paths_of_inputs_may_have_spaces(plain: Project, config: dict) -> None:
    """In the user's settings, and in the workflow's own files if it is called from another folder."""
    home = plain.folder.rename(plain.folder.parent / "my données")
    folder = home.parent / "my study"
    folder.mkdir()
    write_small_inputs(Project(home))
    (home / "tiny").rename(folder / "my inputs")
    settings = json.loads(json.dumps(config).replace("tiny/", "my inputs/"))
    targets = [f"results/default/{name}" for name in ("people/bank.json", "tables/demonstrations/en.csv")]
    targets += ["results/default/run.json", "results/shared/survey/example/quality.csv"]
    variables = Project(home, plain.environment).variables()
    project = Project(folder, {"PYTHONPATH": variables["PYTHONPATH"]})
    run = project.snakemake(*targets, "--snakefile", str(home / "Snakefile"), config=settings)
    assert run.code == 0, run.output
    assert {"simulate_survey", "select_probes", "map_poles", "measure_similarity"} <= set(run.finished())


def test_new_timestamp_alone_reruns_nothing(finished: Project, config: dict, model: Path) -> None:
    made = (finished.folder / "results", finished.folder / ".snakemake")
    files = [path for path in finished.folder.rglob("*") if path.is_file() and not set(made) & set(path.parents)]
    files += model.iterdir()
    names = {path.name for path in files}
    assert names >= {"counts.csv", "probes.csv", "scales.csv", "en.csv", "en.yaml", "explore.ipynb", "config.json"}
    assert any(path.stat().st_size > 5e6 for path in files), "weights are larger than what Snakemake checks by itself"
    later, before = time.time() + 60, {path: path.stat() for path in model.iterdir()}
    for path in files:
        os.utime(path, (later, later))
    run = finished.snakemake("--dry-run", config=config)
    for path, stat in before.items():  # other tests use the model, and no job may read a file of the future
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert run.code == 0, run.output
    assert not run.planned()


def test_other_content_with_an_earlier_time_is_noticed(finished: Project, config: dict, model: Path) -> None:
    """A file that replaces another one may be older than the results, such as a copy or a linked folder."""
    shutil.copytree(model, finished.folder / "model")
    config = changed(config, "models", "local", "source", "folder", value="model")
    assert finished.snakemake("--until", "convert_model", config=config).code == 0

    def planned(*names: str) -> set[str]:
        for name in names:
            path = finished.folder / name
            before = path.stat()
            path.write_bytes(path.read_bytes() + b"\n")
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        return set(finished.snakemake("--dry-run", config=config).planned())

    after_model = planned()
    shown = ["resources/figures/en.yaml", "notebooks/explore.ipynb", "resources/survey/labels/en.csv"]
    assert planned(*shown) == after_model | PLOTS | {"explore", "describe_survey"} | ALL
    assert not planned() & {"fetch_model", "design_prompts", "simulate_survey"}
    assert "fetch_model" in planned("model/config.json")
    assert "design_prompts" in planned("resources/templates/en.yaml")
    assert "simulate_survey" in planned("tiny/counts.csv")


def test_tables_that_a_run_no_longer_makes_are_removed(finished: Project, config: dict) -> None:
    config = changed(changed(config, "scoring", "mixed", value=[]), "scoring", "transfer", value=None)
    run = finished.snakemake(config=config)
    assert run.code == 0, run.output
    assert "files that the run no longer makes: results/default/figures/transfer.png" in run.output
    manifest = pd.read_csv(finished.folder / "results/default/manifest.csv")
    made = [path for path in states(finished) if path.startswith("default/")]
    assert {f"results/{path}" for path in made} - {"results/default/manifest.csv"} <= set(manifest["file"])


def test_changed_notebook_reruns_the_notebook_only(finished: Project, config: dict) -> None:
    path = finished.folder / "notebooks/explore.ipynb"
    path.write_text(path.read_text(encoding="utf-8").replace("## By category", "## Per category"), encoding="utf-8")
    run = finished.snakemake("--dry-run", config=config)
    assert set(run.planned()) == {"explore"} | ALL


def test_changed_file_of_a_local_model_is_read_again(finished: Project, config: dict, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(config["models"]["local"]["source"]["folder"], folder)
    config = changed(config, "models", "local", "source", "folder", value=str(folder))
    assert finished.snakemake("results/shared/models/local/model.json", config=config).finished()["fetch_model"] == 1
    (folder / "README.md").write_text("Not a file of the model.", encoding="utf-8")
    assert not finished.snakemake("results/shared/models/local/model.json", config=config).finished()
    edit(folder / "config.json", '"hidden_act": "silu"', '"hidden_act": "relu"')
    before = (finished.folder / "results/shared/models/local/model.json").read_text()
    assert finished.snakemake("results/shared/models/local/model.json", config=config).finished()["fetch_model"] == 1
    assert (finished.folder / "results/shared/models/local/model.json").read_text() != before


def test_survey_that_is_not_there_is_refused_though_another_was_read(finished: Project, config: dict) -> None:
    config = changed(config, "surveys", "example", "source", "file", value="resources/survey/mine.csv")
    run = finished.snakemake("--dry-run", config=config)
    assert run.code == 1
    assert "resources/survey/mine.csv" in run.lines_of_ours()[0]


def test_other_survey_is_read_into_a_folder_of_its_own(finished: Project, config: dict) -> None:
    before = contents(finished, "results/shared/survey/example/*")
    config = changed(config, "run", "survey", value="shares")
    config = changed(config, "languages", "en", "countries", value=["DEU", "USA"])
    config = changed(config, "probes", "only", value=["Q164", "Q167"])
    run = finished.snakemake("results/default/people/poles.parquet", config=config)
    assert run.code == 0, run.output
    assert set(run.finished()) == {"parse_shares", "select_probes", "map_poles"}
    assert contents(finished, "results/shared/survey/example/*") == before
    assert list(contents(finished, "results/shared/survey/shares/*")) == [
        "results/shared/survey/shares/distributions.parquet"
    ]
    poles = pd.read_parquet(finished.folder / "results/default/people/poles.parquet").set_index(["country", "probe"])
    published = pd.read_csv(ROOT / "resources/survey/shares/shares.csv").set_index(["country", "question"])["share"]
    assert {"DEU", "USA"} <= set(poles.index.get_level_values("country"))
    for country, probe in poles.index:
        share = poles.loc[(country, probe), "share_a"]
        assert min(abs(published[(country, probe)] - side) for side in (share, 1 - share)) < 1e-12


@pytest.fixture(scope="module")
def widened(
    undisturbed: Project, config: dict, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, tuple[Run, set[str]]]:
    """Dry runs in a copy of the finished run, each with another width of one figure."""
    project = undisturbed.copy(tmp_path_factory.mktemp("widened") / "project")
    configs = {figure: changed(config, "figures", figure, "width", value=7.0) for figure in FIGURES}
    return Batch(project).runs(configs, "--dry-run")


@pytest.mark.parametrize("figure", FIGURES)
def test_changed_figure_setting_redraws_that_figure_only(figure: str, widened: dict[str, tuple[Run, set[str]]]) -> None:
    run, lost = widened[figure]
    assert run.code == 0, run.output
    assert set(run.planned()) == {f"plot_{figure}"} | ALL and not lost


def test_redrawn_figures_are_all_that_changes(finished: Project, config: dict) -> None:
    before = states(finished)
    for figure in ("margin", "calibration"):
        config = changed(config, "figures", figure, "width", value=7.0)
    run = finished.snakemake(config=config)
    assert run.code == 0, run.output
    assert set(run.finished()) == {"plot_margin", "plot_calibration"} | ALL
    assert re.search(r'^Run "default" is complete: results/default$', run.output, re.MULTILINE)
    after = states(finished)
    assert {path for path in after if after[path] != before[path]} == {
        f"default/figures/{figure}.{suffix}" for figure in ("margin", "calibration") for suffix in ("png", "svg")
    }


def test_changed_label_of_an_arm_redraws_the_figures_only(finished: Project, config: dict) -> None:
    run = finished.snakemake("--dry-run", config=changed(config, "arms", "chrf", "label", value="Nearest"))
    assert set(run.planned()) == PLOTS | ALL


def test_format_that_is_taken_out_draws_the_figures_again(finished: Project, config: dict) -> None:
    """So that the last step knows that the files of this format are no longer made."""
    run = finished.snakemake("--dry-run", config=changed(config, "figures", "style", "formats", value=["png"]))
    assert set(run.planned()) == PLOTS | ALL


def test_changed_number_of_resamples_reruns_the_estimates(finished: Project, config: dict) -> None:
    run = finished.snakemake("--dry-run", config=changed(config, "scoring", "draws", value=200))
    assert set(run.planned()) == ESTIMATES | PLOTS - {"plot_calibration"} | ALL


def comment(path: Path) -> None:
    """Change a module's comments, blank lines and docstrings, and nothing else."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    documented = ast.Module | ast.ClassDef | ast.FunctionDef
    for node in ast.walk(ast.parse("".join(lines))):
        if isinstance(node, documented) and ast.get_docstring(node) is not None:
            line = node.body[0].lineno - 1
            lines[line] = lines[line].replace('"""', '"""Changed: ', 1)
    path.write_text("# A new comment.\n\n" + "".join(lines) + "\n\n# And another.\n", encoding="utf-8")


def test_changed_comment_or_docstring_in_the_library_reruns_nothing(finished: Project, config: dict) -> None:
    modules = sorted((finished.folder / "workflow" / "selfalign").rglob("*.py"))
    for path in modules:
        comment(path)
    for path in [finished.folder / "Snakefile", *(finished.folder / "workflow" / "rules").glob("*.smk")]:
        path.write_text(path.read_text(encoding="utf-8") + "\n# A new comment.\n", encoding="utf-8")
    assert sum("Changed: " in path.read_text(encoding="utf-8") for path in modules) > 30
    run = finished.snakemake(config=config)
    assert run.code == 0, run.output
    assert "Nothing to be done" in run.output


def test_changed_description_of_a_constant_reruns_nothing(finished: Project, config: dict) -> None:
    edit(
        finished.folder / "workflow/selfalign/inference/local/engine.py",
        '"""Part of the fingerprint',
        '"""A part of the fingerprint',
    )
    run = finished.snakemake("--dry-run", config=config)
    assert not run.planned()


def test_edited_scoring_function_reruns_scoring_and_what_follows(finished: Project, config: dict) -> None:
    before = states(finished)
    first = '    prompts = answers.drop_duplicates("prompt").set_index("prompt")'
    edit(finished.folder / "workflow/selfalign/scoring/score_answers.py", first, f"    assert len(design)\n{first}")
    assert set(finished.snakemake("--dry-run", config=config).planned()) == FROM_SCORING
    run = finished.snakemake(*TABLES, config=config)
    assert run.code == 0, run.output
    assert set(run.finished()) == {"score_answers", "compute_metrics", "estimate_worth"} | ESTIMATES - {
        "estimate_categories"
    }
    after = states(finished)
    rerun = {path for path in after if after[path][0] != before[path][0]}
    assert {path.split("/")[1] for path in rerun} == {"scores", "tables"}
    assert {f"results/{path}" for path in rerun if "/tables/" in path} == set(TABLES)
    assert {path for path in after if after[path][1] != before[path][1]} == set(), "the edit changes no number"


@pytest.mark.parametrize(
    ("module", "rules"),
    [
        ("figures/plot_margin.py", {"plot_margin"} | ALL),
        (
            "scoring/estimate_contrasts.py",
            ESTIMATES - {"estimate_agreement"} | OF_CONTRASTS | ALL,
        ),
        ("scoring/metrics.py", FROM_SCORING),
        ("inference/local/engine.py", {"infer"} | FROM_SCORING),
        ("probes/map_poles.py", {"map_poles", "resample_people"} | FROM_DESIGN),
        ("demonstrations/rank_demonstrations.py", {"rank_demonstrations"} | FROM_DESIGN),
        ("demonstrations/encoders.py", {"measure_similarity", "rank_demonstrations"} | FROM_DESIGN),
        ("prompts/describe_demonstrations.py", {"describe_demonstrations"} | ALL),
    ],
)
def test_edited_module_reruns_its_step_and_what_follows(
    module: str, rules: set[str], finished: Project, config: dict
) -> None:
    path = finished.folder / "workflow" / "selfalign" / module
    path.write_text(path.read_text(encoding="utf-8") + "\nEDITED = True\n", encoding="utf-8")
    run = finished.snakemake("--dry-run", config=config)
    assert set(run.planned()) == rules


# What is computed anew, counted


def prompts(project: Project) -> set[str]:
    """Ids of the distinct prompts of a run."""
    return set(pd.read_parquet(project.folder / "results/default/prompts/en.parquet")["prompt"])


def answers(project: Project) -> pd.DataFrame:
    """Answers of a run by prompt."""
    return pd.read_parquet(project.folder / ANSWERS).set_index("prompt")


def count_ledger(ledger: Path, scratch: Path) -> int:
    """Answers in a ledger; read from a copy, so that its journal stays as a killed job left it."""
    for path in ledger.parent.glob(f"{ledger.name}*"):
        shutil.copy(path, scratch)
    with closing(sqlite3.connect(scratch / ledger.name)) as database:
        return database.execute("SELECT count(*) FROM answers").fetchone()[0]


def told_counts(project: Project) -> tuple[int, int, int]:
    """Prompts, those to answer, and those in the ledger, as the job of inference tells them."""
    log = (project.folder / LOG).read_text(encoding="utf-8")
    return tuple(map(int, re.search(r"(\d+) prompts: (\d+) to answer, (\d+) in the ledger", log).groups()))


@pytest.mark.parametrize(
    ("key", "value", "upstream"),
    [
        ("countries", ["MEX", "NGA", "DEU"], {"map_poles", "design_prompts"}),
        ("arms", ["zero_shot", "chrf", "chrf_other", "chrf_inverted"], {"design_prompts"}),
    ],
    ids=["country", "arm"],
)
def test_new_country_or_arm_computes_its_new_prompts_only(
    key: str, value: list[str], upstream: set[str], finished: Project, config: dict, tmp_path: Path
) -> None:
    old, old_answers = prompts(finished), answers(finished)
    assert told_counts(finished) == (len(old), len(old), 0)
    config = changed(config, "languages", "en", key, value=value)
    people = {"resample_people"} if key == "countries" else set()
    planned = set(finished.snakemake("--dry-run", config=config).planned())
    assert planned == upstream | people | FROM_DESIGN
    run = finished.snakemake(ANSWERS, config=config)
    assert run.code == 0, run.output
    assert set(run.finished()) == upstream | {"infer"}
    new = prompts(finished) - old
    assert 0 < len(new) < len(old)
    assert told_counts(finished) == (len(prompts(finished)), len(new), len(prompts(finished) & old))
    assert count_ledger(finished.folder / LEDGER, tmp_path) == len(old | new)
    kept = sorted(prompts(finished) & old)
    pd.testing.assert_frame_equal(answers(finished).loc[kept], old_answers.loc[kept], check_exact=True)


def test_lost_answers_are_cut_from_the_ledger_again(finished: Project, config: dict) -> None:
    before = contents(finished, ANSWERS)
    (finished.folder / ANSWERS).unlink()
    run = finished.snakemake(ANSWERS, config=config)
    assert run.code == 0, run.output
    total, new, known = told_counts(finished)
    assert (new, known) == (0, total)
    assert contents(finished, ANSWERS) == before


# Killed in mid-inference

Killed = Callable[[Callable[[psutil.Process], None]], tuple[int, str]]


@pytest.fixture
def unanswered(finished: Project) -> Project:
    """A copy of the finished run that has not asked the model yet."""
    for stage in ("default/answers", "shared/ledger", "default/scores", "default/tables"):
        shutil.rmtree(finished.folder / "results" / stage)
    (finished.folder / LOG).unlink()
    return finished


def wait_for(what: Callable[[], object], process: subprocess.Popen, seconds: float = 600) -> None:
    """Wait until something is true of a running process."""
    end = time.monotonic() + seconds
    while not what():
        assert process.poll() is None, "the run ended before it was killed"
        assert time.monotonic() < end, "nothing happened for too long"
        time.sleep(0.01)


def heed_interrupts() -> None:
    """Let SIGINT end a process, as in a terminal. Tests that run in the background inherit that it is ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
def killed(unanswered: Project, config: dict) -> Iterator[Killed]:
    """A function that starts a run, waits until the first answers are recorded, lets its argument kill, and waits."""
    started: list[psutil.Process] = []

    def run(kill: Callable[[psutil.Process], None]) -> tuple[int, str]:
        journal, log = unanswered.folder / f"{LEDGER}-wal", unanswered.folder / LOG
        printed = unanswered.folder / "printed.log"
        with printed.open("w") as output:
            process = subprocess.Popen(
                unanswered.command(ANSWERS, config=config),
                cwd=unanswered.folder,
                env=unanswered.variables(),
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a process group of its own, as a terminal gives it
                preexec_fn=heed_interrupts,
            )
        started.append(psutil.Process(process.pid))
        # The check before the first answer writes to the ledger too.
        wait_for(lambda: log.exists() and "nats from the naive one" in log.read_text(), process)
        size = journal.stat().st_size
        wait_for(lambda: journal.stat().st_size > size, process)
        jobs = started[0].children(recursive=True)
        for job in jobs:
            job.suspend()  # or else a quick job ends before it is killed
        kill(started[0])
        for job in jobs:
            with suppress(psutil.NoSuchProcess):
                job.resume()
        return process.wait(timeout=300), printed.read_text()

    yield run
    for process in started:
        if process.is_running():
            for child in [*process.children(recursive=True), process]:
                child.kill()


def kill_inference(snakemake: psutil.Process) -> None:
    """Send SIGKILL to the job that asks the model."""
    jobs = [child for child in snakemake.children(recursive=True) if "infer" in child.cmdline()]
    assert len(jobs) == 1, jobs
    jobs[0].send_signal(signal.SIGKILL)


def interrupt_group(snakemake: psutil.Process) -> None:
    """Send SIGINT to Snakemake and to all that it started, as Ctrl-C in a terminal does."""
    os.killpg(snakemake.pid, signal.SIGINT)


def interrupt_snakemake(snakemake: psutil.Process) -> None:
    """Send SIGINT to Snakemake alone, which waits for its jobs."""
    snakemake.send_signal(signal.SIGINT)


def kill_all(snakemake: psutil.Process) -> None:
    """Send SIGKILL to Snakemake and to all that it started."""
    family = [snakemake, *snakemake.children(recursive=True)]
    for process in family:
        process.suspend()  # so that none sees another's end
    for process in family:
        process.send_signal(signal.SIGKILL)
    psutil.wait_procs(family[1:], timeout=30)


def assert_half_answered(project: Project, scratch: Path) -> int:
    """Assert that a killed job left its ledger and nothing half written, and return the number of its answers."""
    kept = count_ledger(project.folder / LEDGER, scratch)
    assert 0 < kept < len(prompts(project))
    folder = (project.folder / ANSWERS).parent
    assert not folder.exists() or not list(folder.iterdir())
    return kept


def test_killed_inference_resumes_and_ends_with_the_same_bytes(
    killed: Killed, unanswered: Project, undisturbed: Project, config: dict, tmp_path: Path
) -> None:
    code, output = killed(kill_inference)
    assert code == 1
    assert "Error in rule infer" in output, "the failed job passed for a good one"
    kept = assert_half_answered(unanswered, tmp_path)
    results = [ANSWERS, "results/default/scores/local/en.parquet", "results/default/tables/agreement.csv"]
    run = unanswered.snakemake(results[-1], config=config)
    assert run.code == 0, run.output
    total = len(prompts(unanswered))
    assert told_counts(unanswered) == (total, total - kept, kept)
    assert contents(unanswered, *results) == contents(undisturbed, *results)
    assert len(contents(unanswered, *results)) == 3


def test_killed_snakemake_resumes_after_unlock_and_ends_with_the_same_bytes(
    killed: Killed, unanswered: Project, undisturbed: Project, config: dict, tmp_path: Path
) -> None:
    code, _ = killed(kill_all)
    assert code == -signal.SIGKILL
    kept = assert_half_answered(unanswered, tmp_path)
    assert re.search(rf"^local +en +{kept} +{len(prompts(unanswered))} .* cut off$", status(unanswered), re.MULTILINE)
    assert "First run: snakemake --unlock\nTo continue, run again: snakemake " in status(unanswered)
    locked = unanswered.snakemake(ANSWERS, config=config)
    assert locked.code == 1 and "--unlock" in locked.output
    assert unanswered.snakemake("--unlock", config=config).code == 0
    run = unanswered.snakemake(ANSWERS, config=config)
    assert run.code == 0, run.output
    assert told_counts(unanswered)[2] == kept
    assert contents(unanswered, ANSWERS) == contents(undisturbed, ANSWERS)


@pytest.mark.parametrize("interrupt", [interrupt_group, interrupt_snakemake])
def test_interrupted_run_reports_the_number_of_kept_answers(
    interrupt: Callable[[psutil.Process], None], killed: Killed, unanswered: Project, tmp_path: Path
) -> None:
    total = len(prompts(unanswered))
    before: list[str] = []

    def look_and_interrupt(snakemake: psutil.Process) -> None:
        before.append(status(unanswered))
        interrupt(snakemake)

    code, output = killed(look_and_interrupt)
    assert code == 1
    kept = count_ledger(unanswered.folder / LEDGER, tmp_path)
    assert kept == total if interrupt is interrupt_snakemake else kept < total
    again = f"snakemake {ANSWERS} --cores 2 {' '.join(ONE_THREAD)} --configfile overlay.yaml"
    assert "selfalign: The run was interrupted.\n" in output
    assert f"selfalign: {kept} of {total} answers are kept. To continue, run again: {again}\n" in output
    assert (
        ": running since " in before[0] and "Jobs: 0 of 1 done, 1 running\n  running   infer local en, for" in before[0]
    )
    assert re.search(rf"^local +en +\d+ +{total} .* running$", before[0], re.MULTILINE)
    after = status(unanswered)
    assert ": stopped, started " in after and "Jobs: 0 of 1 done, 1 cut off\n  cut off   infer local en\n" in after
    assert re.search(rf"^local +en +{kept} +{total} .* cut off$", after, re.MULTILINE)
    assert after.endswith(f"\nTo continue, run again: {again}\n")


def status(project: Project) -> str:
    """What `selfalign status` prints on the run."""
    shown = project.selfalign("status", "default")
    assert shown.returncode == 0, shown.stderr
    return shown.stdout


def test_replies_added_to_a_finished_run_compute_no_likelihood_again(finished: Project, config: dict) -> None:
    before = pd.read_parquet(finished.folder / ANSWERS)
    table = "results/default/tables/replies/local/en.csv"
    run = finished.snakemake(table, config=changed(config, "models", "local", "reply", value=4))
    assert run.code == 0, run.output
    assert set(run.finished()) == {"infer", "compare_replies"}
    assert re.search(r"prompts: 0 to answer, .*replies: [1-9]\d* to give", (finished.folder / LOG).read_text(), re.S)
    columns = ["reply", "replied"]
    after = pd.read_parquet(finished.folder / ANSWERS)
    assert after["reply"].notna().any()
    assert after.drop(columns=columns).equals(before.drop(columns=columns))
    shares = pd.read_csv(finished.folder / table)
    assert list(shares["arm"].unique()) == ["chrf", "chrf_other", "zero_shot"]
    assert (shares[["option", "empty", "other"]].sum(axis=1).round(9) == 1).all()


# The same inputs, the same bytes


def test_run_from_scratch_gives_the_same_bytes(
    checkout: Project, undisturbed: Project, config: dict, tmp_path: Path
) -> None:
    drawn = sorted((undisturbed.folder / "results/default/figures").glob("*.png"))
    assert {path.stem for path in drawn} >= set(FIGURES)
    figures = [f"results/default/figures/{path.name}" for path in drawn]  # and no notebook, which tells the time
    described = [f"results/shared/survey/example/{table}.csv" for table in ("dictionary", "quality")]
    described += [f"results/default/tables/{table}/en.csv" for table in ("readouts/local", "demonstrations")]
    again = run_from_scratch(checkout, tmp_path / "elsewhere", config, [*TABLES, *figures, *described])
    results = [
        "results/default/[!a]*/**/*.parquet",
        "results/shared/survey/**/*.parquet",
        "results/shared/survey/**/*.csv",
        "results/default/answers/**/*.parquet",
        "results/shared/models/*/model.json",
    ]
    results += ["results/default/[!a]*/**/*.csv", "results/default/figures/*"]
    first, second = contents(undisturbed, *results), contents(again, *results)
    assert list(first) == list(second)
    assert {path for path in first if first[path] != second[path]} == set()
    assert {path.rpartition(".")[2] for path in first} == {"parquet", "csv", "png", "svg", "json"}


# What else the results are good for


def trace(project: Project, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `selfalign trace` on the run of a project."""
    return project.selfalign("trace", "default", *arguments)


def test_trace_shows_what_was_sent_and_the_counts_behind_the_majority(finished: Project) -> None:
    named = ["--figure", "agreement", "--country", "Nigeria", "--arm", "Similar"]
    point = trace(finished, *named)
    assert point.returncode == 0, point.stderr
    assert "All the same." in " ".join(point.stdout.split())
    assert {probe for probe in PROBES if f"\n{probe} " in point.stdout} == PROBES
    shown = trace(finished, *named, "--probe", "Q164")
    assert shown.returncode == 0, shown.stderr
    design = pd.read_parquet(finished.folder / "results/default/design/en.parquet")
    design = design[(design["arm"] == "chrf") & (design["country"] == "NGA") & (design["probe"] == "Q164")]
    answers = pd.read_parquet(finished.folder / ANSWERS).set_index("prompt").loc[design["prompt"]]
    assert len(answers) == 4
    for answer in answers.itertuples():
        assert answer.text in shown.stdout
        for readout in ("option", "per_token", "per_byte", "pmi"):
            assert f" {getattr(answer, readout):.4f} " in shown.stdout
    counts = pd.read_csv(ROOT / "resources/survey/example/counts.csv")
    counts = counts[(counts["country"] == "NGA") & (counts["question"] == "Q164") & (counts["code"] > 0)]
    for row in counts.itertuples():
        assert re.search(rf"^ *{row.code} +{row.count} ", shown.stdout, re.MULTILINE)


def test_report_holds_figures_and_tables(finished: Project, config: dict) -> None:
    run = finished.snakemake("--report", "report.html", config=config)
    assert run.code == 0, run.output
    page = (finished.folder / "report.html").read_text(encoding="utf-8")
    tables = [
        f"{table}.csv" for table in ("agreement", "contrasts", "mixed", "worth", "dropped", "dictionary", "quality")
    ]
    for name in (*(f"{figure}.png" for figure in FIGURES), *tables):
        assert name in page


@pytest.mark.parametrize(
    ("settings", "linked"),
    [(None, False), ({"scoring": {"draws": 300}}, False), ({}, True)],
    ids=["no", "own", "links"],
)
def test_workflow_is_a_module_of_another_folder(
    settings: dict | None, linked: bool, plain: Project, tmp_path: Path
) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    config = "" if settings is None else f"    config: {settings!r}\n"
    snakefile = (
        f'module selfalign:\n    snakefile: "{plain.folder}/Snakefile"\n{config}use rule * from selfalign as sa_*\n'
    )
    (folder / "Snakefile").write_text(snakefile, encoding="utf-8")
    for name in ("config", "resources") if linked else ():
        (folder / name).symlink_to(plain.folder / name)
    run = Project(folder, plain.variables()).snakemake("--dry-run", "--printshellcmds")
    assert run.code == 0, run.output
    assert run.planned()["sa_infer"] == 2
    assert f"--draws {(settings or {}).get('scoring', {}).get('draws', 2000)} " in run.output
    bank = "resources/probes/probes.csv"
    assert f"--bank {bank if linked else plain.folder / bank} " in run.output


def test_workflow_pleases_the_linter(plain: Project) -> None:
    run = plain.snakemake("--lint")
    assert run.code == 0, run.output


def test_notebook_is_kept_without_outputs_and_runs_without_errors(undisturbed: Project) -> None:
    kept = nbformat.read(ROOT / "notebooks/explore.ipynb", as_version=4)
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in kept.cells)
    run = nbformat.read(undisturbed.folder / "results/default/audit/explore.ipynb", as_version=4)
    outputs = [output for cell in run.cells if cell.cell_type == "code" for output in cell.outputs]
    assert outputs
    assert not any(output.output_type == "error" for output in outputs)
    assert (undisturbed.folder / "results/default/logs/explore.log").read_text() == "", "a warning that means nothing"


# Mistakes that delete nothing


def write_mistakes(project: Project) -> None:
    """Files of the small experiment in the folder `mistakes`, each with one mistake."""
    folder, tiny = project.folder / "mistakes", project.folder / "tiny"
    (folder / "bank").mkdir(parents=True)
    counts = pd.read_csv(tiny / "counts.csv")
    counts[counts["question"] != "Q164"].to_csv(folder / "no_question.csv", index=False)
    counts.assign(count=counts["count"] + (counts.index == 0)).to_csv(folder / "sums.csv", index=False)
    bank, texts = pd.read_csv(tiny / "probes.csv", dtype=str), pd.read_csv(tiny / "en.csv")
    bank.assign(pole_b=bank["pole_a"]).to_csv(folder / "poles.csv", index=False)
    bank.to_csv(folder / "bank" / "probes.csv", index=False)
    (folder / "bank" / "bank.yaml").write_text("[]")
    texts.head(3).to_csv(folder / "texts_en.csv", index=False)
    texts.to_csv(folder / "swahili_en.csv", index=False)
    texts.to_csv(folder / "swahili_sw.csv", index=False)
    (folder / "frames_en.yaml").write_text("other: {}\n")
    personas = pd.read_csv(project.folder / "resources/personas/en.csv")
    personas[personas["country"] != "NGA"].to_csv(folder / "personas_en.csv", index=False)
    pd.read_csv(project.folder / "resources/neutral/en.csv").head(2).to_csv(folder / "neutral_en.csv", index=False)


def with_arm(name: str, **settings: object) -> dict:
    """Settings that run one more arm in English."""
    arm = {"arms": {name: settings}} if settings else {}
    return {"languages": {"en": {"arms": ["zero_shot", "chrf", "chrf_other", name]}}} | arm


ENDPOINT = {"remote": {"label": "Remote", "endpoint": {"url": "http://127.0.0.1:9/v1", "model": "m"}}}
MISTAKES: dict[str, tuple[dict, list[str]]] = {
    "probe": ({"probes": {"only": ["Q999", "Q4", "Q997"]}}, ["'Q999'", "no such probe", "Q997", "probes.only"]),
    "category": ({"probes": {"categories": ["ethic"]}}, ["'ethic'", "no such category", "probes.categories"]),
    "no probe left": ({"probes": {"only": ["Q4"], "categories": ["religion"]}}, ["no probe is left"]),
    "poles": ({"probes": {"bank": "mistakes/poles.csv"}}, ["mistakes/poles.csv, line 2", "more than once"]),
    "version": ({"probes": {"bank": "mistakes/bank/probes.csv"}}, ["mistakes/bank/bank.yaml", "the keys version"]),
    "wording": ({"probes": {"texts": "mistakes/texts_{language}.csv"}}, ["texts_en.csv", "have no text here"]),
    "frame": (
        {"prompts": {"frames": ["wrods"]}, "scoring": {"readouts": {"wrods": "option"}}},
        ["resources/templates/en.yaml", 'no frame "wrods"', 'Did you mean "words"'],
    ),
    "templates": (
        {"prompts": {"templates": "mistakes/frames_{language}.yaml"}},
        ["frames_en.yaml", 'frame "words"'],
    ),
    "persona": (
        with_arm("persona") | {"prompts": {"personas": "mistakes/personas_{language}.csv"}},
        ["arms.persona.persona", "a person of NGA", "Add a row"],
    ),
    "neutral items": (
        with_arm("neutral") | {"prompts": {"neutral": "mistakes/neutral_{language}.csv"}},
        ["arms.neutral", "there are 2 neutral items", "Lower shots"],
    ),
    "shots": (
        {"arms": {"chrf": {"shots": 4}}},
        ["arms.chrf", "value 4", "has 3 of the 4 candidates that it needs, among the 4 probes"],
    ),
    "country": (
        {"languages": {"en": {"countries": ["MEX", "NGA", "DUE"]}}}
        | {"run": {"languages": ["en"], "models": ["local"]}},
        ["languages.en.countries", '"DUE"', 'Did you mean "DEU"'],
    ),
    "country of no survey": (
        {"languages": {"en": {"countries": ["MEX", "NGA", "JPN"]}}},
        ["tiny/counts.csv", "'JPN'", "no respondents of this country", "It has DEU, MEX, NGA."],
    ),
    "source": ({"arms": {"chrf_other": {"sources": ["MEX", "JPN"]}}}, ["arms.chrf_other.sources", "'JPN'", "no resp"]),
    "question": (
        {"surveys": {"example": {"source": {"file": "mistakes/no_question.csv"}}}},
        ["tiny/probes.csv", "'Q164'", "no country of the survey has an answer"],
    ),
    "counts": (
        {"surveys": {"example": {"source": {"file": "mistakes/sums.csv"}}}},
        ["mistakes/sums.csv", "add up to 1529", "code -5"],
    ),
    "encoder": (
        with_arm("embedding", shots=1) | {"demonstrations": {"embedding": {"model": "nowhere"}}},
        ["demonstrations.embedding", "'nowhere'", "no folder with safetensors"],
    ),
    "encoder's language": (
        with_arm("embedding", shots=1)
        | {"demonstrations": {"embedding": {"texts": "sw"}}, "probes": {"texts": "mistakes/swahili_{language}.csv"}},
        ["demonstrations.embedding", 'does not know "sw"', "Write texts: en"],
    ),
    "strategy": ({"arms": {"chrf": {"strategy": "chfr"}}}, ["arms.chrf.strategy", "'chfr'", "chrf"]),
    "readout": ({"scoring": {"readouts": {"words": "label"}}}, ["the frame words shows no labels", "Write words: opt"]),
    "endpoint": (
        {"models": ENDPOINT, "run": {"models": ["local", "remote"]}},
        ["models.remote.endpoint.readout", "no frame of prompts.frames shows labels", "samples or echo"],
    ),
    "branch": (
        {"models": {"hub": {"label": "Hub", "source": {"hub": "org/name", "revision": "main"}}}},
        ["models.hub.source.revision", 'got "main"', "git ls-remote https://huggingface.co/org/name main"],
    ),
    "branch of a data set": (
        {"surveys": {"mine": {"form": "opinions", "source": {"hub": "a/b", "revision": "v1.0", "path": "c.csv"}}}},
        ["surveys.mine.source.revision", '"v1.0"', "huggingface.co/datasets/a/b/commits/v1.0"],
    ),
    "model's folder": (
        {"models": {"local": {"source": {"folder": "models/none"}}}},
        ["models.local.source.folder", "there is no folder", "Check the path"],
    ),
    "model without weights": (
        {"models": {"local": {"source": {"folder": "config"}}}},
        ["models.local.source.folder", "expected config.json and *.safetensors"],
    ),
}


@pytest.fixture(scope="module")
def refusals(
    undisturbed: Project, config: dict, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, tuple[Run, set[str]]]:
    """What Snakemake says to each mistake in a finished run, and which results it lost."""
    project = undisturbed.copy(tmp_path_factory.mktemp("mistakes") / "project")
    write_mistakes(project)
    configs = {}
    for name, (settings, _) in MISTAKES.items():
        update_config(configs.setdefault(name, deepcopy(config)), settings)
    return Batch(project).runs(configs)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistake_is_reported_and_deletes_nothing(mistake: str, refusals: dict[str, tuple[Run, set[str]]]) -> None:
    run, lost = refusals[mistake]
    assert run.code == 1, run.output
    assert_one_paragraph("".join(run.lines_of_ours()), MISTAKES[mistake][1])
    assert "Building DAG" not in run.output and not run.finished()
    assert lost == set()
