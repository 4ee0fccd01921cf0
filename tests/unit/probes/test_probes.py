"""The probes stage: the bank that ships, and what the people of a country answer to a probe."""

import json
import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from bank import BANK, BANK_FILE, LANGUAGES, bank_texts
from click.testing import CliRunner
from facts import FACTS, needs_facts
from hypothesis import given, settings
from hypothesis import strategies as st
from nonempty import some
from places import ROOT
from selfalign.cli import program
from selfalign.config.row_digests import digest_compared
from selfalign.config.sections import Config
from selfalign.errors import InputError
from selfalign.probes.bank import parse_codes, read_bank, read_texts
from selfalign.probes.map_poles import find_dropped, map_poles
from selfalign.probes.schemas import LeftOutProbes, Poles
from selfalign.probes.selection import digest_rows, find_used, select_probes
from selfalign.survey.schemas import CodeLabels, Scales
from selfalign.survey.weigh_answers import count_codes, weigh
from selfalign.tables import read_input, read_table

RESOURCES = ROOT / "resources"


@pytest.fixture(scope="module")
def whole(bank: pd.DataFrame) -> pd.DataFrame:
    """The probes of a run of the whole bank: without those on request."""
    return bank[bank["on_request"] == ""]


@pytest.fixture(scope="module")
def poles(whole: pd.DataFrame, counts: pd.DataFrame) -> pd.DataFrame:
    """Poles of all countries of the example."""
    return Poles.validate(map_poles(unweighted(counts), whole))


def unweighted(counts: pd.DataFrame) -> pd.DataFrame:
    """Distributions of respondents who all weigh 1."""
    return weigh(counts.assign(n=counts["count"], weight=counts["count"], weight_squared=counts["count"]))


# The bank


def test_codes_of_every_probe_partition_the_scale_of_its_question(bank: pd.DataFrame) -> None:
    scales = read_input(RESOURCES / "survey" / "scales.csv", Scales).set_index("question")
    for row in some(bank).itertuples():
        parts = [parse_codes(codes) for codes in (row.pole_a, row.pole_b, row.neither)]
        scale = scales.loc[row.question]
        assert sorted(code for part in parts for code in part) == list(range(scale["first"], scale["last"] + 1)), row
        assert parts[0] and parts[1], row


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_probe_is_worded_with_one_blank_that_two_options_fill(language: str, bank: pd.DataFrame) -> None:
    texts = bank_texts(language)
    assert list(texts.index) == list(bank["probe"])
    for row in texts.itertuples():
        assert row.statement.count("_") == 3, row
        assert language == "zh" or re.search(r"(?<!\w)___(?!\w)", row.statement), row  # Chinese has no spaces
        assert row.option_a.casefold() != row.option_b.casefold(), row
        cells = (row.statement, row.option_a, row.option_b)
        assert all(cell == " ".join(cell.split()) for cell in cells), row
        assert not any(mark in cell for cell in cells for mark in "{}\n"), row
    assert texts["statement"].is_unique
    assert set(texts.index[texts["status"] != "reviewed"]) == {"Q154", "Q155"}


@pytest.mark.slow
def test_every_category_has_five_candidates_for_each_of_its_probes(bank: pd.DataFrame) -> None:
    for probe in some(bank).itertuples():
        others = bank[(bank["category"] == probe.category) & (bank["siblings"] != probe.siblings)]
        assert len(others) >= 5, probe.probe


def test_siblings_and_batteries_lie_within_a_category(bank: pd.DataFrame) -> None:
    for group in ("siblings", "battery"):
        assert (bank.groupby(group)["category"].nunique() == 1).all()
    groups = bank[bank["siblings"].duplicated(keep=False)].groupby("siblings")["probe"].agg(" ".join)
    assert set(groups) == {"Q42a Q42b", "Q57a Q57b", "Q154 Q155", "Q209 Q218", "Q215 Q219", "Q221 Q222"}


def test_neighbours_with_the_same_answers_are_one_battery(bank: pd.DataFrame) -> None:
    scales = read_input(RESOURCES / "survey" / "scales.csv", Scales)
    asked = bank.drop_duplicates("question").merge(scales, on="question")
    following = asked.shift(-1)
    parted = asked[(asked["labels"] == following["labels"]) & (asked["battery"] != following["battery"])]
    assert list(parted["question"]) == ["Q17"], "children and neighbours: two lists, two cards"
    cards = asked.groupby("battery")["labels"].nunique()
    stems = {"international_knowledge", "economic_views", "freedom_or_other", "meaning_of_religion"}
    assert set(cards.index[cards > 1]) == stems, "questions with several cards and no stem in common"


def test_political_action_is_one_card(bank: pd.DataFrame) -> None:
    card = bank[bank["question"].isin([f"Q{number}" for number in range(209, 221)])]
    assert set(card["battery"]) == {"political_action"} and len(card) == 12
    assert set(bank.loc[bank["battery"] == "political_action", "probe"]) == set(card["probe"])


def test_document_on_probes_has_the_numbers_of_the_bank(bank: pd.DataFrame) -> None:
    batteries = bank["battery"].value_counts()
    assert_told(
        f"The bank has {len(bank)} probes for {bank['question'].nunique()} questions",
        f"section of the survey; {bank['category'].nunique()} of them",
        f"{(batteries > 1).sum()} batteries hold two probes or more",
        f"{(batteries == 1).sum()} probes stand alone",
        f"has 65 of the {len(batteries)} batteries",
    )
    scales = read_input(RESOURCES / "survey" / "scales.csv", Scales)["question"]
    assert set(scales) - set(bank["question"]) == {"Q152", "Q153", "Q156", "Q157"}
    labels = read_input(RESOURCES / "survey" / "labels" / "en.csv", CodeLabels)["labels"]
    assert_told(f"{labels.nunique()} sets of labels serve all questions", page="poles.md")


def test_document_on_probes_has_the_margins_of_the_example(
    bank: pd.DataFrame, counts: pd.DataFrame, poles: pd.DataFrame
) -> None:
    is_a = poles["majority"] == "A"
    distance = (poles["share_a"] - 0.5).abs()
    per_country = is_a.groupby(poles["country"]).mean()
    per_category = is_a.groupby(poles["probe"].map(bank.set_index("probe")["category"])).mean()
    same = poles.groupby("probe")["majority"].nunique() == 1
    ties = poles[poles["majority"] == "tie"]
    reasons = counts[(counts["question"] == "Q121") & (counts["code"] > 0)].pivot(
        index="country", columns="code", values="count"
    )
    midpoint = reasons[3] / reasons.sum(axis=1)
    assert_told(
        f"Of {len(poles):,} pairs of country and probe, {is_a.sum():,} ({is_a.mean():.1%}) have majority A",
        f"per country between {per_country.min():.0%} and {per_country.max():.0%}",
        f"one exact tie ({ties['probe'].item()} in {ties['country'].item()})",
        f"between {per_category.min():.0%} (`{per_category.idxmin()}`) and {per_category.max():.0%} "
        f"(`{per_category.idxmax()}`)",
        f"{same.sum()} probes have the same majority in all countries",
        f"In {(distance <= 0.05).sum()} pairs ({(distance <= 0.05).mean():.0%}) the majority is within 5 points of a "
        f"half, in {(distance <= 0.01).sum()} within one point",
    )
    loss = f"Q121 loses from {midpoint.min():.0%} ({midpoint.idxmin()}) to {midpoint.max():.0%} ({midpoint.idxmax()})"
    assert_told(loss, page="poles.md")


def test_repairs_name_probes_or_questions_and_languages_of_the_bank(bank: pd.DataFrame) -> None:
    repairs = pd.read_csv(ROOT / "docs" / "probes" / "repairs.csv", keep_default_na=False)
    assert list(repairs.columns) == ["reading", "questions", "languages", "defect", "fix"]
    assert not (repairs == "").any(axis=None)
    assert set(repairs["reading"]) == {"first", "whole bank"}
    known = set(bank["probe"]) | set(bank["question"])
    named = [name for entry in repairs["questions"] for names in entry.split() for name in names.split("-")]
    assert set(named) <= known
    languages = {path.stem for path in (RESOURCES / "probes" / "texts").glob("*.csv")} | {"bank"}
    assert {language for entry in repairs["languages"] for language in entry.split()} <= languages
    assert "Q108" in named  # docs/wording.md names it


def assert_told(*parts: str, page: str = "probes.md") -> None:
    """Assert that a page of the documents on probes says each of these."""
    document = " ".join((ROOT / "docs" / page).read_text(encoding="utf-8").split()).replace(" %", "%")
    for part in parts:
        assert part.replace(" %", "%") in document, part


def test_probes_are_chosen_by_category_and_by_id_and_all_where_none_is_named(bank: pd.DataFrame) -> None:
    file = Path("bank.csv")
    some = select_probes(bank, {"categories": ["religion", "ethics"], "only": []}, file)
    assert list(some["probe"]) == [row.probe for row in bank.itertuples() if row.category in ("ethics", "religion")]
    assert list(select_probes(bank, {"only": ["Q164", "Q4", "Q57b"]}, file)["probe"]) == ["Q4", "Q57b", "Q164"]
    assert list(select_probes(bank, {"categories": ["religion"], "only": ["Q164", "Q4"]}, file)["probe"]) == ["Q164"]
    whole = select_probes(bank, {}, file)
    pd.testing.assert_frame_equal(whole, bank[~bank["probe"].isin(["Q154", "Q155"])])
    assert len(whole) == 255, "the whole bank of the studies"
    security = select_probes(bank, {"categories": ["security"]}, file)["probe"]
    assert {"Q149", "Q151"} <= set(security) and not {"Q154", "Q155"} & set(security), "a probe on request"
    assert list(select_probes(bank, {"only": ["Q154", "Q4"]}, file)["probe"]) == ["Q4", "Q154"]
    with pytest.raises(InputError, match='bank.csv, column "category", value \'religions\': .*Did you mean "religion"'):
        select_probes(bank, {"categories": ["religions"]}, file)
    with pytest.raises(InputError, match='bank.csv, column "probe", value \'Q57\': .*Did you mean "Q57'):
        select_probes(bank, {"only": ["Q57"]}, file)
    with pytest.raises(InputError, match=r"no probe is left by probes\.only and probes\.categories"):
        select_probes(bank, {"categories": ["religion"], "only": ["Q4"]}, file)
    requested = bank[bank["probe"].isin(["Q154", "Q155"])]
    with pytest.raises(InputError, match=r"all probes are on request\. .*name probes in probes\.only"):
        select_probes(requested, {"categories": [], "only": []}, file)
    with pytest.raises(InputError, match=r"no probe is left by probes\.categories\."):
        select_probes(requested, {"categories": ["security"]}, file)


def test_step_selects_probes_and_reports_why_it_excludes_others(bank: pd.DataFrame, tmp_path: Path) -> None:
    settings = {"categories": ["religion", "ethics"], "only": ["Q164", "Q171", "Q4"]}
    files = ["--selected", tmp_path / "selected.csv", "--left-out", tmp_path / "left_out.csv"]
    words = ["select-probes", "--bank", BANK_FILE, "--settings", json.dumps(settings), *files]
    told = CliRunner().invoke(program, [*map(str, words)], catch_exceptions=False)
    selected = read_bank(tmp_path / "selected.csv")
    pd.testing.assert_frame_equal(selected, bank[bank["probe"].isin(["Q164", "Q171"])].reset_index(drop=True))
    left_out = read_table(tmp_path / "left_out.csv", LeftOutProbes)
    assert set(left_out["probe"]) | set(selected["probe"]) == set(bank["probe"])
    assert left_out.set_index("probe")["reason"]["Q4"] == "categories", "it is named in probes.only"
    assert left_out["reason"].value_counts().to_dict() == {"only": len(bank) - 3, "categories": 1}
    assert told.stderr == f"2 of {len(bank)} probes; left out: {len(bank) - 3} by probes.only, 1 by probes.categories\n"


def test_text_of_a_probe_that_the_bank_lacks_is_refused_before_a_run_only(bank: pd.DataFrame, tmp_path: Path) -> None:
    words = (RESOURCES / "probes" / "texts" / "en.csv").read_text(encoding="utf-8")
    file = tmp_path / "en.csv"
    file.write_text(words + words.splitlines()[1].replace("Q1,", "Q223,", 1) + "\n", encoding="utf-8")
    line = len(bank) + 2
    with pytest.raises(InputError, match=f"line {line}, column \"probe\", value 'Q223': is not a probe of the bank"):
        read_texts(file, bank)
    assert list(read_texts(file, bank.iloc[:5], others=True).index) == [*bank["probe"], "Q223"]


@pytest.mark.slow
def test_digest_changes_with_a_probe_that_is_used_only(tmp_path: Path) -> None:
    lines = BANK_FILE.read_text(encoding="utf-8").splitlines(keepends=True)
    file, settings = tmp_path / "bank.csv", {"only": ["Q1", "Q2"]}
    digests = []
    for rows in (lines, [line for line in lines if not line.startswith("Q3,")], lines[:1] + lines[2:]):
        file.write_text("".join(rows), encoding="utf-8")
        digests.append(digest_rows(file, find_used(file, settings)))
    assert digests[0] == digests[1] != digests[2]
    used = [find_used(file, {"only": ids}) for ids in (["Q2", "Q3"], ["Q2"])]
    assert digest_rows(file, used[0]) != digest_rows(file, used[1])


def test_wordings_of_probes_on_request_count_for_bm25(tmp_path: Path) -> None:
    words = (RESOURCES / "probes" / "texts" / "en.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    file, probes = tmp_path / "en.csv", {"bank": str(BANK_FILE)}
    digests = {measure: [] for measure in ("bm25", "chrf")}
    for rows in (words, [line for line in words if not line.startswith("Q154,")]):
        file.write_text("".join(rows), encoding="utf-8")
        for measure, found in digests.items():
            found.append(digest_compared(Config.read({"probes": probes}), str(file), measure))
    assert len(set(digests["bm25"])) == 2 and len(set(digests["chrf"])) == 1


# Codes


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("1-2", {1, 2}),
        ("0", {0}),
        ("6-10", {6, 7, 8, 9, 10}),
        ("1-2 5", {1, 2, 5}),
        ("0 2-3 7", {0, 2, 3, 7}),
        ("", set()),
    ],
)
def test_text_of_codes_is_read_by_hand(text: str, codes: set[int]) -> None:
    assert parse_codes(text) == codes


@pytest.mark.slow
@settings(deadline=None, derandomize=True)
@given(st.sets(st.integers(0, 99), max_size=12))
def test_codes_come_back_from_their_text(codes: set[int]) -> None:
    runs = [f"{code}-{code + 1}" if code + 1 in codes else str(code) for code in codes]
    assert parse_codes(" ".join(runs)) == codes


# The people


def test_share_of_a_real_probe_by_hand(bank: pd.DataFrame, counts: pd.DataFrame, poles: pd.DataFrame) -> None:
    politics = counts[(counts["country"] == "BOL") & (counts["question"] == "Q4")].set_index("code")["count"]
    unimportant, important = politics[3] + politics[4], politics[1] + politics[2]
    row = poles.set_index(["country", "probe"]).loc[("BOL", "Q4")]
    assert row["n"] == unimportant + important
    assert row["share_a"] == pytest.approx(unimportant / (unimportant + important))
    assert row["majority"] == ("A" if unimportant > important else "B")


@pytest.mark.slow
@needs_facts
def test_poles_follow_exactly_from_the_published_counts(whole: pd.DataFrame, poles: pd.DataFrame) -> None:
    people: dict[tuple[str, str], dict[int, int]] = {}
    for country, question, code, count in pd.read_csv(FACTS / "wvs7_counts_19_countries.csv").iloc[:, :4].to_numpy():
        people.setdefault((country, question), {})[code] = count
    found = poles.set_index(["country", "probe"])
    expected = set()
    for probe in whole.itertuples():
        for country in sorted({country for country, question in people if question == probe.question}):
            given_codes = people[(country, probe.question)]
            a, b, neither = (
                sum(count for code, count in given_codes.items() if str(code) in spelt_out(side))
                for side in (probe.pole_a, probe.pole_b, probe.neither)
            )
            row = found.loc[(country, probe.probe)]
            expected.add((country, probe.probe))
            assert a + b + neither == sum(given_codes.values())
            assert (row["n"], row["neither"]) == (a + b, neither), (country, probe)
            assert row["share_a"] == pytest.approx(float(Fraction(a, a + b)), abs=1e-12)
            assert row["majority"] == ("A" if a > b else "B" if b > a else "tie")
    assert set(found.index) == expected


def spelt_out(codes: str) -> list[str]:
    """Each code of a text such as `1-3 5`."""
    numbers = re.sub(r"(\d+)-(\d+)", lambda ends: " ".join(map(str, range(int(ends[1]), int(ends[2]) + 1))), codes)
    return numbers.split()


@needs_facts
def test_poles_have_the_published_weighted_shares_where_weights_are_one(
    bank: pd.DataFrame, poles: pd.DataFrame
) -> None:
    tops = {"top2of4": "1-2", "6-10of10": "6-10", "neighbor_mentioned": "1", "binary_yes=1": "1"}
    published = pd.read_csv(FACTS / "wvs7_binary_shares_65_countries.csv")
    compared = published.merge(bank[bank["neither"] == ""], on="question")
    shares = poles[poles["country"].isin(["BOL", "DEU", "ETH", "KEN", "NLD", "NZL", "ZWE"])]
    compared = compared.merge(shares, on=["country", "probe"])
    assert compared["probe"].nunique() >= 60 and compared["country"].nunique() == 7
    for row in compared.itertuples():
        assert tops[row.rule] in (row.pole_a, row.pole_b), row
        ours = row.share_a if row.pole_a == tops[row.rule] else 1 - row.share_a
        assert ours == pytest.approx(row.share, abs=6e-7), row


@st.composite
def respondents(draw: st.DrawFn, weights: st.SearchStrategy[float]) -> pd.DataFrame:
    codes = draw(st.lists(st.sampled_from([-2, 1, 2, 3, 4, 5]), min_size=1, max_size=40))
    return pd.DataFrame(
        {
            "respondent": range(2, len(codes) + 2),
            "interview": 1,
            "country": "BOL",
            "wave": 7,
            "year": 2018,
            "weight": draw(st.lists(weights, min_size=len(codes), max_size=len(codes))),
            "Q37": codes,
        }
    )


def small_bank(pole_a: str, pole_b: str, neither: str = "3") -> pd.DataFrame:
    return pd.DataFrame(
        {"probe": ["Q37"], "question": ["Q37"], "pole_a": [pole_a], "pole_b": [pole_b], "neither": [neither]}
    )


def ask(people: pd.DataFrame, bank: pd.DataFrame) -> pd.DataFrame:
    return map_poles(weigh(count_codes(people)), bank)


@pytest.mark.slow
@settings(max_examples=20, deadline=None, derandomize=True)
@given(respondents(st.floats(0.01, 100)))
def test_share_and_standard_error_are_those_of_the_respondents_one_by_one(people: pd.DataFrame) -> None:
    table = ask(people, small_bank("4-5", "1-2"))
    chose = people[people["Q37"].isin([1, 2, 4, 5])]
    if chose.empty:
        assert table.empty
        return
    weight, a = chose["weight"].to_numpy(), (chose["Q37"] >= 4).to_numpy()
    share = (weight * a).sum() / weight.sum()
    row = table.iloc[0]
    assert row["n"] == len(chose)
    assert row["share_a"] == pytest.approx(share)
    assert row["standard_error"] == pytest.approx(np.sqrt((weight**2 * (a - share) ** 2).sum()) / weight.sum())


@pytest.mark.slow
@settings(max_examples=20, deadline=None, derandomize=True)
@given(respondents(st.just(0.7)))
def test_standard_error_of_equal_weights_is_the_binomial_one(people: pd.DataFrame) -> None:
    mapped = ask(people, small_bank("4-5", "1-2"))
    assert len(mapped) == people["Q37"].isin([1, 2, 4, 5]).any(), "people with an answer at a pole have a share"
    for row in mapped.itertuples():
        assert row.standard_error == pytest.approx(np.sqrt(row.share_a * (1 - row.share_a) / row.n))


@pytest.mark.slow
@settings(max_examples=20, deadline=None, derandomize=True)
@given(respondents(st.floats(0.01, 100)))
def test_exchange_of_the_poles_gives_the_other_share_and_majority(people: pd.DataFrame) -> None:
    one, other = ask(people, small_bank("4-5", "1-2")), ask(people, small_bank("1-2", "4-5"))
    np.testing.assert_allclose(one["share_a"], 1 - other["share_a"], atol=1e-12)
    np.testing.assert_allclose(one["standard_error"], other["standard_error"], atol=1e-12)
    assert list(one["majority"].map({"A": "B", "B": "A", "tie": "tie"})) == list(other["majority"])


def test_siblings_that_mirror_each_other_have_mirrored_answers(poles: pd.DataFrame) -> None:
    sides = poles.pivot(index="country", columns="probe", values="share_a")
    np.testing.assert_allclose(sides["Q57a"] + sides["Q57b"], 1)


def people_with(codes: list[int], weights: list[float]) -> pd.DataFrame:
    about = {"respondent": range(2, len(codes) + 2), "interview": 1, "country": "BOL", "wave": 7, "year": 2018}
    return pd.DataFrame(about | {"weight": weights, "Q37": codes})


@pytest.mark.parametrize(
    ("codes", "weights", "majority", "reason"),
    [
        pytest.param([1, 5], [1, 1], "tie", "tie", id="exact tie"),
        pytest.param([1, 2, 5], [0.1, 0.2, 0.3], "tie", "tie", id="tie up to rounding"),
        pytest.param([1, 1, 5], [1, 1, 1.9999], "B", None, id="narrow majority"),
        pytest.param([3, 3, 5], [9, 9, 0.1], "A", None, id="midpoint does not count"),
        pytest.param([3, -1], [1, 1], None, "no_answers", id="nobody chose a pole"),
        pytest.param([1, 5], [0, 0], None, "no_answers", id="nobody weighs anything"),
    ],
)
def test_ties_and_probes_without_answers_are_dropped_with_the_reason(
    codes: list[int], weights: list[float], majority: str | None, reason: str | None
) -> None:
    bank = small_bank("4-5", "1-2")
    table = ask(people_with(codes, weights), bank)
    assert list(table["majority"]) == ([majority] if majority else [])
    dropped = find_dropped(table, bank, ["BOL"])
    assert list(dropped.itertuples(index=False, name=None)) == ([("BOL", "Q37", reason)] if reason else [])


def test_probes_that_a_country_was_not_asked_are_dropped(
    whole: pd.DataFrame, counts: pd.DataFrame, poles: pd.DataFrame
) -> None:
    dropped = find_dropped(poles, whole, sorted(poles["country"].unique()))
    not_asked = counts[counts["code"] == -4].merge(whole, on="question")
    expected = {(row.country, row.probe, "no_answers") for row in not_asked.itertuples()} | {("KEN", "Q198", "tie")}
    assert set(dropped.itertuples(index=False, name=None)) == expected
    assert len(dropped) == len(expected) == 61


def test_poles_come_in_the_order_of_the_bank(whole: pd.DataFrame, poles: pd.DataFrame) -> None:
    assert list(poles["country"].unique()) == sorted(poles["country"].unique())
    assert list(poles.loc[poles["country"] == "NGA", "probe"]) == list(whole["probe"])


def test_answers_of_neither_pole_are_counted_and_move_no_share() -> None:
    bank = BANK.query("probe == 'Q37'")
    counts = {1: 30, 2: 10, 3: 25, 4: 15, 5: 5}
    answers = pd.DataFrame({"country": "DEU", "question": "Q37", "code": list(counts), "n": list(counts.values())})
    poles = map_poles(weigh(answers.assign(weight=answers["n"], weight_squared=answers["n"])), bank)
    assert (poles["n"].item(), poles["neither"].item()) == (60, 25)
    assert poles["share_a"].item() == pytest.approx(20 / 60)
