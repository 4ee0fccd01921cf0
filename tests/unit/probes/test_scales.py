"""Whole answer scales: their order and words, how people spread over them, and what a model's answers say."""

import itertools
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from bank import BANK
from click.testing import CliRunner
from facts import FACTS, needs_facts
from hypothesis import given, settings
from hypothesis import strategies as st
from nonempty import some
from places import ROOT
from selfalign.cli import program
from selfalign.errors import InputError
from selfalign.probes.bank import list_codes, parse_codes
from selfalign.probes.map_poles import map_poles
from selfalign.probes.map_scales import check_codes, find_dropped_answers, spread_people
from selfalign.probes.scales import modal_answers, read_scale_texts, read_scales
from selfalign.probes.schemas import DroppedScales, PeopleScales
from selfalign.scoring.cells import Comparison, check_readouts
from selfalign.scoring.schemas import ScaleScores, Scores, Unanswered
from selfalign.scoring.score_answers import score_options
from selfalign.scoring.score_scales import read_codes, score_codes, score_scales
from selfalign.survey.parse_shares import parse_shares
from selfalign.survey.schemas import Distributions, Scales, Shares
from selfalign.tables import read_input, write_table

SURVEY = ROOT / "resources" / "survey"
SCALES = SURVEY / "scales.csv"
LANGUAGES = sorted(path.stem for path in (SURVEY / "questions").glob("*.csv"))
CODES = read_scales(SCALES, BANK)
OUTSIDE = {("Q111", 3), ("Q221", 4), ("Q222", 4), ("Q254", 5)}
"""The codes that have no place on a scale."""


@pytest.fixture(scope="module")
def spread(distributions: pd.DataFrame) -> pd.DataFrame:
    return PeopleScales.validate(spread_people(distributions, CODES))


def select(question: str) -> pd.DataFrame:
    """Probes of a question."""
    return BANK[BANK["question"] == question].reset_index(drop=True)


def answers_to(question: str, given_codes: dict[int, float], country: str = "BOL") -> pd.DataFrame:
    """Distributions of a country's answers to a question, from how many gave each code."""
    total = sum(given_codes.values())
    rows = [
        {"country": country, "question": question, "code": code, "last_code": code, "n": n, "share": n / total}
        for code, n in given_codes.items()
    ]
    return Distributions.validate(pd.DataFrame(rows).assign(weight=1.0, weight_squared=1.0)[list(_DISTRIBUTION)])


_DISTRIBUTION = Distributions.to_schema().columns


# The scales


def test_every_code_that_anybody_answered_has_a_place_or_is_known_to_have_none(distributions: pd.DataFrame) -> None:
    answered = distributions[distributions["question"].isin(BANK["question"])]
    found = answered.merge(CODES, "left", on=["question", "code"], validate="m:1")
    assert len(found) == len(answered) > 20_000
    bare = found[found["place"].isna()]
    assert set(bare[["question", "code"]].itertuples(index=False, name=None)) == OUTSIDE


def test_every_question_of_the_bank_has_a_scale_and_only_nominal_ones_have_no_positions() -> None:
    assert list(CODES["question"].unique()) == list(BANK["question"].unique())
    placed = CODES.dropna(subset="place")
    nominal = placed["scale"] == "nominal"
    assert placed.loc[nominal, "position"].isna().all()
    assert (placed.loc[~nominal, "position"] == placed.loc[~nominal, "place"]).all()
    for _, codes in some(placed[placed["code"] == placed["counted"]]).groupby("question"):
        assert sorted(codes["place"]) == list(range(1, len(codes) + 1)) and len(codes) >= 2


@pytest.mark.parametrize(
    ("question", "codes"),
    [
        ("Q4", [1, 2, 3, 4]),
        ("Q56", [1, 3, 2]),
        ("Q119", [1, 2, 0, 3, 4]),
        ("Q122", [0, 1, 2]),
        ("Q222", [1, 2, 3]),
        ("Q242", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
        ("Q42", [1, 2, 3]),
        ("Q254", [1, 2, 3, 4]),
    ],
)
def test_answers_stand_in_the_order_of_their_meaning(question: str, codes: list[int]) -> None:
    scale = CODES[(CODES["question"] == question) & (CODES["code"] == CODES["counted"])]
    assert list(scale.sort_values("place")["code"]) == codes


def find_misfits(codes: pd.DataFrame, bank: pd.DataFrame) -> set[str]:
    """Probes whose poles are not the two ends of their scale, with what is neither between them."""
    placed = list_codes(bank).merge(codes.dropna(subset="position"), on=["question", "code"])
    sides = placed.groupby(["probe", "pole"])["position"].agg(["min", "max"]).astype(float).unstack()
    low, high = sides["max"][["A", "B"]].min(axis=1), sides["min"][["A", "B"]].max(axis=1)
    middle = sides["min"].get("neither"), sides["max"].get("neither")
    fits = (low < high) & (middle[0].isna() | ((low < middle[0]) & (middle[1] < high)))
    return set(sides.index[~fits])


def test_poles_of_every_probe_are_the_two_ends_of_its_scale(tmp_path: Path) -> None:
    assert find_misfits(CODES, BANK) == set()
    for row in ("Q56,1,3,Q56_3,,", "Q56,1,3,Q56_3,3 1 2,"):
        assert find_misfits(read_scales(rewrite(tmp_path, "Q56", row), BANK), BANK) == {"Q56"}


@pytest.mark.slow
@needs_facts
def test_order_is_the_published_one() -> None:
    published = json.loads((FACTS / "wvs7_non_ordinal_codes.json").read_text(encoding="utf-8"))
    for question, scale in some(CODES[CODES["scale"] == "ordinal"]).groupby("question"):
        values = {code: str(published.get(question, {}).get(str(code), code)) for code in scale["code"]}
        theirs = {code: int(value) for code, value in values.items() if value}
        ours = {row.code: row.position for row in scale.dropna(subset="position").itertuples()}
        assert sorted(theirs, key=theirs.get) == sorted(ours, key=lambda code: (ours[code], theirs[code])), question
        assert len(set(theirs.values())) == len(set(ours.values())), question


def rewrite(folder: Path, question: str, row: str) -> Path:
    """A copy of the scales with the row of a question replaced; no row, if it is empty."""
    lines = SCALES.read_text(encoding="utf-8").splitlines()
    kept = [row if line.startswith(f"{question},") else line for line in lines]
    path = folder / "scales.csv"
    path.write_text("\n".join(line for line in kept if line) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("row", "tells"),
    [
        pytest.param("Q56,1,3,Q56_3,1 3 2 4,", "code 4 is not a code of Q56", id="unknown code"),
        pytest.param("Q56,1,3,Q56_3,1 3 2 3,", "code 3 of Q56 is named more than once", id="code twice"),
        pytest.param("Q56,1,3,Q56_3,1 3 2,2=1", "code 2 of Q56 is named more than once", id="offered and merged"),
        pytest.param("Q56,1,3,Q56_3,1 2,3=1 3=2", "code 3 of Q56 is named more than once", id="merged twice"),
        pytest.param("Q56,1,3,Q56_3,1 2,3=3", "count as 3, which is not offered", id="merged with itself"),
        pytest.param("Q56,1,3,Q56_3,1-3,", r"must look like", id="no list of codes"),
    ],
)
def test_order_that_makes_no_sense_is_refused_with_its_line(tmp_path: Path, row: str, tells: str) -> None:
    with pytest.raises(InputError, match=rf'scales.csv, line 57, column "order", value .*{tells}'):
        read_scales(rewrite(tmp_path, "Q56", row), BANK)


def test_question_without_a_scale_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match='column "question": 1 questions of the bank have no row here.*Q56'):
        read_scales(rewrite(tmp_path, "Q56", ""), BANK)
    assert "Q56" not in set(read_scales(rewrite(tmp_path, "Q56", ""), BANK[BANK["question"] != "Q56"])["question"])


# Their words


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_answer_of_every_question_has_words_of_its_own(language: str) -> None:
    texts = read_scale_texts(SURVEY / "questions" / f"{language}.csv", SURVEY / "labels" / f"{language}.csv", CODES)
    offered = CODES[CODES["code"] == CODES["counted"]]
    assert set(zip(texts["question"], texts["code"], strict=True)) == set(
        zip(offered["question"], offered["code"], strict=True)
    )
    assert list(texts["question"].unique()) == list(CODES["question"].unique())
    for question, rows in texts.groupby("question"):
        assert list(rows["place"]) == list(range(1, len(rows) + 1)), question
        assert rows["wording"].nunique() == 1 and rows["shown"].is_unique, question
        if len(rows) == 10:
            assert list(rows["answer"]) == list(map(str, range(1, 11))), question
            assert list(rows["shown"])[1:9] == list(map(str, range(2, 10))), question
            assert rows["shown"].iloc[0].startswith("1 = ") and rows["shown"].iloc[9].startswith("10 = "), question
        else:
            assert list(rows["shown"]) == list(rows["answer"]), question
            assert not rows["answer"].str.isdigit().any(), question


def test_words_of_two_questions_by_hand() -> None:
    codes = CODES[CODES["question"].isin(["Q48", "Q56"])]
    texts = read_scale_texts(SURVEY / "questions" / "es.csv", SURVEY / "labels" / "es.csv", codes)
    asked = {
        f"{wording} ({' / '.join(rows['shown'])})": list(rows["answer"])
        for wording, rows in texts.groupby("wording", sort=False)
    }
    assert asked == {
        "¿Cuánta libertad tiene usted para decidir sobre su vida? "
        "(1 = ninguna libertad / 2 / 3 / 4 / 5 / 6 / 7 / 8 / 9 / 10 = muchísima libertad)": [
            *("1", "2", "3", "4", "5", "6", "7", "8", "9", "10")
        ],
        "En comparación con sus padres cuando tenían la edad que usted tiene ahora, ¿cómo vive usted? "
        "(mejor que ellos / más o menos igual que ellos / peor que ellos)": [
            *("mejor que ellos", "más o menos igual que ellos", "peor que ellos")
        ],
    }


@pytest.mark.parametrize(
    ("labels", "tells"),
    [
        pytest.param(
            "importance_4,1,a,drafted\nimportance_4,4,d,drafted\nimportance_4,2,b,drafted\n", "code 3", id="one"
        ),
        pytest.param("importance_4,2,b,drafted\nimportance_4,3,c,drafted\n", "code 1", id="ends"),
        pytest.param("other,1,a,drafted\n", "code 1 of Q4 has no label; 4 answers lack theirs", id="all"),
    ],
)
def test_scale_with_a_gap_in_its_labels_is_refused(tmp_path: Path, labels: str, tells: str) -> None:
    (tmp_path / "labels.csv").write_text(f"labels,code,label,status\n{labels}", encoding="utf-8")
    codes = CODES[CODES["question"] == "Q4"]
    with pytest.raises(InputError, match=f"labels.csv, column \"labels\", value 'importance_4': {tells}"):
        read_scale_texts(SURVEY / "questions" / "en.csv", tmp_path / "labels.csv", codes)


def test_question_without_a_wording_is_refused(tmp_path: Path) -> None:
    (tmp_path / "questions.csv").write_text("question,wording,status\nQ5,Work?,drafted\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"questions.csv.*1 questions of the bank have no row here.*Q4"):
        read_scale_texts(tmp_path / "questions.csv", SURVEY / "labels" / "en.csv", CODES[CODES["question"] == "Q4"])


# The people


def test_distribution_by_hand() -> None:
    # Codes 0 and 1 are one answer of Q242, and nobody chose 3 to 10.
    table = spread_people(answers_to("Q242", {0: 20, 1: 30, 2: 50}), CODES)
    assert list(table["share"]) == pytest.approx([0.5, 0.5] + [0] * 8)
    assert list(table["n"]) == [50, 50] + [0] * 8
    assert not table["modal"].any()
    # Who has another nationality is left out of Q254.
    table = spread_people(answers_to("Q254", {1: 30, 3: 10, 5: 60}), CODES)
    assert list(table["share"]) == pytest.approx([0.75, 0, 0.25, 0])
    assert list(table.loc[table["modal"], "code"]) == [1]


def test_shares_are_those_of_the_counts_in_the_order_of_the_scale(spread: pd.DataFrame) -> None:
    counts = pd.read_csv(SURVEY / "example" / "counts.csv")
    worse = counts[(counts["country"] == "BOL") & (counts["question"] == "Q56")].set_index("code")["count"]
    rows = spread[(spread["country"] == "BOL") & (spread["question"] == "Q56")]
    assert list(rows["n"]) == [worse[1], worse[3], worse[2]]
    assert list(rows["share"] * (worse[1] + worse[2] + worse[3])) == pytest.approx(list(rows["n"]))
    assert list(rows["position"]) == [1, 2, 3]


def test_shares_of_a_country_and_question_sum_to_one(spread: pd.DataFrame) -> None:
    np.testing.assert_allclose(spread.groupby(["country", "question"])["share"].sum(), 1, atol=1e-12)
    assert (spread.groupby(["country", "question"])["modal"].sum() <= 1).all()


def test_poles_of_a_probe_can_be_read_off_the_scale(spread: pd.DataFrame, distributions: pd.DataFrame) -> None:
    poles = map_poles(distributions, BANK).set_index(["country", "probe"])
    sides = spread.merge(list_codes(BANK), on=["question", "code"])
    sums = sides.pivot_table(index=["country", "probe"], columns="pole", values="share", aggfunc="sum")
    share = sums["A"] / (sums["A"] + sums["B"])
    assert set(share.index) == set(poles.index)
    np.testing.assert_allclose(share, poles["share_a"].reindex(share.index), atol=1e-12)


def test_nobody_is_dropped_silently(spread: pd.DataFrame, distributions: pd.DataFrame) -> None:
    countries = sorted(distributions["country"].unique())
    dropped = DroppedScales.validate(find_dropped_answers(distributions, spread, CODES, countries))
    asked = distributions[distributions["question"].isin(CODES["question"])]
    key = ["country", "question"]
    kept = spread.groupby(key)["n"].sum()
    outside = dropped[dropped["reason"] == "outside"].set_index(key)["n"].reindex(kept.index, fill_value=0)
    everybody = asked.astype({"n": "Int64"}).groupby(key)["n"].sum()
    assert (kept + outside).equals(everybody.reindex(kept.index))
    assert len(kept) == len(everybody)
    absent = dropped.loc[dropped["reason"] == "no_answers", key]
    pairs = pd.MultiIndex.from_product([countries, CODES["question"].unique()])
    assert set(pairs) == set(kept.index) | set(absent.itertuples(index=False, name=None))
    ties = dropped[dropped["reason"] == "tie"]
    assert len(modal_answers(spread)) == len(kept) - len(ties)
    document = " ".join((ROOT / "docs" / "poles.md").read_text(encoding="utf-8").split())
    usual = BANK.loc[BANK["on_request"] == "", "question"]  # a run of the whole bank asks these
    tied = ties["question"].isin(usual).sum()
    pairs = kept.index.get_level_values("question").isin(usual).sum()
    assert f"{tied} of {pairs:,} pairs of country and question tie" in document
    named = (read_input(SCALES, Scales)[["order", "merged"]] != "").any(axis=1)
    assert f"which is so for {named.sum()} questions" in document


def test_modal_answer_is_the_most_frequent_and_a_tie_has_none() -> None:
    table = pd.concat([answers_to("Q4", {1: 2, 3: 5, 4: 3}), answers_to("Q4", {1: 4, 2: 4}, "DEU")])
    spread = spread_people(table, CODES)
    assert modal_answers(spread).to_dict("records") == [{"country": "BOL", "question": "Q4", "code": 3}]
    dropped = find_dropped_answers(table, spread, CODES[CODES["question"] == "Q4"], ["BOL", "DEU", "MEX"])
    assert list(dropped[["country", "reason"]].itertuples(index=False, name=None)) == [
        ("DEU", "tie"),
        ("MEX", "no_answers"),
    ]


def test_code_that_a_scale_does_not_have_is_refused() -> None:
    with pytest.raises(InputError, match=r"scales.csv.*'Q4': the survey has answers to Q4 with code 5"):
        check_codes(answers_to("Q4", {1: 2, 5: 1}), CODES, SCALES)


@pytest.mark.slow
def test_shares_of_several_codes_together_are_dropped_and_reported() -> None:
    shares = read_input(SURVEY / "shares" / "shares.csv", Shares)
    table = Distributions.validate(parse_shares(shares, read_input(SCALES, Scales)))
    spread = PeopleScales.validate(spread_people(table, CODES))
    binary = set(CODES.loc[CODES["scale"] == "binary", "question"])
    assert spread["question"].nunique() > 5 and set(spread["question"]) <= binary
    assert spread["n"].isna().all()
    countries = list(table["country"].unique())
    dropped = DroppedScales.validate(find_dropped_answers(table, spread, CODES, countries))
    reasons = {
        reason: set(rows[["country", "question"]].itertuples(index=False, name=None))
        for reason, rows in dropped.groupby("reason")
    }
    published, used = (
        set(some[["country", "question"]].itertuples(index=False, name=None)) for some in (table, spread)
    )
    assert reasons["codes_together"] == published - used
    assert reasons["no_answers"] == set(itertools.product(countries, CODES["question"])) - published


@pytest.mark.slow
def test_step_writes_both_tables(tmp_path: Path, distributions: pd.DataFrame) -> None:
    write_table(distributions, tmp_path / "distributions.parquet", Distributions)
    paths = {"distributions": "distributions.parquet", "output": "scales.parquet", "dropped": "dropped.csv"}
    words = [word for name, file in paths.items() for word in (f"--{name}", tmp_path / file)]
    BANK[BANK["question"].isin(["Q4", "Q254"])].to_csv(tmp_path / "bank.csv", index=False)
    words += ["--bank", tmp_path / "bank.csv", "--scales", SCALES]
    words += ["--countries", "BOL AUS"]
    CliRunner().invoke(program, ["map-scales", *map(str, words)], catch_exceptions=False, standalone_mode=False)
    spread = pd.read_parquet(tmp_path / "scales.parquet")
    assert set(spread["question"]) == {"Q4", "Q254"}
    dropped = pd.read_csv(tmp_path / "dropped.csv")
    assert set(dropped["reason"]) == {"outside"} and set(dropped["question"]) == {"Q254"}


# The model


CELL = {"arm": "own", "country": "BOL", "source": "BOL", "seed": 0, "template": "scale"}


def design_of(probe: str) -> pd.DataFrame:
    """A cell that asks with the whole scale, in both orders, by the prompts 1 and 2."""
    return pd.DataFrame(
        [{**CELL, "probe": probe, "order": order, "prompt": p} for order, p in (("AB", "1"), ("BA", "2"))]
    )


def answers_of(**scores: list[float]) -> pd.DataFrame:
    """Answers of two prompts, from the log-probabilities of the options in the order shown."""
    rows = [(prompt[1:], place, s) for prompt, options in scores.items() for place, s in enumerate(options, start=1)]
    table = pd.DataFrame(rows, columns=["prompt", "place", "option"])
    return table.assign(mass_outside_options=0.25, label=np.nan, mass_outside_labels=np.nan)


def read(probe: str, spread: pd.DataFrame, answers: pd.DataFrame) -> pd.DataFrame:
    return read_codes(design_of(probe), answers, spread, BANK, {"scale": "option"})


def log(*probabilities: float) -> list[float]:
    return list(np.log(probabilities))


def test_distribution_of_a_model_by_hand(spread: pd.DataFrame) -> None:
    # In order AB the options of Q56 are better, the same, worse; in order BA worse, the same, better.
    codes = read("Q56", spread, answers_of(_1=log(0.1, 0.2, 0.2), _2=log(0.3, 0.3, 0.4)))
    scored = score_scales(codes, spread)
    assert list(scored["code"]) == [1, 3, 2] and list(scored["position"]) == [1, 2, 3]
    means = np.sqrt([0.2 * 0.4, 0.4 * 0.3, 0.4 * 0.3])  # exp of the mean logarithms
    assert list(scored["p"]) == pytest.approx(list(means / means.sum()))
    assert list(scored["p_mean"]) == pytest.approx([(0.2 + 0.4) / 2, (0.4 + 0.3) / 2, (0.4 + 0.3) / 2])
    people = spread[(spread["country"] == "BOL") & (spread["question"] == "Q56")]
    assert list(scored["share"]) == pytest.approx(list(people["share"]))
    columns = ScaleScores.names()
    ScaleScores.validate(scored.assign(model="m", language="en")[columns].reset_index(drop=True))


@pytest.mark.slow
def test_poles_of_a_scale_by_hand(spread: pd.DataFrame, distributions: pd.DataFrame) -> None:
    codes = read("Q56", spread, answers_of(_1=log(0.1, 0.2, 0.2), _2=log(0.3, 0.3, 0.4)))
    poles = map_poles(distributions, select("Q56"))
    scored, unanswered = score_codes(codes, Comparison(poles, BANK))
    (row,) = scored.to_dict("records")  # pole A is code 1, pole B is code 2; 3 is neither
    assert row["p_a"] == pytest.approx(np.sqrt(0.2 * 0.4) / (np.sqrt(0.2 * 0.4) + np.sqrt(0.4 * 0.3)))
    assert row["p_a_mean"] == pytest.approx(0.3 / (0.3 + 0.35))
    assert row["order_gap"] == pytest.approx(abs(0.2 / 0.6 - 0.4 / 0.7))
    assert row["mass_outside"] == pytest.approx(0.25)
    share = poles.set_index("country").loc["BOL", "share_a"]
    assert row["alignment"] == pytest.approx(1 - abs(row["p_a"] - share))
    assert row["agreement"] == float((row["p_a"] > 0.5) == (share > 0.5))
    assert unanswered.empty
    columns = Scores.names()
    Scores.validate(scored.assign(model="m", language="en")[columns].reset_index(drop=True))


@pytest.mark.slow
@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.lists(st.floats(-60, 0), min_size=4, max_size=4))
def test_preference_for_a_place_leaves_a_scale_symmetric(spread: pd.DataFrame, scores: list[float]) -> None:
    scored = score_scales(read("Q4", spread, answers_of(_1=scores, _2=scores)), spread)
    assert scored["p"].sum() == pytest.approx(1)
    assert list(scored["p"]) == pytest.approx(list(scored["p"])[::-1])


@pytest.mark.slow
@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.lists(st.floats(-9, 0), min_size=4, max_size=4), *[st.floats(-9, 9)] * 2)
def test_preference_for_an_end_of_the_list_changes_no_distribution(
    spread: pd.DataFrame, scores: list[float], outer: float, inner: float
) -> None:
    """Each place gains what the opposite place loses, so the mean log-probabilities keep the model's opinion."""
    place = np.array([outer, inner, -inner, -outer])
    both = answers_of(_1=list(scores + place), _2=list(scores[::-1] + place))
    scored = score_scales(read("Q4", spread, both), spread)
    expected = np.exp(np.array(scores) - np.logaddexp.reduce(scores))
    np.testing.assert_allclose(scored["p"], expected, atol=1e-12)


def test_mean_of_probabilities_of_a_scale_is_not_free_of_a_preference_for_an_end(spread: pd.DataFrame) -> None:
    opinion, place = np.log([0.4, 0.3, 0.2, 0.1]), np.array([2.0, 1.0, -1.0, -2.0])
    scored = score_scales(
        read("Q4", spread, answers_of(_1=list(opinion + place), _2=list(opinion[::-1] + place))), spread
    )
    assert list(scored["p"]) == pytest.approx([0.4, 0.3, 0.2, 0.1])
    assert scored["p_mean"].iloc[3] > 0.2


@pytest.mark.slow
@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.lists(st.floats(-900, 0), min_size=10, max_size=10))
def test_same_opinion_in_both_orders_comes_back(spread: pd.DataFrame, scores: list[float]) -> None:
    scored = score_scales(read("Q242", spread, answers_of(_1=scores, _2=scores[::-1])), spread)
    expected = np.exp(np.array(scores) - np.logaddexp.reduce(scores))
    np.testing.assert_allclose(scored["p"], expected, atol=1e-12)
    assert list(scored["code"]) == list(range(1, 11))


@pytest.mark.slow
@settings(max_examples=6, deadline=None, derandomize=True)
@given(*[st.floats(-30, 0)] * 4)
def test_scale_of_two_answers_scores_as_two_options_do_when_orders_agree(
    spread: pd.DataFrame, distributions: pd.DataFrame, a: float, b: float, c: float, d: float
) -> None:
    """Each probe of Q57 has one code per pole; pole A is the second answer in Q57a and the first in Q57b."""
    poles = map_poles(distributions, select("Q57"))
    for probe, answers in (
        ("Q57b", answers_of(_1=[a, b], _2=[c, d])),
        ("Q57a", answers_of(_1=[b, a], _2=[d, c])),
    ):
        (ours,) = score_codes(read(probe, spread, answers), Comparison(poles, BANK)).cells.to_dict("records")
        two = answers_of(_1=[a, b], _2=[c, d])  # what a prompt with pole A first, then pole B first, is answered
        (theirs,) = score_options(design_of(probe), two, Comparison(poles, BANK), {"scale": "option"}).cells.to_dict(
            "records"
        )
        assert (ours.pop("asks"), theirs.pop("asks")) == ("scale", "poles")
        assert ours == pytest.approx(theirs, nan_ok=True)


@pytest.mark.slow
def test_order_without_an_answer_leaves_its_cell_unanswered(spread: pd.DataFrame, distributions: pd.DataFrame) -> None:
    codes = read("Q4", spread, answers_of(_1=log(0.1, 0.2, 0.3, 0.4), _2=[np.nan, -1, -1, -1]))
    scored = score_scales(codes, spread)
    assert len(scored) == 4 and scored[["p", "p_mean"]].isna().all(axis=None)
    poles = map_poles(distributions, select("Q4"))
    for rule, agreement in (("half", 0.5), ("wrong", 0.0), ("left_out", np.nan)):
        scored, unanswered = score_codes(codes, Comparison(poles, BANK, rule))
        (row,) = scored.to_dict("records")
        assert not row["answered"] and row["agreement"] == pytest.approx(agreement, nan_ok=True)
        assert np.isnan([row[name] for name in ("p_a", "p_a_mean", "alignment", "order_gap")]).all()
        assert Unanswered.validate(unanswered)[["order", "reason"]].to_numpy().tolist() == [["BA", "no answer"]]


@pytest.mark.slow
def test_replies_that_are_never_a_pole_have_a_distribution_and_no_poles(
    spread: pd.DataFrame, distributions: pd.DataFrame
) -> None:
    same = [-np.inf, 0.0, -np.inf]  # every reply drawn was "about the same"
    codes = read("Q56", spread, answers_of(_1=same, _2=same))
    assert list(score_scales(codes, spread)["p"]) == [0, 1, 0]
    scored, unanswered = score_codes(codes, Comparison(map_poles(distributions, select("Q56")), BANK))
    assert list(scored["answered"]) == [False] and list(unanswered["order"]) == ["AB", "BA"]


@pytest.mark.slow
def test_sampled_replies_on_a_scale_get_half_a_reply_each(spread: pd.DataFrame, distributions: pd.DataFrame) -> None:
    answers = answers_of(_1=[*log(0.75, 0.25), -np.inf], _2=[-np.inf, *log(0.25, 0.75)]).assign(samples=4)
    codes = read("Q56", spread, answers)  # 3, 1 and 0 of 4 replies in both orders
    assert list(score_scales(codes, spread)["p"]) == pytest.approx([3.5 / 5.5, 1.5 / 5.5, 0.5 / 5.5])
    (row,) = score_codes(codes, Comparison(map_poles(distributions, select("Q56")), BANK)).cells.to_dict("records")
    assert row["p_a"] == pytest.approx(3.5 / (3.5 + 0.5)) and row["order_gap"] == pytest.approx(0)


def test_prompt_that_offers_another_scale_is_a_bug_and_wrong_readouts_a_mistake(spread: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="prompt 1 does not offer the codes that the scale of Q4 has"):
        read("Q4", spread, answers_of(_1=log(0.5, 0.3, 0.2), _2=log(0.5, 0.3, 0.2)))
    answers = answers_of(_1=log(0.1, 0.2, 0.3, 0.4), _2=log(0.1, 0.2, 0.3, 0.4))
    with pytest.raises(InputError, match="the answers to the frame scale have no readout label"):
        check_readouts(design_of("Q4"), answers, {"scale": "label"})
    with pytest.raises(InputError, match="the frame scale has no readout"):
        check_readouts(design_of("Q4"), answers, {"words": "option"})


def test_codes_of_poles_come_back_from_their_list() -> None:
    listed = some(list_codes(BANK)).groupby(["probe", "pole"])["code"].agg(set)
    for probe in BANK.itertuples():
        for pole, text in (("A", probe.pole_a), ("B", probe.pole_b), ("neither", probe.neither)):
            assert listed.get((probe.probe, pole), set()) == parse_codes(text)
