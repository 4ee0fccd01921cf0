"""Opinion tables in the form of GlobalOpinionQA, and the fetching of surveys from an address and a hub."""

import hashlib
import json
import math
import re
import threading
from collections import defaultdict
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pandas as pd
import pytest
from bank import BANK, BANK_FILE
from hub_server import Hub, serving
from hypothesis import given, settings
from hypothesis import strategies as st
from opinions import CONTENT, FULL_SCALE, RAIN, at, wrapped, write_keys, write_opinions
from places import ROOT
from refusal import Refused
from selfalign.cli import program
from selfalign.config.read import check_settings
from selfalign.errors import InputError
from selfalign.file_sources import check_survey_source
from selfalign.probes.draft_opinion_probes import draft_probes
from selfalign.probes.map_poles import check_bank, map_poles
from selfalign.probes.opinion_probes import read_opinion_probes, select_tests
from selfalign.survey.fetch_survey import fetch_survey
from selfalign.survey.parse_opinions import (
    MISNAMED,
    count_unused_samples,
    digest_text,
    opinions_to_distributions,
    rate_samples,
    read_literal,
    read_opinion_questions,
    read_sample,
)
from selfalign.survey.schemas import Distributions, LeftOut, OpinionKeys, Opinions, OpinionTable, Scales
from selfalign.tables import read_input, read_table

KEYS = ROOT / "resources" / "survey" / "opinions.csv"
SCALES = ROOT / "resources" / "survey" / "scales.csv"
COUNTS = ROOT / "resources" / "survey" / "example" / "counts.csv"
REAL = ROOT.parent / "shared" / "data" / "globalopinionqa_subset.json"

TEA = "Do you like tea?"
TRUST = "Whom do you trust?"


def command(opinions: Path, keys: Path, folder: Path) -> list[object]:
    outputs = {"distributions": "distributions.parquet", "dictionary": "opinions.csv", "left-out": "left_out.csv"}
    written = [part for name, file in outputs.items() for part in (f"--{name}", folder / file)]
    return ["parse-opinions", "--opinions", opinions, "--known", keys, *written]


def parsed(opinions: Path, keys: Path = KEYS) -> tuple[pd.DataFrame, pd.DataFrame, set[tuple[str, str, int]]]:
    """Distributions, dictionary and what was left out of an opinion table."""
    folder = opinions.parent
    program(list(map(str, command(opinions, keys, folder))), standalone_mode=False)
    left_out = read_table(folder / "left_out.csv", LeftOut)
    return (
        read_table(folder / "distributions.parquet", Distributions),
        read_table(folder / "opinions.csv", Opinions),
        set(left_out.itertuples(index=False, name=None)),
    )


def shares_of(table: pd.DataFrame, country: str, question: str) -> dict[int, float]:
    rows = table[(table["country"] == country) & (table["question"] == question)]
    return {code: round(share, 12) for code, share in zip(rows["code"], rows["share"], strict=True)}


# The adapter


def test_table_becomes_distributions_with_codes_of_wave_7(tmp_path: Path) -> None:
    rain = {"S. Korea": [0.1, 0.2, 0.3, 0.2, 0.1, 0.1], "Northern Ireland": [0.5, 0.0, 0.0, 0.5, 0.0, 0.0]}
    opinions = write_opinions(
        tmp_path / "table.csv",
        (RAIN, wrapped(rain), [*FULL_SCALE, "Don't know", "Other missing; Multiple answers Mail (EVS)"], "WVS"),
        (TEA, {"Britain": [0.3, 0.6, 0.1]}, ["No", "Yes", "DK/Refused"], "GAS"),
        (TRUST, {"Palest. ter.": [0.25, 0.75]}, ["My family", "Nobody"], "GAS"),
    )
    keys = write_keys(tmp_path / "keys.csv", Q900=(RAIN, "0 1 2 3"), Q901=(TEA.upper(), "2 1"))
    table, dictionary, left_out = parsed(opinions, keys)
    assert left_out == set()
    trust = f"G{digest_text(TRUST)[:8]}"
    assert shares_of(table, "KOR", "Q900") == {0: 0.125, 1: 0.25, 2: 0.375, 3: 0.25}
    assert shares_of(table, "NIR", "Q900") == {0: 0.5, 3: 0.5}
    assert shares_of(table, "GBR", "Q901") == {1: round(0.6 / 0.9, 12), 2: round(0.3 / 0.9, 12)}
    assert shares_of(table, "PSE", trust) == {1: 0.25, 2: 0.75}
    assert len(table) == 10 and (table["last_code"] == table["code"]).all()
    assert table[["n", "weight", "weight_squared"]].isna().all(axis=None)
    assert dictionary.to_dict("list") == {
        "question": ["Q900", "Q901", trust],
        "source": ["WVS", "GAS", "GAS"],
        "wording": [RAIN, TEA, TRUST],
        "answers": ["0 Very often; 1 2; 2 3; 3 Never", "1 Yes; 2 No", "1 My family; 2 Nobody"],
        "missing": [
            "Don't know | Other missing; Multiple answers Mail (EVS)",
            "DK/Refused",
            pytest.approx(math.nan, nan_ok=True),
        ],
        "missing_share": [0.1, 0.1, 0.0],
        "countries": [2, 1, 1],
    }


def test_all_that_cannot_be_used_is_counted(tmp_path: Path) -> None:
    options, own = ["Yes", "No", "No answer"], f"G{digest_text(TRUST)[:8]}"
    good = [0.5, 0.4, 0.1]
    opinions = write_opinions(
        tmp_path / "table.csv",
        (
            TEA,
            {"Mexico": good, "India (Non-national sample)": good, "Atlantis": good, "Argentina": good},
            options,
            "GAS",
        ),
        (RAIN, {"Mexico": good, "Argentina": good, "Australia": good}, options, "WVS"),
        (
            TRUST,
            {
                "Chile": [0.5, 0.5],
                "Peru": [0.5, 0.1, 0.1],
                "Mexico": [1.5, -0.5, 0.0],
                "Kenya": [0.0, 0.0, 1.0],
                "Mali": [math.nan, 0.5, 0.5],
                "Ghana": good,
            },
            options,
            "GAS",
        ),
        (TRUST.replace("?", " ?!"), {"Ghana": good, "Chile": good}, options, "GAS"),
        ("", {"Ghana": good}, options, "GAS"),
        ("Are you there?", {"Ghana": [0.9, 0.1], "Mali": [1.0, 0.0]}, ["Don't know", "Refused"], "GAS"),
        (
            "Do you like cake?",
            {
                "India (Old national sample)": good,
                "Czechia": good,
                "India (Current national sample)": [0.9, 0.0, 0.1],
                "Czech Rep.": good,
            },
            options,
            "GAS",
        ),
    )
    table, dictionary, left_out = parsed(opinions)
    nobody = f"G{digest_text('Are you there?')[:8]}"
    assert left_out == {
        ("India (Non-national sample)", "not a national sample", 1),
        ("Atlantis", "not the name of a country", 1),
        ("Argentina", "the data set has other countries' answers under this name", 1),
        ("Australia", "the data set has other countries' answers under this name", 1),
        (own, "not as many shares as options", 1),
        (own, "the shares do not sum to 1", 1),
        (own, "a share is not a number from 0 to 1", 2),
        (own, "nobody gave a substantive answer", 1),
        (own, "a row above has the same question", 2),
        ("line 8", "the question has no text", 1),
        (nobody, "no option is an answer", 2),
        ("India (Old national sample)", "another sample of the country is used", 1),
        ("Czech Rep.", "another sample of the country is used", 1),
    }
    cake = f"G{digest_text('Do you like cake?')[:8]}"
    assert shares_of(table, "IND", cake) == {1: 1.0}
    assert len(table.groupby(["country", "question"])) == 6
    assert dict(zip(dictionary["question"], dictionary["countries"], strict=True))[own] == 1
    assert nobody not in set(dictionary["question"])


def test_old_sample_is_used_where_there_is_no_other(tmp_path: Path) -> None:
    shares = {"India (Old national sample)": [0.2, 0.8], "India (Current national sample)": [0.0, 0.0]}
    table, _, left_out = parsed(write_opinions(tmp_path / "t.csv", (TEA, shares, ["Yes", "No"], "GAS")))
    assert shares_of(table, "IND", f"G{digest_text(TEA)[:8]}") == {1: 0.2, 2: 0.8}
    assert {reason for _, reason, _ in left_out} == {"the shares do not sum to 1"}


def test_question_of_wave_7_with_other_options_has_an_id_of_its_own(tmp_path: Path) -> None:
    keys = write_keys(tmp_path / "keys.csv", Q900=(TEA, "1 2"))
    opinions = write_opinions(tmp_path / "t.csv", (TEA, {"Chile": [0.2, 0.8, 0.0]}, ["Yes", "No", "At times"], "WVS"))
    assert set(parsed(opinions, keys)[0]["question"]) == {f"G{digest_text(TEA)[:8]}"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("option", "missing"),
    [
        ("Don't know", True),
        ("Don’t Know/Refused", True),
        ("DK/Refused", True),
        ("No answer/refused", True),
        ("Missing; Not available", True),
        ("Other missing; Not applicable; Multiple answers Mail (EVS)", True),
        ("Don't -9:-2", True),
        ("Not asked", True),
        ("Not applicable", True),
        ("INAP: No internet/no social media", True),
        ("Refused", True),
        (math.nan, True),
        ("Total          N=", True),
        ("Totally", False),
        ("Don't mind", False),
        ("Never heard of", False),
        ("Neither (VOL)", False),
        ("Refuse to go", False),
        ("Not a problem", False),
        ("No", False),
        ("Nancy", False),
    ],
)
def test_options_that_are_no_answer_are_known(option: object, missing: bool, tmp_path: Path) -> None:
    opinions = write_opinions(tmp_path / "t.csv", (TEA, {"Chile": [0.2, 0.8]}, ["Yes", option], "GAS"))
    table, _, _ = parsed(opinions)
    assert len(table) == (1 if missing else 2)


@pytest.mark.parametrize(
    ("name", "country", "rank"),
    [
        ("Great Britain", "GBR", 0),
        ("Macau SAR", "MAC", 0),
        ("Taiwan", "TWN", 0),
        ("Vietnam", "VNM", 0),
        ("Iran", "IRN", 0),
        ("S. Africa (Non-national sample)", "ZAF", None),
        ("India (Current national sample)", "IND", 0),
        ("India (Old national sample)", "IND", 1),
        ("Kenya (second try)", "KEN", None),
        ("DE", None, 0),
        ("West\nGermany", None, 0),
        ("", None, 0),
    ],
)
def test_samples_are_countries(name: str, country: str | None, rank: int | None) -> None:
    assert read_sample(name) == (country, rank)


literals = st.dictionaries(st.text(), st.lists(st.floats(0, 1)), max_size=4)


@pytest.mark.slow
@given(literals)
@settings(deadline=None)
def test_files_of_python_are_read_again(shares: dict[str, list[float]]) -> None:
    assert read_literal(str(shares)) == read_literal(wrapped(shares)) == shares


@given(st.text(), st.sampled_from([" ", "…", "\n\n", "?!", "´"]))
def test_digest_of_a_text_is_of_its_words(text: str, mark: str) -> None:
    assert digest_text(f"{mark}{text.lower()}{mark}") == digest_text(text)


@pytest.mark.slow
@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["Chile", "India (Old national sample)", "India (Current national sample)", "Ghana", "X"]),
            st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), min_size=2, max_size=4),
        ),
        min_size=1,
        max_size=4,
    )
)
@settings(deadline=None)
def test_every_sample_is_used_or_counted_and_shares_sum_to_one(rows: list[dict[str, list[float]]]) -> None:
    options = str(["Yes", "No", "Refused"])
    table = pd.DataFrame(
        [(f"question {number}", str(shares), options, "GAS") for number, shares in enumerate(rows)],
        columns=["question", "selections", "options", "source"],
    )
    questions = read_opinion_questions(table, pd.DataFrame(columns=["question", "digest", "codes"]), Path("t.csv"))
    samples = rate_samples(questions)
    distributions = opinions_to_distributions(questions, samples)
    sums = distributions.groupby(["country", "question"])["share"].sum()
    assert len(sums) + count_unused_samples(samples)["n"].sum() == sum(map(len, rows))
    assert sums.to_list() == pytest.approx([1] * len(sums))


@pytest.mark.slow
def test_large_table_is_read_quickly_enough(tmp_path: Path) -> None:
    names = ["Chile", "Ghana", "Kenya", "Peru", "Mexico", "India", "Japan", "Italy", "Spain", "Mali"]
    shares = {name: [1 / 7] * 7 for name in names}
    rows = [(f"Question {number}?", wrapped(shares), list("ABCDEFG"), "GAS") for number in range(2_556)]
    table, _, _ = parsed(write_opinions(tmp_path / "t.csv", *rows))
    assert len(table) == 2_556 * 10 * 7


# Bad input

GOOD = (TEA, {"Chile": [0.2, 0.8]}, ["Yes", "No"], "GAS")


@pytest.mark.parametrize(
    ("row", "tells"),
    [
        pytest.param((TEA, "Chile: 0.2", GOOD[2], "GAS"), ['column "selections"', "a dictionary of lists"], id="text"),
        pytest.param((TEA, "", GOOD[2], "GAS"), ['column "selections"', "''"], id="nothing"),
        pytest.param((TEA, [0.2, 0.8], GOOD[2], "GAS"), ['column "selections"', "[0.2, 0.8]"], id="a list"),
        pytest.param((TEA, {"Chile": ["0.2", "0.8"]}, GOOD[2], "GAS"), ["'Chile': ['0.2', '0.8']"], id="texts"),
        pytest.param((TEA, {"Chile": 0.2}, GOOD[2], "GAS"), ['column "selections"', "'Chile': 0.2"], id="one share"),
        pytest.param((TEA, {"Chile": [True, False]}, GOOD[2], "GAS"), ["[True, False]"], id="truths"),
        pytest.param((TEA, {7: [0.2, 0.8]}, GOOD[2], "GAS"), ["7: [0.2, 0.8]"], id="no name"),
        pytest.param(
            (TEA, "{'Chile': [__import__('pathlib').Path('RAN').write_text('x')]}", GOOD[2], "GAS"),
            ['column "selections"', "a dictionary of lists"],
            id="code",
        ),
        pytest.param(
            (TEA, "defaultdict(__import__('os').getcwd, {'Chile': [0.2, 0.8]})", GOOD[2], "GAS"),
            ['column "selections"'],
            id="code beside the dictionary",
        ),
        pytest.param((TEA, "{'Chile': [0.2, 0.8]", GOOD[2], "GAS"), ['column "selections"'], id="cut off"),
        pytest.param((TEA, "[" * 100_000, GOOD[2], "GAS"), ['column "selections"', "..."], id="too deep"),
        pytest.param((TEA, GOOD[1], "Yes, No", "GAS"), ['column "options"', "a list of texts"], id="no list"),
        pytest.param((TEA, GOOD[1], [["Yes"], "No"], "GAS"), ['column "options"'], id="a list in a list"),
    ],
)
def test_mistake_is_reported_with_line_and_column(
    row: tuple, tells: list[str], tmp_path: Path, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    opinions = write_opinions(tmp_path / "t.csv", (RAIN, *GOOD[1:]), row)
    refused(*command(opinions, KEYS, tmp_path), tells=[str(opinions), "line 5", "as it is published", *tells])


def test_row_below_one_with_a_fault_may_have_its_question(tmp_path: Path) -> None:
    """The first row has no answer among its options, so the second one is not a repetition."""
    shares, name = {"Chile": [0.25, 0.75]}, f"G{digest_text(TRUST)[:8]}"
    rows = [(TRUST, shares, ["Don't know", "Refused"], "GAS"), (TRUST, shares, ["Yes", "No"], "GAS")]
    table, _, left_out = parsed(write_opinions(tmp_path / "table.csv", *rows))
    assert left_out == {(name, "no option is an answer", 1)}
    assert shares_of(table, "CHL", name) == {1: 0.25, 2: 0.75}


@pytest.mark.parametrize(
    ("content", "tells"),
    [
        ("question,selections,options\na,{},[]\n", ["line 1", "has columns question, selections, options; expected"]),
        ("question,selections,options,source\n", ["has a header but no rows"]),
        ("", ["the file is empty"]),
        (
            "question,selections,options,source\nTea?,\"{'Atlantis': [1.0]}\",\"['Yes']\",GAS\n",
            ["no answers that can be"],
        ),
    ],
)
def test_table_without_what_it_needs_is_refused(
    content: str, tells: list[str], tmp_path: Path, refused: Refused
) -> None:
    (tmp_path / "t.csv").write_text(content, encoding="utf-8")
    refused(*command(tmp_path / "t.csv", KEYS, tmp_path), tells=tells)


# What is shipped


@pytest.mark.slow
def test_keys_give_each_code_of_the_scale_once() -> None:
    keys, scales = read_input(KEYS, OpinionKeys), read_input(SCALES, Scales).set_index("question")
    for key in keys.itertuples():
        first, last = scales.loc[key.question, ["first", "last"]]
        assert sorted(map(int, key.codes.split())) == list(range(first, last + 1)), key.question
    assert len(keys) == keys["question"].nunique() == 208


# The real table


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half of the real table, from a collection that has a row per country and question, in the form of the hub."""
    if not REAL.is_file():
        pytest.skip("the questions of GlobalOpinionQA are not here (their licence does not let them be shipped)")
    rows: dict[str, tuple[dict[str, list[float]], list[object]]] = {}
    for answer in json.loads(REAL.read_text(encoding="utf-8")):
        rows.setdefault(answer["question"], ({}, answer["options"]))[0][answer["country"]] = answer["distribution"]
    of_wvs = re.compile(r"no answer|missing|don.t -9", re.IGNORECASE)
    return write_opinions(
        tmp_path_factory.mktemp("real") / "global_opinions.csv",
        *(
            (question, wrapped(shares), options, "WVS" if any(of_wvs.search(str(o)) for o in options) else "GAS")
            for question, (shares, options) in rows.items()
        ),
    )


def test_draft_of_the_real_table_is_read_again(real: Path) -> None:
    """Some of its options end with a space, which a CSV of the user's loses."""
    table, dictionary, _ = parsed(real)
    drafted, _ = draft_probes(dictionary, table, "GAS")
    assert len(drafted) > 500
    file = real.parent / "draft.csv"
    drafted.to_csv(file, index=False)
    chosen, _ = select_tests(
        read_opinion_probes(file), dictionary, table, ["DEU", "NGA"], {"source": "GAS", "only": []}, file
    )
    assert len(chosen) > 50


@pytest.mark.slow
def test_real_table_is_used_or_counted(real: Path) -> None:
    table, dictionary, left_out = parsed(real)
    used = table.groupby(["country", "question"])["share"].sum()
    assert len(used) + sum(n for _, _, n in left_out) == len(json.loads(REAL.read_text(encoding="utf-8"))) == 4_633
    assert used.to_numpy() == pytest.approx(1)
    reasons: dict[str, int] = defaultdict(int)
    for _, reason, n in left_out:
        reasons[reason] += n
    assert reasons == {
        "not a national sample": 334,
        "the data set has other countries' answers under this name": 143,
        "the shares do not sum to 1": 7,
        "a row above has the same question": 4,
    }
    assert set(read_input(KEYS, OpinionKeys)["question"]) <= set(dictionary["question"])
    assert dictionary["question"].str.startswith("Q").sum() == 208


def counted_shares() -> pd.DataFrame:
    """Distributions of the shipped counts, unweighted."""
    counts = pd.read_csv(COUNTS).query("code >= 0").astype({"count": float})
    total = counts.groupby(["country", "question"])["count"].transform("sum")
    return counts.assign(
        last_code=counts["code"],
        n=counts["count"].astype("Int64"),
        weight=counts["count"],
        weight_squared=counts["count"],
        share=counts["count"] / total,
    )


@pytest.mark.slow
def test_real_table_agrees_with_the_counts_of_wave_7(real: Path) -> None:
    table, _, _ = parsed(real)
    bank = BANK[BANK["question"].isin(table["question"])]
    check_bank(table, bank, BANK_FILE)
    both = map_poles(table, bank).merge(map_poles(counted_shares(), bank), on=["country", "probe"])
    same = both["majority_x"] == both["majority_y"]
    apart = (both["share_a_x"] - both["share_a_y"]).abs()
    assert len(both) > 300 and both["country"].nunique() > 15
    assert same.mean() > 0.97, f"{same.mean():.3f} of {len(both)} majorities agree"  # 327 of 328 when written
    assert apart.mean() < 0.015 and apart.max() < 0.2  # 0.007 and 0.125: weights, and samples of the EVS beside


@pytest.mark.slow
def test_some_names_of_the_real_table_are_of_other_countries(real: Path) -> None:
    """The reason for `MISNAMED`: should this fail, the data set has been corrected."""
    questions = read_opinion_questions(read_input(real, OpinionTable), read_input(KEYS, OpinionKeys), real)
    published = pd.read_csv(REAL.with_name("wvs7_binary_shares_65_countries.csv"))
    codes = {"top2of4": (1, 2), "6-10of10": (6, 10), "neighbor_mentioned": (1, 1), "binary_yes=1": (1, 1)}
    rules = dict(zip(published["question"], published["rule"], strict=True))
    shares = {(row.question, row.country): row.share for row in published.itertuples()}

    def distance(name: str, country: str) -> float:
        found = []
        for question in questions:
            if question.question in rules and name in question.shares and (question.question, country) in shares:
                first, last = codes[rules[question.question]]
                answers = {code: question.shares[name][place] for place, code in question.answers.items()}
                share = sum(share for code, share in answers.items() if first <= code <= last) / sum(answers.values())
                found.append(abs(share - shares[question.question, country]))
        return sum(found) / len(found) if found else math.nan

    assert distance("Australia", "ARG") < 0.001 < 0.05 < distance("Australia", "AUS")
    assert distance("Azerbaijan", "AND") < 0.001
    assert distance("Argentina", "AND") < 0.03 < 0.05 < distance("Argentina", "ARG")
    assert distance("Andorra", "AND") > 0.2 and distance("Armenia", "ARM") > 0.05
    names = {name for question in questions if question.source == "WVS" for name in question.shares} - MISNAMED
    right = {name: distance(name, read_sample(name)[0] or "") for name in names}
    assert sum(gap < 0.05 for gap in right.values()) == sum(not math.isnan(gap) for gap in right.values()) > 50


# Fetching

REVISION = "0123456789abcdef0123456789abcdef01234567"
REPO = "tiny/opinions"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub on loopback with a data set, a gated one and a model."""
    folder = tmp_path / "repo"
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "opinions.csv").write_bytes(CONTENT)
    (folder / "data" / "large.parquet").write_bytes(CONTENT)
    (folder / "data" / "other.csv").write_bytes(b"never asked for")
    names = {REPO, "tiny/gated"}
    repos = dict.fromkeys([*names, "tiny/model"], folder)
    with serving(Hub(repos, REVISION, gated={"tiny/gated"}, datasets=names)) as served:
        monkeypatch.setenv("HF_ENDPOINT", served.url)
        monkeypatch.delenv("HF_TOKEN", raising=False)
        yield served


def in_hub(path: str = "data/opinions.csv", repo: str = REPO, revision: str = REVISION) -> dict[str, str]:
    return {"hub": repo, "revision": revision, "path": path}


def assert_nothing_left(folder: Path) -> None:
    assert not folder.exists() or list(folder.iterdir()) == []


@pytest.mark.parametrize("path", ["data/opinions.csv", "data/large.parquet"])
def test_only_the_wanted_file_of_a_data_set_arrives(path: str, hub: Hub, tmp_path: Path) -> None:
    fetch_survey("s", in_hub(path), tmp_path / "out" / "file")
    assert (tmp_path / "out" / "file").read_bytes() == CONTENT
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["file"]
    assert not [request for request in hub.requests if "other.csv" in request]


def test_token_is_sent_to_the_hub_alone_and_never_shown(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
) -> None:
    fetch_survey("s", in_hub(), tmp_path / "out" / "file")
    assert hub.tokens == {None}
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    fetch_survey("s", in_hub("data/large.parquet"), tmp_path / "out" / "file")
    assert "Bearer hf_secret" in hub.tokens and hub.storage_tokens == {None}
    assert "hf_secret" not in "".join(capfd.readouterr())


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (in_hub(revision="f" * 40), f"{REPO} has no commit f{{40}}.*the data set's list of commits"),
        (in_hub(repo="tiny/absent"), "the hub has no data set tiny/absent"),
        (in_hub(repo="tiny/model"), "the hub has no data set tiny/model"),
        (in_hub(repo="tiny/gated"), "accepted its terms.*HF_TOKEN"),
        (in_hub("data/opinion.csv"), '/path: .* has no file data/opinion.csv .*Did you mean "data/opinions.csv"'),
        (in_hub("date/opinions.csv"), "has no such file or folder.*list of files"),
        (in_hub("opinions.csv"), "has no file opinions.csv .*Known are: data"),
    ],
)
def test_refusals_of_the_hub_are_reported(source: dict, message: str, hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"setting surveys/s/source.*{message}"):
        fetch_survey("s", source, tmp_path / "out" / "file")
    assert_nothing_left(tmp_path / "out")


@pytest.mark.parametrize("path", ["data/opinions.csv", "data/large.parquet"])
def test_changed_file_of_the_hub_is_refused(path: str, hub: Hub, tmp_path: Path) -> None:
    hub.corrupt = {Path(path).name}
    with pytest.raises(InputError, match="arrived with the digest .*; the hub lists"):
        fetch_survey("s", in_hub(path), tmp_path / "out" / "file")
    assert_nothing_left(tmp_path / "out")


@pytest.mark.slow
def test_unreachable_hub_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda _: None)
    with pytest.raises(
        InputError, match="cannot be fetched .*Check the network, HTTPS_PROXY and HF_ENDPOINT.*give its file"
    ):
        fetch_survey("s", in_hub(), tmp_path / "out" / "file")
    assert_nothing_left(tmp_path / "out")


@pytest.fixture
def web() -> Iterator[str]:
    """Address of a server on loopback: /t.csv, /moved to it, /cut off in the middle, and nothing else."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:  # noqa: N802
            path = self.path.partition("?")[0]
            self.send_response({"/t.csv": 200, "/cut": 200, "/moved": 302}.get(path, 404))
            if path == "/moved":
                self.send_header("Location", "/t.csv")
            self.send_header("Content-Length", str(len(CONTENT) if path in {"/t.csv", "/cut"} else 0))
            self.end_headers()
            self.wfile.write({"/t.csv": CONTENT, "/cut": CONTENT[:100]}.get(path, b""))

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("path", ["/t.csv", "/moved", "/t.csv?key=secret"])
def test_file_arrives_from_an_address(path: str, web: str, tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    fetch_survey("s", at(web + path), tmp_path / "out" / "t.csv")
    assert (tmp_path / "out" / "t.csv").read_bytes() == CONTENT
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["t.csv"]
    said = capfd.readouterr().err
    assert f"{len(CONTENT):,} bytes, SHA-256 {hashlib.sha256(CONTENT).hexdigest()}" in said
    assert "100%" in said and "secret" not in said


def test_wrong_checksum_shows_both_and_keeps_what_was_there(web: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"before")
    source = at(f"{web}/t.csv?key=secret", b"other")
    with pytest.raises(InputError) as error:
        fetch_survey("s", source, tmp_path / "t.csv")
    assert f"expected {source['sha256']}, got {hashlib.sha256(CONTENT).hexdigest()}" in str(error.value)
    assert "secret" not in str(error.value)
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("t.csv", b"before")]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/absent?key=secret", "the server answers 404 Not Found to http://.*/absent. Check the address"),
        ("/cut", "/cut cannot be fetched whole .ChunkedEncodingError"),
    ],
)
def test_failed_download_is_reported_and_leaves_nothing(path: str, message: str, web: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"setting surveys/s/source/url: .*{message}") as error:
        fetch_survey("s", at(web + path), tmp_path / "out" / "t.csv")
    assert "secret" not in str(error.value)
    assert_nothing_left(tmp_path / "out")


def test_unreachable_server_is_reported(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be fetched whole .ConnectionError.*Check the address and the network"):
        fetch_survey("s", at("http://127.0.0.1:9/t.csv"), tmp_path / "out" / "t.csv")
    assert_nothing_left(tmp_path / "out")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ([], r"got \[\]; expected {url, sha256} or {hub, revision, path}"),
        ({"file": "t.csv"}, "got {file}"),
        ({"url": "http://h/t.csv"}, "got {url}"),
        (at("ftp://h/t.csv"), "source/url: got .*begins with http"),
        (at("http://h/t.csv") | {"sha256": "abc"}, "source/sha256: got .*64 hexadecimal"),
        (in_hub(revision="main"), "source/revision: got .*a branch or a tag can move"),
        (in_hub(path="../t.csv"), "source/path: got"),
        (in_hub(path="/t.csv"), "source/path: got"),
        (in_hub(path="a/./t.csv"), "source/path: got"),
        (in_hub(repo="--help"), "source/hub: got"),
        (in_hub() | {"revision": 7}, "source/revision: got 7"),
    ],
)
def test_malformed_source_is_reported(source: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        check_survey_source(source, "setting surveys/s/source")


@pytest.mark.parametrize("url", ["https://me:hidden@h/t.csv", "https://hidden@h"])
def test_password_in_an_address_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(InputError, match="netrc") as error:
        check_survey_source(at(url), "setting surveys/s/source")
    assert "hidden" not in str(error.value)
    survey = {"form": "opinions", "source": at(url)}
    with pytest.raises(InputError, match="config: surveys.s.source.url.*netrc") as error:
        check_settings({"surveys": {"s": survey}})
    assert "hidden" not in str(error.value)
