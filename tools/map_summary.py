"""How near the models of a map are to the countries' people: numbers of each arm, from the points of a `Map` table.

`tools/findings.py` writes them next to the kept map of a run, as `map_summary.csv`.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy import stats
from selfalign.scoring.map_axes import AXES
from selfalign.scoring.map_schemas import PEOPLE

START = "zero_shot"
LEVEL = 0.95

Points = np.ndarray
"""Countries x 2: survival and traditional."""

Measure = Callable[[Points, Points, Points], float]
"""A number from the model's points in an arm, the people's points, and the model's points without demonstrations."""


def measure_distance(here: Points, people: Points, start: Points) -> float:
    """Mean distance of the model's points to their countries' people."""
    return float(_lengths(here - people).mean())


def measure_nearer(here: Points, people: Points, start: Points) -> float:
    """How much nearer the arm's points are than those without demonstrations."""
    return measure_distance(start, people, start) - measure_distance(here, people, start)


def measure_arrow(here: Points, people: Points, start: Points) -> float:
    """Mean distance of the model's points to those without demonstrations."""
    return float(_lengths(here - start).mean())


def measure_distance_gap(here: Points, people: Points, start: Points) -> float:
    """How much farther the model's points are from the people of the other countries than from their own country's.

    It is 0 if the points do not depend on the country.
    """
    distances = _lengths(here[:, None] - people)
    own = np.trace(distances) / len(here)
    return float((distances.sum() - np.trace(distances)) / (distances.size - len(here)) - own)


def measure_survival(here: Points, people: Points, start: Points) -> float:
    """Slope of the model's points on the people's, survival axis."""
    return float(stats.linregress(people[:, 0], here[:, 0]).slope)


def measure_traditional(here: Points, people: Points, start: Points) -> float:
    """Slope of the model's points on the people's, traditional axis."""
    return float(stats.linregress(people[:, 1], here[:, 1]).slope)


MEASURES: dict[str, Measure] = {
    "distance": measure_distance,
    "nearer": measure_nearer,
    "arrow": measure_arrow,
    "distance_gap": measure_distance_gap,
    "survival": measure_survival,
    "traditional": measure_traditional,
}


def summarise(points: pd.DataFrame) -> pd.DataFrame:
    """The measures of each model, language and arm.

    Intervals are by the jackknife over countries and Student's t. They cover which countries are asked about. They do
    not cover the wording of the items or the order of the options.

    Args:
        points: a `Map` table.

    Returns:
        Columns model, language, arm, countries; and of each measure of `MEASURES` its value, low and high, such as
        arrow, arrow_low, arrow_high. Measures that need another arm are empty in the arm without demonstrations.
    """
    seen = points[(points["view"] == "options") & points[AXES].notna().all(axis=1)]
    people = seen[seen["model"] == PEOPLE].set_index("country")[AXES]
    models = seen[seen["model"] != PEOPLE]
    rows = []
    for (model, language), of_model in models.groupby(["model", "language"], sort=False):
        starts = of_model[of_model["arm"] == START].set_index("country")[AXES]
        for arm, of_arm in of_model.groupby("arm", sort=False):
            here = of_arm.set_index("country")[AXES]
            common = here.index.intersection(starts.index).intersection(people.index)
            places = [table.loc[common].to_numpy(float) for table in (here, people, starts)]
            row: dict[str, object] = {"model": model, "language": language, "arm": arm, "countries": len(common)}
            for name, measure in MEASURES.items():
                values = estimate(measure, *places) if arm != START or name == "distance" else [np.nan] * 3
                row |= dict(zip([name, f"{name}_low", f"{name}_high"], values, strict=True))
            rows.append(row)
    return pd.DataFrame(rows)


def estimate(measure: Measure, here: Points, people: Points, start: Points) -> list[float]:
    """A measure, with its interval by the jackknife over countries.

    Args:
        measure: of the points.
        here: the model's points in an arm.
        people: the people's points.
        start: the model's points without demonstrations.
    """
    count = len(here)
    value = measure(here, people, start)
    kept = ~np.eye(count, dtype=bool)
    without = np.array([measure(here[one], people[one], start[one]) for one in kept])
    error = np.sqrt((count - 1) / count * ((without - without.mean()) ** 2).sum())
    reach = stats.t.ppf((1 + LEVEL) / 2, count - 1) * error
    return [value, value - reach, value + reach]


def _lengths(arrows: np.ndarray) -> np.ndarray:
    lengths: np.ndarray = np.sqrt((arrows**2).sum(axis=-1))
    return lengths
