"""Readouts compared: choices and agreement by hand, and the contrasts under every readout."""

import json
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from bank import BANK, BANK_FILE
from click.testing import CliRunner
from places import ROOT
from selfalign.cli import program
from selfalign.inference.readouts import read_greedy, read_out
from selfalign.inference.schemas import Answers
from selfalign.probes.map_scales import spread_people
from selfalign.probes.scales import read_scales
from selfalign.probes.schemas import Poles, Replicates
from selfalign.prompts.schemas import Design
from selfalign.scoring.by_readout import list_readouts, score_by_readout
from selfalign.scoring.cells import Comparison
from selfalign.scoring.compare_readouts import compare
from selfalign.scoring.schemas import Contrasts, ContrastsByReadout, Readouts
from selfalign.scoring.score_answers import score_options
from selfalign.scoring.score_scales import read_codes, score_codes
from selfalign.survey.schemas import Counts
from selfalign.survey.weigh_answers import weigh
from selfalign.tables import read_input, read_table, write_table

pytestmark = pytest.mark.slow

COUNTRIES = ["BOL", "DEU"]


def design_of(probes: list[str], arms: list[str], frames: list[str]) -> pd.DataFrame:
    """A `Design` in which every cell and order has a prompt of its own."""
    rows = pd.DataFrame(
        product(arms, COUNTRIES, probes, frames, ["AB", "BA"]), columns=["arm", "country", "probe", "template", "order"]
    )
    rows = rows.assign(source=rows["country"], seed=0, asks="poles", prompt=[f"{n:016x}" for n in range(len(rows))])
    return Design.validate(rows[Design.names()])


def poles_of(probes: list[str], majority: dict[str, str] | None = None) -> pd.DataFrame:
    """The people of all countries agree: 70 % hold the majority's pole, which is A if nothing else is said."""
    rows = pd.DataFrame(product(COUNTRIES, probes), columns=["country", "probe"])
    rows["majority"] = [(majority or {}).get(probe, "A") for probe in rows["probe"]]
    rows["share_a"] = np.where(rows["majority"] == "A", 0.7, 0.3)
    return rows.assign(n=900, neither=0.0, standard_error=0.01)[Poles.names()]


# Compared cell by cell


def hand_written() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Four probes in one country and two arms; in arm `own` the label always chooses A, the option only sometimes."""
    design = design_of(["Q4", "Q6", "Q8", "Q22"], ["own", "zero"], ["cloze"]).query("country == 'BOL'")
    options = {"Q4": (-1, -2), "Q6": (-1, -3), "Q8": (-2, -1), "Q22": (-1, -1)}
    rows = [
        {"prompt": cell.prompt, "place": 1 + cell.order.index(pole), "label": label, "option": option}
        for cell in design.itertuples()
        for pole, label, option in zip(
            "AB", (-1, -5), options[cell.probe] if cell.arm == "own" else (-1, -5), strict=True
        )
    ]
    answers = pd.DataFrame(rows).assign(
        open=np.nan, per_byte=np.nan, pmi=np.nan, greedy=np.nan, per_token=lambda table: table["option"] / 2
    )
    return design, answers.assign(mass_outside_labels=0.5, mass_outside_options=0.5).astype(
        {"label": float, "option": float}
    )


def test_readouts_that_choose_differently_are_counted_by_arm_and_over_all_arms() -> None:
    poles = poles_of(["Q4", "Q6", "Q8", "Q22"], {"Q6": "B"})
    table = compare(*hand_written(), poles, BANK)
    Readouts.validate(table.assign(model="m", language="en")[Readouts.names()])
    pairs = [("label", "option"), ("label", "per_token"), ("option", "per_token")]
    arms = ["all arms", "own", "zero"]
    assert list(table[["arm", "readout", "against"]].itertuples(index=False, name=None)) == [
        (arm, *pair) for arm in arms for pair in pairs
    ]
    table = table.set_index(["arm", "readout", "against"])
    # The option differs on Q8, and on Q22, where it is undecided. Its agreement is (1 + 0 + 0 + .5) / 4.
    own = table.loc[("own", "label", "option")]
    assert own[["cells", "not_compared", "differ"]].tolist() == [4, 0, 0.5]
    assert own[["agreement", "agreement_against"]].tolist() == [0.75, 0.375]
    assert np.isnan(own["correlation"])  # the label is as sure of all
    zero = table.loc[("zero", "label", "option")]
    assert zero[["cells", "differ", "agreement", "agreement_against"]].tolist() == [4, 0, 0.75, 0.75]
    everyone = table.loc[("all arms", "label", "option")]
    assert everyone[["cells", "differ", "agreement", "agreement_against"]].tolist() == [8, 0.25, 0.75, 0.5625]
    assert table.loc[("own", "option", "per_token"), ["differ", "correlation"]].tolist() == [0, pytest.approx(1)]


def test_choice_is_that_of_the_mean_log_odds() -> None:
    """Log-odds of 4 and -1 for A, whose probabilities have a mean of 0.63; and of 1 and -4."""
    design, answers = hand_written()
    cells = design.query("arm == 'own'").set_index(["probe", "order"])["prompt"]
    for probe, odds in {"Q4": (4, -1), "Q6": (1, -4)}.items():
        for order, of_a in zip(("AB", "BA"), odds, strict=True):
            answers.loc[answers["prompt"] == cells[probe, order], "option"] = [-10.0 + of_a, -10.0]
    table = compare(design, answers, poles_of(["Q4", "Q6", "Q8", "Q22"]), BANK)
    own = table.query("arm == 'own' and readout == 'label' and against == 'option'").iloc[0]
    assert own["agreement_against"] == pytest.approx((1 + 0 + 0 + 0.5) / 4) and own["differ"] == 0.75


def test_cells_without_an_answer_by_one_of_the_readouts_are_counted() -> None:
    design, answers = hand_written()
    lost = design.query("arm == 'own' and probe == 'Q8' and order == 'BA'")["prompt"].item()
    answers.loc[answers["prompt"] == lost, "label"] = np.nan
    table = compare(design, answers, poles_of(["Q4", "Q6", "Q8", "Q22"]), BANK).set_index(["arm", "readout", "against"])
    assert table.loc[("own", "label", "option"), ["cells", "not_compared"]].tolist() == [3, 1]
    assert table.loc[("own", "label", "option"), "differ"] == pytest.approx(1 / 3)
    assert table.loc[("own", "option", "per_token"), ["cells", "not_compared"]].tolist() == [4, 0]
    assert table.loc[("all arms", "label", "option"), ["cells", "not_compared"]].tolist() == [7, 1]


# Greedy replies


def test_greedy_reply_is_a_readout_by_hand() -> None:
    """Four probes: both orders reply pole A; each order replies its first option; one reply is none; pole B."""
    design, answers = hand_written()
    design = design.query("arm == 'own'")
    replies = {"Q4": ("A", "A"), "Q6": ("A", "B"), "Q8": ("A", None), "Q22": ("B", "B")}  # the pole, in both orders
    said = {
        cell.prompt: 1 + cell.order.index(pole) if pole else pd.NA
        for cell in design.itertuples()
        for pole in [replies[cell.probe][("AB", "BA").index(cell.order)]]
    }
    answers = answers[answers["prompt"].isin(said)]
    answers["greedy"] = read_greedy(answers.assign(replied=answers["prompt"].map(said).astype("Int64")))
    assert "greedy" in list_readouts(answers, design["prompt"])
    scores, unanswered = score_options(design, answers, Comparison(poles_of(list(replies)), BANK), {"cloze": "greedy"})
    scores = scores.set_index("probe").loc[list(replies)]
    assert scores["p_a"].tolist()[:2] == [1, 0.5] and np.isnan(scores["p_a"]["Q8"]) and scores["p_a"]["Q22"] == 0
    assert scores["agreement"].tolist() == [1, 0.5, 0.5, 0]
    assert unanswered[["probe", "order"]].to_numpy().tolist() == [["Q8", "BA"]]
    table = compare(design, answers, poles_of(list(replies)), BANK).set_index(["arm", "readout", "against"])
    row = table.loc[("own", "option", "greedy")]  # the option chooses A, A, B and neither
    assert row[["cells", "not_compared"]].tolist() == [3, 1] and row["differ"] == pytest.approx(2 / 3)


def test_greedy_reply_is_a_readout_of_whole_scales() -> None:
    """Of three options the second is replied: it has all probability, and nothing is known without a reply."""
    answers = pd.DataFrame({"place": [1, 2, 3, 1, 2, 3], "replied": [2, 2, 2, pd.NA, pd.NA, pd.NA]})
    assert read_greedy(answers)[:3].tolist() == [-np.inf, 0, -np.inf] and read_greedy(answers)[3:].isna().all()


# Contrasts under every readout


def answers_of(design: pd.DataFrame, seed: int, labelled: tuple[str, ...] = ("letters",)) -> pd.DataFrame:
    """Random `Answers` to a design, and to a premise for each option order; labels are read in some frames."""
    rng = np.random.default_rng(seed)
    premise = {"AB": "e" * 16, "BA": "f" * 16}
    prompts = design[["prompt", "template"]].assign(premise=design["order"].map(premise))
    prompts = pd.concat([prompts, pd.DataFrame({"prompt": premise.values(), "template": "", "premise": ""})])
    table = prompts.merge(pd.DataFrame({"place": [1, 2], "answer": ["important", "unimportant"]}), how="cross")
    table = table.assign(answer_bytes=table["answer"].str.len(), answer_tokens=table["place"] + 1)
    table = table.assign(option=-3 * rng.random(len(table)) - 1, label=-3 * rng.random(len(table)) - 1)
    table["label"] = table["label"].where(table["template"].isin(labelled))
    table["open"] = table["option"] * rng.random(len(table))
    given = table.assign(fingerprint="f", text="t", tokens=9, samples=pd.NA, standard_error=np.nan)
    return Answers.validate(read_out(given.astype({"samples": "Int64", "tokens": "Int64", "answer_tokens": "Int64"})))


def run(*arguments: object) -> str:
    result = CliRunner().invoke(program, list(map(str, arguments)), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


class World:
    """Models asked in some languages; the model `two` has no labels in any frame."""

    def __init__(
        self, folder: Path, frames: list[str], models: tuple[str, ...] = ("one",), languages: tuple[str, ...] = ("en",)
    ) -> None:
        self.folder, self.models, self.languages = folder, models, languages
        probes = list(BANK["probe"].iloc[:20])
        write_table(poles_of(probes), folder / "poles.parquet", Poles)
        people = poles_of(probes)[["country", "probe"]].assign(method="respondents", respondents=900)
        drawn = 0.7 + 0.02 * np.random.default_rng(1).normal(size=(len(people), 50)).astype(np.float32)
        write_table(people.assign(shares=list(drawn)), folder / "people.parquet", Replicates)
        for place, language in enumerate(self.languages):
            design = design_of(probes, ["zero", "own"], frames)
            write_table(design, folder / f"design/{language}.parquet", Design)
            for model in self.models:
                made = answers_of(design, seed=place, labelled=() if model == "two" else ("letters",))
                write_table(made, folder / f"answers/{model}/{language}.parquet", Answers)

    def estimate(self, contrasts: list[object], output: str) -> str:
        """Run the step."""
        answers = [self.folder / f"answers/{m}/{one}.parquet" for m, one in product(self.models, self.languages)]
        designs = ["--designs", " ".join(f"{self.folder}/design/{one}.parquet" for one in self.languages)]
        people = ["--poles", self.folder / "poles.parquet", "--rule", "half"]
        told = ["--contrasts", json.dumps(contrasts), *self.common(), "--output", self.folder / output]
        return run("estimate-readouts", *answers, *designs, *people, *told)

    def common(self) -> list[object]:
        resample = ["--resample", "batteries respondents", "--families", "measure scope", "--bank", BANK_FILE]
        return ["--people", self.folder / "people.parquet", "--draws", 200, "--level", 0.9, "--seed", 3, *resample]

    def estimate_main(self, contrasts: list[object], readouts: dict[str, str]) -> pd.DataFrame:
        """The table of contrasts with the readouts that a config names."""
        scores = []
        for model, language in product(self.models, self.languages):
            scores.append(self.folder / f"scores/{model}/{language}.parquet")
            names = ["--model", model, "--language", language, "--readouts", json.dumps(readouts), "--rule", "half"]
            inputs = ["--design", self.folder / f"design/{language}.parquet", "--poles", self.folder / "poles.parquet"]
            inputs += ["--answers", self.folder / f"answers/{model}/{language}.parquet", "--bank", BANK_FILE]
            outputs = ["--unanswered", self.folder / "unanswered.csv", "--output", scores[-1]]
            run("score-answers", *names, *inputs, *outputs)
        told = ["--contrasts", json.dumps(contrasts), *self.common(), "--output", self.folder / "contrasts.csv"]
        run("estimate-contrasts", *scores, *told)
        return read_table(self.folder / "contrasts.csv", Contrasts)


CONTRAST = ["own", "zero"]
ACROSS = {"arm": "own", "against": "own", "against_language": "en"}


@pytest.fixture(scope="module")
def estimated(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A model asked in two languages, and its contrasts under every readout."""
    world = World(tmp_path_factory.mktemp("world"), ["words"], languages=("en", "es"))
    world.estimate([CONTRAST, ACROSS], "readouts.csv")
    return world


@pytest.mark.parametrize("readout", ["option", "pmi"])
def test_contrasts_under_a_readout_are_those_of_a_run_with_this_readout(readout: str, estimated: World) -> None:
    world, made = estimated, read_table(estimated.folder / "readouts.csv", ContrastsByReadout)
    assert set(made["readout"]) == {"option", "open", "per_token", "per_byte", "pmi"}
    assert set(made["templates"]) == {"words"}
    main = world.estimate_main([CONTRAST, ACROSS], {"words": readout})
    main = main[main["measure"].isin(["agreement", "alignment"])].reset_index(drop=True)
    mine = made[made["readout"] == readout].reset_index(drop=True)
    pd.testing.assert_frame_equal(mine[main.columns], main)
    assert len(made.groupby("readout")["estimate"].agg(tuple).unique()) == 5


def test_readout_that_a_frame_lacks_is_left_out_there_and_reported(tmp_path: Path) -> None:
    world = World(tmp_path, ["letters", "words"], models=("one", "two"))
    said = world.estimate([CONTRAST], "readouts.csv")
    assert said.count("the answers have no label") == 3  # words for two models, letters for one model
    assert "two, en, frame letters: the answers have no label, greedy\n" in said
    made = read_table(tmp_path / "readouts.csv", ContrastsByReadout)
    frames = made.groupby("readout")["templates"].agg(set)
    assert frames["label"] == {"letters"} and frames["option"] == {"letters words"}
    assert set(made.loc[made["readout"] == "label", "model"]) == {"one"}
    world.estimate_main([CONTRAST], {"words": "option", "letters": "option"})
    main = read_table(tmp_path / "contrasts.csv", Contrasts).query("measure == 'agreement'")
    mine = made.query("readout == 'option' and measure == 'agreement'")
    assert list(mine["estimate"]) == list(main["estimate"])


def test_contrast_that_no_language_has_gives_an_empty_table(tmp_path: Path) -> None:
    World(tmp_path, ["words"]).estimate([["own", "other"]], "readouts.csv")
    assert read_table(tmp_path / "readouts.csv", ContrastsByReadout).empty


def test_frames_of_whole_scales_are_scored_under_every_readout() -> None:
    counts = read_input(ROOT / "resources/survey/example/counts.csv", Counts)
    people = weigh(counts.assign(n=1, weight=counts["count"], weight_squared=counts["count"]))
    spread = spread_people(people, read_scales(ROOT / "resources/survey/scales.csv", BANK))
    design = design_of(["Q4"], ["own"], ["scale"]).assign(asks="scale")
    rng, places = np.random.default_rng(4), range(1, 5)
    answers = pd.DataFrame(product(design["prompt"], places), columns=["prompt", "place"])
    answers = answers.assign(
        option=-rng.random(len(answers)) * 4, label=np.nan, pmi=rng.normal(size=len(answers)), mass_outside_options=0.1
    ).assign(per_token=lambda table: table["option"] / 2, per_byte=np.nan, open=np.nan, greedy=np.nan)
    poles = poles_of(["Q4"])
    made = score_by_readout(design, answers, Comparison(poles, BANK, "half", spread))
    assert list(made) == [("scale", readout) for readout in ("option", "per_token", "pmi")]
    assert list_readouts(answers, design["prompt"]) == ["option", "per_token", "pmi"]
    codes = read_codes(design, answers, spread, BANK, {"scale": "pmi"})
    pd.testing.assert_frame_equal(made["scale", "pmi"], score_codes(codes, Comparison(poles, BANK)).cells)
    table = compare(design, answers, poles, BANK, spread)
    assert set(table["template"]) == {"scale"} and (table["cells"] == 2).all()
