"""From a number back to its prompt, its demonstrations and the people: on results made with a tiny random model."""

import json
import math
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner
from selfalign.cli import program
from selfalign.errors import InputError
from selfalign.prompts.tables import CELL
from selfalign.scoring.tables import Scores
from selfalign.tables import read_table
from test_inference import tiny_llama, tiny_tokenizer

RESOURCES = Path(__file__).parent.parent / "resources"
PROBES = ["Q4", "Q6", "Q22", "Q57a", "Q57b", "Q64", "Q66", "Q71"]
USUAL = {"answers": "own", "exclude": ["siblings"], "seeds": [1]}
ARMS = {
    "zero_shot": {"shots": 0},
    "chrf": {**USUAL, "shots": 2, "strategy": "chrf"},
    "chrf_other": {**USUAL, "shots": 2, "strategy": "chrf", "answers": "other"},
    "random": {**USUAL, "shots": 1, "strategy": "random", "seeds": [1, 2]},
}
CARD = {"weights_sha256": "1", "tokenizer_sha256": "2", "chat_template_sha256": "3", "context_length": 4096}


def run(*arguments: object) -> str:
    """What a step, or `trace`, prints."""
    return CliRunner().invoke(program, list(map(str, arguments)), catch_exceptions=False, standalone_mode=False).output


def lay_out_and_answer(folder: Path, arms: dict[str, dict], frame: str = "letters", readout: str = "label") -> None:
    """Run the steps from the design to the scores, as the workflow does; a whole scale needs `map_scales` before."""
    results, bank = folder / "results" / "default", folder / "probes.csv"
    strategies = sorted({arm["strategy"] for arm in arms.values() if arm["shots"]})
    rankings = [results / "demonstrations" / "en" / f"{strategy}.parquet" for strategy in strategies]
    texts = folder / "texts" / "en.csv"
    similarity = results / "similarity" / "en" / "chrf.parquet"
    measured = ["--texts", texts, "--language", "en", "--measure", "chrf", "--output", similarity]
    run("measure-similarity", "--bank", bank, *measured)
    ranked = ["--bank", bank, "--similarity", similarity, "--seeds", "1 2"]
    for ranking in rankings:
        run("rank-demonstrations", *ranked, "--strategy", ranking.stem, "--output", ranking)
    poles = ["--poles", results / "human" / "poles.parquet"]
    frames = ["--countries", "BOL DEU NGA", "--frames", frame]
    human = ["--human", results / "human" / "scales.parquet"] if frame == "scale" else []
    asked = [f"--{kind}=en={RESOURCES / 'survey' / kind / 'en.csv'}" for kind in ("questions", "labels") if human]
    asked += ["--scales", RESOURCES / "survey" / "scales.csv"] if human else []
    words = ["--language", "en", f"--texts=en={texts}", f"--templates=en={RESOURCES / 'templates' / 'en.yaml'}"]
    design = ["--design", results / "design" / "en.parquet"]
    prompts = ["--prompts", results / "prompts" / "en.parquet"]
    run(
        "design-prompts",
        *rankings,
        "--arms",
        json.dumps(arms),
        *frames,
        *words,
        *asked,
        *human,
        "--bank",
        bank,
        *poles,
        *design,
        *prompts,
    )
    model = ["--card", folder / "model.json", "--weights", folder / "weights", "--format", "chat"]
    how = ["--dtype", "float32", "--device", "cpu", "--engine", "packed", "--row-tokens", 1500, "--threads", 1]
    answers = results / "answers" / "tiny" / "en.parquet"
    run("infer", *prompts, *model, *how, "--ledger", folder / "ledger.sqlite", "--output", answers)
    names = ["--model", "tiny", "--language", "en", "--bank", bank]
    scores = results / "scores" / "tiny" / "en.parquet"
    readouts = ["--readouts", json.dumps({frame: readout})]
    unanswered = ["--rule", "half", "--unanswered", scores.with_suffix(".csv")]
    answered = [*names, *design, "--answers", answers, *human, *readouts]
    run("score-answers", *answered, *poles, *unanswered, "--output", scores)
    if human:
        run("score-scales", *answered, "--output", results / "scales" / "tiny" / "en.parquet")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a small project: eight real probes, three countries, four arms, a random model."""
    folder = tmp_path_factory.mktemp("project")
    survey, human = folder / "results" / "shared" / "survey" / "example", folder / "results" / "default" / "human"
    for source, copy in (("probes.csv", "probes.csv"), ("texts/en.csv", "texts/en.csv")):
        (folder / copy).parent.mkdir(exist_ok=True)
        table = pd.read_csv(RESOURCES / "probes" / source, dtype=str, keep_default_na=False)
        table[table["probe"].isin(PROBES)].to_csv(folder / copy, index=False)
    counts = pd.read_csv(RESOURCES / "survey" / "example" / "counts.csv")
    some = counts["country"].isin(["BOL", "DEU", "NGA"]) & counts["question"].isin(
        [name[:3].strip("ab") for name in PROBES]
    )
    counts[some].to_csv(folder / "counts.csv", index=False)
    run("simulate-survey", "--counts", folder / "counts.csv", "--seed", 1, "--output", folder / "survey.csv")
    scales, responses = ["--scales", RESOURCES / "survey" / "scales.csv"], ["--responses", survey / "responses.parquet"]
    run("parse-wvs7", "--survey", folder / "survey.csv", *scales, *responses, "--columns", survey / "columns.csv")
    distributions = ["--distributions", survey / "distributions.parquet"]
    run("weigh-answers", *responses, *distributions, "--missing", survey / "missing.csv")
    tables = ["--poles", human / "poles.parquet", "--dropped", human / "dropped.csv"]
    run("map-poles", *distributions, "--bank", folder / "probes.csv", "--countries", "BOL DEU NGA", *tables)
    tiny_llama().save_pretrained(folder / "weights")
    tiny_tokenizer().save_pretrained(folder / "weights")
    (folder / "model.json").write_text(json.dumps(CARD))
    lay_out_and_answer(folder, ARMS)
    return folder


def trace(project: Path, **wanted: object) -> str:
    """What `selfalign trace` prints of the cell of Q64 in Germany, or of another."""
    cell = {"model": "tiny", "language": "en", "country": "DEU", "arm": "chrf", "probe": "Q64", **wanted}
    files = [
        "--results",
        project / "results" / "default",
        "--bank",
        project / "probes.csv",
        "--texts",
        project / "texts",
    ]
    return run("trace", *(part for name, value in cell.items() for part in (f"--{name}", value)), *files)


@pytest.fixture(scope="module")
def scores(project: Path) -> pd.DataFrame:
    return read_table(project / "results" / "default" / "scores" / "tiny" / "en.parquet", Scores)


def test_trace_shows_the_people_behind_a_probe(project: Path) -> None:
    told = trace(project)
    asked = pd.read_csv(project / "counts.csv").query("country == 'DEU' and question == 'Q64'")
    counts = asked.set_index("code")["count"]
    assert counts.to_dict() == {-5: 76, 1: 99, 2: 427, 3: 645, 4: 281}
    valid = counts[counts.index > 0]
    assert "Religious institutions ___ my confidence.  pole A: have (codes 1-2); pole B: lack (codes 3-4)" in told
    for code, side in ((1, "pole_a"), (2, "pole_a"), (3, "pole_b"), (4, "pole_b")):
        share = f"{100 * counts[code] / valid.sum():.1f}%"
        assert re.search(rf"^ +{code} +{counts[code]} +{share} +{side}$", told, re.M), (code, share)
    assert re.search(rf"^ +- +{counts[-5]} +missing: other$", told, re.M)
    share = (counts[1] + counts[2]) / valid.sum()
    error = (share * (1 - share) / valid.sum()) ** 0.5
    assert (
        f"Pole A: {share:.1%} of the {valid.sum()} who chose a pole, standard error {error:.1%}. "
        "Neither pole: 0. Majority: B." in told
    )


def test_trace_shows_exactly_what_was_sent_in_both_orders(project: Path) -> None:
    told = trace(project)
    for options in ("A: have\nB: lack", "A: lack\nB: have"):
        sent = (
            "<|system|>Fill in the blank the way you see it. Answer with A or B only.<|end|>"
            "<|user|>The press ___ my confidence.\nA: lacks\nB: has<|end|><|assistant|>A<|end|>"
            "<|user|>My country's government ___ my confidence.\nA: lacks\nB: has<|end|><|assistant|>A<|end|>"
            f"<|user|>Religious institutions ___ my confidence.\n{options}<|end|><|assistant|>"
        )
        assert f"exactly what was sent, {len(sent.replace('<|end|>', '#'))} tokens" in told
        assert f"\n{sent}<<< the model answers here\n" in told


def test_trace_shows_the_demonstrations_with_the_answers_of_their_source(project: Path) -> None:
    told = trace(project)
    assert "Demonstrations, with the answers of DEU, in the order shown" in told
    press = pd.read_csv(project / "counts.csv").query("country == 'DEU' and question == 'Q66' and code > 0")["count"]
    share = press.iloc[:2].sum() / press.sum()
    shown = "1. Q66 answered B: The press ___ my confidence. A: lacks B: has -> A"
    assert f"{shown}\n   {share:.1%} of DEU chose A; similarity" in told
    assert re.search(r"2\. Q71 .*\n.*; similarity with the test probe: chrf [1-9]\d\.\d; ", told)
    assert re.search(
        r"2\. Q71 answered A: My country's government ___ my .* -> .*\n.*same battery: yes; same category: yes", told
    )
    bolivian = pd.read_csv(project / "counts.csv").query("country == 'BOL' and question == 'Q66' and code > 0")["count"]
    told = trace(project, arm="chrf_other", source="BOL")
    assert "Demonstrations, with the answers of BOL" in told
    assert f"{bolivian.iloc[:2].sum() / bolivian.sum():.1%} of BOL chose A" in told
    assert "Demonstrations: none" in trace(project, arm="zero_shot")


def numbers(told: str, pattern: str) -> list[float]:
    return [float(number) for number in re.findall(pattern, told)]


def test_numbers_that_trace_shows_lead_to_the_score(project: Path, scores: pd.DataFrame) -> None:
    for arm in ARMS:
        told = trace(project, arm=arm, country="NGA", probe="Q22")
        row = scores.query(f"arm == '{arm}' and country == 'NGA' and probe == 'Q22'").iloc[0]
        assert "readout label " in told
        ab, ba = re.findall(r"^label +(-[\d.]+) +(-[\d.]+) +([\d.]+)$", told, re.MULTILINE)
        gaps = [float(ab[0]) - float(ab[1]), float(ba[1]) - float(ba[0])]  # in the order BA, pole A comes second
        p_a = [1 / (1 + 2.718281828**-gap) for gap in gaps]
        assert [float(ab[2]), float(ba[2])] == pytest.approx(p_a, abs=2e-4)
        assert 1 / (1 + 2.718281828 ** -(sum(gaps) / 2)) == pytest.approx(row["p_a"], abs=2e-4)
        assert sum(p_a) / 2 == pytest.approx(row["p_a_mean"], abs=2e-4)
        assert abs(p_a[0] - p_a[1]) == pytest.approx(row["order_gap"], abs=4e-4)
        assert numbers(told, r"model p\(A\) = ([\d.]+)") == pytest.approx([row["p_a"]], abs=1e-4)
        assert f"majority {row['majority']}   agreement {row['agreement']:g} " in told
        assert (row["p_a"] > 0.5) == (row["agreement"] == (row["majority"] == "A"))


def test_every_scored_cell_leads_back(project: Path, scores: pd.DataFrame) -> None:
    assert len(scores) == len(PROBES) * 3 * (1 + 1 + 2 + 2)
    for row in scores.sample(12, random_state=1).itertuples():
        wanted = {name: getattr(row, name) for name in CELL}
        told = trace(project, **wanted)
        assert told.startswith(f"tiny asked in en: country {row.country}, arm {row.arm}, probe {row.probe}")
        assert f", source {row.source or 'none'}, seed {row.seed}, template letters\n" in told
        assert numbers(told, r"model p\(A\) = ([\d.]+)") == pytest.approx([row.p_a], abs=1e-4)
        assert "more such cells" not in told


def test_trace_tells_of_the_other_cells_of_an_arm(project: Path) -> None:
    told = trace(project, arm="random")
    assert "seed 1, template" in told
    assert re.search(r"1 more such cells; choose one with --source, --seed or --template:\n.*\n +DEU +2 +letters", told)
    assert "seed 2, template" in trace(project, arm="random", seed=2)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"arm": "zero_shots"}, 'no cell has arm "zero_shots". Did you mean "zero_shot"?'),
        ({"country": "BOLI"}, 'no cell has country "BOLI". Did you mean "BOL"?'),
        ({"probe": "Q5"}, 'no cell has probe "Q5"'),
        ({"arm": "random", "seed": 3}, 'no cell has seed "3". Known are: 1, 2.'),
        ({"source": "NGA"}, 'no cell has source "NGA"'),
        ({"model": "huge"}, "scores/huge/en.parquet: there is no such file"),
    ],
)
def test_cell_that_is_not_there_is_told_with_those_that_are(
    wanted: dict[str, object], message: str, project: Path
) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        trace(project, **wanted)


def test_project_without_demonstrations_can_be_traced(project: Path, tmp_path: Path) -> None:
    shutil.copytree(project, tmp_path / "project")
    for stage in ("similarity", "demonstrations"):
        shutil.rmtree(tmp_path / "project" / "results" / "default" / stage)
    lay_out_and_answer(tmp_path / "project", {"zero_shot": ARMS["zero_shot"]})
    assert "Demonstrations: none" in trace(tmp_path / "project", arm="zero_shot")


def test_trace_shows_published_shares_where_no_numbers_are(project: Path, tmp_path: Path) -> None:
    shutil.copytree(project, tmp_path / "project")
    results = tmp_path / "project" / "results" / "default"
    rows = "".join(f"{probe[:3]},top2of4,DEU,0.25\n" for probe in ("Q64", "Q66", "Q71"))
    (tmp_path / "shares.csv").write_text(f"question,rule,country,share\n{rows}")
    distributions = ["--distributions", results.parent / "shared" / "survey" / "mine" / "distributions.parquet"]
    scales = ["--scales", RESOURCES / "survey" / "scales.csv"]
    run("parse-shares", "--shares", tmp_path / "shares.csv", *scales, *distributions)
    poles = ["--poles", results / "human" / "poles.parquet", "--dropped", results / "human" / "dropped.csv"]
    probes = ["--bank", project / "probes.csv", "--only", "Q64 Q66 Q71", "--countries", "DEU"]
    run("map-poles", *distributions, *probes, *poles)
    told = trace(tmp_path / "project", survey="mine")
    assert re.search(r"^ +1-2 +- +25\.0% +pole_a$", told, re.M)
    assert re.search(r"^ +3-4 +- +75\.0% +pole_b$", told, re.M)
    assert "Pole A: 25.0%, of a number of people that is not published. Majority: B." in told


# Whole scales


@pytest.fixture(scope="module")
def on_scales(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same project, whose prompts ask with the whole answer scale."""
    folder = tmp_path_factory.mktemp("on_scales") / "project"
    shutil.copytree(project, folder)
    human, distributions = (
        folder / "results" / "default" / "human",
        folder / "results" / "shared" / "survey" / "example",
    )
    files = ["--bank", folder / "probes.csv", "--scales", RESOURCES / "survey" / "scales.csv"]
    outputs = ["--output", human / "scales.parquet", "--dropped", human / "dropped_scales.csv"]
    distributions /= "distributions.parquet"
    run("map-scales", "--distributions", distributions, *files, "--countries", "BOL DEU NGA", *outputs)
    lay_out_and_answer(folder, {name: ARMS[name] for name in ("zero_shot", "chrf")}, "scale", "option")
    return folder


@pytest.mark.parametrize("arm", ["zero_shot", "chrf"])
def test_options_of_a_whole_scale_lead_to_the_models_distribution(arm: str, on_scales: Path) -> None:
    told = trace(on_scales, arm=arm, country="NGA", probe="Q64")
    scales = pd.read_parquet(on_scales / "results" / "default" / "scales" / "tiny" / "en.parquet")
    cell = scales.query("arm == @arm and country == 'NGA' and probe == 'Q64'").sort_values("place")
    prompts = told.split("exactly what was sent")[1:]
    assert len(prompts) == 2 and "template scale" in told
    shares = []
    for prompt in prompts:
        nats = {name: float(value) for name, value in re.findall(r"^'(.+?)' +.*?(-[\d.]+)", prompt, re.MULTILINE)}
        assert len(nats) == len(cell) == cell["code"].nunique() == 4
        total = sum(math.exp(value) for value in nats.values())
        shares.append({name: math.exp(value) / total for name, value in nats.items()})
    assert list(shares[0]) == list(reversed(shares[1])), "offered from either end"
    mean = [(shares[0][name] + shares[1][name]) / 2 for name in shares[0]]
    assert mean == pytest.approx(list(cell["p_mean"]), abs=2e-4)
    weights = [math.sqrt(shares[0][name] * shares[1][name]) for name in shares[0]]
    assert [weight / sum(weights) for weight in weights] == pytest.approx(list(cell["p"]), abs=2e-4)
