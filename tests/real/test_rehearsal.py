"""The paper's config, rehearsed in small: an invented official survey, random models, a real endpoint, every output."""

import re
import shutil
import signal
import subprocess
import time
import zipfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import local_endpoint
import numpy as np
import official_survey
import pandas as pd
import psutil
import pytest
import rehearsal
from project import BIN, ROOT, Run
from selfalign.config.figures import FIGURES
from selfalign.config.outputs import find_shown
from selfalign.config.read import read_config
from selfalign.errors import InputError
from selfalign.survey.parse_shares import RULES
from surveys import COUNTS, RESOURCES, read_wvs7
from warm import list_forks, warm_programs

TOOLS = ROOT / "tools"

PAPER = ROOT / "config/paper.yaml"
LOCAL = {"llama-3-8b", "mistral-7b-v0.2", "command-r", "bloomz-7b1"}
MODELS = LOCAL | {"gemini-2.5-flash"}
LANGUAGES = {"en", "ur"}


# The survey


@pytest.fixture(scope="module")
def survey(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A survey of 40 people in each country, in the official form."""
    path = tmp_path_factory.mktemp("survey") / "WVS_Cross-National_Wave_7_csv_v6_0.zip"
    official_survey.write_survey(path, size=0.001)
    return path


def test_survey_has_the_official_form(survey: Path) -> None:
    with zipfile.ZipFile(survey) as archive:
        (member,) = archive.namelist()
        text = archive.read(member)
    header, *rows = text.split(b"\r\n")
    assert member == "WVS_Cross-National_Wave_7_csv_v6_0.csv"
    assert header.startswith(b"\xef\xbb\xbfversion,doi,A_WAVE,")
    assert len(header.split(b",")) == 613
    assert rows[-1] == b"" and len(rows[:-1]) == 66 * 40
    people = read_wvs7(survey)
    assert sorted(people["country"].unique()) == official_survey.list_countries()
    assert set(pd.read_csv(COUNTS)["question"]) <= set(people.columns)
    assert np.allclose(people.groupby("country")["weight"].mean(), 1)
    assert people.loc[people["country"] == "DEU", "weight"].eq(1).all()
    assert people.loc[people["country"] == "USA", "weight"].nunique() > 30
    assert people.loc[people["country"] == "URY", "interview"].nunique() == 1
    assert {-1, -2, -4, -5} <= set(people.loc[people["country"] == "CHN"].filter(regex="^Q").to_numpy().ravel())


def test_survey_has_the_published_shares(survey: Path) -> None:
    people = read_wvs7(survey).set_index("country")
    shares = pd.read_csv(RESOURCES / "shares/shares.csv")
    shares = shares[~shares["country"].isin(pd.read_csv(COUNTS)["country"])]
    assert shares["country"].nunique() == 12
    for share in shares.itertuples():
        answers = people.loc[share.country, share.question]
        valid, (first, last) = answers[answers >= 0], RULES[share.rule]
        # Each code is rounded to whole people, and a rule has up to five codes.
        assert valid.between(first, last).mean() == pytest.approx(share.share, abs=5 / len(valid))


def test_survey_of_full_size_has_the_published_counts() -> None:
    sizes = official_survey.size_samples(1.0)
    assert sum(sizes.values()) == 97_220 and len(sizes) == 66
    answers = official_survey.count_answers(seed=1)
    counts = pd.read_csv(COUNTS)
    people = pd.DataFrame(official_survey.draw_country("NGA", answers["NGA"], sizes["NGA"], seed=1))
    for question, group in counts[counts["country"] == "NGA"].groupby("question"):
        expected = group[group["code"] >= 0].set_index("code")["count"]
        drawn = people.loc[people[question] >= 0, question].value_counts()
        assert drawn.to_dict() == expected.to_dict(), question
    again = pd.DataFrame(official_survey.draw_country("NGA", answers["NGA"], sizes["NGA"], seed=1))
    pd.testing.assert_frame_equal(people, again)
    other = official_survey.draw_country("NGA", answers["NGA"], sizes["NGA"], seed=2)
    assert (people["Q1"] != other["Q1"]).any()


# The endpoint


def test_endpoint_copies_demonstrations_and_otherwise_reads_only_the_statement() -> None:
    copied, opinions = 0, 0
    for number in range(200):
        asked = f"Statement {number} is ___. (true / false)"
        shown = [{"role": "user", "content": "Rain is ___. (true / false)"}, {"role": "assistant", "content": "false"}]
        reply = local_endpoint.answer([*shown, {"role": "user", "content": asked}])
        copied += reply.rstrip(".") == "false"
        both = {
            local_endpoint.answer([{"role": "user", "content": text}]).rstrip(".")
            for text in (asked, asked.replace("true / false", "false / true"))
        }
        opinions += len(both) == 1
    assert 160 < copied < 200, "nine of ten replies copy; a few refuse"
    assert 160 < opinions < 200, "most replies do not depend on the order of the options"


# What replaces the inputs of the config


def test_folder_replaces_the_hub_of_a_model_in_the_catalogue() -> None:
    settings = {"models": {"llama-3-8b": {"source": {"folder": "/data/llama"}}}}
    rehearsal.fill_in(settings, [ROOT / file for file in rehearsal.DEFAULTS])
    assert settings["models"]["llama-3-8b"]["source"] == {"folder": "/data/llama"}
    assert settings["models"]["llama-3-8b"]["dtype"] == "bfloat16", "the other settings stay"
    assert settings["models"]["smollm2-135m"]["source"]["package"]


def test_only_inputs_of_the_config_are_replaced() -> None:
    settings = rehearsal.read_whole(PAPER)
    replaced = rehearsal.replace_inputs(settings, port=8765)
    assert set(replaced) == {"surveys", "models"}
    assert set(replaced["models"]) == set(settings["run"]["models"]) == MODELS
    for name, model in replaced["models"].items():
        assert set(model) - {"row_tokens"} == ({"source", "device", "dtype"} if name in LOCAL else {"endpoint"})
    assert set(replaced["models"]["gemini-2.5-flash"]["endpoint"]) == {"url", "requests_per_minute"}


def test_unknown_architecture_and_other_surveys_are_refused() -> None:
    settings = rehearsal.read_whole(PAPER)
    settings["models"]["bloomz-7b1"]["source"]["hub"] = "someone/else"
    with pytest.raises(InputError, match="architecture is not known"):
        rehearsal.replace_inputs(settings, port=1)
    settings["run"]["survey"] = "example"
    with pytest.raises(InputError, match="the form counts"):
        rehearsal.replace_inputs(settings, port=1)


# The rehearsal itself


@dataclass(frozen=True)
class Rehearsed:
    """A small rehearsal that was killed once and then went on to its end.

    Attributes:
        folder: with its inputs and results.
        before: times of the answers that were there when it was killed.
        run: the second start of the program.
    """

    folder: Path
    before: dict[Path, int]
    run: Run

    def snakemake(self, *arguments: str) -> Run:
        """Run the rehearsal's command with more arguments, with the endpoint."""
        _, *command = [*rehearsal.command_of(PAPER, self.folder, 2), *arguments]
        with rehearsal.serving(rehearsal.read_whole(PAPER), rehearsal.read_port(self.folder)) as variables:
            done = subprocess.run(
                [(warm_programs() or BIN) / "snakemake", *command],
                env={**rehearsal.os.environ, **variables},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        return Run(done.returncode, done.stdout)

    def result(self, name: str) -> Path:
        return self.folder / "results/paper" / name


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory: pytest.TempPathFactory) -> Rehearsed:
    """Start a small rehearsal, kill all of it when the first models have answered, and start it again."""
    folder = tmp_path_factory.mktemp("rehearsal")
    with (folder / "printed.log").open("w") as printed:
        command = command_in(folder)
        how = {"stdout": printed, "stderr": subprocess.STDOUT, "start_new_session": True}
        process = psutil.Popen(command, cwd=folder, **how)
        while not (before := list_local_answers(folder)):
            assert process.poll() is None, (folder / "printed.log").read_text()
            time.sleep(0.1)
        kill_all(process, folder)
    return Rehearsed(folder, before, finish(command_in(folder)))


def command_in(folder: Path) -> list[str]:
    """The command of a small rehearsal in a folder."""
    programs = warm_programs() or BIN
    return [str(programs / "python"), str(TOOLS / "rehearsal.py"), "--small", "--folder", str(folder)]


def finish(command: list[str]) -> Run:
    """Run a rehearsal to its end."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout
    return Run(done.returncode, done.stdout)


def list_local_answers(folder: Path) -> dict[Path, int]:
    """Times of the finished answers of models that run here."""
    finished = re.findall(r"Rule: infer\)", (folder / "printed.log").read_text())
    paths = [path for name in LOCAL for path in (folder / "results/paper/answers" / name).glob("*.parquet")]
    return {path: path.stat().st_mtime_ns for path in paths} if finished else {}


def kill_all(process: psutil.Process, folder: Path) -> None:
    """Send SIGKILL to a program in a folder and to all that it started, also as forks of the server of libraries."""
    family = [process, *process.children(recursive=True), *list_forks(folder)]
    for number in (signal.SIGSTOP, signal.SIGKILL):  # first stopped, so that none sees another's end
        for one in family:
            with suppress(psutil.NoSuchProcess):  # it has ended by itself meanwhile
                one.send_signal(number)
    assert not psutil.wait_procs(family, timeout=60)[1], "a process outlives SIGKILL"


def test_killed_rehearsal_goes_on(rehearsed: Rehearsed) -> None:
    assert rehearsed.before
    finished = rehearsed.run.finished()
    assert "parse_wvs7" not in finished
    assert 0 < finished["infer"] < len(LOCAL) * len(LANGUAGES)
    kept = [path for path, when in rehearsed.before.items() if path.stat().st_mtime_ns == when]
    assert len(kept) >= 1


def test_second_run_has_nothing_to_do(rehearsed: Rehearsed) -> None:
    assert re.search(r"^second run, with nothing to do: [\d.]+ s", rehearsed.run.output, re.MULTILINE)


def test_rehearsal_ends_with_every_output(rehearsed: Rehearsed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(rehearsed.folder)
    monkeypatch.setenv("GEMINI_API_KEY", "none")
    config = read_config([PAPER, rehearsed.folder / rehearsal.OVERLAY])
    shown, skipped = find_shown(config)
    assert not skipped, "a part of the paper's config is not rehearsed"
    for figure in {"agreement", *shown} & FIGURES.keys():
        pages = list(rehearsed.result("figures").glob(f"{figure}*.png"))
        assert pages and all(page.stat().st_size > 5_000 for page in pages), figure
    agreement = pd.read_csv(rehearsed.result("tables/agreement.csv"))
    cells = set(agreement[["model", "language", "arm"]].itertuples(index=False, name=None))
    arms = {(language, arm) for language in LANGUAGES for arm in config.languages[language].arms}
    assert cells == {(model, *one) for model in MODELS for one in arms}
    assert agreement.loc[agreement["measure"] == "agreement", "estimate"].between(0, 1).all()
    tables = ("contrasts", "contrasts_by_readout", "mixed", "transfer", "worth", "metrics", "readers", "country_ranks")
    for table in tables:
        assert len(pd.read_csv(rehearsed.result(f"tables/{table}.csv"))), table
    for model in MODELS:
        for language in LANGUAGES:
            assert len(pd.read_csv(rehearsed.result(f"tables/replies/{model}/{language}.csv"))), (model, language)
            readouts = pd.read_csv(rehearsed.result(f"tables/readouts/{model}/{language}.csv"))
            assert bool(len(readouts)) == (model in LOCAL), (
                "the endpoint has one readout, and nothing to compare it with"
            )


def test_models_have_opinions(rehearsed: Rehearsed) -> None:
    for model in LOCAL:
        answers = pd.read_parquet(rehearsed.result(f"answers/{model}/en.parquet"))
        assert answers["option"].notna().all()
        odds = answers.pivot(index="prompt", columns="place", values="option").pipe(lambda both: both[1] - both[2])
        assert odds.abs().median() > 0.5, "the options differ"
        assert 0.2 < (odds > 0).mean() < 0.8, "neither place wins always"
        assert answers["option"].nunique() > 0.9 * len(answers), "each prompt has its own answer"


def test_removing_and_adding_a_model_computes_only_that_model(rehearsed: Rehearsed) -> None:
    agreement = "results/paper/tables/agreement.csv"
    others = sorted(MODELS - {"bloomz-7b1"})
    ledgers = [rehearsed.folder / f"results/shared/ledger/{model}/en.sqlite" for model in others]
    before = [ledger.read_bytes() for ledger in ledgers]
    fewer = rehearsed.snakemake(agreement, "--config", f"run={{models: [{', '.join(others)}]}}")
    assert fewer.code == 0, fewer.output
    assert set(fewer.finished()) == {"estimate_agreement"}
    assert set(pd.read_csv(rehearsed.folder / agreement)["model"]) == set(others)
    again = rehearsed.snakemake("--dry-run")
    assert not {"infer", "ask", "score_answers", "fetch_model"} & set(again.planned()), "its answers are still there"
    for place in ("shared/models", "shared/ledger", "paper/answers", "paper/scores"):
        shutil.rmtree(rehearsed.folder / "results" / place / "bloomz-7b1")
    added = rehearsed.snakemake(agreement)
    assert added.code == 0, added.output
    alone = {"fetch_model": 1, "convert_model": 1, "infer": 2, "score_answers": 2, "estimate_agreement": 1}
    assert added.finished() == alone
    assert set(pd.read_csv(rehearsed.folder / agreement)["model"]) == MODELS
    assert [ledger.read_bytes() for ledger in ledgers] == before
