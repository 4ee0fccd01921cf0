"""The permutation of own answers finds a planted effect, and none where there is none."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from permutation import arrange, main, permute

COUNTRIES = list("ABCDEFGH")


def agreement(own: float, seed: int = 1) -> np.ndarray:
    """Countries x sources: countries and sources differ much, single pairs little; own answers add a constant."""
    draws = np.random.default_rng(seed)
    sides = draws.normal(0, 0.2, (8, 1)) + draws.normal(0, 0.2, (1, 8))
    return 0.6 + sides + draws.normal(0, 0.01, (8, 8)) + own * np.eye(8)


def as_transfer(table: np.ndarray) -> pd.DataFrame:
    """The table as transfer.csv has it, with the mean of the countries and another measure."""
    rows = [
        {"country": country, "source": source, "estimate": table[i, i] - table[i, j], "shown": table[i, j]}
        for i, country in enumerate(COUNTRIES)
        for j, source in enumerate(COUNTRIES)
        if i != j
    ]
    pairs = pd.DataFrame(rows).assign(model="m", language="en", arm="own", against="other", measure="agreement")
    mean = pairs[pairs["country"] == "A"].assign(country="all", estimate=9.0)
    return pd.concat([pairs, mean, pairs.assign(measure="alignment", estimate=0.0)], ignore_index=True)


def test_a_planted_effect_is_found() -> None:
    observed, p = permute(agreement(0.03), 999, 1)
    assert p == 0.001, "only the identity is as good; it is not among 999 of 40,320 permutations"
    assert observed == pytest.approx(permute(agreement(0.0), 1, 1)[0] + 0.03)


@pytest.mark.slow
def test_without_an_effect_p_is_even() -> None:
    values = np.array([permute(agreement(0.0, seed), 199, 1)[1] for seed in range(200)])
    assert (values <= 0.05).mean() == pytest.approx(0.05, abs=0.04)
    assert values.mean() == pytest.approx(0.5, abs=0.07)


def test_the_program_prints_the_contrast_of_the_table(tmp_path: Path) -> None:
    table = agreement(0.03)
    as_transfer(table).to_csv(tmp_path / "transfer.csv", index=False)
    result = CliRunner().invoke(main, [str(tmp_path), "--draws", "99"], catch_exceptions=False)
    own = table.trace() / 8 - (table.sum() - table.trace()) / 56
    assert result.output.split()[-7:] == ["m", "en", "own", "other", "8", f"{100 * own:+.1f}", "0.01000"]


def test_a_table_without_some_pairs_is_refused(tmp_path: Path) -> None:
    pairs = as_transfer(agreement(0.0)).query("measure == 'agreement' and country != 'all'")
    assert arrange(pairs, tmp_path).to_numpy().diagonal().tolist() == [0.0] * 8
    with pytest.raises(Exception, match="B lacks the answers of C"):
        arrange(pairs[(pairs["country"] != "B") | (pairs["source"] != "C")], tmp_path)
