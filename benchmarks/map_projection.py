"""How far do models move with the people on the published axes of the cultural map?

The axes of a map of countries are turned against the published ones, so slopes on them depend on the rotation. The
program regresses the published coordinates on the people's points of the map. This regression places the people and the
models in published coordinates, and there each slope of the models' points on the people's points is computed again.

Intervals are by the jackknife over countries, and the regression is repeated without each country. They cover which
countries are asked about, and nothing else. docs/findings/cultural_map.md has the results.

    python benchmarks/map_projection.py FOLDER [--arm chrf]

FOLDER has the tables of a run with `scoring.map`, such as docs/findings/study/tables.
"""

import sys
from pathlib import Path

import click
import numpy as np
import pandas as pd

sys.path.append(str(Path(__file__).parents[1] / "tools"))

from map_summary import Points, estimate, measure_survival, measure_traditional
from selfalign.errors import InputError, exit_on_mistake
from selfalign.scoring.map_axes import AXES
from selfalign.scoring.map_schemas import PEOPLE

PUBLISHED = [f"published_{axis}" for axis in AXES]
VIEWS = ["options", "codes"]


def find_projection(people: Points, published: Points) -> np.ndarray:
    """Coefficients of the published coordinates, regressed on the people's points: constant and two slopes x 2 axes."""
    coefficients: np.ndarray = np.linalg.lstsq(_with_constant(people), published, rcond=None)[0]
    return coefficients


def project(points: Points, projection: np.ndarray) -> Points:
    """Points in published coordinates."""
    placed: Points = _with_constant(points) @ projection
    return placed


def compare_axes(people: Points, published: Points) -> pd.DataFrame:
    """How the people's points agree with the published coordinates.

    Args:
        people: points of the map.
        published: coordinates of the same countries.

    Returns:
        A row per axis: its correlation with the published axis, the coefficients of survival and traditional in the
        regression of the published coordinate, and the R2 of the regression.
    """
    projection = find_projection(people, published)
    errors = published - project(people, projection)
    return pd.DataFrame(
        {
            "axis": AXES,
            "correlation": [np.corrcoef(people[:, k], published[:, k])[0, 1] for k in range(2)],
            "survival": projection[1],
            "traditional": projection[2],
            "r2": 1 - (errors**2).sum(axis=0) / ((published - published.mean(axis=0)) ** 2).sum(axis=0),
        }
    )


def measure_slopes(here: Points, people: Points, published: Points) -> list[float]:
    """Slopes of a model's points on the people's, survival and traditional, both in published coordinates."""
    projection = find_projection(people, published)
    placed = [project(points, projection) for points in (here, people, people)]
    return [measure_survival(*placed), measure_traditional(*placed)]


def find_slopes(table: pd.DataFrame, arm: str) -> pd.DataFrame:
    """The slopes of each model's points in an arm.

    Args:
        table: a `Map` table.
        arm: of the models.

    Returns:
        Columns model, language, countries, and of each axis its slope, low and high, such as survival, survival_low.
    """
    people = choose_people(table, "options")
    rows = []
    for (model, language), found in table[table["arm"] == arm].groupby(["model", "language"], sort=False):
        here = found.set_index("country")[AXES].dropna()
        common = people.index.intersection(here.index)
        places = [part.loc[common].to_numpy(float) for part in (here, people[AXES], people[PUBLISHED])]
        row: dict[str, object] = {"model": model, "language": language, "countries": len(common)}
        for number, axis in enumerate(AXES):
            values = estimate(lambda *points, k=number: measure_slopes(*points)[k], *places)
            row |= dict(zip([axis, f"{axis}_low", f"{axis}_high"], values, strict=True))
        rows.append(row)
    return pd.DataFrame(rows)


def choose_people(table: pd.DataFrame, view: str) -> pd.DataFrame:
    """The people's points with published coordinates, by country.

    Args:
        table: a `Map` table.
        view: codes or options.
    """
    people = table[(table["model"] == PEOPLE) & (table["view"] == view)].set_index("country")
    return people[AXES + PUBLISHED].dropna()


def _with_constant(points: Points) -> np.ndarray:
    return np.column_stack([np.ones(len(points)), points])


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--arm", default="chrf", show_default=True, help="Of the models.")
def main(folder: Path, arm: str) -> None:
    """Print the slopes of each model of FOLDER's map.csv in published coordinates, and how the axes agree."""
    with exit_on_mistake():
        if not (path := folder / "map.csv").is_file():
            raise InputError(path, "is missing", "Name the folder of tables of a run with scoring.map")
        table = pd.read_csv(path)
        if arm not in (known := sorted(table["arm"].dropna().unique())):
            raise InputError(path, f"has no arm {arm}", f"Choose one of {', '.join(known)}")
    for view in VIEWS:
        people = choose_people(table, view)
        agree = compare_axes(people[AXES].to_numpy(), people[PUBLISHED].to_numpy())
        print(f"people, view {view}, {len(people)} countries")
        print(agree.to_string(index=False, float_format="{:.2f}".format), end="\n\n")
    found = find_slopes(table, arm)
    for axis in AXES:
        ends = found[[axis, f"{axis}_low", f"{axis}_high"]].to_numpy()
        found[f"{axis} slope"] = [f"{value:+.2f} [{low:+.2f}, {high:+.2f}]" for value, low, high in ends]
    print(found[["model", "language", "countries", *(f"{axis} slope" for axis in AXES)]].to_string(index=False))


if __name__ == "__main__":
    main()
