"""The record of a run and its manifest, and that verify finds a planted change in every kind of file."""

import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import chdir, closing
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from asking import SAMPLES, arguments, ask, table_of
from click.testing import CliRunner, Result
from endpoint_server import Endpoint, serving
from matplotlib.image import imread, imsave
from project import Project
from selfalign.audit import record_run
from selfalign.audit.jobs import Job, Records, read_command, read_jobs
from selfalign.audit.manifest import Manifest, refuse_changed, remove_old_files
from selfalign.audit.verify.differences import compare_tables
from selfalign.audit.verify.files import check_manifest
from selfalign.audit.verify.findings import Difference, Findings, describe_findings
from selfalign.audit.verify.rerun import APART, Rerun, read_options
from selfalign.audit.verify.sample import _compare_answers, check_sample
from selfalign.audit.verify.verify import check_models, check_record, verify
from selfalign.cli import program
from selfalign.digests import digest_file
from selfalign.errors import InputError
from selfalign.prompts.schemas import Prompts
from selfalign.provenance import code_digests
from selfalign.tables import write_table

RUN = Path("results/default")
SURVEY = Path("results/shared/survey/example")
LEDGER = Path("results/shared/ledger/local/en.sqlite")
TABLES = ["agreement", "contrasts", "verdicts", "contrasts_by_readout", "transfer", "mixed", "worth", "metrics"]
TABLES += ["readouts/local/en", "demonstrations/en"]


def add(column: str, size: float, row: int = 1) -> Callable[[Path], None]:
    """A change of one number of a table; rows are counted from 1."""

    def change(path: Path) -> None:
        table = pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
        assert pd.notna(table.loc[row - 1, column])
        table.loc[row - 1, column] += size
        table.to_csv(path, index=False) if path.suffix == ".csv" else table.to_parquet(path, index=False)

    return change


def write(column: str, text: object, row: int = 1) -> Callable[[Path], None]:
    """A change of one cell of a table of Parquet."""

    def change(path: Path) -> None:
        table = pd.read_parquet(path)
        table.loc[row - 1, column] = text
        table.to_parquet(path, index=False)

    return change


def paint(path: Path) -> None:
    """Paint one pixel of a picture black."""
    picture = imread(path).copy()
    picture[0, 0, :3] = 0
    imsave(path, picture)


def edit_json(*keys: str, value: object) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        record = json.loads(path.read_text())
        place = record
        for key in keys[:-1]:
            place = place[key]
        place[keys[-1]] = value
        path.write_text(json.dumps(record))

    return change


def shift_share(path: Path) -> None:
    """Change the third of the shares in the first row."""
    table = pd.read_parquet(path)
    shares = table.at[0, "shares"].copy()
    shares[2] += 0.01
    table.at[0, "shares"] = shares
    table.to_parquet(path, index=False)


PLANTS: dict[Path, tuple[Callable[[Path], None], int | None, str | None]] = {
    SURVEY / "distributions.parquet": (add("share", 0.01, row=3), 3, "share"),
    SURVEY / "responses.parquet": (add("weight", 0.5, row=2), 2, "weight"),
    SURVEY / "quality.csv": (add("n", 1), 1, "n"),
    RUN / "people/poles.parquet": (add("share_a", 0.02, row=2), 2, "share_a"),
    RUN / "people/replicates.parquet": (shift_share, 1, "shares[2]"),
    RUN / "people/bank.json": (edit_json("digest", value="0" * 64), None, "digest"),
    RUN / "similarity/en/chrf.parquet": (add("similarity", 1.5, row=4), 4, "similarity"),
    RUN / "demonstrations/en/chrf.parquet": (add("rank", 1, row=2), 2, "rank"),
    RUN / "design/en.parquet": (write("country", "DEU", row=5), 5, "country"),
    RUN / "prompts/en.parquet": (write("asked", "What?", row=2), 2, "asked"),
    RUN / "answers/local/en.parquet": (add("option", -0.5, row=6), 6, "option"),
    RUN / "scores/local/en.parquet": (add("p_a", 0.01, row=3), 3, "p_a"),
    RUN / "figures/agreement.png": (paint, None, None),
    RUN / "figures/contrasts.svg": (lambda path: path.write_bytes(path.read_bytes() + b" "), None, None),
    RUN / "audit/hardest_probes.csv": (add("agreement", 0.25), 1, "agreement"),
}


def first_number(path: Path) -> str:
    """The first column of a table of estimates whose first value is a number with a fraction, or else a number."""
    row = pd.read_csv(path).iloc[0]
    numbers = [name for name, value in row.items() if isinstance(value, float | np.floating) and np.isfinite(value)]
    return numbers[0]


@pytest.fixture
def recorded(undisturbed: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The finished run, in its folder; not to be changed."""
    monkeypatch.chdir(undisturbed.folder)
    return undisturbed


@pytest.fixture
def here(finished: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A copy of the finished run, in its folder, to change."""
    monkeypatch.chdir(finished.folder)
    return finished


def run(*arguments: object) -> Result:
    return CliRunner().invoke(program, list(map(str, arguments)), catch_exceptions=False, standalone_mode=False)


def jobs(*steps: str) -> list[Job]:
    """Jobs of the run in this folder, of some steps; of all if none is named."""
    return [job for job in read_jobs(RUN / "jobs.json") if not steps or job.step in steps]


# The record


def test_record_of_a_run_names_its_sources(recorded: Project) -> None:
    record = json.loads((RUN / "run.json").read_text())
    assert record["config"]["arms"]["chrf"]["shots"] == 1, "the user's setting"
    assert record["config"]["scoring"]["level"] == 0.95, "the default's"
    assert record["code"] == code_digests()
    assert record["packages"]["numpy"] == np.__version__
    assert record["selfalign"]["commit"] is None, "the copy is no clone"
    for file, facts in record["inputs"].items():
        assert facts == {"bytes": Path(file).stat().st_size, "sha256": digest_file(Path(file))}
    made = {path for job in jobs() for path in job.outputs}
    read = {path for job in jobs() if job.step != "fetch_model" for path in job.inputs}
    assert read - made <= set(record["inputs"])
    assert {"tiny/counts.csv", "tiny/probes.csv", "tiny/en.csv", "resources/templates/en.yaml"} <= set(record["inputs"])


def test_manifest_lists_every_file_of_the_run(recorded: Project) -> None:
    manifest = pd.read_csv(RUN / "manifest.csv")
    kept = [
        path
        for path in RUN.rglob("*")
        if path.is_file() and path.relative_to(RUN).parts[0] not in ("logs", "benchmarks")
    ]
    assert {str(path) for path in kept} - {str(RUN / "manifest.csv")} <= set(manifest["file"])
    assert {str(SURVEY / "responses.parquet"), "results/shared/models/local/model.json"} <= set(manifest["file"])
    steps = manifest.set_index("file")["step"]
    assert steps[str(RUN / "tables/agreement.csv")] == "estimate_agreement"
    assert check_manifest(RUN, manifest) == []
    order = [job.step for job in jobs()]
    assert order.index("map_poles") < order.index("design_prompts") < order.index("infer") < order.index("plot_margin")


def read_by_bash(shell: str) -> list[str]:
    """The arguments of a recorded command, as the program gets them. Paths in braces are expanded."""
    words = f"printf '%s\\0' {shell.partition(' 2> ')[0]}"
    _, *arguments, _ = subprocess.run(["bash", "-c", words], capture_output=True, check=True).stdout.split(b"\0")
    return [one.decode() for one in arguments]


def test_second_record_of_the_same_run_has_the_same_bytes(here: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    # The run was made by the copy of the project, which is no clone; this process has the code of a clone.
    monkeypatch.setattr(record_run, "_LIBRARY", here.folder)
    names = ("run.json", "jobs.json", "manifest.csv")
    before = {name: (RUN / name).read_bytes() for name in names}
    records = Records().files
    for step in ("run.json", "manifest.csv"):
        run(*read_by_bash(records[str(RUN / step)]["shellcmd"]))
    assert {name: (RUN / name).read_bytes() for name in names} == before


def test_command_of_a_rule_is_read_without_its_redirection() -> None:
    shell = "selfalign map-poles --only 'Q4 Q6' --settings '{\"a\": 1}' 2>&1 | tee log"
    assert read_command(shell) == ["map-poles", "--only", "Q4 Q6", "--settings", '{"a": 1}']
    assert read_command("touch x") == read_command("") == read_command("it's") == []


# A clean run


def test_finished_run_is_verified(here: Project) -> None:
    done = run("verify", "default", "--sample", "2")
    assert done.return_value == 0 or done.exit_code == 0, done.output
    assert done.stdout.endswith("default: no differences.\n"), done.output
    again = [job for job in jobs() if job.step not in APART]
    assert f"{len(again)}  steps run again" in done.output
    assert "2  cells computed by the naive engine" in done.output
    assert not list(RUN.glob(".verify-*")), "the scratch folder is gone"


# Planted changes


@pytest.fixture(scope="module")
def planted(undisturbed: Project, tmp_path_factory: pytest.TempPathFactory) -> Findings:
    """What verify finds in a copy of the run with a change in every kind of file, the ledger apart."""
    project = undisturbed.copy(tmp_path_factory.mktemp("planted") / "project")
    with chdir(project.folder):
        plant()
        return verify(RUN, 0, 1, 2e-6)


def plant() -> None:
    """Change the run in this folder."""
    for path, (change, _, _) in PLANTS.items():
        change(path)
    for name in TABLES:
        path = RUN / "tables" / f"{name}.csv"
        add(first_number(path), 0.125)(path)
    edit_json("config", "scoring", "draws", value=101)(RUN / "run.json")
    manifest = pd.read_csv(RUN / "manifest.csv")
    manifest.loc[manifest["file"] == str(RUN / "people/dropped.csv"), "bytes"] += 1
    manifest.to_csv(RUN / "manifest.csv", index=False)
    (RUN / "figures/margin.svg").unlink()
    (RUN / "figures/other.png").write_bytes(b"")


def of(findings: Findings, path: Path) -> list[Difference]:
    return [one for one in findings.differences if one.file == str(path)]


@pytest.mark.parametrize("path", PLANTS, ids=str)
def test_planted_change_is_found_with_its_place(path: Path, planted: Findings) -> None:
    found = of(planted, path)
    assert any(one.column == "sha256" for one in found), "by the manifest"
    _, row, column = PLANTS[path]
    again = [one for one in found if one.column not in ("sha256", "bytes")]
    if path.suffix in (".png", ".svg"):
        assert "again" in again[0].problem
    elif row or column:
        assert [(one.row, one.column) for one in again] == [(row, column)], "by the step that was run again"
    else:
        assert len(again) == 1


@pytest.mark.parametrize("name", TABLES)
def test_planted_change_of_an_estimate_is_found_with_its_size(name: str, planted: Findings) -> None:
    found = [one for one in of(planted, RUN / "tables" / f"{name}.csv") if one.column not in ("sha256", "bytes")]
    assert [one.row for one in found] == [1]
    assert found[0].size == pytest.approx(0.125)
    assert "(difference 0.125)" in str(found[0])


def test_planted_changes_of_the_records_are_found(planted: Findings) -> None:
    assert {one.column for one in of(planted, RUN / "run.json")} >= {"sha256"}
    dropped = of(planted, RUN / "people/dropped.csv")
    assert [(one.column, one.recorded - one.found) for one in dropped] == [("bytes", 1)]
    assert "missing" in of(planted, RUN / "figures/margin.svg")[0].problem
    assert "does not list" in of(planted, RUN / "figures/other.png")[0].problem


def test_only_the_planted_changes_are_found(planted: Findings) -> None:
    files = {*map(str, PLANTS), *(str(RUN / f"tables/{name}.csv") for name in TABLES), str(RUN / "run.json")}
    files |= {str(RUN / name) for name in ("people/dropped.csv", "figures/margin.svg", "figures/other.png")}
    assert {one.file for one in planted.differences} == files
    text = describe_findings("default", planted)
    assert text.splitlines()[-1].startswith(f"default: {len(planted.differences)} differences in {len(files)} files")


def test_planted_change_of_jobs_is_found_and_nothing_is_run(here: Project) -> None:
    edit = json.loads((RUN / "jobs.json").read_text())
    edit[0]["arguments"][0] = "no-step"
    (RUN / "jobs.json").write_text(json.dumps(edit))
    findings = verify(RUN, 1, 1, 0)
    assert {one.column for one in of(findings, RUN / "jobs.json")} >= {"sha256"}
    assert "jobs.json is not the file of the run" in findings.skipped[0]
    assert not findings.checked["steps run again"]


def change_ledger(statement: str, *values: object) -> None:
    with closing(sqlite3.connect(LEDGER)) as database, database:
        database.execute(statement, values)


def test_planted_change_of_the_ledger_is_found(here: Project, tmp_path: Path) -> None:
    change_ledger("UPDATE answers SET scores = replace(scores, '-', '-1') WHERE rowid = 2")
    findings = Findings()
    Rerun(jobs("infer"), tmp_path / "scratch").run(findings)
    problems = [one.problem for one in of(findings, LEDGER)]
    assert any("row 2 of its answers" in problem and "digest" in problem for problem in problems)
    assert any("no intact answer to prompt" in problem for problem in problems)


def test_answer_that_the_ledger_lacks_is_found(here: Project, tmp_path: Path) -> None:
    change_ledger("DELETE FROM answers WHERE rowid = 3")
    findings = Findings()
    Rerun(jobs("infer"), tmp_path / "scratch").run(findings)
    assert any("no intact answer to prompt" in one.problem for one in of(findings, LEDGER))


def test_answers_that_the_model_never_gave_are_found_by_the_naive_engine(here: Project, tmp_path: Path) -> None:
    """The forger changes the ledger with its digests, and everything that follows from it: only the model tells."""
    from selfalign.ledger.rows import digest_of  # the forger has it too

    with closing(sqlite3.connect(LEDGER)) as database, database:
        for number, *row in database.execute("SELECT rowid, * FROM answers").fetchall():
            scores = json.loads(row[5])
            scores["log_p"] = [log_p - 0.01 for log_p in scores["log_p"]]
            row[5] = json.dumps(scores, sort_keys=True)
            database.execute(
                "UPDATE answers SET scores = ?, digest = ? WHERE rowid = ?", (row[5], digest_of(*row[:6]), number)
            )
    answers = RUN / "answers/local/en.parquet"
    table = pd.read_parquet(answers)
    table["option"] -= 0.01
    table["label"] -= 0.01
    table.to_parquet(answers, index=False)
    findings = Findings()
    check_sample(Rerun(jobs(), tmp_path / "scratch"), 1, 1, findings)
    found = [one for one in of(findings, answers) if one.column == "option"]
    assert found
    assert all(one.size == pytest.approx(0.01, abs=1e-3) for one in found)
    assert all(table["option"][one.row - 1] == one.recorded for one in found), "the row is that of the table"


@pytest.mark.parametrize(
    ("dtype", "changes", "problem"),
    [
        ("bfloat16", [0.9, 0.0, 0.0, 0.0], None),
        ("bfloat16", [4.5, 0.0, 0.0, 0.0], "4.5"),
        ("bfloat16", [0.6, 0.6, 0.6, 0.6], "half of the sample"),
        ("float32", [0.9, 0.0, 0.0, 0.0], "0.9"),
        ("float32", [0.0, 0.0, 0.0, 5e-4], None),
    ],
)
def test_tolerance_of_the_sample_is_that_of_the_number_format(
    dtype: str, changes: list[float], problem: str | None
) -> None:
    keys = {"prompt": ["p", "p", "q", "q"], "place": ["1", "2", "1", "2"]}
    now = pd.DataFrame(keys | {"option": [-1.0, -2.0, -3.0, -4.0], "pmi": np.nan})
    findings = Findings()
    _compare_answers("answers", now.assign(option=now["option"] + changes), now, dtype, findings)
    assert len(findings.differences) == (problem is not None)
    if problem:
        assert problem in str(findings.differences[0])


@pytest.mark.parametrize("readout", [{}, SAMPLES], ids=["logprobs", "samples"])
def test_answers_of_an_endpoint_are_cut_from_its_ledger_again(readout: dict, tmp_path: Path) -> None:
    """The endpoint is gone by then: it is not asked again."""
    prompts = tmp_path / "prompts.parquet"
    write_table(table_of(), prompts, Prompts)
    with serving(Endpoint()) as endpoint:
        url, table = endpoint.url, ask(prompts, endpoint.url, **readout)
    words, output = arguments(prompts, url, **readout), tmp_path / "run.parquet"
    job = Job("ask", ("ask", *words), (str(prompts),), (str(output),))
    findings = Findings()
    Rerun([job], tmp_path / "scratch").run(findings)
    assert findings.differences == findings.skipped == []
    assert findings.checked["answers compared with a ledger"] == len(table)
    column = "option" if readout else "label"
    row = int(table[column].gt(-np.inf).idxmax())
    table.loc[row, column] -= 0.5
    table.to_parquet(output, index=False)
    Rerun([job], tmp_path / "scratch").run(findings)
    assert [(one.row, one.column) for one in findings.differences] == [(row + 1, column)]
    assert findings.differences[0].size == pytest.approx(0.5)


# What cannot be checked


def test_lost_answers_are_reported_and_counted(here: Project, tmp_path: Path) -> None:
    Path("tiny/counts.csv").unlink()
    shutil.rmtree("results/shared/models/local/weights")
    LEDGER.unlink()
    findings = Findings()
    check_record(RUN / "run.json", findings)
    check_models(jobs(), findings)
    again = Rerun(jobs("simulate_survey", "parse_wvs7", "weigh_answers", "infer"), tmp_path / "scratch")
    again.run(findings)
    check_sample(Rerun(jobs(), tmp_path / "scratch"), 3, 1, findings)
    assert findings.differences == []
    skipped = "\n".join(findings.skipped)
    for reason in (
        "tiny/counts.csv: an input that is not there any more",
        "simulated.csv: not made again, because tiny/counts.csv is not there any more",
        "local: its weights are not in results/shared/models/local/weights any more",
        "answers/local/en.parquet: not made again, because results/shared/models/local/weights is not there any more",
        "cells of local in en: not computed again, because the weights are not in",
    ):
        assert reason in skipped
    assert findings.checked["steps run again"] == 2, "the steps after the missing file read its recorded outputs"
    assert f"{len(findings.skipped)} things could not be checked" in describe_findings("default", findings)


def test_changed_input_is_a_difference_and_changed_code_a_note(here: Project) -> None:
    with Path("tiny/counts.csv").open("a") as file:
        file.write("\n")
    edit_json("code", "infer", value="0" * 16)(RUN / "run.json")
    edit_json("packages", "numpy", value="1.0")(RUN / "run.json")
    findings = Findings()
    check_record(RUN / "run.json", findings)
    assert {(one.file, one.column) for one in findings.differences} == {
        ("tiny/counts.csv", "bytes"),
        ("tiny/counts.csv", "sha256"),
    }
    assert "the code of these steps has changed since the run: infer" in findings.notes
    assert f"numpy was 1.0, and is {np.__version__}" in findings.notes


def test_run_without_a_manifest_is_refused(here: Project) -> None:
    (RUN / "manifest.csv").unlink()
    with pytest.raises(InputError, match=r"manifest\.csv.*did not end.*Run snakemake to its end"):
        verify(RUN, 0, 1, 0)


# A changed table is not used


def test_changed_estimate_is_never_plotted(here: Project, config: dict) -> None:
    path = RUN / "tables/agreement.csv"
    before = path.read_bytes()
    add("estimate", 0.1)(path)
    os.utime(path, (path.stat().st_atime, path.stat().st_mtime + 60))
    done = here.snakemake("--dry-run", config=config)
    assert done.code == 1
    assert done.lines_of_ours() == [
        f"selfalign: {path}: the file was changed after its step made it. Delete it, and snakemake makes it again.\n"
    ]
    path.unlink()
    done = here.snakemake(str(path), config=config)
    assert done.code == 0, done.output
    assert path.read_bytes() == before


def test_file_that_was_changed_before_the_run_ended_is_not_recorded(here: Project) -> None:
    command = read_command(Records().files[str(RUN / "manifest.csv")]["shellcmd"])
    (RUN / "manifest.csv").unlink()
    path = RUN / "people/poles.parquet"
    add("share_a", 0.01)(path)
    os.utime(path, (path.stat().st_atime, path.stat().st_mtime + 60))
    with pytest.raises(InputError, match=r"people/poles\.parquet: the file was changed after its step made it"):
        run(*command)
    assert not (RUN / "manifest.csv").exists()


def test_new_times_alone_are_no_change(here: Project) -> None:
    for path in Path("results").rglob("*"):
        if path.is_file() and not path.is_symlink():
            os.utime(path, (0, 0))
    refuse_changed(RUN)
    run(*read_command(Records().files[str(RUN / "manifest.csv")]["shellcmd"]))


# Differences


def test_differences_of_tables_are_those_beyond_rounding() -> None:
    one = pd.DataFrame({"name": ["a", "b", None], "value": [1.0, np.nan, 3.0], "n": pd.array([1, None, 3], "Int64")})
    assert compare_tables("t", one, one.copy(), 0) == []
    other = one.assign(name=["a", "c", None], value=[1.0 + 1e-7, 2.0, 3.5])
    found = compare_tables("t", one, other, 1e-6)
    assert [(d.row, d.column, d.recorded, d.found) for d in found[:1]] == [(2, "name", "b", "c")]
    assert [(d.row, d.column, d.found) for d in found[1:]] == [(2, "value", 2.0), (3, "value", 3.5)]
    assert found[2].size == 0.5
    lists = pd.DataFrame({"shares": [np.arange(5000.0), np.arange(2.0)]})
    others = pd.DataFrame({"shares": [np.arange(5000.0), np.arange(3.0)]})
    others.loc[0, "shares"][2500] += 1
    found = compare_tables("t", lists, others, 1e-6)
    assert [(d.row, d.column, d.size) for d in found] == [(1, "shares[2500]", 1), (2, "shares (length)", 1)]
    assert compare_tables("t", lists, lists.copy(), 0) == []
    assert [d.column for d in compare_tables("t", one, one.iloc[:2], 0)] == ["(number of rows)"]
    assert [d.column for d in compare_tables("t", one, one[["n", "name"]], 0)] == ["(columns)"]


def test_options_of_a_recorded_step_are_read(recorded: Project) -> None:
    (job,) = jobs("infer")
    options = read_options("infer", list(job.arguments[1:]))
    assert options["ledger_path"] == LEDGER
    assert options["row_tokens"] == 160
    assert Manifest.names() == ["file", "bytes", "sha256", "step"]


def test_files_that_a_run_no_longer_makes_are_removed_unless_changed(tmp_path: Path) -> None:
    steps = {
        "run/margin.png": "plot_margin",
        "run/margin_m.png": "plot_margin",
        "run/margin_n.png": "plot_margin",
        "run/mixed.csv": "fit_mixed",
        "run/x.parquet": "infer",
        "shared/quality.csv": "describe_survey",
    }
    files = {tmp_path / name: step for name, step in steps.items()}
    for path in files:
        path.parent.mkdir(exist_ok=True)
        path.write_text(path.name, encoding="utf-8")
    rows = [(str(path), len(path.name), digest_file(path), step) for path, step in files.items()]
    former = pd.DataFrame(rows, columns=["file", "bytes", "sha256", "step"])
    (tmp_path / "run/margin_n.png").write_text("somebody edited it", encoding="utf-8")
    old = [str(tmp_path / "run" / name) for name in ("margin_m.png", "mixed.csv")]
    assert remove_old_files(former, [str(tmp_path / "run/margin.png")], tmp_path / "run") == old
    assert {path.name for path in (tmp_path / "run").iterdir()} == {"margin.png", "margin_n.png", "x.parquet"}
    assert (tmp_path / "shared/quality.csv").is_file()
    assert remove_old_files(former.head(0), [], tmp_path / "run") == []
