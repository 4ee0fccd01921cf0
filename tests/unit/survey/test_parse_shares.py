"""Published shares as a survey: the shares that ship, the poles that follow from them, and what is refused."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from facts import FACTS, needs_facts
from hypothesis import given, settings
from hypothesis import strategies as st
from refusal import Refused
from selfalign.probes.map_poles import find_dropped, map_poles
from selfalign.probes.schemas import Poles
from selfalign.survey.parse_shares import RULES, parse_shares
from selfalign.survey.schemas import Distributions, Shares
from selfalign.tables import read_input, read_table
from surveys import RESOURCES, SCALES, run, scales

SHARES = RESOURCES / "shares" / "shares.csv"
BANK = pd.DataFrame(
    [
        ("Q18", "Q18", "2", "1", ""),
        ("Q57a", "Q57", "1", "2", ""),
        ("Q57b", "Q57", "2", "1", ""),
        ("Q71", "Q71", "1-2", "3-4", ""),
        ("Q182", "Q182", "6-10", "1-5", ""),
    ],
    columns=["probe", "question", "pole_a", "pole_b", "neither"],
)


@pytest.fixture(scope="module")
def shares() -> pd.DataFrame:
    return read_input(SHARES, Shares)


@pytest.fixture(scope="module")
def distributions_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("shares") / "distributions.parquet"
    run("parse-shares", "--shares", SHARES, "--scales", SCALES, "--distributions", path)
    return path


@needs_facts
def test_shares_that_ship_are_all_that_are_published_of_the_14_countries(shares: pd.DataFrame) -> None:
    published = pd.read_csv(FACTS / "wvs7_binary_shares_65_countries.csv", dtype=str)
    ours = pd.read_csv(SHARES, dtype=str)
    of_these = published[published["country"].isin(ours["country"])]
    assert sorted(of_these.itertuples(index=False, name=None)) == sorted(ours.itertuples(index=False, name=None))
    countries = "BGD DEU GRC IDN IRN KOR MYS PAK PHL ROU SRB TUR USA VNM"
    assert " ".join(sorted(shares["country"].unique())) == countries
    assert shares["question"].nunique() == 68


@pytest.mark.slow
def test_every_share_becomes_two_that_sum_to_one_and_share_out_the_scale(
    shares: pd.DataFrame, distributions_file: Path
) -> None:
    table = read_table(distributions_file, Distributions)
    assert len(table) == 2 * len(shares)
    assert table[["n", "weight", "weight_squared"]].isna().all(axis=None)
    pairs = table.groupby(["country", "question"])
    assert (pairs["share"].sum() - 1).abs().max() < 1e-12
    ends = scales().set_index("question")
    for (_, question), (low, high) in ((pair, rows.itertuples()) for pair, rows in pairs):
        assert low.code == ends.loc[question, "first"] and high.last_code == ends.loc[question, "last"]
        assert low.last_code + 1 == high.code


def test_shares_of_codes_by_hand() -> None:
    given_shares = [
        ("Q182", "6-10of10", "USA", 0.25),
        ("Q71", "top2of4", "USA", 1.0),
        ("Q18", "neighbor_mentioned", "TUR", 0),
    ]
    table = Distributions.validate(
        parse_shares(pd.DataFrame(given_shares, columns=["question", "rule", "country", "share"]), scales())
    )
    assert list(table[["country", "question", "code", "last_code", "share"]].itertuples(index=False, name=None)) == [
        ("TUR", "Q18", 1, 1, 0),
        ("TUR", "Q18", 2, 2, 1),
        ("USA", "Q182", 1, 5, 0.75),
        ("USA", "Q182", 6, 10, 0.25),
        ("USA", "Q71", 1, 2, 1),
        ("USA", "Q71", 3, 4, 0),
    ]


def test_poles_have_exactly_the_published_shares(shares: pd.DataFrame, distributions_file: Path) -> None:
    poles = Poles.validate(map_poles(read_table(distributions_file, Distributions), BANK))
    published = shares.set_index(["country", "question"])["share"]
    sides = {"Q18": -1, "Q57a": 1, "Q57b": -1, "Q71": 1, "Q182": 1}
    assert len(poles) == 5 * 14, "all of these were asked in all countries"
    for row in poles.itertuples():
        share = published[(row.country, row.probe.strip("ab"))]
        assert row.share_a == pytest.approx(share if sides[row.probe] == 1 else 1 - share, abs=1e-12), row
        assert row.majority == ("A" if row.share_a > 0.5 else "B")
    assert poles[["n", "neither", "standard_error"]].isna().all(axis=None)


@pytest.mark.slow
@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.floats(0, 1))
def test_pole_has_any_share_that_is_given(share: float) -> None:
    table = parse_shares(
        pd.DataFrame({"question": ["Q71"], "rule": "top2of4", "country": "DEU", "share": share}), scales()
    )
    poles = Poles.validate(map_poles(Distributions.validate(table), BANK))
    assert list(poles["share_a"]) == pytest.approx([share])
    dropped = find_dropped(poles, BANK[BANK["probe"] == "Q71"], ["DEU", "USA"])
    assert set(dropped["country"]) == {"USA"} | ({"DEU"} if abs(share - 0.5) <= 1e-12 else set())


# What is refused


@pytest.mark.parametrize(
    ("poles", "codes"), [("4,1-2,3", "3-4"), ("1,2-4,", "1-2"), ("2-3,1 4,", "1-2"), ("3-4,1,2", "1-2")]
)
def test_probe_that_parts_the_codes_of_a_share_is_refused(
    poles: str, codes: str, distributions_file: Path, tmp_path: Path, refused: Refused
) -> None:
    columns = "probe,question,category,battery,siblings,scale,reversed,pole_a,pole_b,neither"
    row = f"Q71,Q71,social_capital,confidence,Q71,ordinal,yes,{poles}"
    (tmp_path / "bank.csv").write_text(f"{columns}\n{row}\n")
    inputs = ["--distributions", distributions_file, "--bank", tmp_path / "bank.csv", "--countries", "DEU USA"]
    refused(
        *["map-poles", *inputs, "--poles", tmp_path / "poles.parquet", "--dropped", tmp_path / "dropped.csv"],
        tells=[
            "bank.csv, line 2",
            f"one share of Q71 for the codes {codes} together",
            "Q71 separates them",
            "probes.only",
        ],
    )


HEADER, ROW = "question,rule,country,share\n", "Q71,top2of4,DEU,0.25\n"


@pytest.mark.parametrize(
    ("change", "tells"),
    [
        pytest.param(
            lambda text: text.replace("top2of4", "top2of5"),
            ["line 2", 'column "rule"', "'top2of5'", "not a known rule", 'Did you mean "top2of4"'],
            id="unknown rule",
        ),
        pytest.param(
            lambda text: text.replace("top2of4", "6-10of10"),
            ["line 2", 'column "rule"', "'6-10of10'", "codes 6-10", "Q71 are 1 to 4", "choose another rule"],
            id="rule of another scale",
        ),
        pytest.param(
            lambda text: text.replace("Q71,", "Q18,"),
            ["line 2", "codes 1-2 are neither the lower nor the upper part", "Q18 are 1 to 2"],
            id="rule of the whole scale",
        ),
        pytest.param(
            lambda text: text.replace("DEU", "DEO"),
            ["line 2", 'column "country"', "'DEO'", "Did you mean"],
            id="unknown country",
        ),
        pytest.param(
            lambda text: text.replace("DEU", "de"),
            ["line 2", 'column "country"', "'de'", "must look like", "ISO 3166 alpha-3"],
            id="code of two letters",
        ),
        pytest.param(
            lambda text: text.replace("Q71", "Q999"),
            ["line 2", 'column "question"', "'Q999'", "known scale", "scales.csv"],
            id="unknown question",
        ),
        pytest.param(
            lambda text: text.replace("0.25", "25"), ["line 2", 'column "share"', "25", "1 or less"], id="per cent"
        ),
        pytest.param(
            lambda text: text.replace("0.25", "-0.1"), ["line 2", 'column "share"', "-0.1", "0 or more"], id="negative"
        ),
        pytest.param(lambda text: text.replace("0.25", ""), ["line 2", 'column "share"'], id="no share"),
        pytest.param(lambda text: text + ROW, ["line 2", "must not be repeated"], id="a share twice"),
        pytest.param(lambda text: HEADER, ["no rows"], id="header only"),
        pytest.param(lambda text: "", ["is empty"], id="empty"),
        pytest.param(lambda text: text.replace("rule,", "codes,"), ["line 1", "codes", "rule"], id="renamed column"),
    ],
)
def test_mistake_in_shares_is_reported_with_line_and_column(
    change: Callable[[str], str], tells: list[str], tmp_path: Path, refused: Refused
) -> None:
    (tmp_path / "shares.csv").write_text(change(HEADER + ROW))
    arguments = ["parse-shares", "--shares", tmp_path / "shares.csv", "--scales", SCALES]
    refused(*arguments, "--distributions", tmp_path / "distributions.parquet", tells=["shares.csv", *tells])


def test_rules_are_those_of_the_shares_that_ship(shares: pd.DataFrame) -> None:
    assert set(shares["rule"]) == set(RULES)
