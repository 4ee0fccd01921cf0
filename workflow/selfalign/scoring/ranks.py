"""Ranks with confidence sets, from the differences between estimates that are certain at one joint level."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from selfalign.scoring.bootstrap import freedom_of_batteries
from selfalign.scoring.metrics import Array


@dataclass(frozen=True)
class Drawn:
    """Estimates of k quantities, with their joint resamples.

    Attributes:
        estimate: k.
        changes: draws x k: the change of the estimates in each resample.
        parts: n x k: the contribution of each probe to the estimates' deviation from their expectation.
        present: n x k: whether the estimate has the probe.
        battery_of: n, the numbers of the probes' batteries; None if the batteries were not drawn.
    """

    estimate: Array
    changes: Array
    parts: Array
    present: Array
    battery_of: Array | None

    def minus(self, column: int) -> "Drawn":
        """All quantities minus one of them."""
        return Drawn(
            self.estimate - self.estimate[column],
            self.changes - self.changes[:, [column]],
            self.parts - self.parts[:, [column]],
            self.present,
            self.battery_of,
        )

    def lead(self, column: int) -> "Drawn":
        """One quantity minus the mean of all, as the only quantity."""
        return Drawn(
            (self.estimate[column] - self.estimate.mean())[None],
            self.changes[:, [column]] - self.changes.mean(axis=1, keepdims=True),
            self.parts[:, [column]] - self.parts.mean(axis=1, keepdims=True),
            np.asarray(self.present.any(axis=1, keepdims=True)),
            self.battery_of,
        )

    def without(self, column: int) -> "Drawn":
        """All quantities except one."""
        rest = np.arange(len(self.estimate)) != column
        return Drawn(
            self.estimate[rest], self.changes[:, rest], self.parts[:, rest], self.present[:, rest], self.battery_of
        )


def average(several: Sequence[Drawn]) -> Drawn:
    """The mean of quantities that were resampled together."""
    return Drawn(
        np.mean([one.estimate for one in several], axis=0),
        np.mean([one.changes for one in several], axis=0),
        np.mean([one.parts for one in several], axis=0),
        np.any([one.present for one in several], axis=0),
        several[0].battery_of,
    )


def count_batteries(drawn: Drawn) -> tuple[Array, Array]:
    """Batteries of each quantity, and the degrees of freedom of the variance between them."""
    assert drawn.battery_of is not None, "the batteries were not drawn"
    names, battery_of = np.unique(drawn.battery_of, return_inverse=True)
    sizes = np.stack([drawn.present[battery_of == one].sum(axis=0) for one in range(len(names))])
    return (sizes > 0).sum(axis=0), freedom_of_batteries(drawn.parts, battery_of, sizes)


def bound_value(drawn: Drawn, level: float) -> tuple[float, float, float]:
    """The only quantity of `drawn` with its interval, as `bootstrap.estimate` has it without seeds and frames.

    Returns:
        Estimate, lower end, upper end; the ends are NaN with one battery.
    """
    error, reach = drawn.changes.std(axis=0, ddof=1, dtype=np.float64)[0], stats.norm.ppf((1 + level) / 2)
    if drawn.battery_of is not None:
        (batteries,), (freedom,) = count_batteries(drawn)
        reach = stats.t.ppf((1 + level) / 2, freedom) if batteries > 1 else np.nan
    value = float(drawn.estimate[0])
    return value, value - reach * error, value + reach * error


def find_certain(drawn: Drawn, level: float) -> Array:
    """The signs of those quantities that differ from 0, with one level of confidence for all signs together.

    The critical value is the quantile of the largest |t| among the quantities in the resamples (Romano and Wolf 2005,
    in one step). It is widened like the quantile of t with the degrees of freedom of the batteries.

    Args:
        drawn: k quantities.
        level: of confidence, such as 0.95.

    Returns:
        k: 1 for a quantity that is certainly above 0, -1 for one below 0, 0 for the others. With one battery, nothing
        is certain.
    """
    if not len(drawn.estimate):
        return np.zeros(0, dtype=int)
    error = drawn.changes.std(axis=0, ddof=1, dtype=np.float64)
    spread = error > 1e-12
    widened: Array = np.ones(len(error))
    if drawn.battery_of is not None:
        batteries, freedom = count_batteries(drawn)
        widened = np.asarray(stats.t.ppf((1 + level) / 2, freedom)) / stats.norm.ppf((1 + level) / 2)
        spread &= batteries > 1
    if not spread.any():
        return np.zeros(len(error), dtype=int)
    largest = np.abs(drawn.changes[:, spread] / error[spread]).max(axis=1)
    certain = spread & (np.abs(drawn.estimate) > np.quantile(largest, level) * widened * error)
    signs: Array = np.sign(drawn.estimate).astype(int) * certain
    return signs


def bound_rank(drawn: Drawn, column: int, level: float) -> tuple[int, int, int]:
    """Rank of one quantity among all, the largest first, with its confidence set.

    The set has the ranks that are possible if every certain difference holds (Mogstad, Romano, Shaikh and Wilhelm
    2024). So it covers the true rank at least as often as the level says.

    Args:
        drawn: k quantities.
        column: which of them.

    Returns:
        Rank (1 and how many are larger), lowest rank, highest rank.
    """
    others = drawn.minus(column).without(column)
    signs = find_certain(others, level)
    larger = int((others.estimate > 1e-12).sum())
    return 1 + larger, 1 + int((signs > 0).sum()), 1 + len(signs) - int((signs < 0).sum())


def bound_share(drawn: Drawn, level: float) -> tuple[float, float, float]:
    """Share of the quantities that are above 0, with its confidence set.

    The set has the shares that are possible if every certain sign holds.

    Args:
        drawn: k quantities; a value of exactly 0 counts half.

    Returns:
        Share, lowest share, highest share.
    """
    signs = find_certain(drawn, level)
    zero = np.abs(drawn.estimate) < 1e-12
    above = np.where(zero, 0.5, drawn.estimate > 0).mean()
    return float(above), float((signs > 0).mean()), float(1 - (signs < 0).mean())
