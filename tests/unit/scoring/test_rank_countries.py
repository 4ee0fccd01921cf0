"""Whose values by default: similarity with every surveyed country, ranks with confidence sets, and changes by arm."""

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import jensenshannon
from selfalign.errors import InputError
from selfalign.scoring.bootstrap import Resampling
from selfalign.scoring.rank_countries import choose_probes, rank_countries
from selfalign.scoring.ranks import Drawn, average, bound_rank, bound_share, bound_value, find_certain
from selfalign.scoring.schemas import ALL, CountryRanks

GENERATOR = np.random.default_rng(5)


def drawn_of(estimate: list[float] | np.ndarray, noise: float, draws: int = 400, shared: float = 0.0) -> Drawn:
    """Quantities with independent normal deviations, and a deviation that all of them share."""
    k = len(estimate)
    deviation = GENERATOR.normal(0, noise, (draws, k)) + GENERATOR.normal(0, shared, (draws, 1))
    return Drawn(np.asarray(estimate, float), deviation, np.zeros((1, k)), np.ones((1, k), dtype=bool), None)


def test_ranks_are_known_where_differences_are_certain() -> None:
    sure = drawn_of([0.5, 0.9, 0.7, 0.71], 0.001)
    assert [bound_rank(sure, column, 0.95) for column in range(4)] == [(4, 4, 4), (1, 1, 1), (3, 3, 3), (2, 2, 2)]
    vague = drawn_of([0.5, 0.9, 0.7, 0.71], 0.03)
    assert bound_rank(vague, 2, 0.95) == (3, 2, 3) or bound_rank(vague, 2, 0.95)[1:] == (2, 3)
    assert bound_rank(drawn_of([0.5, 0.9], 5.0), 0, 0.95) == (2, 1, 2)


def test_deviation_that_all_share_does_not_widen_ranks() -> None:
    assert bound_rank(drawn_of([0.5, 0.9, 0.7], 0.001, shared=10), 0, 0.95) == (3, 3, 3)


@pytest.mark.slow
def test_confidence_sets_of_ranks_cover_the_true_rank() -> None:
    truth = np.array([0.0, 0.5, 0.6, 1.5, 1.6])
    covered = []
    for _ in range(200):
        drawn = drawn_of(truth + GENERATOR.normal(0, 0.3, 5), 0.3, draws=200)
        ranks = [bound_rank(drawn, column, 0.9) for column in range(5)]
        covered.append([low <= 5 - place <= high for place, (_, low, high) in enumerate(ranks)])
    assert np.mean(covered, axis=0).min() >= 0.88
    assert bound_rank(drawn_of(truth, 0.3), 0, 0.9)[1] > 2, "and they say something"


def test_share_above_zero_has_the_shares_that_are_possible() -> None:
    assert bound_share(drawn_of([1.0, 1.0, -1.0, 0.001], 0.1), 0.95) == (0.75, 0.5, 0.75)
    assert bound_share(drawn_of([0.0, 0.0], 0.0), 0.95)[0] == 0.5


def test_one_battery_makes_nothing_certain() -> None:
    one = drawn_of([1.0, 2.0], 0.01)
    one = Drawn(one.estimate, one.changes, np.ones((3, 2)), np.ones((3, 2), dtype=bool), np.zeros(3, dtype=int))
    assert list(find_certain(one, 0.95)) == [0, 0]
    assert np.isnan(bound_value(one.lead(0), 0.95)[1])


def test_lead_is_the_distance_from_the_mean_of_all() -> None:
    drawn = drawn_of([0.2, 0.4, 0.9], 0.01)
    assert bound_value(drawn.lead(2), 0.95)[0] == pytest.approx(0.4)
    assert average([drawn.lead(column) for column in range(3)]).estimate == pytest.approx([0.0])


# The step

PROBES = [f"Q{number}" for number in range(1, 13)]
SHARES = pd.DataFrame(np.random.default_rng(1).uniform(0.1, 0.9, (5, 12)), ["BOL", "DEU", "IND", "MEX", "USA"], PROBES)
SHARES.loc["USA", PROBES[:6]] = np.nan  # asked half of the probes
SHARES.loc["IND", "Q12"] = np.nan
POLES = (
    SHARES.rename_axis("country")
    .melt(ignore_index=False, var_name="probe", value_name="share_a")
    .dropna()
    .reset_index()
    .assign(standard_error=0.01, n=1000)
)
PEOPLE = pd.DataFrame(
    [(c, p, "normal", 1000, np.full(4, SHARES.loc[c, p])) for c in ("BOL", "DEU") for p in PROBES],
    columns=["country", "probe", "method", "respondents", "shares"],
)


def cells_of(arm: str, answers: dict[str, pd.Series], source: str = "") -> pd.DataFrame:
    """Cells of an arm: by country that is asked about, the probability of pole A of each probe."""
    parts = [
        pd.DataFrame({"probe": PROBES, "p_a": given[PROBES].to_numpy(float)}).assign(
            country=country, share_a=SHARES.loc[country].to_numpy()
        )
        for country, given in answers.items()
    ]
    table = pd.concat(parts).assign(arm=arm, model="m", language="en", source=source, seed=0, template="words")
    table = table.assign(battery="b" + table["probe"].str[1:].astype(int).floordiv(2).astype(str), answered=True)
    table["majority"] = np.where(table["share_a"] > 0.5, "A", "B")
    return table.assign(agreement=1.0, alignment=1.0)


def ranked(least: float = 0.8, own: dict[str, pd.Series] | None = None) -> pd.DataFrame:
    """Without demonstrations the model answers as Mexico does. With them it answers as the country asked about."""
    plain = SHARES.loc["MEX"]
    own = own or {"BOL": SHARES.loc["BOL"], "DEU": SHARES.loc["DEU"]}
    scores = pd.concat([cells_of("zero", {"BOL": plain, "DEU": plain}), cells_of("own", own)])
    how = Resampling(PEOPLE, draws=200, level=0.95, seed=1, resample=["batteries", "respondents"])
    table = rank_countries(scores, POLES, {"en": "zero"}, ["zero"], least, how)
    return CountryRanks.validate(table).set_index(["arm", "country"])


@pytest.mark.slow
def test_similarity_is_one_minus_the_jensen_shannon_distance() -> None:
    table = ranked()
    common = PROBES[:11]
    p, q = (SHARES.loc[country, common].to_numpy() for country in ("MEX", "DEU"))
    distance = jensenshannon(np.stack([p, 1 - p]), np.stack([q, 1 - q]), base=2, axis=0)
    assert table.loc[("zero", "DEU"), "similarity"] == pytest.approx(1 - distance.mean())
    assert table.loc[("zero", "MEX"), "similarity"] == pytest.approx(1)
    even = jensenshannon(np.full((2, 11), 0.5), np.stack([q, 1 - q]), base=2, axis=0)
    assert table.loc[("zero", "DEU"), "even"] == pytest.approx(1 - even.mean())


@pytest.mark.slow
def test_zero_shot_is_compared_with_every_surveyed_country() -> None:
    zero = ranked().loc["zero"]
    assert list(zero.index) == [ALL, "BOL", "DEU", "IND", "MEX", "USA"]
    assert list(zero.index[zero["asked"]]) == [ALL, "BOL", "DEU"]
    assert zero.loc["MEX", "rank"] == 1 and set(zero["countries"]) == {4}
    assert zero.loc["MEX", "lead"] == pytest.approx(1 - zero.loc[["BOL", "DEU", "IND", "MEX"], "similarity"].mean())
    assert zero.loc[ALL, "similarity"] == pytest.approx(zero.loc[["BOL", "DEU"], "similarity"].mean())
    assert zero["change"].isna().all()


@pytest.mark.slow
def test_country_without_an_answer_has_no_part_in_the_mean_rank() -> None:
    own = ranked(own={"BOL": SHARES.loc["MEX"], "DEU": SHARES.loc["DEU"] * np.nan}).loc["own"]
    assert list(own.index) == [ALL, "BOL"] and own.loc["BOL", "rank"] > 1
    assert own.loc[ALL, ["rank", "lead"]].tolist() == own.loc["BOL", ["rank", "lead"]].tolist()


@pytest.mark.slow
def test_country_that_was_asked_too_little_has_a_similarity_and_no_rank() -> None:
    zero = ranked().loc["zero"]
    assert pd.isna(zero.loc["USA", "rank"]) and zero.loc["USA", "probes"] == 5
    assert choose_probes(POLES, PROBES, 0.5)[0] == ["BOL", "DEU", "IND", "MEX", "USA"]
    assert choose_probes(POLES, PROBES, 0.5)[1] == sorted(PROBES[6:11])
    assert choose_probes(POLES, PROBES, 0.8) == (["BOL", "DEU", "IND", "MEX"], sorted(PROBES[:11]))


def test_share_without_a_ranked_country_or_probe_is_refused() -> None:
    with pytest.raises(InputError, match=r"largest share is 0\.500.*Lower it"):
        choose_probes(POLES[POLES["country"] == "USA"], PROBES, 0.9)
    apart = POLES[(POLES["country"] == "USA") | (POLES["country"].eq("DEU") & POLES["probe"].isin(PROBES[:6]))]
    with pytest.raises(InputError, match=r"all of the 2 countries.*Raise it"):
        choose_probes(apart, PROBES, 0.5)


@pytest.mark.slow
def test_arm_moves_answers_to_the_country_asked_about() -> None:
    table = ranked()
    own = table.loc["own"]
    assert list(own.index) == [ALL, "BOL", "DEU"], "its answers are about a country"
    assert own["similarity"].tolist() == pytest.approx([1, 1, 1])
    assert own.loc[["BOL", "DEU"], "rank"].tolist() == [1, 1] and own.loc[ALL, "rank"] == 1
    assert own.loc["DEU", "change"] == pytest.approx(1 - table.loc[("zero", "DEU"), "similarity"])
    assert own.loc[ALL, "change"] == pytest.approx(own.loc[["BOL", "DEU"], "change"].mean())
    assert own.loc[ALL, "improved"] == 1 and own.loc[ALL, "improved_high"] == 1
    assert own.loc[ALL, "lead"] == pytest.approx(own.loc[["BOL", "DEU"], "lead"].mean())
    assert own.loc[ALL, "lead_low"] > 0
