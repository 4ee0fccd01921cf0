"""In which countries do own answers do better, and how often do a country's majorities differ from those of others?

A margin can only be large where majorities differ. The program prints own minus other country of each model by country,
next to the share of cells in which the country's majority is not that of the country whose answers are shown, in the
mean of the other countries. Countries are sorted by the models' mean margin. docs/findings/agreement.md has the
table.

    python benchmarks/country_margins.py FOLDER [--config config/study.yaml]

FOLDER has the tables of a run of the config, such as docs/findings/study/tables.
"""

from pathlib import Path

import click
import numpy as np
import pandas as pd
from selfalign.config.read import read_config
from selfalign.errors import InputError, exit_on_mistake
from selfalign.home import HOME
from selfalign.plan.people import read_people
from selfalign.runs import Run
from selfalign.scoring.schemas import ALL

OWN, OTHER = "chrf", "chrf_other"


def share_differing(poles: pd.DataFrame) -> pd.Series:
    """Share of a country's probes in which its majority is not that of another country, mean of the other countries.

    Probes in which one of the two has no majority are left out.

    Args:
        poles: a `Poles` table of the countries.
    """
    majority = poles.pivot(index="country", columns="probe", values="majority")
    majority = majority.where(majority.isin(["A", "B"]))
    values, known = majority.to_numpy(dtype=object), majority.notna().to_numpy()
    both = known[:, None] & known[None]
    shares = ((values[:, None] != values[None]) & both).sum(axis=2) / both.sum(axis=2)
    count = len(majority)
    return pd.Series(shares.sum(axis=1) / (count - 1), majority.index)


def list_margins(contrasts: pd.DataFrame, differing: pd.Series) -> pd.DataFrame:
    """Own minus other by country, from the largest mean of the models to the smallest.

    Args:
        contrasts: a `Contrasts` table with rows of single countries.
        differing: see `share_differing`.

    Returns:
        Index country; columns differing, mean (of the models), and a text per model, its estimate with its interval in
        points.
    """
    rows = contrasts[(contrasts["arm"] == OWN) & (contrasts["against"] == OTHER) & contrasts["beyond"].isna()]
    rows = rows[(rows["measure"] == "agreement") & (rows["country"] != ALL)]
    texts = [
        f"{_sign(estimate)} [{_sign(low)}, {_sign(high)}]"
        for estimate, low, high in 100 * rows[["estimate", "low", "high"]].to_numpy()
    ]
    shown = rows.assign(text=texts).pivot(index="country", columns="model", values="text")
    mean = rows.groupby("country")["estimate"].mean()
    table = pd.concat([differing.rename("differing"), mean.rename("mean"), shown], axis=1, join="inner")
    return table.sort_values("mean", ascending=False)


def people_of(config: Path) -> pd.DataFrame:
    """A `Poles` table of the countries that a config asks about in English."""
    settings = read_config([config])
    known, _ = read_people(settings, Run(HOME / "results" / settings.run.name), on_scales=False)
    countries = settings.languages["en"].countries
    return known.poles[known.poles["country"].isin(countries)].reset_index(drop=True)


def _sign(points: float) -> str:
    text = f"{points:+.1f}"
    return "0.0" if np.isclose(float(text), 0) else text


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--config", default=HOME / "config" / "study.yaml", type=click.Path(exists=True, path_type=Path))
def main(folder: Path, config: Path) -> None:
    """Print own minus other country by country, in points, and how often majorities differ, in per cent."""
    with exit_on_mistake():
        if not (path := folder / "contrasts.csv").is_file():
            raise InputError(path, "is missing", "Name the folder of tables of a run")
        table = list_margins(pd.read_csv(path), share_differing(people_of(config)))
    alike = table["differing"].corr(table["mean"])
    table = table.assign(differing=(100 * table["differing"]).round(0), mean=(100 * table["mean"]).round(1))
    print(table.to_string(), f"correlation of differing and mean: {alike:.2f}", sep="\n")


if __name__ == "__main__":
    main()
