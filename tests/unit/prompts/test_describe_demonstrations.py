"""The table of what arms show: similarity and kinship with the test probes, by hand and on the real bank."""

import pandas as pd
import pytest
from selfalign.arms import Arm
from selfalign.demonstrations.measure_similarity import list_pairs
from selfalign.demonstrations.rank_demonstrations import pair_probes, rank
from selfalign.prompts.describe_demonstrations import describe_demonstrations, describe_pairs, list_shown
from selfalign.prompts.schemas import Demonstrations

PROBES = ["Q1", "Q2", "Q5", "Q112", "Q113"]
POINTS = {"Q1": [0, 40, 30, 20, 10], "Q2": [50, 0, 10, 20, 30]}


@pytest.fixture(scope="module")
def ranking(bank: pd.DataFrame) -> pd.DataFrame:
    square = pd.DataFrame({name: POINTS.get(name, [1] * 5) for name in PROBES}, index=PROBES).T
    return rank(pair_probes(bank[bank["probe"].isin(PROBES)], list_pairs(square)), "chrf", [])


def cells(rows: list[tuple[str, str, str, str, str]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Cells (arm, country, probe, source, prompt) in both orders, and prompts that are named by what they show."""
    design = pd.DataFrame(rows, columns=["arm", "country", "probe", "source", "prompt"]).assign(
        seed=0, template="words"
    )
    design = design.merge(pd.DataFrame({"order": ["AB", "BA"]}), how="cross")
    prompts = pd.DataFrame({"prompt": design["prompt"].unique()})
    return design, prompts.assign(demonstrations=prompts["prompt"])


def test_figures_are_those_of_a_calculation_by_hand(
    bank: pd.DataFrame, texts: pd.DataFrame, ranking: pd.DataFrame
) -> None:
    rows = [
        ("zero_shot", "DEU", "Q1", "", ""),
        ("chrf", "DEU", "Q1", "DEU", "Q2=A Q112=B"),
        ("chrf", "MEX", "Q2", "MEX", "Q5=A Q1=B"),
        ("other", "DEU", "Q1", "MEX", "Q113=A Q5=A"),
        ("other", "NGA", "Q1", "MEX", "Q113=A Q5=A"),  # the same set, for another country
        ("neutral", "DEU", "Q1", "DEU", "N1=A N2=A"),
    ]
    arms = {"zero_shot": {"shots": 0}, "chrf": {"strategy": "chrf"}, "other": {"strategy": "chrf"}, "neutral": {}}
    shown = list_shown(*cells(rows))
    table = describe_demonstrations(
        "en",
        Arm.read_all(arms),
        shown,
        {"chrf": describe_pairs(ranking, bank, texts)},
    )
    table = Demonstrations.validate(table).set_index("arm")
    assert list(table.index) == ["chrf", "other", "neutral"]
    assert table["sets"].to_dict() == {"chrf": 2, "other": 1, "neutral": 1}
    assert table["shown"].to_dict() == {"chrf": 4, "other": 2, "neutral": 2}
    assert table["not_ranked"].to_dict() == {"chrf": 0, "other": 0, "neutral": 2}
    chrf = table.loc["chrf"]  # 40, 20, 10 and 50 points; Q2, Q5 and Q1 are a battery, Q112 is of another category
    assert chrf["similarity"] == 30 and chrf["similarity_q50"] == 30
    assert (chrf["similarity_q25"], chrf["similarity_q75"]) == (17.5, 42.5)
    assert (chrf["same_battery"], chrf["same_category"], chrf["within_5"]) == (0.75, 0.75, 0.75)
    assert texts.loc["Q1", ["option_a", "option_b"]].equals(texts.loc["Q2", ["option_a", "option_b"]])
    assert chrf["same_options"] == 0.75
    assert table.loc["other", ["similarity", "same_battery", "within_5"]].tolist() == [20, 0.5, 0.5]
    assert table.loc["neutral", ["strategy", "measure"]].tolist() == ["none", "none"]
    assert table.loc["neutral", "similarity":].isna().all()


def test_set_is_listed_once_for_all_that_share_it() -> None:
    design, prompts = cells([("chrf", "DEU", "Q1", "DEU", "Q2=A Q112=B")])
    frames = [design.assign(template=name, prompt=prompt) for name, prompt in (("a", "x"), ("b", "y"), ("c", "z"))]
    told = pd.DataFrame({"prompt": ["x", "y", "z"], "demonstrations": ["Q2=A Q112=B", "Q2=1 Q112=4", "Q112=4 Q5=2"]})
    shown = list_shown(pd.concat(frames), told)
    assert shown.groupby("set")["candidate"].agg(list).tolist() == [["Q2", "Q112"], ["Q112", "Q5"]]


def test_options_are_the_same_whichever_pole_is_which(bank: pd.DataFrame, ranking: pd.DataFrame) -> None:
    options = {"Q1": ("much", "little"), "Q2": ("little", "much"), "Q5": ("much", "none")}
    texts = pd.DataFrame.from_dict(options, orient="index", columns=["option_a", "option_b"])
    pairs = ranking[ranking["probe"].isin(options) & ranking["candidate"].isin(options)]
    shown = list_shown(*cells([("chrf", "DEU", "Q1", "DEU", "Q2=A"), ("chrf", "DEU", "Q2", "DEU", "Q5=A")]))
    facts = {"chrf": describe_pairs(pairs, bank, texts)}
    table = describe_demonstrations("en", Arm.read_all({"chrf": {"strategy": "chrf"}}), shown, facts)
    assert table["same_options"].tolist() == [0.5]
