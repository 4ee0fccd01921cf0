"""What each cell adds to a number: sums that are exact, whatever is missing, by hand and as the estimates have them."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from bank import BANK
from estimating import people, refuse, scores
from nonempty import some
from selfalign.audit.trace.contributions import by_probe, largest_first, recompute, select_cells, weigh_cells
from selfalign.audit.trace.excluded import find_probe, why_dropped, why_no_scale, why_not_chosen
from selfalign.audit.trace.names import RunNames, match
from selfalign.audit.trace.points import Point, Term, point_of_row
from selfalign.audit.trace.show import WIDTH, first_rows, shorten, table, width_in_terminal
from selfalign.config.sections import Config
from selfalign.contrasts import Contrast
from selfalign.errors import InputError
from selfalign.scoring.bootstrap import Resampling
from selfalign.scoring.calibration import average_cells, correlate, parts_of_correlation
from selfalign.scoring.estimate_agreement import estimate_agreement
from selfalign.scoring.estimate_categories import estimate_categories
from selfalign.scoring.estimate_contrasts import estimate_contrasts
from selfalign.scoring.estimate_kinds import estimate_kinds
from selfalign.scoring.estimate_languages import estimate_languages
from selfalign.scoring.estimate_transfer import estimate_transfer

pytestmark = pytest.mark.slow

SMALL = BANK.iloc[:12]


def resampling(cells: pd.DataFrame) -> Resampling:
    """Few resamples of batteries: the tests read estimates, not intervals."""
    return Resampling(people(cells), draws=4, level=0.95, seed=1, resample=["batteries"])


def made(rule: str) -> pd.DataFrame:
    """Scores of two models, three arms and two languages; some cells have no answer, and one country lacks probes."""
    arms = {"own": 0.1, "other": 0.0, "random": -0.1}
    models = [
        scores(arms, ("BOL", "MEX", "NGA"), ("en", "es"), SMALL, seed).assign(model=model)
        for model, seed in (("m", 3), ("n", 4))
    ]
    everything = pd.concat(models, ignore_index=True)
    lacking = (everything["country"] == "NGA") & everything["probe"].isin(SMALL["probe"].iloc[:3])
    cells = everything[~lacking].reset_index(drop=True)
    unanswered = np.random.default_rng(5).random(len(cells)) < 0.25
    none = (cells["arm"] == "other") & (cells["country"] == "BOL") & (cells["probe"] == SMALL["probe"].iloc[4])
    return refuse(cells, pd.Series(unanswered) | none, rule)


CONTRASTS = [
    ["own", "other"],
    {"arm": "own", "against": "other", "beyond": ["random", "other"]},
    {"arm": "own", "against": "own", "against_language": "en"},
    {"arm": "own", "against": "own", "against_model": "n"},
    {"arm": "own", "against": "other", "against_language": "en", "beyond": ["random", "other"]},
]


@pytest.mark.parametrize("rule", ["half", "wrong", "left_out"])
def test_contributions_sum_to_every_estimate(rule: str) -> None:
    cells = made(rule)
    how = resampling(cells)
    found = {
        "agreement": estimate_agreement(cells, how),
        "contrasts": estimate_contrasts(cells, [Contrast.read(one) for one in CONTRASTS], how),
        "transfer": estimate_transfer(cells, ("own", "other"), how),
    }
    assert found["contrasts"]["beyond"].nunique() == 2
    for name in ("model", "language"):
        assert (found["contrasts"][name] != found["contrasts"][f"against_{name}"]).any()
    for name, rows in found.items():
        size = 3 if name == "contrasts" else 1  # which are of five kinds
        of_all = rows[rows["country"] == "all"].sample(size, random_state=1)
        some = pd.concat([of_all, rows.sample(size + 1, random_state=2)])
        for row in some.to_dict("records"):
            point = point_of_row(row, name)
            chosen = select_cells(cells, point)
            weighed = weigh_cells(chosen, point)
            assert weighed["adds"].sum() == pytest.approx(row["estimate"], abs=1e-12), row
            assert recompute(chosen, point) == pytest.approx(row["estimate"], abs=1e-12), row
            counted = weighed[weighed["left_out"] == ""]
            assert counted["probe"].nunique() == row["probes"], row
            assert by_probe(weighed)["adds"].sum() == pytest.approx(row["estimate"], abs=1e-12)


@pytest.mark.parametrize("rule", ["half", "left_out"])
def test_contributions_sum_to_gains_of_languages_categories_and_kinds(rule: str) -> None:
    cells = made(rule)
    how, own, kinds = resampling(cells), {"BOL": "es", "MEX": "es"}, {"m": "english", "n": "multilingual"}
    pairs = [["own", "other"], ["random", "other"]]
    asked = {"pairs": pairs, "asked_in": "en", "own": own}
    english = cells[cells["language"] == "en"]
    found = {
        "languages": estimate_languages(cells, **asked, how=how),
        "categories": estimate_categories(english, pairs, how),
        "kinds": estimate_kinds(cells, kinds=kinds, **asked, how=how),
        "kinds of two": estimate_kinds(cells, kinds=dict.fromkeys("mn", "english"), **asked, how=how),
    }
    for name, rows in found.items():
        table, of_kinds = name.partition(" ")[0], kinds if name == "kinds" else dict.fromkeys("mn", "english")
        for row in rows.sample(4, random_state=1).to_dict("records"):
            point = point_of_row(row, table)
            if table == "languages" or "own" in (row["language"], row["against_language"]):
                point = replace(point, among=("BOL", "MEX"))
            chosen = select_cells(cells, point, own, of_kinds)
            assert recompute(chosen, point) == pytest.approx(row["estimate"], abs=1e-12)
            assert weigh_cells(chosen, point)["adds"].sum() == pytest.approx(row["estimate"], abs=1e-12)


def test_weight_is_one_over_countries_probes_and_cells() -> None:
    cells = made("half")
    point = Point(
        "contrasts", None, "all", "agreement", (Term(1, "m", "en", "own"), Term(-1, "m", "en", "other")), None, {}
    )
    weighed = weigh_cells(select_cells(cells, point), point)
    of = {(arm, country): rows["weight"] for (arm, country), rows in weighed.groupby(["arm", "country"])}
    assert set(of["own", "BOL"]) == {1 / 3 / 12} and set(of["own", "NGA"]) == {1 / 3 / 9}
    assert set(of["other", "BOL"]) == {-1 / 3 / 12 / 2} and set(of["other", "NGA"]) == {-1 / 3 / 9 / 2}


def test_cells_that_do_not_count_are_kept_with_the_reason() -> None:
    cells = made("left_out")
    probe = SMALL["probe"].iloc[4]  # of which the arm `other` has no answer in Bolivia
    point = Point(
        "contrasts", None, "BOL", "agreement", (Term(1, "m", "en", "own"), Term(-1, "m", "en", "other")), None, {}
    )
    weighed = weigh_cells(select_cells(cells, point), point)
    assert len(weighed) == len(
        cells.query("model == 'm' and language == 'en' and country == 'BOL' and arm in ('own', 'other')")
    )
    there = weighed[weighed["probe"] == probe]
    named = "model == 'm' and language == 'en' and country == 'BOL' and arm == 'own' and probe == @probe"
    answered = cells.query(named)["answered"]
    expected = ["no value in the other arm" if answered.all() else "no value", "no value", "no value"]
    assert list(there["left_out"]) == expected and (there["weight"] == 0).all()
    unanswered = weighed[~weighed["answered"]]
    assert len(unanswered) and (unanswered["left_out"] == "no value").all()
    half = weigh_cells(select_cells(made("half"), point), point)
    assert (half["left_out"] == "").all() and (half.loc[~half["answered"], "value"] == 0.5).all()


def test_contributions_are_sorted_by_absolute_value() -> None:
    found = largest_first(pd.DataFrame({"probe": list("abcd"), "adds": [0.1, -0.3, 0.0, 0.3]}))
    assert list(found["probe"]) == ["b", "d", "a", "c"]


def test_parts_of_the_correlation_sum_to_it() -> None:
    cells = made("half")
    for _, panel in some(average_cells(cells, ["own", "other"])).groupby(["model", "language", "arm"]):
        assert parts_of_correlation(panel).sum() == pytest.approx(correlate(panel), abs=1e-12)
        both = panel.dropna(subset="p_a")
        x, y = (np.concatenate([both[side], 1 - both[side]]) for side in ("share_a", "p_a"))
        assert np.corrcoef(x, y)[0, 1] == pytest.approx(correlate(panel))


# Names


CONFIG = {
    "run": {"models": ["small"], "languages": ["en", "tr"]},
    "models": {"small": {"label": "A small one"}},
    "languages": {
        "en": {"countries": ["RUS", "NGA", "USA"], "arms": ["own", "other"]},
        "tr": {"countries": ["TUR"], "arms": ["own"]},
    },
    "arms": {"own": {"label": "Similar"}, "other": {"label": "Similar, others"}, "unused": {"label": "Unused"}},
}


@pytest.mark.parametrize(
    ("text", "code"),
    [("rus", "RUS"), ("Russia", "RUS"), ("russian federation", "RUS"), ("Türkiye", "TUR"), ("turkiye", "TUR")]
    + [("united states", "USA"), ("us", "USA"), ("ALL", "all"), ("mean of countries", "all"), (" Nigeria ", "NGA")],
)
def test_country_by_code_or_name(text: str, code: str) -> None:
    assert RunNames(Config.read(CONFIG)).country(text) == code


def test_country_that_only_sounds_like_one_is_refused() -> None:
    with pytest.raises(
        InputError, match=r'no "Niger". Did you mean NGA \(Nigeria\)\? Known values: NGA \(Nigeria\), RUS'
    ):
        RunNames(Config.read(CONFIG)).country("Niger")


def test_models_languages_arms_and_measures_by_label() -> None:
    names = RunNames(Config.read(CONFIG))
    assert names.model("a SMALL one") == names.model("Small") == "small"
    assert names.language("Turkish") == names.language("TR") == "tr"
    assert names.arm("similar") == names.arm("OWN") == "own" and names.arm("Similar, others") == "other"
    assert names.measure("soft alignment") == names.measure("alignment") == "alignment"
    with pytest.raises(InputError, match=r'does not use the arm "unused". Known values: own, other'):
        names.arm("unused")


def test_name_comes_before_the_label_of_another() -> None:
    assert match("b", {"a": ["b"], "b": ["c"]}) == "b"


# Excluded probes


def test_probe_of_the_bank_is_found_or_refused() -> None:
    assert find_probe("q57A", BANK, "probes.csv") == "Q57a"
    with pytest.raises(InputError, match=r'probes.csv: the bank has no probe "Q999"\. Did you mean "Q99"\?'):
        find_probe("Q999", BANK, "probes.csv")


def test_reasons_why_a_probe_is_not_used() -> None:
    assert why_not_chosen("Q4", BANK, {"only": [], "categories": []}) is None
    assert why_not_chosen("Q4", BANK, {"only": ["Q4"], "categories": []}) is None
    assert "probes.only names 2 of the bank's 257" in why_not_chosen("Q4", BANK, {"only": ["Q6", "Q8"]})
    assert "is not in the setting probes.categories (migration)" in why_not_chosen(
        "Q4", BANK, {"categories": ["migration"]}
    )
    dropped = pd.DataFrame({"country": ["DEU", "BOL"], "probe": ["Q4", "Q6"], "reason": ["tie", "no_answers"]})
    assert why_dropped("Q4", "BOL", dropped) is None
    assert why_dropped("Q4", "DEU", dropped).startswith("the two poles are exactly tied")
    assert why_dropped("Q6", "BOL", dropped) == "nobody chose one of its poles"
    scales = pd.DataFrame(
        {"country": ["DEU", "BOL"], "question": ["Q4", "Q4"], "reason": ["outside", "codes_together"]}
    )
    assert why_no_scale("Q4", "DEU", scales) is None, "some answers are left out, but the scale is used"
    assert why_no_scale("Q4", "BOL", scales) == "the survey publishes one share for several of its codes"


# Text


def test_tables_fit_the_terminal_and_align_wide_characters() -> None:
    rows = [["Q1", "word " * 40, "1.5"], ["Q2", "\u4eba\u751f" * 60, "-12.0"]]
    lines = table(rows, ["probe", "statement", "adds"], flexible=1).split("\n")
    assert [width_in_terminal(line) for line in lines] == [WIDTH] * 3
    assert lines[1].endswith("   1.5") and "\N{HORIZONTAL ELLIPSIS}" in lines[1]
    assert shorten("a  b", 3) == "a b" and width_in_terminal("\u4eba") == 2


def test_long_lists_are_shortened_and_counted() -> None:
    rows = [[str(number)] for number in range(5)]
    assert first_rows(rows, None) == (rows, "") == first_rows(rows, 5)
    shown, rest = first_rows(rows, 2)
    assert shown == rows[:2] and rest.startswith("... and 3 more: --all shows them")
