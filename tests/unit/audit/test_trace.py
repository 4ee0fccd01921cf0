"""From a number back to its prompt, its demonstrations and the people: on results made with a tiny random model."""

import json
import math
import re
import shutil
from hashlib import sha256
from pathlib import Path

import pandas as pd
import pytest
from bank import BANK, bank_texts
from click.testing import CliRunner
from figure_tables import verdicts_of
from nonempty import some
from places import ROOT
from selfalign.audit.trace.calibration import describe_correlation
from selfalign.audit.trace.report import describe_mean
from selfalign.cli import program
from selfalign.contrasts import is_plain
from selfalign.errors import InputError
from selfalign.figures.difference_rows import choose_pairs
from selfalign.prompts.schemas import CELL
from selfalign.scoring.metrics import METRICS
from selfalign.scoring.schemas import Contrasts, MainContrasts, Scores, Verdicts
from selfalign.tables import read_table, write_table
from surveys import run
from tiny import tiny_llama, tiny_tokenizer

pytestmark = pytest.mark.slow

RESOURCES = ROOT / "resources"
PROBES = ["Q4", "Q6", "Q22", "Q57a", "Q57b", "Q64", "Q66", "Q71"]
SPEECH = {"format": "chat", "shown": "turns", "template": {}}
USUAL = {"answers": "own", "exclude": ["siblings"], "seeds": [1]}
ARMS = {
    "zero_shot": {"shots": 0},
    "chrf": {**USUAL, "shots": 2, "strategy": "chrf"},
    "chrf_other": {**USUAL, "shots": 2, "strategy": "chrf", "answers": "other"},
    "random": {**USUAL, "shots": 1, "strategy": "random", "seeds": [1, 2]},
}
CONTRASTS = [
    ["chrf", "chrf_other"],
    ["random", "zero_shot"],
    {"arm": "chrf", "against": "chrf_other", "beyond": ["random", "zero_shot"]},
]
CARD = {"weights_sha256": "1", "tokenizer_sha256": "2", "chat_template_sha256": "3", "context_length": 4096}


def record(folder: Path, arms: dict[str, dict], frame: str, readout: str, survey: str = "example") -> None:
    """Write the settings of the run, as the workflow does."""
    labels = {"zero_shot": "Zero-shot", "chrf": "Similar", "chrf_other": "Similar, other country", "random": "Random"}
    config = {
        "run": {"name": "default", "survey": survey, "models": ["tiny"], "languages": ["en"]},
        "surveys": {
            "example": {"form": "counts", "source": {"file": "counts.csv"}, "seed": 1},
            "mine": {"form": "shares", "source": {"file": "shares.csv"}},
        },
        "probes": {"bank": "probes.csv", "texts": "texts/{language}.csv", "only": [], "categories": []},
        "models": {"tiny": {"label": "A tiny llama", "source": {"hub": "org/tiny", "revision": 40 * "a"}, **SPEECH}},
        "languages": {"en": {"countries": ["BOL", "DEU", "NGA"], "arms": list(arms)}},
        "arms": {name: {"label": labels[name], **arm} for name, arm in arms.items()}
        | {"persona": {"label": "Persona"}},
        "scoring": {
            "readouts": {frame: readout},
            "unanswered": "half",
            "transfer": ["chrf", "chrf_other"],
            "mixed": [],
            "contrasts": CONTRASTS,
        },
        "figures": {
            "margin": {"contrast": ["chrf", "chrf_other"]},
            "calibration": {"arms": [arm for arm in arms if arm != "random"]},
        },
    }
    counts = folder / "counts.csv"
    inputs = {"counts.csv": {"bytes": counts.stat().st_size, "sha256": sha256(counts.read_bytes()).hexdigest()}}
    (folder / "results" / "default" / "run.json").write_text(json.dumps({"config": config, "inputs": inputs}))


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
    poles = ["--poles", results / "people" / "poles.parquet"]
    frames = ["--countries", "BOL DEU NGA", "--frames", frame]
    spread = ["--spread", results / "people" / "scales.parquet"] if frame == "scale" else []
    asked = [f"--{kind}=en={RESOURCES / 'survey' / kind / 'en.csv'}" for kind in ("questions", "labels") if spread]
    asked += ["--scales", RESOURCES / "survey" / "scales.csv"] if spread else []
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
        *spread,
        "--bank",
        bank,
        *poles,
        *design,
        *prompts,
    )
    model = ["--card", folder / "model.json", "--weights", folder / "weights", "--format", "chat"]
    how = ["--dtype", "float32", "--device", "cpu", "--engine", "packed", "--row-tokens", 1500, "--threads", 1]
    answers = results / "answers" / "tiny" / "en.parquet"
    run(
        "infer",
        *prompts,
        *model,
        *how,
        "--ledger",
        results.parent / "shared" / "ledger" / "tiny" / "en.sqlite",
        "--output",
        answers,
    )
    names = ["--model", "tiny", "--language", "en", "--bank", bank]
    scores = results / "scores" / "tiny" / "en.parquet"
    readouts = ["--readouts", json.dumps({frame: readout})]
    unanswered = ["--rule", "half", "--unanswered", scores.with_suffix(".csv")]
    answered = [*names, *design, "--answers", answers, *spread, *readouts]
    run("score-answers", *answered, *poles, *unanswered, "--output", scores)
    people = results / "people" / "replicates.parquet"
    responses = results.parent / "shared" / "survey" / "example" / "responses.parquet"
    drawn = ["--countries", "BOL DEU NGA", "--replicates", 5, "--seed", 1, "--output", people]
    run("resample-people", "--responses", responses, *poles, "--bank", bank, *drawn)
    how = ["--people", people, "--draws", 20, "--level", 0.95, "--seed", 1, "--resample", "batteries"]
    how += ["--families", "measure", "--bank", bank]
    run("estimate-agreement", scores, *how, "--output", results / "tables" / "agreement.csv")
    if "chrf_other" in arms:
        contrasts = ["--contrasts", json.dumps(CONTRASTS)]
        run("estimate-contrasts", scores, *contrasts, *how, "--output", results / "tables" / "contrasts.csv")
        pair = ["--pair", json.dumps(["chrf", "chrf_other"])]
        run("estimate-transfer", scores, *pair, *how, "--output", results / "tables" / "transfer.csv")
    record(folder, arms, frame, readout)
    if spread:
        run("score-scales", *answered, "--output", results / "scales" / "tiny" / "en.parquet")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a small project: eight real probes, three countries, four arms, a random model."""
    folder = tmp_path_factory.mktemp("project")
    survey, people = folder / "results" / "shared" / "survey" / "example", folder / "results" / "default" / "people"
    (folder / "texts").mkdir()
    for table, file in ((BANK, "probes.csv"), (bank_texts().reset_index(), "texts/en.csv")):
        table[table["probe"].isin(PROBES)].to_csv(folder / file, index=False)
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
    tables = ["--poles", people / "poles.parquet", "--dropped", people / "dropped.csv"]
    run("map-poles", *distributions, "--bank", folder / "probes.csv", "--countries", "BOL DEU NGA", *tables)
    tiny_llama().save_pretrained(folder / "weights")
    tiny_tokenizer().save_pretrained(folder / "weights")
    for path in (folder / "model.json", folder / "results" / "shared" / "models" / "tiny" / "model.json"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(CARD))
    shutil.copytree(folder / "weights", folder / "results" / "shared" / "models" / "tiny" / "weights")
    lay_out_and_answer(folder, ARMS)
    return folder


def trace(project: Path, *flags: object, **wanted: object) -> str:
    """What `selfalign trace` prints of the cell of Q64 in Germany, or of another."""
    return ask(project, *flags, **{"country": "DEU", "arm": "chrf", "probe": "Q64", **wanted})


def ask(project: Path, *flags: object, **wanted: object) -> str:
    """What `selfalign trace` prints."""
    options = [part for name, value in wanted.items() for part in (f"--{name}", value)]
    return run("trace", project / "results" / "default", *flags, *options)


def flat(told: str) -> str:
    """A text on one line."""
    return " ".join(told.split())


@pytest.fixture(scope="module")
def scores(project: Path) -> pd.DataFrame:
    return read_table(project / "results" / "default" / "scores" / "tiny" / "en.parquet", Scores)


def test_trace_shows_the_people_behind_a_probe(project: Path) -> None:
    told = trace(project)
    asked = pd.read_csv(project / "counts.csv").query("country == 'DEU' and question == 'Q64'")
    counts = asked.set_index("code")["count"]
    assert counts.to_dict() == {-5: 76, 1: 99, 2: 427, 3: 645, 4: 281}
    valid = counts[counts.index > 0]
    assert "What the people of Germany answer to Q64\n" in told
    assert "\nReligious institutions ___ my confidence.\npole A: have (codes 1-2)\npole B: lack (codes 3-4)\n" in told
    for code, side in ((1, "pole A"), (2, "pole A"), (3, "pole B"), (4, "pole B")):
        share = f"{100 * counts[code] / valid.sum():.1f}%"
        assert re.search(rf"^ +{code} +{counts[code]} +{share} +{side}$", told, re.M), (code, share)
    assert re.search(rf"^ +- +{counts[-5]} +missing: other$", told, re.M)
    share = (counts[1] + counts[2]) / valid.sum()
    error = (share * (1 - share) / valid.sum()) ** 0.5
    assert (
        f"Pole A: {share:.1%} of the {valid.sum():,} who chose a pole, standard error {error:.1%}. "
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
    assert "Demonstrations of chrf, with the answers of Germany (DEU), in the order shown" in told
    press = pd.read_csv(project / "counts.csv").query("country == 'DEU' and question == 'Q66' and code > 0")["count"]
    share = press.iloc[:2].sum() / press.sum()
    shown = "1. Q66 answered B: The press ___ my confidence. A: lacks B: has -> A"
    sides = f"{press.iloc[:2].sum():,} people chose A, {press.iloc[2:].sum():,} chose B"
    assert f"{shown}\n   DEU: {sides}; weighted, {share:.1%} of DEU chose A; majority B\n   similarity" in told
    like = r"similarity with the test probe: chrf [1-9]\d\.\d; same battery: yes; same category: yes"
    assert re.search(rf"2\. Q71 answered A: My country's government ___ my .* -> .*\n.*\n   {like}", told)
    bolivian = pd.read_csv(project / "counts.csv").query("country == 'BOL' and question == 'Q66' and code > 0")["count"]
    told = trace(project, arm="chrf_other", source="BOL")
    assert "Demonstrations of chrf_other, with the answers of Bolivia (BOL), in the order shown" in told
    assert f"{bolivian.iloc[:2].sum() / bolivian.sum():.1%} of BOL chose A" in told
    assert "Demonstrations of zero_shot: none" in trace(project, arm="zero_shot")


def numbers(told: str, pattern: str) -> list[float]:
    return [float(number) for number in re.findall(pattern, told)]


def test_numbers_that_trace_shows_lead_to_the_score(project: Path, scores: pd.DataFrame) -> None:
    for arm in ARMS:
        row = scores.query(f"arm == '{arm}' and country == 'NGA' and probe == 'Q22'").iloc[0]
        told = trace(project, arm=arm, country="NGA", probe="Q22")
        assert "readout label " in told
        ab, ba = re.findall(r"^label +(-[\d.]+) +(-[\d.]+) +([\d.]+)$", told, re.MULTILINE)
        gaps = [float(ab[0]) - float(ab[1]), float(ba[1]) - float(ba[0])]  # in the order BA, pole A comes second
        p_a = [1 / (1 + 2.718281828**-gap) for gap in gaps]
        assert [float(ab[2]), float(ba[2])] == pytest.approx(p_a, abs=2e-4)
        assert 1 / (1 + 2.718281828 ** -(sum(gaps) / 2)) == pytest.approx(row["p_a"], abs=2e-4)
        assert sum(p_a) / 2 == pytest.approx(row["p_a_mean"], abs=2e-4)
        assert abs(p_a[0] - p_a[1]) == pytest.approx(row["order_gap"], abs=4e-4)
        assert numbers(told, r"model p\(A\) = ([\d.]+)") == pytest.approx([row["p_a"]], abs=1e-4)
        assert f"majority {row['majority']}\nagreement {row['agreement']:g} " in told
        assert (row["p_a"] > 0.5) == (row["agreement"] == (row["majority"] == "A"))


def test_every_scored_cell_leads_back(project: Path, scores: pd.DataFrame) -> None:
    assert len(scores) == len(PROBES) * 3 * (1 + 1 + 2 + 2)
    for row in scores.sample(5, random_state=1).itertuples():
        wanted = {name: getattr(row, name) for name in CELL if getattr(row, name) != ""}
        told = trace(project, **wanted)
        cell = rf"{row.arm} +{row.country} +{row.source or '-'} +{row.seed} +letters +{row.majority} "
        assert len(re.findall(cell, told)) == 1
        assert numbers(told, r"model p\(A\) = ([\d.]+)") == pytest.approx([row.p_a], abs=1e-4)
        assert "Other cells" not in told


def test_cells_that_are_not_shown_are_named(project: Path) -> None:
    told = trace(project, arm="random")
    assert told.count("Prompt ") == 2, "the first cell, in both orders"
    assert re.search(r"random +DEU +DEU +1 +letters .*\nrandom +DEU +DEU +2 +letters ", told)
    assert "Other cells of random, whose prompts are not shown: 1. Choose one with --source, --seed or" in flat(told)
    assert trace(project, "--all", arm="random").count("Prompt ") == 4
    second = trace(project, arm="random", seed=2)
    assert "Other cells" not in second and not re.search(r"random +DEU +DEU +1 ", second)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"arm": "zero shots"}, 'the run has no "zero shots". Did you mean zero_shot (Zero-shot)?'),
        ({"arm": "persona"}, 'the run does not use the arm "persona"'),
        ({"country": "Boliva"}, 'the run has no "Boliva". Did you mean BOL (Bolivia)?'),
        ({"country": "Niger"}, 'the run has no "Niger". Did you mean NGA (Nigeria)?'),
        ({"probe": "Q5"}, 'the bank has no probe "Q5"'),
        ({"arm": "random", "seed": 3}, 'no cell of Q64 has seed "3". Known are: 1, 2.'),
        ({"source": "Nigeria"}, 'no cell of Q64 has source "NGA"'),
        ({"template": "words"}, 'the run has no "words". Known values: letters'),
        ({"model": "huge"}, 'the run has no "huge". Known values: tiny (A tiny llama)'),
        (
            {"figure": "calibration", "arm": "random"},
            "does not show this arm. Known values: zero_shot, chrf, chrf_other",
        ),
        ({"figure": "agreement", "table": "contrasts"}, "does not go with --figure"),
        ({"figure": "agreements"}, "Did you mean agreement?"),
        ({"table": "mixed"}, "Known values: agreement, contrasts, contrasts_by_readout, transfer"),
        ({"table": "verdicts"}, "it does not lead to cells: its rows are those of contrasts with a second interval"),
        ({"table": "tables/map.csv"}, "it does not lead to cells: its points are weighted sums of items"),
        ({"row": 1000}, "there is no line 1000; the rows are on lines 2 to "),
        ({"where": "arm"}, '"arm" is not COLUMN=VALUE'),
        ({"where": "arms=chrf"}, "Did you mean arm?"),
    ],
)
def test_missing_point_is_refused_with_the_existing_ones(
    wanted: dict[str, object], message: str, project: Path
) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        trace(project, **wanted)


def test_project_without_demonstrations_can_be_traced(project: Path, tmp_path: Path) -> None:
    shutil.copytree(project, tmp_path / "project")
    for stage in ("similarity", "demonstrations"):
        shutil.rmtree(tmp_path / "project" / "results" / "default" / stage)
    lay_out_and_answer(tmp_path / "project", {"zero_shot": ARMS["zero_shot"]})
    assert "Demonstrations of zero_shot: none" in trace(tmp_path / "project", arm="zero_shot")


def test_trace_shows_published_shares_where_no_numbers_are(project: Path, tmp_path: Path) -> None:
    shutil.copytree(project, tmp_path / "project")
    results = tmp_path / "project" / "results" / "default"
    rows = "".join(f"{probe[:3]},top2of4,DEU,0.25\n" for probe in ("Q64", "Q66", "Q71"))
    (tmp_path / "shares.csv").write_text(f"question,rule,country,share\n{rows}")
    distributions = ["--distributions", results.parent / "shared" / "survey" / "mine" / "distributions.parquet"]
    scales = ["--scales", RESOURCES / "survey" / "scales.csv"]
    run("parse-shares", "--shares", tmp_path / "shares.csv", *scales, *distributions)
    poles = ["--poles", results / "people" / "poles.parquet", "--dropped", results / "people" / "dropped.csv"]
    chosen = ["--selected", results / "probes" / "selected.csv"]
    run(
        "select-probes",
        *("--bank", project / "probes.csv", "--settings", json.dumps({"only": ["Q64", "Q66", "Q71"]}), *chosen),
        *("--left-out", results / "probes" / "left_out.csv"),
    )
    probes = ["--bank", project / "probes.csv", *chosen, "--countries", "DEU"]
    run("map-poles", *distributions, *probes, *poles)
    (tmp_path / "shares.csv").rename(tmp_path / "project" / "shares.csv")
    record(tmp_path / "project", ARMS, "letters", "label", "mine")
    told = trace(tmp_path / "project")
    assert re.search(r"^ *1-2 +- +25\.0% +pole A$", told, re.M)
    assert re.search(r"^ *3-4 +- +75\.0% +pole B$", told, re.M)
    assert "Pole A: 25.0%. The number of people is not published. Majority: B." in told
    assert re.search(r"^survey +mine \(form shares\)$", told, re.M)


# From a number to its cells


def test_labels_and_codes_name_the_same_point(project: Path) -> None:
    told = ask(project, figure="agreement", country="Germany", arm="Similar")
    named = {"country": "deu", "arm": "CHRF", "model": "a tiny llama", "language": "English", "measure": "Agreement"}
    assert told == ask(project, **named)
    assert told == ask(project, "--where", "arm=similar", where="country=Germany")
    assert told.startswith("Agreement with the majority: Germany\n")
    table = pd.read_csv(project / "results" / "default" / "tables" / "agreement.csv")
    row = table.query("arm == 'chrf' and country == 'DEU' and measure == 'agreement'").iloc[0]
    assert f" {row['estimate']:.1%} [{row['low']:.1%}, {row['high']:.1%}], in " in flat(told)
    assert f"agreement.csv, line {row.name + 2} " in flat(told)
    assert told == ask(project, table="agreement", row=row.name + 2)


def test_file_of_a_page_and_names_in_the_figures_lead_to_the_point(project: Path, tmp_path: Path) -> None:
    told = ask(project, figure="agreement", country="Germany", arm="Similar", language="en")
    model = read_run(project)["config"]["run"]["models"][0]
    for page in (f"agreement_{model}_en", f"agreement_{model}"):
        assert ask(project, figure=page, country="Germany", arm="Similar", language="en") == told
    shutil.copytree(project, tmp_path / "german")
    run = read_run(project)
    run["config"]["figures"]["style"] = {"language": "de", "texts": "resources/figures/{language}.yaml"}
    (tmp_path / "german/results/default/run.json").write_text(json.dumps(run))
    german = ask(tmp_path / "german", figure="agreement", country="Deutschland", arm="Similar", language="en")
    assert german.partition("\n")[0] == told.partition("\n")[0]


def read_run(folder: Path) -> dict:
    return json.loads((folder / "results/default/run.json").read_text())


def test_point_lists_every_cell_with_what_it_adds(project: Path, scores: pd.DataFrame) -> None:
    told = ask(project, figure="agreement", country="Germany", arm="Similar")
    cells = scores.query("arm == 'chrf' and country == 'DEU'")
    for cell in cells.itertuples():
        adds = re.search(rf"^{cell.probe} .* {cell.majority} +{cell.p_a:.1%} +{cell.agreement:g} +(\S+)$", told, re.M)[
            1
        ]
        assert float(adds) == pytest.approx(100 * cell.agreement / len(cells), abs=5e-4)
    mean = cells["agreement"].mean()
    assert f"sum to {mean:.6f}" in flat(told) and "All the same." in flat(told)


def test_written_cells_sum_to_the_number(project: Path, tmp_path: Path) -> None:
    tables = project / "results" / "default" / "tables"
    for table, line in (("agreement", 2), ("agreement", 20), ("contrasts", 3), ("contrasts", 30), ("transfer", 4)):
        row = pd.read_csv(tables / f"{table}.csv").iloc[line - 2]
        ask(project, table=table, row=line, csv=tmp_path / "cells.csv", json=tmp_path / "cells.json")
        cells = pd.read_csv(tmp_path / "cells.csv")
        assert cells["adds"].sum() == pytest.approx(row["estimate"], abs=5.1e-7)
        assert cells["probe"].nunique() == row["probes"]
        assert cells["prompt_ab"].str.fullmatch("[0-9a-f]{16}").all()
        written = json.loads((tmp_path / "cells.json").read_text())
        assert [number["stated"] for number in written["numbers"]] == [row["estimate"]]
        assert sum(cell["adds"] for cell in written["cells"]) == pytest.approx(row["estimate"], abs=5.1e-7)


def test_contrast_lists_the_probes_that_drive_it_first(project: Path, scores: pd.DataFrame) -> None:
    told = ask(project, "--contrast", "Similar", "chrf_other", country="Nigeria", measure="alignment")
    cells = scores.query("country == 'NGA'")
    means = {arm: cells[cells["arm"] == arm].groupby("probe")["alignment"].mean() for arm in ("chrf", "chrf_other")}
    adds = 100 * (means["chrf"] - means["chrf_other"]) / len(PROBES)
    rows = re.findall(r"^(Q\w+) .* (\S+)$", told, re.M)
    assert [probe for probe, _ in rows] == list(adds.abs().sort_values(ascending=False).index)
    assert [float(number) for _, number in rows] == pytest.approx(list(adds[[probe for probe, _ in rows]]), abs=5e-4)
    assert "one at a time: Bolivia, Germany. None has the answers of Nigeria." in flat(told)
    by_source = re.findall(r"^(Bolivia|Germany) +[A-Z]{3} +8 +(\S+)% ", told, re.M)
    shown = cells[cells["arm"] == "chrf_other"].groupby("source")["alignment"].mean()
    assert {name: float(mean) for name, mean in by_source} == pytest.approx(
        {"Bolivia": 100 * shown["BOL"], "Germany": 100 * shown["DEU"]}, abs=0.06
    )


def test_difference_that_the_run_did_not_estimate_is_computed_now(project: Path, scores: pd.DataFrame) -> None:
    told = flat(ask(project, "--contrast", "random", "chrf"))
    means = scores.groupby(["arm", "country", "probe"])["agreement"].mean().groupby(["arm", "country"]).mean()
    exact = (means["random"] - means["chrf"]).mean()
    assert f"{exact:.1%}. The run did not estimate this number." in told
    assert f"sum to {exact:.6f}; estimated again from the cells it is {exact:.6f}. The same." in told


def test_mean_of_countries_shows_what_each_country_adds(project: Path) -> None:
    told = ask(project, "--contrast", "chrf", "chrf_other")
    table = pd.read_csv(project / "results" / "default" / "tables" / "contrasts.csv").fillna({"beyond": ""})
    rows = table.query("arm == 'chrf' and against == 'chrf_other' and measure == 'agreement' and beyond == ''")
    single = rows[rows["country"] != "all"]
    assert len(single) == 3
    for row in single.itertuples():
        value, adds = re.search(rf"{row.country} +8 +(\S+)% +(\S+)$", told, re.M).groups()
        assert float(value) == pytest.approx(100 * row.estimate, abs=0.051)
        assert float(adds) == pytest.approx(100 * row.estimate / 3, abs=6e-4)


def test_correlation_without_a_value_is_not_called_wrong() -> None:
    assert describe_correlation(float("nan"), added=0.0, dots=41) == ("r_c has no value over 41 dots.", [])


def test_number_of_one_country_does_not_say_that_the_run_has_one() -> None:
    told = describe_mean("all", countries=1, probes=6, batteries=1)  # of two countries, one is answered by the other
    assert told.startswith("Only one country has this number. It is the mean over its 6 probes. ")
    assert told.endswith(" They are of 1 battery, which matters for the interval alone.")


def test_margin_transfer_and_calibration_lead_to_cells(project: Path, scores: pd.DataFrame, tmp_path: Path) -> None:
    margin = ask(project, figure="margin", country="Bolivia")
    assert margin == ask(project, "--contrast", "chrf", "chrf_other", country="BOL")
    transfer = ask(project, figure="transfer", country="Bolivia", source="Germany")
    assert "2nd: Similar, other country (chrf_other), answered by Germany (DEU)" in transfer
    assert "with the majority answers of another country: Germany." in flat(transfer)
    panel = scores.query("arm == 'chrf_other'").groupby(["country", "probe"])[["share_a", "p_a"]].mean() - 0.5
    r = (panel["share_a"] * panel["p_a"]).sum() / (panel**2).sum().prod() ** 0.5
    told = ask(project, figure="calibration", arm="chrf_other")
    assert f"r_c = {r:.6f} over 24 dots." in told
    assert f"sum to {r:.6f}. The same." in told
    ask(project, figure="calibration", arm="chrf_other", country="BOL", csv=tmp_path / "dots.csv")
    dots = pd.read_csv(tmp_path / "dots.csv").set_index("probe")
    alone = panel.loc["BOL"]
    assert dots["adds"].to_dict() == pytest.approx(
        (alone["share_a"] * alone["p_a"] / (panel**2).sum().prod() ** 0.5).to_dict()
    )
    dot = ask(project, figure="calibration", arm="chrf_other", country="Bolivia", probe="q64")
    cells = scores.query("arm == 'chrf_other' and country == 'BOL' and probe == 'Q64'")
    assert f"The dot of Q64: model {cells['p_a'].mean():.1%}, people {cells['share_a'].mean():.1%}." in dot
    for cell in cells.itertuples():
        assert re.search(rf"chrf_other +BOL +{cell.source} .* \+{100 * cell.p_a / 2:.3f}$", dot, re.M)


def test_figure_across_models_and_its_csv_lead_to_cells(project: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(project, tmp_path / "project")
    results = copy / "results" / "default"
    settings = json.loads((results / "run.json").read_text())
    settings["config"]["figures"] |= {"asked_in": "en", "selectors": ["random"]}
    (results / "run.json").write_text(json.dumps(settings))
    rows = choose_pairs(read_table(results / "tables" / "contrasts.csv", Contrasts), [["random", "zero_shot"]], "en")
    rows = rows.assign(main="battery", main_low=rows["low"] - 0.01, main_high=rows["high"] + 0.01, main_p=rows["p"])
    write_table(rows, results / "figures" / "gains.csv", MainContrasts)
    told = ask(copy, figure="gains", country="Bolivia")
    assert "figures/gains.csv, line 2" in flat(told) and "All the same." in flat(told)
    shown = rows.iloc[0][["estimate", "low", "high"]] + [0, -0.01, 0.01]
    assert "{:.1%} [{:.1%}, {:.1%}] (main interval), in ".format(*shown) in flat(told)
    assert told == ask(copy, "--table", "figures/gains.csv", row=2) == ask(copy, "--table", "gains", row=2)
    assert "trace default --table figures/gains --row 2 --probe" in told
    single = rows.assign(**dict.fromkeys(("main", "main_low", "main_high", "main_p"), float("nan")))
    write_table(single, results / "figures" / "gains_by_country.csv", MainContrasts)
    told = flat(ask(copy, figure="gains_by_country", country="Bolivia"))
    assert "{:.1%} [{:.1%}, {:.1%}], in ".format(*rows.iloc[0][["estimate", "low", "high"]]) in told
    with pytest.raises(InputError, match="the run has no figure kinds: no model of the run has a kind"):
        ask(copy, figure="kinds")


def test_margin_of_the_mean_has_the_main_interval_and_a_row_of_the_table_its_own(project: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(project, tmp_path / "project")
    results = copy / "results" / "default"
    contrasts = read_table(results / "tables" / "contrasts.csv", Contrasts)
    verdicts_of(contrasts[contrasts["measure"].isin(METRICS)]).to_csv(results / "tables" / "verdicts.csv", index=False)
    judged = read_table(results / "tables" / "verdicts.csv", Verdicts)
    (row,), (verdict,) = (
        table[is_plain(table) & (table["arm"] == "chrf") & (table["measure"] == "agreement")].itertuples()
        for table in (contrasts[contrasts["country"] == "all"], judged)
    )
    assert verdict.main_low < row.low and row.high < verdict.main_high
    main = f"{row.estimate:.1%} [{verdict.main_low:.1%}, {verdict.main_high:.1%}] (main interval), in "
    told, place = flat(ask(copy, figure="margin")), f"tables/contrasts.csv, line {row.Index + 2}"
    assert main in told and f"{place}; the interval is in " in told and "tables/verdicts.csv How" in told
    told = flat(ask(copy, "--table", "contrasts", row=row.Index + 2))
    assert f"{row.estimate:.1%} [{row.low:.1%}, {row.high:.1%}], in " in told and f"{place} How" in told
    assert "main interval" not in ask(copy, figure="margin", country="Bolivia")
    beyond = flat(ask(copy, "--where", "beyond=random - zero_shot", figure="contrasts"))
    assert "(main interval)" in beyond and main not in beyond


def test_figure_that_the_run_skipped_is_refused_with_the_reason(project: Path, tmp_path: Path) -> None:
    shutil.copytree(project, tmp_path / "project")
    record(tmp_path / "project", {"zero_shot": ARMS["zero_shot"]}, "letters", "label")
    with pytest.raises(InputError, match="the run has no figure margin: no language of the run has cells of chrf and"):
        ask(tmp_path / "project", figure="margin")


def test_several_numbers_are_listed_to_choose_from(project: Path) -> None:
    told = ask(project, country="Germany")
    assert told.startswith("4 numbers of agreement.csv match\n")
    table = pd.read_csv(project / "results" / "default" / "tables" / "agreement.csv")
    for row in some(table.query("country == 'DEU' and measure == 'agreement'")).itertuples():
        assert re.search(rf"^ *{row.Index + 2}  tiny +en +{row.arm} +DEU +agreement +{row.estimate:.1%} ", told, re.M)


def test_edited_table_is_found_out(project: Path, tmp_path: Path) -> None:
    shutil.copytree(project, tmp_path / "project")
    path = tmp_path / "project" / "results" / "default" / "tables" / "agreement.csv"
    table = pd.read_csv(path)
    here = table.query("arm == 'chrf' and country == 'DEU' and measure == 'agreement'").index[0]
    assert "All the same." in flat(ask(tmp_path / "project", row=here + 2))
    table.loc[here, "estimate"] += 0.01
    table.to_csv(path, index=False)
    options = ["trace", str(path.parent.parent), "--row", str(here + 2)]
    done = CliRunner().invoke(program, options)
    assert done.exit_code == 1
    assert "NOT THE SAME: the table and the scores are not of one run." in flat(done.output)


def test_source_of_one_arm_leaves_the_other_arm_of_a_contrast(project: Path) -> None:
    told = ask(project, "--contrast", "chrf", "chrf_other", country="Germany", probe="Q64", source="Nigeria")
    assert re.findall(r"^(chrf\w*) +DEU +([A-Z]{3}) ", told, re.M) == [("chrf", "DEU"), ("chrf_other", "NGA")]


# Excluded probes


def test_excluded_probe_is_reported_with_the_reason(project: Path, tmp_path: Path) -> None:
    shutil.copytree(project, tmp_path / "project")
    folder = tmp_path / "project" / "results" / "default"
    path = folder / "run.json"
    settings = json.loads(path.read_text())
    settings["config"]["probes"]["only"] = [probe for probe in PROBES if probe != "Q4"]
    path.write_text(json.dumps(settings))
    told = flat(trace(tmp_path / "project", probe="Q4"))
    assert "has no cell of Q4: the setting probes.only names 7 of the bank's 8 probes, and Q4 is not one." in told
    settings["config"]["probes"] |= {"only": [], "categories": ["social_values"]}
    path.write_text(json.dumps(settings))
    told = flat(trace(tmp_path / "project", probe="Q64"))
    assert "its category, social_capital, is not in the setting probes.categories" in told


def test_probe_that_a_country_lacks_is_reported_with_the_peoples_answers(project: Path, tmp_path: Path) -> None:
    shutil.copytree(project, tmp_path / "project")
    folder = tmp_path / "project" / "results" / "default"
    (folder / "people" / "dropped.csv").write_text("country,probe,reason\nDEU,Q64,tie\nDEU,Q66,no_answers\n")
    path = folder / "scores" / "tiny" / "en.parquet"
    table = pd.read_parquet(path)
    table[(table["country"] != "DEU") | ~table["probe"].isin(["Q64", "Q66"])].to_parquet(path, index=False)
    told = trace(tmp_path / "project")
    assert "Q64 is excluded for Germany: the two poles are exactly tied, so there is no majority." in told
    assert "What the people of Germany answer to Q64" in told and "Prompt " not in told
    point = ask(tmp_path / "project", country="DEU", arm="chrf")
    assert "DEU: Q66, because nobody chose one of its poles." in point


@pytest.mark.parametrize(
    ("option", "value"), [("source", "Nigeria"), ("seed", 2), ("template", "letters"), ("tokens", None)]
)
def test_option_that_chooses_a_cell_needs_a_probe(option: str, value: object, project: Path) -> None:
    shown = "" if value is None else f", value {value!r}"
    with pytest.raises(InputError, match=re.escape(f"--{option}{shown}: needs a probe. Add --probe, such as")):
        ask(project, f"--{option}", *([] if value is None else [value]), arm="chrf", country="DEU")


# Tokens and origins


def test_tokens_are_those_that_were_sent(project: Path) -> None:
    told = trace(project, "--tokens", arm="zero_shot")
    listed = re.findall(r"^Tokens of prompt .*\n-+\n((?:.+\n)+)", told, re.M)
    sent = numbers(told, r"exactly what was sent, (\d+) tokens")
    assert [len(tokens.split()) for tokens in listed] == sent and len(sent) == 2


def test_origins_are_those_of_the_run(project: Path, tmp_path: Path) -> None:
    counts = project / "counts.csv"
    told = trace(project)
    assert f"SHA-256 {sha256(counts.read_bytes()).hexdigest()} (as the run recorded it) probe bank " in flat(told)
    assert re.search(rf"^source +org/tiny, revision {40 * 'a'}$", told, re.M)
    assert re.search(r"^SHA-256 of weights +1$", told, re.M)
    answers = pd.read_parquet(project / "results" / "default" / "answers" / "tiny" / "en.parquet")
    assert re.search(rf"^fingerprint +{answers['fingerprint'].iloc[0]}$", told, re.M)
    assert re.search(r"^computed +version 5, engine packed, dtype float32, device cpu, ", told, re.M)
    shutil.copytree(project, tmp_path / "project")
    (tmp_path / "project" / "counts.csv").write_text("country,question,code,count\n")
    assert "CHANGED: the run recorded" in flat(trace(tmp_path / "project"))


# Whole scales


@pytest.fixture(scope="module")
def on_scales(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same project, whose prompts ask with the whole answer scale."""
    folder = tmp_path_factory.mktemp("on_scales") / "project"
    shutil.copytree(project, folder)
    people, distributions = (
        folder / "results" / "default" / "people",
        folder / "results" / "shared" / "survey" / "example",
    )
    files = ["--bank", folder / "probes.csv", "--scales", RESOURCES / "survey" / "scales.csv"]
    outputs = ["--output", people / "scales.parquet", "--dropped", people / "dropped_scales.csv"]
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
    assert len(prompts) == 2 and re.search(rf"{arm} +NGA .* scale ", told)
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
