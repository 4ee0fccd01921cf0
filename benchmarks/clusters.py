"""Errors of intervals by battery, by category, and by the wider of both, on contrasts without a true difference.

    python benchmarks/clusters.py                # 1,000 studies per row; 20 seconds

Two arms of a synthetic model (benchmarks/synthetic.py) have the same expected agreement. The knowledge of an arm
differs between batteries, and between categories by a planted standard deviation. The interval of the mean of the
countries is that of the estimates, with the closed form of the cluster variance instead of the bootstrap.
"""

import argparse
from functools import cache

import numpy as np
import pandas as pd
from scipy import stats
from selfalign.config.read import read_config
from selfalign.probes.bank import read_bank
from selfalign.scoring.bootstrap import freedom_of_batteries, widen_batteries
from synthetic import KNOWLEDGE, ROOT, STANCE, World

KNOWN = 0.12
"""The knowledge of both arms, in leanings: an agreement of about 55 %."""

FEW = ("DEU", "IND", "NGA")


@cache
def countries_of_study() -> list[str]:
    """The 19 countries of the example."""
    return list(read_config([ROOT / "config/study.yaml"]).languages["en"].countries)


def half_width(values: np.ndarray, home: np.ndarray, level: float = 0.95) -> float:
    """Half the interval of a mean over probes, with clusters.

    Args:
        values: of the probes.
        home: numbers of the probes' clusters.
        level: coverage.
    """
    centred, sizes = values - values.mean(), np.bincount(home)
    squared = (np.bincount(home, centred) ** 2).sum() / len(values) ** 2 * widen_batteries(np.array([len(sizes)]))[0]
    freedom = freedom_of_batteries(centred[:, None], home, sizes[:, None].astype(float))[0]
    return float(stats.t.ppf((1 + level) / 2, freedom) * np.sqrt(squared))


def draw_difference(rng: np.random.Generator, world: World, spread: float) -> np.ndarray:
    """One study's difference of agreement between two arms that know as much: a value per probe, over the countries.

    Args:
        rng: of the study.
        world: bank and countries.
        spread: standard deviation of what an arm knows between categories, in leanings.
    """
    majority, shared = np.where(world.truth.to_numpy() > 0.5, 1, -1), world.draw_shared(rng)
    category = pd.factorize(world.bank["category"])[0]
    countries, batteries = len(world.countries), world.home.max() + 1
    agrees = []
    for _ in range(2):
        knows = KNOWN + KNOWLEDGE["arm_battery"] * rng.normal(size=batteries)[world.home]
        knows = knows + spread * rng.normal(size=category.max() + 1)[category]
        knows = knows + KNOWLEDGE["country_arm_battery"] * rng.normal(size=(countries, batteries))[:, world.home]
        stance = shared + STANCE["arm_battery"] * rng.normal(size=batteries)[world.home]
        stance = stance + STANCE["cell"] * rng.normal(size=majority.shape)
        agrees.append((majority * (majority * knows + stance) > 0).mean(axis=0))
    return agrees[0] - agrees[1]


def study_rules(bank: pd.DataFrame, countries: tuple[str, ...], spread: float, runs: int) -> dict[str, float]:
    """False positives and widths of three intervals, in percent and points, over many studies."""
    world, rng = World(countries, bank=bank), np.random.default_rng(1)
    homes = [world.home, pd.factorize(bank["category"])[0]]
    rows = []
    for _ in range(runs):
        values = draw_difference(rng, world, spread)
        halves = [half_width(values, home) for home in homes]
        halves.append(max(halves))
        rows.append([*(abs(values.mean()) > half for half in halves), *halves])
    found = 100 * np.mean(rows, axis=0)
    names = ["battery", "category", "wider", "width_battery", "width_category", "width_wider"]
    about = {"probes": len(bank), "countries": len(countries), "spread": spread}
    return about | dict(zip(names, found.round(1), strict=True))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1000, help="studies per row")
    runs = parser.parse_args().runs
    bank = read_bank(ROOT / "resources/probes/probes.csv").query("on_request == ''").reset_index(drop=True)
    default = read_config([]).probes.only
    some = bank[bank["probe"].isin(default)].reset_index(drop=True)
    rows = [
        study_rules(probes, countries, spread, runs)
        for probes in (bank, some)
        for countries in (FEW, countries_of_study())
        for spread in (0.0, 0.15, 0.3)
    ]
    print(pd.DataFrame(rows).to_string(index=False))


if __name__ == "__main__":
    main()
