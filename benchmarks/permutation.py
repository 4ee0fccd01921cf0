"""Could it be chance that a country's own answers do better than those of other countries?

The table transfer.csv has the agreement of each country's people with a model that is shown their own answers, minus
the agreement when it is shown another country's answers. The program permutes which country's answers are called own:
in each draw every country gets one country's answers as its own, and own minus other is computed again. p is the share
of draws whose difference is at least the observed one, with 1 added to both counts (Phipson and Smyth 2010).

The questions and the model's answers stay as they are. So p speaks about these questions only. The intervals of the
tables speak about other batteries. docs/findings/demonstrations.md has the results.

    python benchmarks/permutation.py FOLDER [--draws 20000] [--seed 1]

FOLDER has the tables of a run, such as docs/findings/study/tables or results/study/tables.
"""

from pathlib import Path

import click
import numpy as np
import pandas as pd
from selfalign.errors import InputError, exit_on_mistake
from selfalign.scoring.schemas import ALL

KEY = ["model", "language", "arm", "against"]


def arrange(pairs: pd.DataFrame, place: Path) -> pd.DataFrame:
    """Agreement with the answers of each source minus agreement with the own answers: countries x sources, own is 0.

    Args:
        pairs: rows of transfer.csv of one contrast, without the mean of the countries.
        place: of the file, for an error.

    Raises:
        InputError: the sources of a country are not all other countries.
    """
    table = -pairs.pivot(index="country", columns="source", values="estimate")
    table = table.reindex(index=(names := sorted({*table.index, *table.columns})), columns=names)
    missing = table.isna().to_numpy() & ~np.eye(len(table), dtype=bool)
    if missing.any():
        country, source = np.argwhere(missing)[0]
        raise InputError(
            place,
            f"{names[country]} lacks the answers of {names[source]}",
            "Choose a run in which each country is shown the answers of every other country",
        )
    return table.fillna(0.0)


def permute(table: np.ndarray, draws: int, seed: int) -> tuple[float, float]:
    """Own minus other, and its p if the country whose answers are own is drawn at random.

    Args:
        table: countries x sources; the own country's answers are on the diagonal.
        draws: permutations.
    """
    count, random = len(table), np.random.default_rng(seed)
    rows = np.arange(count)
    drawn = np.array([table[rows, random.permutation(count)].sum() for _ in range(draws)])
    total, own = table.sum(), table.trace()
    observed, found = (own_sum / count - (total - own_sum) / (count * (count - 1)) for own_sum in (own, drawn))
    return float(observed), float((1 + (found >= observed - 1e-12).sum()) / (1 + draws))


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--draws", default=20_000, show_default=True, help="Permutations.")
@click.option("--seed", default=1, show_default=True, help="Of the permutations.")
def main(folder: Path, draws: int, seed: int) -> None:
    """Print own minus other in points of agreement and its p, for each model of FOLDER's transfer.csv."""
    with exit_on_mistake():
        if not (path := folder / "transfer.csv").is_file():
            raise InputError(path, "is missing", "Name the folder of tables of a run with scoring.transfer")
        pairs = pd.read_csv(path)
        pairs = pairs[(pairs["measure"] == "agreement") & (pairs["country"] != ALL)]
        rows = []
        for key, found in pairs.groupby(KEY):
            observed, p = permute(arrange(found, path).to_numpy(), draws, seed)
            named = dict(zip(KEY, key, strict=True))
            rows.append({**named, "countries": found["country"].nunique(), "own - other": f"{100 * observed:+.1f}"})
            rows[-1]["p"] = f"{p:.5f}"
        print(pd.DataFrame(rows).to_string(index=False))


if __name__ == "__main__":
    main()
