"""Similarity on some topics and on others: the answers of a run. scoring/test_specifications.py has the statistic."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from bank import DEFAULT_BANK
from estimating import complete, scores
from extrapolation import compare_models, compare_references
from pages import read_page
from project import ROOT
from selfalign.errors import InputError
from selfalign.probes.schemas import Poles
from selfalign.scoring.schemas import Scores
from selfalign.tables import write_table


def write_run(folder: Path, cells: pd.DataFrame) -> pd.Series:
    """Write the scores and the people of a run; return the people's shares in Mexico, by probe."""
    draws = np.random.default_rng(5)
    shares = pd.DataFrame(draws.random((3, len(DEFAULT_BANK))), ["BOL", "MEX", "USA"], DEFAULT_BANK["probe"])
    poles = shares.rename_axis("country").melt(ignore_index=False, var_name="probe", value_name="share_a").reset_index()
    poles = poles.assign(n=900, neither=0, standard_error=0.01, majority=np.where(poles["share_a"] > 0.5, "A", "B"))
    write_table(poles[Poles.names()], folder / "people" / "poles.parquet", Poles)
    known = cells.assign(p_a=cells["probe"].map(shares.loc["MEX"]))
    write_table(complete(known)[Scores.names()], folder / "scores" / "m" / "en.parquet", Scores)
    return shares.loc["MEX"]


@pytest.mark.slow
def test_answers_of_a_run_are_compared_once_for_all_countries(tmp_path: Path) -> None:
    shares = write_run(tmp_path, scores({"zero_shot": 0.0}))
    rows, people, category = compare_models(tmp_path, "zero_shot")
    assert list(rows) == ["m, en"] and rows["m, en"]["same"] == 1, "the model answers as Mexico's people do"
    assert rows["m, en"]["divisions"] == 462 and len(category) == len(DEFAULT_BANK)
    assert people.loc["MEX", shares.index].to_numpy() == pytest.approx(shares.to_numpy())
    with pytest.raises(InputError, match="no answered cells of this arm"):
        compare_models(tmp_path, "neutral")


@pytest.mark.slow
def test_answers_that_depend_on_the_country_are_refused(tmp_path: Path) -> None:
    write_run(tmp_path, scores({"zero_shot": 0.0}))
    write_table(scores({"zero_shot": 0.0}), tmp_path / "scores" / "m" / "en.parquet", Scores)
    with pytest.raises(InputError, match="its answers depend on the country"):
        compare_models(tmp_path, "zero_shot")


def test_random_answers_do_not_depend_on_the_order_of_the_probes() -> None:
    draws = np.random.default_rng(1)
    shares = pd.DataFrame(draws.random((4, 12)), list("ABCD"), [f"Q{number}" for number in range(12)])
    category = pd.Series(np.repeat(list("abcdef"), 2), shares.columns)
    assert compare_references(shares, category, 5, 1) == compare_references(shares, category[::-1], 5, 1)


def test_the_page_compares_the_models_with_random_answers() -> None:
    table = pd.read_csv(ROOT / "docs/findings/programs/tables/extrapolation.csv", index_col="model")
    models, random = table[table.index.str.endswith(", en")], table.loc["random answers, mean of draws"]
    page = " ".join(read_page("findings/topics.md").split())
    low, high = random["medians: 5 %"], random["medians: 95 %"]
    assert f"random answerers reach from {low:.2f} to {high:.2f} (5 to 95 %)." in page
    assert models["median"].between(low, high).all() and models["median"].max() < table.loc["even guess", "median"]
    assert (models["same"] > random["same: 95 %"]).to_dict() == {
        name: name.startswith("gemma") for name in models.index
    }
    gemma = models.loc["gemma-3-270m, en", "same"]
    assert f"most similar country in {100 * gemma:.0f} % of the divisions" in page
    assert f"95 % of the random answerers have it in at most {100 * random['same: 95 %']:.0f} %." in page
