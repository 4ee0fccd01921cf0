"""What a user sees: the list of commands, messages before Snakemake's, `selfalign status`, the last five lines."""

import copy
import json
import os
import shlex
import subprocess
import sys
from base64 import urlsafe_b64encode
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from configs import shipped
from project import BIN
from selfalign.audit.jobs import Records
from selfalign.audit.status import status
from selfalign.audit.status.progress import (
    CUT_OFF,
    DONE,
    FAILED,
    LEFT,
    RUNNING,
    AnswerProgress,
    Ask,
    PlannedJob,
    Start,
    count_answers,
    last_seconds,
    read_ledger,
    read_start,
    record_start,
    state_of,
)
from selfalign.audit.summary import (
    _figure_of,
    find_first_margin,
    main_numbers,
    shorten_citation,
    summarize,
    warn_of_kept_results,
    warn_of_replacement,
)
from selfalign.cli import program
from selfalign.config.sections import Config
from selfalign.errors import TERMINAL, InputError
from selfalign.ledger.rows import Entry
from selfalign.ledger.storage import Ledger
from selfalign.runs import RECORD, Run
from selfalign.scoring.join_verdicts import join_verdicts, with_main
from selfalign.screen_text import align, duration
from selfalign.steps import BY_HAND, STEPS
from snakemake.persistence.file import FilePersistence

# The list of commands


def test_list_of_commands_imports_no_step() -> None:
    script = "import sys; from selfalign.cli import program; program(['--help'], standalone_mode=False); "
    script += "print([name for name in sys.modules if name.partition('.')[0] in ('pandas', 'torch', 'numpy')])"
    shown = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout
    assert shown.splitlines()[-1] == "[]"


def test_commands_for_people_come_first() -> None:
    names = [name.replace("-", "_") for name in program.list_commands(None)]
    assert tuple(names[: len(BY_HAND)]) == BY_HAND
    assert sorted(names) == sorted(STEPS)
    shown = subprocess.run([str(BIN / "selfalign"), "--help"], check=True, capture_output=True, text=True).stdout
    assert shown.index("Commands:") < shown.index("  status ") < shown.index("Steps, which Snakemake runs:")
    assert shown.index("Steps, which Snakemake runs:") < shown.index("  fetch-survey ")


# Messages


def run_as_job(command: str, folder: Path) -> tuple[str, str]:
    """What reaches the screen, and what reaches the log, of a command that runs as the Snakefile runs it."""
    job = f"exec 3>&2; export {TERMINAL}=3; {command}"
    done = subprocess.run(["bash", "-c", job], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.stdout, (folder / "log").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("redirection", ["2> log", "2>&1 | tee log"], ids=["log", "screen and log"])
def test_mistake_is_shown_once_on_the_screen_and_in_the_log(redirection: str, tmp_path: Path) -> None:
    command = f"{BIN}/selfalign simulate-survey --counts missing.csv --seed 1 --output out.csv {redirection}"
    screen, log = run_as_job(command, tmp_path)
    assert screen == log
    assert screen.startswith("selfalign: missing.csv: ") and screen.count("\n") == 1


def test_bug_is_announced_before_its_traceback(tmp_path: Path) -> None:
    script = (
        "import sys; from selfalign import cli\n"
        "def fail(**options): raise KeyError('lost')\n"
        "cli.program = fail; sys.argv = ['selfalign', 'score-answers', '--model', 'm']; cli.main()"
    )
    screen, log = run_as_job(f"{sys.executable} -c {shlex.quote(script)} 2> log", tmp_path)
    assert screen.startswith("selfalign: score-answers stopped at an error that it does not expect (KeyError: 'lost').")
    assert screen.endswith("please report it with the whole log.\n") and screen.count("\n") == 1
    assert log.startswith(screen) and "Traceback" in log and log.endswith("KeyError: 'lost'\n")


def test_message_is_one_paragraph_for_any_quoted_text() -> None:
    error = InputError("counts.csv", "cannot be read (saw 5\n)", "Correct\nthe file")
    assert str(error) == "counts.csv: cannot be read (saw 5). Correct the file."


# Jobs


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run's folder, in the working folder."""
    monkeypatch.chdir(tmp_path)
    return Path("results/trial")


TWO_MODELS = {
    "models": {"small": {}, "far": {"endpoint": {"price": {"input": 2.0, "output": 10.0}}}},
    "run": {"models": ["small", "far"], "languages": ["en"]},
}
CONFIG = Config.read(TWO_MODELS)


def planned(rule: str, folder: Path, **wildcards: str) -> SimpleNamespace:
    """A job as Snakemake has it."""
    name = "/".join([rule, *wildcards.values()])
    return SimpleNamespace(
        rule=SimpleNamespace(name=rule),
        wildcards=wildcards,
        output=[f"{folder}/{name}.parquet"],
        log=[f"{folder}/logs/{name}.log"],
        benchmark=f"{folder}/benchmarks/{name}.tsv",
    )


def write(path: str | Path, text: str = "", later: float = 10) -> None:
    """Write a file some seconds after now."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    moment = path.stat().st_mtime + later
    os.utime(path, (moment, moment))


def mark(output: str) -> None:
    """Let Snakemake mark an output as in progress."""
    FilePersistence(path=Path(".snakemake"))._mark_incomplete(output, None)


def test_states_of_jobs_follow_from_their_files(folder: Path) -> None:
    names = ["parse", "infer", "score", "plot", "stale"]
    jobs = [planned(name, folder) for name in names]
    write(jobs[4].benchmark, later=-10)
    write(jobs[4].output[0], later=-10)
    record_start(folder, [*jobs, SimpleNamespace(benchmark=None)], CONFIG, ["/bin/snakemake", "--cores", "2"])
    start = read_start(folder)
    assert [state_of(job, start) for job in start.jobs] == [LEFT] * 5
    for job in jobs[:3]:
        write(job.log[0])
    write(jobs[0].output[0])
    write(jobs[0].benchmark, "s\th:m:s\n12.5\t0:00:12\n")
    mark(jobs[1].output[0])
    assert [state_of(job, start) for job in start.jobs] == [DONE, RUNNING, FAILED, LEFT, LEFT]
    ended = Start(start.command, start.jobs, start.asks, start.time, alive=False)
    assert state_of(start.jobs[1], ended) == CUT_OFF
    assert (last_seconds(start.jobs[0]), last_seconds(start.jobs[3])) == (12.5, None)
    Path(jobs[0].output[0]).unlink()
    assert state_of(start.jobs[0], start) == FAILED, "an output is gone"


def test_marker_of_a_long_path_is_found(folder: Path) -> None:
    output = f"results/{'long' * 60}/{'name' * 50}.parquet"
    mark(output)
    job = PlannedJob("infer", {}, [output], [], None)
    assert state_of(job, Start("", [job], [], 0.0, alive=True)) == RUNNING


@pytest.mark.slow
def test_record_is_held_until_the_process_ends(folder: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from selfalign.audit.status.progress import record_start; "
        f"from selfalign.config.sections import Config; config = Config.read({TWO_MODELS!r}); "
        f"record_start(Path({str(folder)!r}), [], config, ['snakemake', '--configfile', 'my file.yaml']); "
        "print(flush=True); input()"
    )
    process = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdout.readline()
    start = read_start(folder)
    assert start.alive
    assert start.command == "snakemake --configfile 'my file.yaml'"
    assert start.asks == [Ask("infer", "small", "en"), Ask("ask", "far", "en", {"input": 2.0, "output": 10.0})]
    process.kill()
    process.wait()
    assert not read_start(folder).alive


def test_run_without_a_start_is_refused(folder: Path) -> None:
    with pytest.raises(InputError, match="no record of a start"):
        read_start(folder)


# Answers

LOG = """100 prompts: 60 to answer, 40 in the ledger
20 replies: 20 to give, 0 in the ledger
the packed engine is 2.3e-05 nats from the naive one
\rinfer:  40%|████      | 40/100 [00:00<?, ?prompt/s]\rinfer:  70%|███████   | 70/100 [00:10<00:10,  3.00prompt/s]"""
DONE_BAR = "\rinfer: 100%|██████████| 100/100 [01:00<00:00,  1.00prompt/s]\n"
REPLY_BAR = "\rreply:  25%|██▌       | 5/20 [1:00:10<00:10,  3.00reply/s]"


@pytest.mark.parametrize(
    ("log", "done", "rate"),
    [
        (LOG.partition("the packed")[0], 40, None),
        (LOG, 70, 3.0),
        (LOG + DONE_BAR, 100, 1.0),
        (LOG + DONE_BAR + REPLY_BAR, 105, 5 / 3610),
    ],
    ids=["counted", "prompts", "all prompts", "replies"],
)
def test_log_shows_the_answers_of_a_running_job(log: str, done: int, rate: float | None, folder: Path) -> None:
    write(folder / "log", log)
    start = Start("", [], [], 0.0, alive=True)
    expected = AnswerProgress(RUNNING, 120, done, rate, None)
    assert count_answers(RUNNING, start, folder / "log", folder / "ledger.sqlite") == expected
    assert count_answers(LEFT, start, folder / "log", folder / "ledger.sqlite") == AnswerProgress(LEFT, None)


@pytest.mark.slow
def test_ledger_reports_the_answers_of_ended_and_running_jobs(folder: Path) -> None:
    path = folder / "en.sqlite"
    write(folder / "log", "10 requests: 8 to make, 2 in the ledger\n")
    with Ledger(path) as ledger, ledger.run({}, device="endpoint", threads=1, versions={}) as run:
        run.record([Entry(str(n), str(n), "text", 1, {"log_p": [-1.0], "usage": [100, n]}) for n in range(5)])
        assert read_ledger(path) == ([], None), "SQLite lets nobody else read it"
        size = path.stat().st_size
        runs, usage = read_ledger(path, busy=True)
        assert ([prompts for _, prompts in runs], usage) == ([5], (500, 10))
        assert path.stat().st_size == size
    start = Start("", [], [], 0.0, alive=False)
    assert count_answers(CUT_OFF, start, folder / "log", path) == AnswerProgress(CUT_OFF, 10, 7, None, (500, 10))
    later = Start("", [], [], 4e9, alive=False)
    assert count_answers(CUT_OFF, later, folder / "log", path).done == 2, "an earlier start recorded the five"


def test_status_shows_jobs_rates_time_left_and_cost(folder: Path) -> None:
    jobs = [planned("parse", folder), planned("infer", folder, model="small", language="en"), planned("plot", folder)]
    jobs += [planned("ask", folder, model="far", language="en"), planned("fit", folder)]
    write(jobs[2].benchmark, "s\n75\n", later=-10)
    record_start(folder, jobs, CONFIG, ["snakemake"])
    for file in (jobs[0].output[0], jobs[0].benchmark):
        write(file)
    mark(jobs[1].output[0])
    write(folder / "logs/infer/small/en.log", LOG)
    ledger = Ledger(folder.parent / "shared/ledger/far/en.sqlite")
    with ledger, ledger.run({}, device="endpoint", threads=1, versions={}) as run:
        run.record([Entry("key", "prompt", "text", 1, {"usage": [1_000_000, 20_000]})])
    lines = status.describe_progress(Run(folder), read_start(folder)).splitlines()
    assert lines[0].startswith('Run "trial" in results/trial: running since 20')
    assert lines[1:3] == ["Jobs: 1 of 5 done, 1 running, 3 left", "  running   infer small en, for 0 s"]
    assert [line.split() for line in lines[4:7]] == [
        ["model", "language", "answered", "of", "per", "second", "state"],
        ["small", "en", "70", "120", "3.0", "running"],
        ["far", "en", "-", "?", "-", "left"],
    ]
    assert lines[8:10] == [
        "All answers in the ledgers of endpoints:",
        "far en: 1,000,000 tokens sent, 20,000 received, cost 2.20",
    ]
    assert lines[11] == (
        "Time left: about 17 s for the answers; not known yet for the answers of far en; "
        "1 min 15 s for 1 other jobs, which is what they took last time; "
        "not known for 1 other jobs, which have never ended yet"
    )


@pytest.mark.parametrize(("reply", "total"), [(0, "3"), (12, "5")])
def test_answers_mean_the_same_before_and_after_the_log_counts_them(reply: int, total: str, folder: Path) -> None:
    config = {"models": {"small": {"reply": reply}}, "run": {"models": ["small"], "languages": ["en"]}}
    job = planned("infer", folder, model="small", language="en")
    record_start(folder, [job], Config.read(config), ["snakemake"])
    (folder / "prompts").mkdir()
    pd.DataFrame({"prompt": ["1", "2", "3"], "premise": ["", "3", "3"]}).to_parquet(folder / "prompts/en.parquet")
    row = status.describe_progress(Run(folder), read_start(folder)).splitlines()[4]
    assert row.split() == ["small", "en", "-", total, "-", "left"]
    counted = "3 prompts: 3 to answer, 0 in the ledger\n" + ("2 replies: 2 to give, 0 in the ledger\n" if reply else "")
    write(folder / "logs/infer/small/en.log", counted)
    mark(job.output[0])
    row = status.describe_progress(Run(folder), read_start(folder)).splitlines()[-3]
    assert row.split()[3] == total


def test_stop_is_explained_by_the_failed_jobs(folder: Path) -> None:
    jobs = [planned(name, folder) for name in ("score", "fit", "plot")]
    record_start(folder, jobs, CONFIG, ["snakemake", "--cores", "4"])
    write(jobs[0].log[0], "Warning: x\nselfalign: bank.csv: no row. Add one.\n")
    write(jobs[1].log[0], "Warning: x\n")
    silent = "fit failed: it left no message. The system may have ended it, for lack of memory or time"
    rest = [
        f"{silent} (log: {jobs[1].log[0]})",
        "All earlier answers are kept. To continue, run again: snakemake --cores 4",
    ]
    assert status.explain_stop(Run(folder), local=True) == ["score failed. Its message is above.", *rest]
    message = f"score failed: bank.csv: no row. Add one. (log: {jobs[0].log[0]})"
    assert status.explain_stop(Run(folder), local=False) == [message, *rest]


# The last lines

ARMS = {
    "zero_shot": {"label": "Zero-shot", "shots": 0},
    "persona": {"label": "Persona", "shots": 0, "persona": "asked"},
    "chrf": {"label": "Similar", "shots": 5},
    "chrf_other": {"label": "Similar, other country", "shots": 5, "answers": "other"},
}
SETTINGS = {
    "arms": ARMS,
    "models": {"small": {"label": "SmolLM2"}},
    "run": {"models": ["small"], "languages": ["en"]},
    "scoring": {"level": 0.9},
}
MAIN = Config.read(SETTINGS)


def estimates(**columns: list) -> pd.DataFrame:
    """Estimates of the first model in the first language, with the columns that matter here."""
    return pd.DataFrame({"model": "small", "language": "en", "measure": "agreement", "country": "all"} | columns)


def test_run_with_the_settings_of_an_earlier_one_is_warned_of_only_if_they_differ(tmp_path: Path) -> None:
    run, config = Run(tmp_path / "mine"), shipped()
    assert warn_of_replacement(run, config) == ""
    run.folder.mkdir()
    (run.folder / "run.json").write_text(json.dumps({"config": config}))
    assert warn_of_replacement(run, config) == ""
    other = copy.deepcopy(config)
    other["models"]["unused"] = {"label": "Not run"}
    assert warn_of_replacement(run, other) == ""
    other["run"]["languages"] = ["en"]
    other["scoring"]["draws"] = 7
    warning = warn_of_replacement(run, other)
    assert 'run "mine" was made with other settings (' in warning
    assert "run.languages" in warning and "languages.es" in warning and "more" not in warning
    assert "(run.languages and 2 more)" in warn_of_replacement(run, other, shown=1)


def test_results_of_other_settings_without_a_record_of_snakemake_are_warned_of(tmp_path: Path) -> None:
    """Snakemake does not notice changed settings then, and says that nothing is to be done."""
    run, records, config = Run(tmp_path / "mine"), Records(tmp_path / ".snakemake"), shipped()
    run.folder.mkdir()
    record = run.folder / RECORD
    record.write_text(json.dumps({"config": config}), encoding="utf-8")
    other = copy.deepcopy(config)
    other["scoring"]["level"] = 0.8
    assert warn_of_kept_results(run, config, records) == ""
    warning = warn_of_kept_results(run, other, records)
    assert 'run "mine" was made with other settings (scoring.level), and Snakemake has no records' in warning
    assert "snakemake --forceall" in warning
    file = tmp_path / ".snakemake/metadata" / urlsafe_b64encode(str(record).encode()).decode()
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"rule": "record_run"}), encoding="utf-8")
    assert warn_of_kept_results(run, other, Records(tmp_path / ".snakemake")) == ""


def test_main_numbers_are_those_of_the_mean_of_the_countries() -> None:
    agreement = estimates(arm=list(ARMS), estimate=[0.501, 0.52, 0.614, 0.55])
    single = agreement.assign(country="MEX", estimate=0.9)
    other = agreement.assign(language="es", estimate=0.8)
    alignment = agreement.assign(measure="alignment", estimate=0.7)
    contrasts = estimates(
        arm=["chrf", "chrf", "chrf", "chrf", "chrf"],
        against=["zero_shot", "chrf_other", "chrf_other", "chrf_other", "chrf_other"],
        against_model=["small", "small", "large", "small", "small"],
        against_language=["en", "en", "en", "es", "en"],
        beyond=[None, "persona", None, None, None],
        estimate=[0.113, 0.5, 0.5, 0.5, 0.064],
        low=[0.0, 0.0, 0.0, 0.0, -0.012],
        high=[0.2, 1.0, 1.0, 1.0, 0.14],
    )
    table = pd.concat([single, other, alignment, agreement])
    margin = "own minus other country +6.4 points (90 % interval -1.2 to +14.0)"
    assert main_numbers(table, contrasts, MAIN) == (
        f"SmolLM2 in en: agreement 50 % Zero-shot, 61 % Similar (best of 3 other arms); {margin}"
    )
    assert main_numbers(agreement.iloc[[0, 2]], None, MAIN).endswith("agreement 50 % Zero-shot, 61 % Similar")
    assert main_numbers(agreement[:1].assign(country="MEX"), None, MAIN).endswith("agreement 50 % Zero-shot")
    assert find_first_margin(contrasts[:4], MAIN) is None


def test_main_numbers_of_several_models_and_languages_are_ranges() -> None:
    names = {"models": ["small", "large"], "languages": ["en", "es"]}
    settings = SETTINGS | {"run": names, "models": {name: {"label": name} for name in names["models"]}}
    shifts = {("small", "en"): 0.0, ("small", "es"): 0.1, ("large", "en"): 0.2, ("large", "es"): -0.1}
    agreement = estimates(arm=list(ARMS), estimate=[0.501, 0.52, 0.614, 0.55])
    moved = [
        agreement.assign(model=model, language=language, estimate=agreement["estimate"] + shift)
        for (model, language), shift in shifts.items()
    ]
    contrasts = [
        estimates(arm=["chrf"], against=["chrf_other"], beyond=[None], estimate=[shift], low=[shift - 0.05], high=[1.0])
        for shift in shifts.values()
    ]
    contrasts = [
        one.assign(model=model, language=language, against_model=model, against_language=language)
        for one, (model, language) in zip(contrasts, shifts, strict=True)
    ]
    first = "agreement 40 to 70 % without demonstrations, 51 to 81 % with the best other arm of each"
    margin = "own minus other country -10.0 to +20.0 points, above 0 in 2 of 4 intervals"
    said = main_numbers(pd.concat(moved), pd.concat(contrasts), Config.read(settings))
    assert said == f"2 models in 2 languages: {first}; {margin}"
    assert main_numbers(pd.concat(moved), None, Config.read(settings)) == f"2 models in 2 languages: {first}"


def test_main_numbers_have_the_main_interval() -> None:
    names = {"arm": ["chrf"], "against": ["chrf_other"], "against_model": ["small"], "against_language": ["en"]}
    mean = estimates(**names, beyond=[None], estimate=[0.064], low=[0.012], high=[0.116])
    contrasts = pd.concat([mean.assign(country="MEX", low=-0.5), mean.assign(country="BOL", low=-0.4), mean])
    verdicts = mean.drop(columns="country").assign(main="category", main_low=-0.03, main_high=0.16)
    verdicts = verdicts.assign(main_p=0.2, main_p_holm=0.4)
    agreement = estimates(arm=["zero_shot", "chrf"], estimate=[0.5, 0.6])
    found = with_main(join_verdicts(contrasts, verdicts))
    assert found["low"].tolist() == [-0.5, -0.4, -0.03] and found["beyond"].isna().all()
    assert found["main"].fillna("").tolist() == ["", "", "category"]
    alone = with_main(join_verdicts(contrasts[contrasts["country"] != "BOL"], verdicts))
    assert alone["low"].tolist() == [-0.03, -0.03] and alone["main"].tolist() == ["category"] * 2
    said = main_numbers(agreement, found, MAIN)
    assert said.endswith("own minus other country +6.4 points (90 % interval by category -3.0 to +16.0)")
    by_battery = verdicts.assign(main="battery", main_low=0.012, main_high=0.116)
    said = main_numbers(agreement, with_main(join_verdicts(contrasts, by_battery)), MAIN)
    assert said.endswith("own minus other country +6.4 points (90 % interval +1.2 to +11.6)")
    several = SETTINGS | {"run": {"models": ["small", "small"], "languages": ["en"]}}
    assert "above 0 in 2 of 2" in main_numbers(agreement, contrasts, Config.read(several))
    assert "above 0 in 0 of 2" in main_numbers(agreement, found, Config.read(several))


def test_pages_of_a_figure_have_its_name() -> None:
    files = ["map_small", "map_small_en", "map", "margins", "margin_small", "gains_by_country", "contrasts_a_languages"]
    found = ["map", "map", "map", "margins", "margin", "gains_by_country", "contrasts"]
    assert [_figure_of(name) for name in files] == found


def test_run_without_its_tables_ends_with_one_line() -> None:
    made = {"results/trial/people/poles.parquet"}
    assert summarize(Path("results/trial"), Config.read({}), made, "Cite: x") == [
        'Run "trial": the files that you asked for are there.'
    ]


@pytest.mark.parametrize(
    ("citation", "short"),
    [
        (
            "Haerpfer, C., Inglehart, R., Moreno, A., Welzel, C., Kizilova, K. & Diez-Medrano, J. (eds.) (2022). "
            "World Values Survey. doi:10.14281/18241.24.",
            "Haerpfer, C. et al. (eds.) (2022). World Values Survey. doi:10.14281/18241.24",
        ),
        ("Doe, J. (2024). A survey.", "Doe, J. (2024). A survey"),
        ("The National Institute's survey of twelve questions, asked in the spring of 2024", None),
    ],
)
def test_citation_is_shortened_to_its_first_author(citation: str, short: str | None) -> None:
    assert shorten_citation(citation) == (short or citation)


def test_text_is_aligned_and_durations_are_short() -> None:
    assert align([["a", "b", "c"], ["long", "x", "100"]], left=(0, 1)) == ["a     b    c", "long  x  100"]
    assert [duration(seconds) for seconds in (0.4, 59, 75, 3000, 7500)] == [
        "0 s",
        "59 s",
        "1 min 15 s",
        "50 min",
        "2 h 5 min",
    ]
