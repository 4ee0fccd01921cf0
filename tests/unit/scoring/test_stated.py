"""Stated shares: how numbers become a share, what demonstrations state, and how near it is to the people's share."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from bank import BANK
from click.testing import CliRunner
from places import ROOT
from selfalign.arms import Arm
from selfalign.cli import program
from selfalign.config.outputs import arms_without_country, find_shown
from selfalign.config.paths import Paths
from selfalign.config.read import read_config
from selfalign.config.sections import Config
from selfalign.errors import InputError
from selfalign.inference.schemas import Answers
from selfalign.probes.schemas import Poles
from selfalign.prompts.design_prompts import Experiment
from selfalign.prompts.frames import Frame, Item, read_frame
from selfalign.prompts.schemas import Design
from selfalign.prompts.sources import Surveyed
from selfalign.prompts.wording import DesignLanguages, Wording, read_personas
from selfalign.scoring.by_readout import score_by_readout
from selfalign.scoring.cells import Comparison
from selfalign.scoring.inputs import read_scores
from selfalign.scoring.schemas import Scores, Stated, StatedShares
from selfalign.scoring.stated import compare_stated, score_shares, state_shares
from selfalign.tables import write_table

FRAME = read_frame(ROOT / "resources/templates/en.yaml", "stated")
PROBES = ["Q4", "Q64", "Q164"]
POLES = pd.DataFrame(
    [("DEU", "Q4", 0.6349, "A"), ("DEU", "Q64", 0.2, "B"), ("DEU", "Q164", 0.5, "tie"),
     ("MEX", "Q4", 0.1, "B"), ("MEX", "Q64", 0.9, "A"), ("MEX", "Q164", 0.7, "A")],
    columns=["country", "probe", "share_a", "majority"],
)  # fmt: skip
ITEMS = {probe: Item(f"{probe} is ___.", ("A", "B"), ("big", "small"), ("big", "small")) for probe in PROBES}
PERSONAS = {"en": {"DEU": "You are from Germany.", "MEX": "You are from Mexico."}}
NEUTRAL = {"neutral": {"ice": Item("Ice is ___.", ("A", "B"), ("cold", "hot"), ("cold", "hot"))}, "right": {"ice": "A"}}


def rank_all() -> pd.DataFrame:
    """Every probe is a candidate for every other, in the order of the list."""
    rows = [(one, other, rank) for one in PROBES for rank, other in enumerate(PROBES, 1) if other != one]
    facts = {"seed": 0, "similarity": 0.0, "sibling": False, "same_battery": False, "same_category": False}
    return pd.DataFrame(rows, columns=["probe", "candidate", "rank"]).assign(**facts)


def lay(step: int = 1, frame: Frame = FRAME, **settings: object) -> pd.DataFrame:
    """Cells of an arm about Germany and Mexico, with their prompts."""
    arm = Arm.read({"shots": 1, "strategy": "chrf", "answers": "own", **settings}, "me")
    languages = DesignLanguages(
        "en", {"en": Wording({"stated": frame}, ITEMS, **NEUTRAL, step=step)}, personas=PERSONAS
    )
    rankings = {"chrf": rank_all()}
    experiment = Experiment({"me": arm}, ["DEU", "MEX"], Surveyed(POLES), rankings, languages, premises=False)
    design, prompts = experiment.lay_out()
    Design.validate(design)
    return design.merge(prompts, on="prompt").set_index(["country", "probe", "order"]).sort_index()


# Prompts


def test_zero_shot_names_the_country_and_asks_for_the_share_of_the_first_option() -> None:
    cells = lay(shots=0)
    assert cells.loc[("DEU", "Q4", "AB"), "system"] == (
        "100 people from Germany fill each blank with one of two options, the way they see it. Say how many of the 100 "
        "choose the option that is asked for. Answer with a whole number from 0 to 100 only."
    )
    assert cells.loc[("DEU", "Q4", "AB"), "asked"] == 'Q4 is ___. (big / small)\nHow many of the 100 choose "big"?'
    assert cells.loc[("DEU", "Q4", "BA"), "asked"] == 'Q4 is ___. (small / big)\nHow many of the 100 choose "small"?'
    assert "from Mexico" in cells.loc[("MEX", "Q4", "AB"), "system"]
    assert set(cells["asks"]) == {"share"} and set(cells["labels"]) == {"[]"}
    assert {tuple(json.loads(options)) for options in cells["options"]} == {tuple(map(str, range(101)))}
    assert ("DEU", "Q164", "AB") not in cells.index, "a tie has no majority"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answers", "share"),
    [("own", 63), ("other", 10), ("inverted", 37), ("nearest", 10), ("world", 37)],  # (63.49 + 10) / 2 = 36.7
)
def test_demonstration_states_the_share_of_its_source(answers: str, share: int) -> None:
    cell = lay(answers=answers).loc[("DEU", "Q64")].iloc[0]
    assert cell["demonstrations"] == f"Q4={share}"
    ((question, number),) = json.loads(cell["shown"])
    first = question.partition("(")[2].partition(" /")[0]
    assert number == str(share if first == "big" else 100 - share)
    assert question.endswith(f'"{first}"?') and "from Germany" in cell["system"]


@pytest.mark.slow
def test_named_other_country_is_in_the_instruction() -> None:
    cell = lay(answers="other", persona="asked", named="other").loc[("DEU", "Q64")].iloc[0]
    assert cell["system"].startswith("You are from Mexico.\n100 people from Mexico fill") and cell["source"] == "MEX"


def test_numbers_and_demonstrations_follow_the_step() -> None:
    cells = lay(step=20)
    assert json.loads(cells["options"].iloc[0]) == ["0", "20", "40", "60", "80", "100"]
    assert cells.loc[("DEU", "Q64", "AB"), "demonstrations"] == "Q4=60"


def test_neutral_demonstrations_are_everyones_right_answer() -> None:
    cell = lay(answers="neutral", strategy=None).loc[("DEU", "Q4", "AB")]
    ((question, number),) = json.loads(cell["shown"])
    assert number == ("100" if '"cold"?' in question else "0")


def test_shuffled_shares_are_the_countrys_own() -> None:
    cells = lay(answers="shuffled", seeds=[1, 2, 3])
    assert {one.partition("=")[2] for one in cells.loc["DEU", "demonstrations"]} <= {"63", "20"}


def test_world_and_ties_among_stated_shares() -> None:
    table = Surveyed(POLES).stated(5).set_index(["source", "candidate"])["answer"]
    assert table.to_dict() == {
        ("DEU", "Q4"): "65", ("DEU", "Q64"): "20", ("MEX", "Q4"): "10", ("MEX", "Q64"): "90", ("MEX", "Q164"): "70",
        ("world", "Q4"): "35", ("world", "Q64"): "55", ("world", "Q164"): "60",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"persona": "Be from {place}."}, ["DEU", '"You are from Germany."', '"Be from {place}."', "prompts.personas"]),
        ({"system": "No place."}, ["system has the fields", "place"]),
        ({"persona": "nowhere"}, ["persona is 'nowhere'", "{place} once"]),
        ({"answers": "options"}, ["has a persona, which is only for frames with answers: share"]),
        ({"question": "{statement}"}, ["question has the fields"]),
    ],
)
def test_frame_that_cannot_name_a_country_is_refused(change: dict, words: list[str], tmp_path: Path) -> None:
    parts = {"system": "From {place}.", "question": "{statement} {first} {second}", "cue": ":", "answers": "share"}
    parts |= {"persona": "You are from {place}."} | change
    file = tmp_path / "en.yaml"
    file.write_text(json.dumps({"stated": parts}))
    with pytest.raises(InputError) as refusal:
        lay(frame=read_frame(file, "stated"), shots=0)
    assert all(word in str(refusal.value) for word in words), str(refusal.value)


def test_country_without_a_persona_is_refused() -> None:
    languages = DesignLanguages(
        "en", {"en": Wording({"stated": FRAME}, ITEMS)}, personas={"en": {"DEU": PERSONAS["en"]["DEU"]}}
    )
    arm = Arm.read({"shots": 0}, "me")
    with pytest.raises(InputError, match="the persona of MEX in en is missing"):
        Experiment({"me": arm}, ["DEU", "MEX"], Surveyed(POLES), {}, languages).lay_out()


def test_turned_item_keeps_its_numbers() -> None:
    item = Item("X", ("0", "50", "100"), ("a", "b"), ("0", "50", "100"), counts=True)
    turned = item.turned("BA")
    assert turned.shown == ("b", "a") and turned.answers == item.answers
    assert [FRAME.answer(turned, code) for code in item.codes] == ["100", "50", "0"]


# Shares from answers


def answers_of(
    prompts: dict[str, list[float]], replies: dict[str, tuple[str, int | None]] | None = None
) -> pd.DataFrame:
    """Answers with the weights of the numbers 0, 50, 100 (or more) of each prompt."""
    rows = [(prompt, place, p) for prompt, pair in prompts.items() for place, p in enumerate(pair, start=1)]
    table = pd.DataFrame(rows, columns=["prompt", "place", "weight"])
    with np.errstate(divide="ignore"):
        table["option"] = np.log(table.pop("weight"))
    given = replies or {}
    return table.assign(
        label=np.nan, open=0.0, per_token=0.0, per_byte=0.0, pmi=table["option"], greedy=np.nan, label_bound=False,
        mass_outside_labels=np.nan, mass_outside_options=0.25, mass_open=0.5, samples=pd.NA,
        reply=[given.get(prompt, (None, None))[0] for prompt in table["prompt"]],
        replied=[given.get(prompt, (None, None))[1] for prompt in table["prompt"]],
    )  # fmt: skip


def design_of(cells: list[tuple[str, str, str, str]], arm: str = "own") -> pd.DataFrame:
    """Cells in both orders: country, probe and the prompts of AB and BA."""
    rows = [
        (one, probe, order, prompt)
        for one, probe, *both in cells
        for order, prompt in zip(("AB", "BA"), both, strict=True)
    ]
    table = pd.DataFrame(rows, columns=["country", "probe", "order", "prompt"])
    return table.assign(arm=arm, source=table["country"], seed=0, template="stated", asks="share")


def score(design: pd.DataFrame, answers: pd.DataFrame, rule: str = "half") -> tuple[pd.DataFrame, pd.DataFrame]:
    return score_shares(design, answers, Comparison(POLES, BANK, rule), {"stated": "option"})


def test_share_of_a_prompt_by_hand() -> None:
    (row,) = state_shares(answers_of({"1": [0.1, 0.1, 0.3]}), "option").to_dict("records")
    assert row["stated"] == pytest.approx(0.2 * 0.5 + 0.6)  # weights 0.2, 0.2, 0.6
    assert row["spread"] == pytest.approx(np.sqrt(0.2 * 0.7**2 + 0.2 * 0.2**2 + 0.6 * 0.3**2))
    assert (row["likeliest"], row["mass_outside"], row["mass_open"]) == (1.0, 0.25, 0.5)


def test_score_by_hand() -> None:
    answers = answers_of({"1": [0.1, 0.1, 0.3], "2": [0.2, 0, 0]})
    scored, unanswered = score(design_of([("DEU", "Q4", "1", "2")]), answers)
    (row,) = scored.to_dict("records")
    assert row["p_a"] == row["p_a_mean"] == pytest.approx((0.7 + 1) / 2)  # order BA: 0 of 100 choose B
    assert row["order_gap"] == pytest.approx(0.3) and row["mass_outside"] == pytest.approx(0.25)
    assert row["alignment"] == pytest.approx(1 - abs(0.85 - 0.6349)) and row["agreement"] == 1
    assert unanswered.empty and row["asks"] == "share"
    columns = Scores.names()
    Scores.validate(scored.assign(model="m", language="en")[columns].reset_index(drop=True))


def test_preference_for_a_number_cancels() -> None:
    always = answers_of({"1": [0, 0, 0, 1, 0], "2": [0, 0, 0, 1, 0]})  # always 75
    scored, _ = score(design_of([("DEU", "Q4", "1", "2")]), always)
    assert scored["p_a"].item() == 0.5 and scored["agreement"].item() == 0.5 and scored["order_gap"].item() == 0.5
    # 62.5 and 37.5 of 100, each moved up by the same 12.5 points
    moved = answers_of({"1": [0, 0, 0, 1, 0], "2": [0, 0, 1, 0, 0]})
    assert score(design_of([("DEU", "Q4", "1", "2")]), moved)[0]["p_a"].item() == 0.625


def test_sampled_replies_are_averaged_without_smoothing() -> None:
    drawn = answers_of({"1": [0.0, 0.5, 0.25], "2": [0.0, 0.0, 0.0]}).assign(samples=4)
    shares = state_shares(drawn, "option")["stated"]
    assert shares["1"] == pytest.approx(2 / 3) and np.isnan(shares["2"])
    scored, unanswered = score(design_of([("DEU", "Q4", "1", "2")]), drawn)
    assert not scored["answered"].item() and scored["agreement"].item() == 0.5
    assert list(unanswered["prompt"]) == ["2"] and set(unanswered["reason"]) == {"no answer"}


def test_readouts_that_do_not_weigh_numbers_are_left_out() -> None:
    answers = answers_of({"1": [0.1, 0.1, 0.3], "2": [0.2, 0.1, 0]})
    found = score_by_readout(design_of([("DEU", "Q4", "1", "2")]), answers, Comparison(POLES, BANK, "half"))
    assert list(found) == [("stated", "option"), ("stated", "pmi")]


# The table


def rows_of(stated: dict[tuple[str, str], tuple[float, float]], replied: float = np.nan, **more: str) -> pd.DataFrame:
    """Rows of `Stated` for (country, probe): the shares of A in the two orders."""
    known = POLES.set_index(["country", "probe"])
    rows = [
        {"country": country, "probe": probe, "order": order, "stated": share, **known.loc[(country, probe)]}
        for (country, probe), pair in stated.items()
        for order, share in zip(("AB", "BA"), pair, strict=True)
    ]
    table = pd.DataFrame(rows).assign(arm="own", template="stated", seed=0, spread=0.2, mass_outside=0.4, reply=None)
    table = table.assign(source=table["country"], replied=replied)
    return table.assign(**more)


def test_table_by_hand() -> None:
    germany = {("DEU", "Q4"): (0.7, 0.5), ("DEU", "Q64"): (0.4, 0.4)}
    rows = rows_of(germany | {("MEX", "Q4"): (0.2, 0.2), ("MEX", "Q64"): (0.4, 0.4)})
    table = compare_stated(rows).set_index("country")
    assert table.loc["DEU", "error"] == pytest.approx((abs(0.6 - 0.6349) + abs(0.4 - 0.2)) / 2)
    assert table.loc["DEU", "error_of_half"] == pytest.approx((0.1349 + 0.3) / 2)
    assert list(table["agreement"]) == [1, 0.5, 0.75]  # DEU, MEX, all
    assert table.loc["DEU", "slope"] == pytest.approx((0.6 - 0.4) / (0.6349 - 0.2))
    assert table.loc["MEX", "correlation"] == pytest.approx(1) and table.loc["DEU", "order_gap"] == pytest.approx(0.1)
    assert table.loc["all", "error"] == pytest.approx(table.loc[["DEU", "MEX"], "error"].mean())
    assert set(table["reading"]) == {"mean"} and list(table["probes"]) == [2, 2, 2]
    StatedShares.validate(table.reset_index().assign(model="m", language="en")[StatedShares.names()])


def test_sources_are_compared_before_they_are_averaged() -> None:
    one = rows_of({("DEU", "Q4"): (0.9, 0.9)})
    both = pd.concat([one.assign(source="MEX"), one.assign(source="USA", stated=0.3)])
    table = compare_stated(both).set_index("country")
    assert table.loc["DEU", "error"] == pytest.approx((abs(0.9 - 0.6349) + abs(0.3 - 0.6349)) / 2)
    assert table.loc["DEU", "agreement"] == 0.5 and np.isnan(table.loc["DEU", "slope"])


def test_replies_that_are_no_number_are_counted() -> None:
    rows = rows_of({("DEU", "Q4"): (0.7, 0.7), ("DEU", "Q64"): (0.4, 0.4)}, replied=0.6, reply="60")
    rows.loc[(rows["probe"] == "Q64") & (rows["order"] == "BA"), ["reply", "replied"]] = ["many", np.nan]
    table = compare_stated(rows).set_index(["country", "reading"])
    assert table.loc[("DEU", "reply"), ["probes", "not_stated"]].tolist() == [1, 1]
    assert table.loc[("DEU", "reply"), "error"] == pytest.approx(abs(0.6 - 0.6349))
    assert table.loc[("DEU", "mean"), ["probes", "not_stated"]].tolist() == [2, 0]
    assert np.isnan(table.loc[("DEU", "reply"), "spread"])


def test_country_whose_replies_state_nothing_has_empty_columns() -> None:
    rows = rows_of({("DEU", "Q4"): (0.7, 0.7), ("MEX", "Q4"): (0.4, 0.4)}, replied=0.6, reply="60")
    rows.loc[rows["country"] == "MEX", "replied"] = np.nan
    table = compare_stated(rows).set_index(["country", "reading"])
    assert table.loc[("MEX", "reply"), ["probes", "not_stated"]].tolist() == [0, 1]
    assert np.isnan(table.loc[("MEX", "reply"), "error"]) and np.isnan(table.loc[("all", "reply"), "error"])


# The command and the config


@pytest.mark.slow
@pytest.mark.parametrize("other", ["MEX", "MEX.sex.female"])
def test_command_writes_both_tables_for_countries_and_groups(tmp_path: Path, other: str) -> None:
    design = design_of([("DEU", "Q4", f"{1:016x}", f"{2:016x}"), (other, "Q4", f"{3:016x}", f"{4:016x}")])
    weights = {f"{place:016x}": [0.1, 0.1, 0.3] for place in (1, 2, 3, 4)}
    answers = answers_of(weights, {f"{1:016x}": ("100", 3), f"{2:016x}": ("about half", None)})
    answers = answers.assign(fingerprint="f", text="t", tokens=3, answer="0", answer_tokens=1, answer_bytes=1)
    answers = answers.assign(open=-1.0, standard_error=np.nan)
    poles = POLES.replace({"country": {"MEX": other}}).assign(n=1000, neither=0.0, standard_error=0.01)
    for name, table, schema in (("design", design, Design), ("answers", answers, Answers), ("poles", poles, Poles)):
        write_table(table[schema.names()], tmp_path / f"{name}.parquet", schema)
    options = {name: tmp_path / f"{name}.parquet" for name in ("design", "answers", "poles", "stated")}
    words = [word for name, file in options.items() for word in (f"--{name}", str(file))]
    words += ["--output", str(tmp_path / "table.csv"), "--readouts", '{"stated": "option"}']
    words += ["--model", "m", "--language", "en"]
    CliRunner().invoke(program, ["score-stated", *words], catch_exceptions=False, standalone_mode=False)
    stated = pd.read_parquet(tmp_path / "stated.parquet")
    assert list(stated.columns) == Stated.names()
    of_germany = stated[stated["country"] == "DEU"].set_index("order")
    assert of_germany["replied"].to_dict() == {"AB": 1.0, "BA": pytest.approx(np.nan, nan_ok=True)}
    assert of_germany["stated"].tolist() == pytest.approx([0.7, 0.3])
    table = pd.read_csv(tmp_path / "table.csv").set_index(["country", "reading"])
    assert table.loc[("DEU", "mean"), "error"] == pytest.approx(0.1349)
    assert table.loc[("DEU", "reply"), "not_stated"] == 1


def configure(tmp_path: Path, **settings: object) -> Config:
    file = tmp_path / "run.yaml"
    file.write_text(json.dumps({"prompts": {"frames": ["stated"]}, **settings}))
    return read_config([file])


@pytest.mark.slow
def test_run_of_stated_shares_has_its_files_and_no_readers(tmp_path: Path) -> None:
    config = configure(tmp_path)
    paths = Paths(config)
    stated = {f"<run>/tables/stated/smollm2-135m/{language}.csv" for language in ("en", "es")}
    assert stated <= set(paths.tables_by_model)
    assert paths.words("personas", "es") == ["resources/personas/es.csv"]
    assert find_shown(config)[1]["readers"] == "no frame asks with two options"
    assert arms_without_country(config) == []
    both = configure(tmp_path, prompts={"frames": ["words", "stated"]})
    assert "readers" in find_shown(both)[0] and arms_without_country(both) == ["zero_shot"]
    default = Paths(read_config([]))
    assert not [file for file in default.tables_by_model if "/stated/" in file]
    assert default.words("personas", "en") == []


def test_readout_that_does_not_weigh_numbers_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError) as refusal:
        configure(tmp_path, scoring={"readouts": {"stated": "per_token"}})
    assert "scoring.readouts" in str(refusal.value) and "stated: option" in str(refusal.value)


def test_step_that_does_not_divide_100_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="share_step"):
        configure(tmp_path, prompts={"frames": ["stated"], "share_step": 3})


def test_estimates_are_those_of_two_options_where_a_run_has_both(tmp_path: Path) -> None:
    stated, _ = score(design_of([("DEU", "Q4", "1", "2")]), answers_of({"1": [0, 0, 1], "2": [1, 0, 0]}))
    words = stated.assign(template="words", asks="poles", p_a=0.2)
    columns, files = Scores.names(), []
    for name, table in {"both": pd.concat([stated, words]), "alone": stated}.items():
        files.append(tmp_path / f"{name}.parquet")
        table.assign(model="m", language="en")[columns].to_parquet(files[-1], index=False)
    assert list(read_scores(files[:1])["asks"]) == ["poles"] and list(read_scores(files[1:])["asks"]) == ["share"]


@pytest.mark.parametrize("language", sorted(path.stem for path in (ROOT / "resources/templates").iterdir()))
def test_frame_names_every_country_in_every_language(language: str) -> None:
    frame = read_frame(ROOT / f"resources/templates/{language}.yaml", "stated")
    sentences = read_personas(ROOT / f"resources/personas/{language}.csv")
    texts = sentences.map(frame.name_place)
    assert texts.notna().all() and texts.is_unique and not texts.str.contains(r"[{}\n]").any()
    assert (texts.str.count("100") == 3).all() or language in ("zh", "tr")
    question = frame.ask(Item("X ___.", (), ("one", "two"), ()))
    assert question.startswith("X ___.") and question.count("one") == 2 and question.count("two") == 1
    assert replace(frame, forms=("other {place}",)).name_place(sentences.iloc[0]) is None
