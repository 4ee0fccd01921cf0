"""Which interval? Candidates for the mean of a contrast, on studies of the synthetic world, by how often they miss.

    python benchmarks/intervals.py    about 2 minutes

The values are those of benchmarks/synthetic.py (true majorities known, so that batteries alone are left to chance), for
the whole bank and for the probes of the default config, with batteries that matter little and much. A right interval
misses 5 %. Then the same for studies with three seeds and frames, whose common effect is nil or not.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import synthetic
import yaml
from scipy import stats
from selfalign.probes.bank import read_bank
from selfalign.scoring.bootstrap import FACTORS, freedom_of_batteries, spread_of_levels, widen_batteries
from synthetic import Arm, World

STUDIES, DRAWS, LEVEL = 2000, 2000, 0.95
ROOT = Path(__file__).parent.parent
STANDARD = [(part, dict(part)) for part in (synthetic.STANCE, synthetic.KNOWLEDGE)]


def draw_differences(world: World, arms: tuple[Arm, Arm], rng: np.random.Generator) -> np.ndarray:
    """Differences of agreement, mean of the countries: seeds x frames x probes."""
    majority = np.where(world.truth.to_numpy() > 0.5, 1, -1)
    shared = world.draw_shared(rng)
    first, second = ((world.lean(rng, arm, shared) * majority > 0).mean(axis=2) for arm in arms)
    return first - second


def miss(values: np.ndarray, home: np.ndarray, truth: float, rng: np.random.Generator) -> dict[str, float]:
    """How often each candidate misses the truth.

    Args:
        values: studies x probes.
        home: the probes' batteries.
        truth: the expectation.
        rng: of the resamples, which all studies share.
    """
    sizes = np.bincount(home).astype(float)
    batteries, probes = len(sizes), len(home)
    sums = np.stack([np.bincount(home, study, batteries) for study in values])
    mean = values.mean(axis=1)
    weights = rng.multinomial(batteries, np.full(batteries, 1 / batteries), DRAWS).astype(float)
    count = weights @ sizes
    drawn = weights @ sums.T / count[:, None]
    error = drawn.std(axis=0, ddof=1) * np.sqrt(widen_batteries(np.array(batteries)))
    residual = sums - mean[:, None] * sizes
    plain = np.sqrt((residual**2).sum(axis=1)) / probes
    freedom = freedom_of_batteries((values - mean[:, None]).T, home, np.tile(sizes[:, None], len(values)))
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    square = weights @ (sums**2).T - 2 * drawn * (weights @ (sums * sizes).T) + drawn**2 * (weights @ sizes**2)[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        student = np.nan_to_num((drawn - mean) / (np.sqrt(np.maximum(square, 0)) / count[:, None]))
    ends = np.quantile(student, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    about = np.quantile(np.abs(student), LEVEL, axis=0)
    intervals = {
        "percentile": (low, high),
        "basic": (2 * mean - high, 2 * mean - low),
        "BCa": _accelerate(drawn, mean, sums, sizes),
        "bootstrap-t": (mean - ends[1] * plain, mean - ends[0] * plain),
        "bootstrap-t, symmetric": (mean - about * plain, mean + about * plain),
    }
    for name, degrees in {
        "SE, normal": np.inf,
        "SE, t(batteries - 1)": batteries - 1,
        "SE, t(effective - 1)": probes**2 / (sizes**2).sum() - 1,
        "SE, t(Satterthwaite)": freedom,
    }.items():
        reach = stats.t.ppf((1 + LEVEL) / 2, degrees) * error
        intervals[name] = (mean - reach, mean + reach)
    return {name: float(1 - ((ends[0] <= truth) & (truth <= ends[1])).mean()) for name, ends in intervals.items()}


def _accelerate(drawn: np.ndarray, mean: np.ndarray, sums: np.ndarray, sizes: np.ndarray) -> tuple:
    """Efron's BCa interval, accelerated by the jackknife over batteries."""
    below = ((drawn < mean).mean(axis=0) + (drawn == mean).mean(axis=0) / 2).clip(1e-4, 1 - 1e-4)
    shift = stats.norm.ppf(below)
    left_out = (sums.sum(axis=1)[:, None] - sums) / (sizes.sum() - sizes)
    apart = left_out.mean(axis=1)[:, None] - left_out
    skew = (apart**3).sum(axis=1) / (6 * (apart**2).sum(axis=1) ** 1.5)
    ordered = np.sort(drawn, axis=0)
    ends = []
    for share in ((1 - LEVEL) / 2, (1 + LEVEL) / 2):
        moved = shift + stats.norm.ppf(share)
        place = stats.norm.cdf(shift + moved / (1 - skew * moved)) * len(ordered)
        ends.append(ordered[place.astype(int).clip(0, len(ordered) - 1), np.arange(len(mean))])
    return tuple(ends)


def compare_intervals(rng: np.random.Generator) -> pd.DataFrame:
    """Misses of all candidates, by bank, by how much batteries matter, and by the gain."""
    bank = read_bank(ROOT / "resources/probes/probes.csv").query("on_request == ''").reset_index(drop=True)
    only = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))["probes"]["only"]
    banks = {"whole bank": bank, "default": bank[bank["probe"].isin(only)].reset_index(drop=True)}
    rows = {}
    for name, probes in banks.items():
        for factor in (0.0, 1.0, 3.0):
            with_batteries(factor)
            world = World(bank=probes)
            for gain in (0.0, 0.05):
                arms = (Arm(0.55 + gain), Arm(0.55))
                values = np.stack([draw_differences(world, arms, rng).mean(axis=(0, 1)) for _ in range(STUDIES)])
                rows[name, f"x {factor:g}", gain] = miss(values, world.home, gain, rng)
    with_batteries(1.0)
    return pd.DataFrame(rows)


def with_batteries(factor: float) -> None:
    """Multiply how much batteries matter in the synthetic world."""
    for part, standard in STANDARD:
        part.update({name: sd * (factor if "battery" in name else 1) for name, sd in standard.items()})


def compare_levels(rng: np.random.Generator) -> pd.DataFrame:
    """False positives where seeds and frames are left out, drawn with replacement, or added as components."""
    world = World()
    sizes = np.bincount(world.home).astype(float)
    rows = {}
    for spread in (0.0, 0.2):
        arms = (Arm(cells=(3, 3), template_spread=spread), Arm(cells=(1, 3)))
        found = [_reject(draw_differences(world, arms, rng), world.home, sizes, rng) for _ in range(STUDIES)]
        rows[f"frames' common effect {spread:g}"] = pd.DataFrame(found).mean()
    return pd.DataFrame(rows)


def _reject(cells: np.ndarray, home: np.ndarray, sizes: np.ndarray, rng: np.random.Generator) -> dict[str, bool]:
    seeds, frames, probes = cells.shape
    values = cells.mean(axis=(0, 1))
    mean, present = values.mean(), np.ones((probes, 1), dtype=bool)
    weights = rng.multinomial(len(sizes), np.full(len(sizes), 1 / len(sizes)), 999).astype(float)
    count = weights @ sizes
    sums = np.stack([np.bincount(home, cell, len(sizes)) for cell in cells.reshape(-1, probes)])
    by_cell = weights @ sums.T / count[:, None]
    of_seed = rng.multinomial(seeds, np.full(seeds, 1 / seeds), 999) / seeds
    of_frame = rng.multinomial(frames, np.full(frames, 1 / frames), 999) / frames
    widening = widen_batteries(np.array(len(sizes)))
    crossed = (by_cell * (of_seed[:, :, None] * of_frame[:, None, :]).reshape(999, -1)).sum(axis=1)
    freedom = freedom_of_batteries((values - mean)[:, None], home, sizes[:, None])[0]
    variance = by_cell.mean(axis=1).var(ddof=1) * widening
    total, uncertain = variance, variance**2 / freedom
    for axis in range(len(FACTORS)):
        levels = (cells.mean(axis=1 - axis) - values)[:, :, None] / probes
        added, degrees = spread_of_levels(levels, np.ones((len(levels), 1), dtype=bool), present, home)
        total, uncertain = total + added[0], uncertain + added[0] ** 2 / degrees[0]

    def reject(variance: float, degrees: float) -> bool:
        return bool(abs(mean) > stats.t.ppf((1 + LEVEL) / 2, degrees) * np.sqrt(variance))

    return {
        "batteries only": reject(variance, freedom),
        "drawn with replacement, crossed": reject(crossed.var(ddof=1), freedom),
        "components of variance": reject(total, total**2 / uncertain),
    }


def main() -> None:
    """Print both comparisons."""
    rng = np.random.default_rng(5)
    pd.set_option("display.width", 200, "display.max_columns", 30)
    print(f"Misses in %, of {STUDIES} studies; by bank, how much batteries matter, gain")
    print((100 * compare_intervals(rng)).round(1).to_string())
    print(f"False positives in %, of {STUDIES} studies with three seeds and frames")
    print((100 * compare_levels(rng)).round(1).to_string())


if __name__ == "__main__":
    main()
