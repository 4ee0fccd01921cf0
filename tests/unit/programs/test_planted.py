"""Planted models answer prompts as they are described."""

import numpy as np
import pandas as pd
import pytest
from planted import Planted, Real, answer

COUNTRIES, PROBES = ["DEU", "IND"], 2000


@pytest.fixture(scope="module")
def real() -> Real:
    """Two countries that are asked with the same prompts about many probes; the copier sees pole A in half of them."""
    rows = [
        {"country": country, "probe": f"Q{number}", "arm": arm, "asked": f"{arm}{number}", "shown": shown}
        for country in COUNTRIES
        for number in range(PROBES)
        for arm, shown in (("zero_shot", "zero_shot"), ("chrf", "chrf"), ("chrf_other", "chrf"))
    ]
    prompts = pd.DataFrame(rows).assign(category="one", first=1)
    number = prompts["probe"].str[1:].astype(int)
    prompts = prompts.assign(battery=number // 4, copier=np.where(number % 2, 1.0, -1.0), ideal=0.0)
    prompts.index = prompts["country"] + ":" + prompts["asked"]
    empty = pd.DataFrame()
    return Real(empty, empty, empty, empty, prompts)


def choose(model: Planted, real: Real) -> pd.DataFrame:
    """Whether a model chooses pole A, by prompt and country; empty where it refuses."""
    answers = answer(np.random.default_rng(1), model, real).pivot(index="prompt", columns="place", values="option")
    chosen = (answers[1] > answers[2]).where(answers[1].notna())
    return chosen.rename(index=lambda name: name.partition(":")[2]).groupby(level=0).agg(list).apply(pd.Series)


@pytest.mark.slow
def test_countries_with_the_same_prompt_get_the_same_answer(real: Real) -> None:
    chosen = choose(Planted(refuses=0.2), real)
    assert chosen.shape == (3 * PROBES, 2)
    assert chosen[0].equals(chosen[1])
    assert chosen[0].isna().mean() == pytest.approx(0.2, abs=0.02)


@pytest.mark.slow
def test_copier_takes_the_side_that_it_sees(real: Real) -> None:
    chosen = choose(Planted(copies=10.0), real)[0].astype(bool)
    sees_a = chosen.index.str.extract(r"(\d+)$")[0].astype(int).to_numpy() % 2 == 1
    assert (chosen == sees_a).mean() > 0.999


@pytest.mark.slow
def test_demonstrations_change_many_choices_without_any_reading(real: Real) -> None:
    chosen = choose(Planted(), real)[0].astype(bool)
    by_arm = {
        arm: chosen[chosen.index.str.fullmatch(arm + r"\d+")].to_numpy() for arm in ("zero_shot", "chrf", "chrf_other")
    }
    changed = [(by_arm["chrf"] != by_arm[arm]).mean() for arm in ("zero_shot", "chrf_other")]
    assert changed[0] == pytest.approx(0.38, abs=0.05)
    assert changed[1] == pytest.approx(0.26, abs=0.05)
