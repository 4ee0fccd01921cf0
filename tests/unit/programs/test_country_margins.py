"""Own minus other by country: how often majorities differ, and the table of the page."""

import pandas as pd
import pytest
from country_margins import list_margins, people_of, share_differing
from project import ROOT

TABLES = ROOT / "docs" / "findings" / "study" / "tables"
PAGE = (ROOT / "docs" / "findings" / "agreement.md").read_text(encoding="utf-8")
NAMES = {
    **{"AUS": "Australia", "BOL": "Bolivia", "BRA": "Brazil", "CAN": "Canada", "CHN": "China", "DEU": "Germany"},
    **{"ETH": "Ethiopia", "GBR": "United Kingdom", "IND": "India", "KEN": "Kenya", "MEX": "Mexico", "NGA": "Nigeria"},
    **{"NLD": "Netherlands", "NZL": "New Zealand", "RUS": "Russia", "THA": "Thailand", "UKR": "Ukraine"},
    **{"USA": "USA", "ZWE": "Zimbabwe"},
}
MODELS = ["smollm2-135m", "gemma-3-270m", "qwen2.5-coder-0.5b", "qwen2.5-coder-1.5b"]


@pytest.fixture(scope="module")
def contrasts() -> pd.DataFrame:
    return pd.read_csv(TABLES / "contrasts.csv")


@pytest.fixture(scope="module")
def table(contrasts: pd.DataFrame) -> pd.DataFrame:
    return list_margins(contrasts, share_differing(people_of(ROOT / "config" / "study.yaml")))


def test_ties_and_probes_that_one_country_was_not_asked_are_left_out() -> None:
    rows = [("A", "q", "A"), ("A", "r", "B"), ("A", "s", "tie"), ("A", "t", "A")]
    rows += [("B", "q", "B"), ("B", "r", "B"), ("B", "s", "A")]
    rows += [("C", "q", "A"), ("C", "r", "B"), ("C", "s", "B"), ("C", "t", "B")]
    poles = pd.DataFrame(rows, columns=["country", "probe", "majority"])
    assert share_differing(poles).to_dict() == pytest.approx(
        {"A": (1 / 2 + 1 / 3) / 2, "B": (1 / 2 + 2 / 3) / 2, "C": 0.5}
    )


@pytest.mark.slow
def test_the_countries_have_the_margin_of_the_study(contrasts: pd.DataFrame, table: pd.DataFrame) -> None:
    whole = contrasts.query("arm == 'chrf' and against == 'chrf_other' and measure == 'agreement' and country == 'all'")
    assert len(table) == 19
    assert table["mean"].mean() == pytest.approx(whole[whole["beyond"].isna()]["estimate"].mean(), abs=5e-4)
    assert table["differing"].mean() == pytest.approx(0.26, abs=5e-3)


@pytest.mark.slow
def test_the_page_has_the_table(table: pd.DataFrame) -> None:
    lines = [
        f"| {NAMES[country]} | {100 * row['differing']:.0f} | {100 * row['mean']:+.1f} | {' | '.join(row[MODELS])} |"
        for country, row in table.iterrows()
    ]
    assert "\n".join(f"{line} <!-- source: benchmarks/country_margins.py -->" for line in lines) in PAGE
    assert f"correlate {table['differing'].corr(table['mean']):.2f}" in PAGE


def test_the_page_counts_the_countries(contrasts: pd.DataFrame) -> None:
    rows = contrasts.query("arm == 'chrf' and against == 'chrf_other' and measure == 'agreement' and country != 'all'")
    rows = rows[rows["beyond"].isna()].groupby("model")
    above, found = rows["estimate"].agg(lambda x: int((x > 0).sum())), rows["low"].agg(lambda x: int((x > 0).sum()))
    assert (rows["high"].min() > 0).all() and (rows["p_bh"].min() > 0.05).all()
    counts = [found[model] for model in MODELS]
    assert "{}, {}, {} and {} of 19".format(*counts) in PAGE
    assert sorted(set(above)) == [18, 19]
    assert "in 3 to 9 of them" in (ROOT / "docs" / "findings.md").read_text(encoding="utf-8")
    assert (min(counts), max(counts)) == (3, 9)
