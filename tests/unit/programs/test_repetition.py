"""Choices of the option that leads among the demonstrations, and the agreement of these cells."""

import pandas as pd
import pytest
from estimating import complete, people, scores
from pages import read_page
from project import ROOT
from repetition import CELL, LEADING, divide_cells, estimate_group, find_leading
from selfalign.scoring.bootstrap import Resampling

TABLES = ROOT / "docs" / "findings"
MODELS = ["smollm2-135m", "gemma-3-270m", "qwen2.5-coder-0.5b", "qwen2.5-coder-1.5b"]


def make_cells(pole_counts: dict[str, tuple[int, int]], chosen: float = 0.9) -> pd.DataFrame:
    """Cells of `chrf`, which answers A, and of zero-shot, which answers B; the probe's own options shown so often."""
    cells = scores({"chrf": 0.0, "zero_shot": 0.0})
    cells = cells[cells["probe"].isin(list(pole_counts))]
    cells["p_a"] = cells["arm"].map({"chrf": chosen, "zero_shot": 1 - chosen})
    cells = complete(cells)
    counts = cells.loc[cells["arm"] == "chrf", CELL].reset_index(drop=True)
    shown = counts["probe"].map(pole_counts)
    return find_leading(cells, counts.assign(a=shown.str[0], b=shown.str[1]), "chrf")


def test_an_option_leads_with_three_demonstrations_and_no_tie() -> None:
    counts = {"Q1": (3, 0), "Q2": (1, 2), "Q3": (2, 0), "Q4": (2, 2), "Q5": (0, 0)}
    cells = make_cells(counts)
    leads = cells.drop_duplicates("probe").set_index("probe")["leads"]
    assert leads[list(counts)].tolist() == ["A", "B", "", "", ""]
    assert cells.groupby("arm").size().to_dict() == {"chrf": 10, "zero_shot": 10}, "each cell has its zero-shot cell"
    chosen = cells.groupby(["probe", "arm"])[LEADING].mean()
    assert chosen["Q1", "chrf"] == 1 and chosen["Q1", "zero_shot"] == 0
    assert chosen["Q2", "chrf"] == 0 and chosen["Q2", "zero_shot"] == 1
    assert chosen["Q4"].isna().all()
    groups = {name: set(cells.loc[here, "probe"]) for name, (here, _) in divide_cells(cells).items()}
    assert list(groups.values()) == [{"Q1", "Q2"}, {"Q1"}, {"Q2"}, {"Q3", "Q4", "Q5"}], "the majority is A everywhere"


def test_a_model_that_repeats_has_the_difference_of_its_choices() -> None:
    bank = scores({"chrf": 0.0}).drop_duplicates("probe")["probe"].iloc[::6]
    cells = make_cells(dict.fromkeys(bank, (4, 1))).assign(ordered=True)
    how = Resampling(people(cells), 50, 0.95, 1, ["batteries", "respondents"])
    table = estimate_group(cells, LEADING, "chrf", how).set_index(["arm", "against"])
    assert table["estimate"].to_dict() == {("chrf", ""): 1, ("chrf", "zero_shot"): 1, ("zero_shot", ""): 0}
    assert set(table["main"]) == {"battery"} and (table["main_low"] == table["main_high"]).all()


def test_kept_groups_make_up_the_agreement_of_the_run() -> None:
    table = pd.read_csv(TABLES / "programs/tables/repetition.csv").fillna({"against": ""})
    run = pd.read_csv(TABLES / "study_replies/tables/agreement.csv").query(
        "measure == 'agreement' and country == 'all'"
    )
    run = run.set_index(["model", "arm"])["estimate"]
    parts = table.query("measure == 'agreement' and against == ''")
    for (model, arm), rows in parts.groupby(["model", "arm"]):
        assert rows["cells"].sum() == rows["all_cells"].iloc[0] == 1999
        mean = (rows["estimate"] * rows["cells"]).sum() / 1999
        assert mean == pytest.approx(run[model, arm], abs=0.003), "countries weigh alike"
    assert parts.groupby(["model", "arm"]).ngroups == 8


def test_the_page_has_the_numbers_of_the_leading_option() -> None:
    page = read_page("findings/demonstrations.md")
    table = pd.read_csv(TABLES / "programs/tables/repetition.csv")
    cells = table.query("model == @MODELS[0] and arm == 'zero_shot'").set_index("group")["cells"]
    every = table["all_cells"].iloc[0]
    assert f"In {100 * cells['one option leads'] / every:.0f} % of the cells of `chrf`" in page
    assert f"in {100 * cells['people on its side'] / cells['one option leads']:.0f} % of these cells." in page
    found = table.query("against == 'zero_shot'").set_index(["group", "model"])
    numbers = 100 * found[["estimate", "main_low", "main_high"]]
    assert (numbers.loc["one option leads", "main_low"] > 0).all(), "all four choose it more often"
    with_people, against, other = (
        numbers.loc[name] for name in ("people on its side", "people on the other side", "elsewhere")
    )
    assert (against["main_high"] < 0).all() and (with_people["main_low"] > 0).sum() == 3
    said = "{:.1f} [{:.1f}, {:.1f}]"
    lost = [-row for row in against.sort_values("estimate", ascending=False).to_numpy()[[0, -1]]]
    lost_texts = [said.format(one[0], one[2], one[1]) for one in lost]
    assert f"lower the agreement in all four models**: by {' to '.join(lost_texts)}." in page
    more = numbers.loc["one option leads"].sort_values("estimate").iloc[[0, -1]].to_numpy()
    findings = read_page("findings.md")
    assert f"{' to '.join(said.format(*one) for one in more)} points more often" in findings
    assert f"their agreement falls, by {' to '.join(lost_texts)}." in findings
    for rows, text in ((with_people, "by {} to {}, in three of four"), (other, "{} in SmolLM2 to {} in Gemma, and")):
        ends = rows.sort_values("estimate").iloc[[0, -1]]
        assert text.format(*(said.format(*row) for row in ends.to_numpy())) in page
    assert list(other.sort_values("estimate").index[[0, -1]]) == MODELS[:2]
    assert sorted(other.index[other["main_low"] > 0]) == [MODELS[1], MODELS[3]]
