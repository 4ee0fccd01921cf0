"""The probe bank and the questionnaire, row by row: codes, poles, direction, labels, balance."""

import json
import re
import unicodedata

import clusters
import numpy as np
import pandas as pd
import pytest
from bank import BANK, BANK_FOLDER
from nonempty import some
from places import ROOT, TESTS
from selfalign.probes.bank import BLANK, parse_codes
from selfalign.probes.map_poles import map_poles
from selfalign.survey.schemas import CodeLabels, Counts, Questions, Scales
from selfalign.tables import read_input

SURVEY = ROOT / "resources" / "survey"
CODEBOOK = ROOT.parent / "shared" / "data" / "wvs7_codebook_v5.json"
NO_POLES = {"Q152", "Q153", "Q156", "Q157"}
UNREAD = {"Q154", "Q155"}
"""Probes whose texts nobody has read a second time."""

SIZES = {
    "social_values": 45,
    "wellbeing": 11,
    "social_capital": 49,
    "economic_values": 6,
    "corruption": 9,
    "migration": 10,
    "security": 23,
    "science": 6,
    "religion": 12,
    "ethics": 23,
    "political_interest": 36,
    "political_culture": 25,
}
MIDDLES = {
    "neither agree nor disagree",
    "neutral",
    "fair",
    "hard to say",
    "another answer",
    "makes no difference to me",
    "about as well as they did",
    "firm defence against those who undermine it",
    "only on religious holidays",
    "only at worship",
    "every month",
    "some influence",
    "I have no right to vote",
    "I have another nationality",
}
"""Labels of the codes that may be of neither pole: middles, and answers beside the scale."""


@pytest.fixture(scope="module")
def scaled_bank() -> pd.DataFrame:
    scales = read_input(SURVEY / "scales.csv", Scales)
    return BANK.merge(scales, on="question", how="left", validate="m:1")


@pytest.fixture(scope="module")
def labels() -> dict[str, dict[int, str]]:
    table = read_input(SURVEY / "labels" / "en.csv", CodeLabels)
    return {name: dict(zip(rows["code"], rows["label"], strict=True)) for name, rows in table.groupby("labels")}


@pytest.fixture(scope="module")
def codebook() -> dict[str, dict[int, str]]:
    """The survey's own labels of each question's substantive codes."""
    if not CODEBOOK.is_file():
        pytest.skip("the codebook to check against is not here")
    entries = json.loads(CODEBOOK.read_text(encoding="utf-8"))
    questions = {name: entry["choices"] for name, entry in entries.items() if re.fullmatch(r"Q\d+A?", name)}
    return {
        name: {int(code): label for code, label in choices.items() if int(code) >= 0}
        for name, choices in questions.items()
    }


def test_every_codable_question_has_a_probe(scaled_bank: pd.DataFrame) -> None:
    asked = set(read_input(SURVEY / "scales.csv", Scales)["question"])
    assert asked - set(scaled_bank["question"]) == NO_POLES
    assert set(scaled_bank["question"]) <= asked
    assert scaled_bank.drop_duplicates("question")["category"].value_counts().to_dict() == SIZES
    numbers = scaled_bank["question"].str.extract(r"(\d+)")[0].astype(int)
    assert numbers.is_monotonic_increasing
    assert (scaled_bank["category"] != scaled_bank["category"].shift()).sum() == len(SIZES), "a section is torn apart"


def test_poles_part_each_scale_and_only_middles_are_neither(scaled_bank: pd.DataFrame, labels: dict) -> None:
    used = set()
    for probe in scaled_bank.itertuples():
        codes = [*parse_codes(probe.pole_a), *parse_codes(probe.pole_b), *parse_codes(probe.neither)]
        assert sorted(codes) == list(range(probe.first, probe.last + 1)), probe.probe
        neither = {labels[probe.labels].get(code) for code in parse_codes(probe.neither)}
        assert neither <= MIDDLES, (probe.probe, neither)
        used |= neither
    assert used == MIDDLES


def test_poles_of_a_scale_with_an_order_are_its_two_ends(scaled_bank: pd.DataFrame) -> None:
    beside = {"Q56": {3}, "Q119": {0}, "Q221": {4}, "Q222": {4}, "Q254": {5}}  # codes that are not between the others
    for probe in some(scaled_bank[scaled_bank["scale"] != "nominal"]).itertuples():
        poles = sorted([sorted(parse_codes(probe.pole_a)), sorted(parse_codes(probe.pole_b))])
        assert poles[0][-1] < poles[1][0], f"the poles of {probe.probe} overlap"
        middle = parse_codes(probe.neither) - beside.get(probe.question, set())
        assert all(poles[0][-1] < code < poles[1][0] for code in middle), probe.probe
        if probe.last == 10:
            assert poles == [list(range(probe.first, 6)), [6, 7, 8, 9, 10]], probe.probe


def test_kind_of_scale_agrees_with_its_codes(scaled_bank: pd.DataFrame) -> None:
    for probe in scaled_bank.itertuples():
        points = probe.last - probe.first + 1
        assert points == 2 if probe.scale == "binary" else points >= 2, probe.probe
        assert (probe.scale == "nominal") == (probe.reversed == ""), probe.probe
    assert set(scaled_bank.loc[scaled_bank["scale"] == "nominal", "question"]) == {
        *("Q42", "Q91", "Q92", "Q93", "Q111", "Q149", "Q150", "Q154", "Q155", "Q173", "Q174", "Q175")
    }


def test_option_that_mates_share_always_means_the_same_end(scaled_bank: pd.DataFrame, texts: pd.DataFrame) -> None:
    """A pole that is swapped in one question of a list is seen here."""
    rows = scaled_bank.merge(texts, on="probe")
    rows = rows[rows["scale"] != "nominal"]
    ends: dict[tuple[str, str, str], dict[str, str]] = {}
    for probe in rows.itertuples():
        for option, own, other in (
            (probe.option_a, probe.pole_a, probe.pole_b),
            (probe.option_b, probe.pole_b, probe.pole_a),
        ):
            end = "low" if min(parse_codes(own)) < min(parse_codes(other)) else "high"
            ends.setdefault((probe.battery, probe.labels, option), {})[probe.probe] = end
    assert len(ends) > 150
    assert {key: found for key, found in ends.items() if len(set(found.values())) > 1} == {}


def test_direction_is_that_of_a_blind_reading(scaled_bank: pd.DataFrame) -> None:
    """Someone who saw the options and the codebook, but not the poles, said which code each option stands for."""
    read = pd.read_csv(TESTS / "data" / "directions.csv").set_index("probe")
    assert list(read.index) == list(scaled_bank["probe"])
    for probe in scaled_bank.itertuples():
        assert read.loc[probe.probe, "code_a"] in parse_codes(probe.pole_a), probe.probe
        assert read.loc[probe.probe, "code_b"] in parse_codes(probe.pole_b), probe.probe


# Ends of the survey's scales (in lower case), by whether they mean much or little of what is asked.
MUCH = "very|a great deal|agree|often|mentioned|yes|important|always|good|strongly|most people can|daily"
LITTLE = r"not|none|never|disagree|no\b|hardly|bad|less|little|need to be|unsafe"


def test_reversed_agrees_with_the_codebook(scaled_bank: pd.DataFrame, codebook: dict) -> None:
    """Where the survey's labels tell, a reversed scale begins with much and ends with little."""
    told = 0
    for probe in scaled_bank[(scaled_bank["scale"] != "nominal") & (scaled_bank["last"] < 10)].itertuples():
        first, last = (codebook[probe.question][code].lower() for code in (probe.first, probe.last))
        falls = bool(re.match(MUCH, first)) and bool(re.match(LITTLE, last))
        rises = bool(re.match(LITTLE, first)) and bool(re.match(MUCH, last))
        if falls != rises:
            told += 1
            assert probe.reversed == ("yes" if falls else "no"), (probe.probe, first, last)
    assert told > 120


def test_labels_at_both_ends_are_those_of_the_codebook(scaled_bank: pd.DataFrame, labels: dict, codebook: dict) -> None:
    checked = 0
    for probe in scaled_bank.itertuples():
        ours, theirs = labels[probe.labels], codebook[probe.question]
        for code in set(ours) & set(theirs):
            mine, given = ours[code].lower(), theirs[code].lower()
            for word, opposite in (("agree", "disagree"), ("safe", "unsafe"), ("often", "never"), ("yes", "no")):
                if re.match(rf"(strongly |very )?{word}\b", given):
                    checked += 1
                    assert not re.match(rf"(strongly |very )?{opposite}\b", mine), (probe.question, code, mine, given)
                if re.match(rf"(strongly )?{opposite}\b", given):
                    checked += 1
                    assert not re.match(rf"(strongly |very )?{word}\b", mine), (probe.question, code, mine, given)
    assert checked > 100


def test_every_question_has_a_wording_and_every_code_a_label_or_a_number(labels: dict) -> None:
    scales = read_input(SURVEY / "scales.csv", Scales)
    questions = read_input(SURVEY / "questions" / "en.csv", Questions)
    assert list(questions["question"]) == list(scales["question"])
    assert questions["wording"].str.endswith("?").all()
    assert set(scales["labels"]) == set(labels)
    for scale in scales.itertuples():
        codes = set(range(scale.first, scale.last + 1))
        named = set(labels[scale.labels])
        assert named <= codes, scale.question
        assert named == codes if len(codes) <= 8 else {1, 10} <= named, scale.question
        assert len(set(labels[scale.labels].values())) == len(named), f"two codes of {scale.question} have one label"


def test_texts_are_clean_and_their_own(scaled_bank: pd.DataFrame, texts: pd.DataFrame) -> None:
    for probe, text in texts.iterrows():
        for part in ("statement", "option_a", "option_b"):
            assert text[part] == unicodedata.normalize("NFC", text[part]).strip(), probe
        assert re.search(rf"(^|\s){BLANK}[\s.]", text["statement"]), probe
        assert text["statement"].endswith("."), probe
        assert max(len(text[option].split()) for option in ("option_a", "option_b")) <= 4, probe
    assert texts["statement"].is_unique
    assert set(texts.index[texts["status"] != "reviewed"]) == UNREAD


def test_no_statement_repeats_the_codebook(texts: pd.DataFrame, scaled_bank: pd.DataFrame) -> None:
    if not CODEBOOK.is_file():
        pytest.skip("the codebook to check against is not here")
    titles = {name: entry["question"] for name, entry in json.loads(CODEBOOK.read_text(encoding="utf-8")).items()}
    questions = read_input(SURVEY / "questions" / "en.csv", Questions).set_index("question")["wording"]

    def runs(text: str) -> set[str]:
        words = re.findall(r"\w+", text.lower())
        return {" ".join(words[place : place + 6]) for place in range(len(words) - 5)}

    for probe in scaled_bank.itertuples():
        theirs = runs(titles[probe.question])
        assert not theirs & runs(texts.loc[probe.probe, "statement"]), probe.probe
        assert not theirs & runs(questions[probe.question]), probe.question


def test_neither_pole_is_favoured(scaled_bank: pd.DataFrame) -> None:
    counts = read_input(SURVEY / "example" / "counts.csv", Counts)
    valid = counts[counts["code"] >= 0].rename(columns={"count": "n"})
    total = valid.groupby(["country", "question"])["n"].transform("sum")
    weights = {name: valid["n"].astype(float) for name in ("weight", "weight_squared")}
    distributions = valid.assign(last_code=valid["code"], share=valid["n"] / total, **weights)
    scaled_bank = scaled_bank[scaled_bank["on_request"] == ""]
    poles = map_poles(distributions, scaled_bank).merge(scaled_bank[["probe", "category"]], on="probe")
    a = poles["majority"] == "A"
    assert a.mean() == pytest.approx(0.5, abs=0.02)
    assert a.groupby(poles["country"]).mean().between(0.45, 0.56).all()
    assert a.groupby(poles["category"]).mean().between(0.44, 0.60).all()
    low = [min(parse_codes(row.pole_a)) < min(parse_codes(row.pole_b)) for row in scaled_bank.itertuples()]
    assert np.mean(low) == pytest.approx(0.5, abs=0.02)
    ties = poles[poles["majority"] == "tie"]
    assert list(zip(ties["country"], ties["probe"], strict=True)) == [("KEN", "Q198")]


def test_every_probe_has_a_kind() -> None:
    kinds = pd.read_csv(BANK_FOLDER / "kinds.csv")
    assert list(kinds["probe"]) == list(BANK["probe"])
    known = {"value", "attitude", "behaviour", "hardship", "membership", "election", "media", "knowledge"}
    assert set(kinds["kind"]) == known
    page = (ROOT / "docs" / "probes.md").read_text(encoding="utf-8")
    for kind, number in kinds["kind"].value_counts().items():
        assert re.search(rf"^\| {kind} \| .* \| {number} \|$", page, re.MULTILINE), kind


@pytest.mark.slow
def test_study_of_clusters_leaves_out_probes_on_request(
    monkeypatch: pytest.MonkeyPatch, scaled_bank: pd.DataFrame
) -> None:
    studied = []
    monkeypatch.setattr(clusters, "study_rules", lambda probes, *rest: studied.append(set(probes["probe"])) or {})
    monkeypatch.setattr("sys.argv", ["clusters.py"])
    clusters.main()
    assert studied[0] == set(scaled_bank.query("on_request == ''")["probe"]) and studied[-1] < studied[0]
