"""Does a model follow a country, or repeat the option that it was just shown most often?

The program takes the answered cells of an arm in which three or more demonstrations have one of the test probe's two
options as their answer, one of the options more often. If the country's majority chooses this option, repetition looks
like agreement. If it chooses the other option, repetition looks like disagreement.
docs/findings/demonstrations.md has the results.

    python benchmarks/repetition.py RUN [--arm chrf]
"""

from pathlib import Path

import click
import numpy as np
import pandas as pd
from selfalign.errors import exit_on_mistake
from selfalign.runs import find_run
from selfalign.scoring.readers import count_options

CELL = ["country", "probe", "source", "seed", "template"]


def count_own_options(results: Path, language: str, arm: str) -> pd.DataFrame:
    """How often each cell's demonstrations answer with its own option for pole A, and for pole B.

    Returns:
        Columns of a cell's key, a, b.
    """
    design = pd.read_parquet(results / "design" / f"{language}.parquet")
    prompts = pd.read_parquet(results / "prompts" / f"{language}.parquet", columns=["prompt", "shown", "options"])
    cells = design[(design["arm"] == arm) & (design["order"] == "AB")].merge(prompts, on="prompt")
    counts = count_options(cells["shown"], cells["options"])
    return cells[CELL].assign(a=counts[:, 0], b=counts[:, 1])


def measure(results: Path, model: str, language: str, arm: str) -> dict[str, object]:
    """Agreement and repetition in cells in which one option was shown more often, and agreement elsewhere."""
    scores = pd.read_parquet(results / "scores" / model / f"{language}.parquet")
    zero = scores[scores["arm"] == "zero_shot"].set_index(["country", "probe", "template"])
    cells = scores[(scores["arm"] == arm) & scores["answered"]].merge(
        count_own_options(results, language, arm), on=CELL
    )
    cells["before"] = zero["agreement"].reindex(pd.MultiIndex.from_frame(cells[["country", "probe", "template"]])).array
    shown = (cells["a"] + cells["b"] >= 3) & (cells["a"] != cells["b"])
    often = np.where(cells["a"] > cells["b"], "A", "B")
    repeats = np.where(cells["p_a"] > 0.5, "A", "B") == often
    with_people = shown & (often == cells["majority"])
    against = shown & (often != cells["majority"])
    return {
        "model": model,
        "language": language,
        "cells": len(cells),
        "of these with such an option": shown.mean(),
        "the people are on its side": with_people.sum() / shown.sum(),
        "the model repeats it": repeats[shown].mean(),
        "agreement, people on its side": cells.loc[with_people, "agreement"].mean(),
        "agreement, people on the other": cells.loc[against, "agreement"].mean(),
        "zero-shot there": cells.loc[with_people, "before"].mean(),
        "and there": cells.loc[against, "before"].mean(),
        "agreement elsewhere": cells.loc[~shown, "agreement"].mean(),
        "zero-shot elsewhere": cells.loc[~shown, "before"].mean(),
    }


@click.command()
@click.argument("run")
@click.option("--arm", default="chrf", show_default=True, help="Arm whose cells are looked at.")
def main(run: str, arm: str) -> None:
    """Print a column per model and language of RUN."""
    with exit_on_mistake():
        results = find_run(run).folder
    tables = sorted((results / "scores").glob("*/*.parquet"))
    rows = [measure(results, path.parent.name, path.stem, arm) for path in tables]
    shares = pd.DataFrame(rows).set_index(["model", "language"])
    shares["cells"] = shares["cells"].map("{:,}".format)
    print(shares.map(lambda value: value if isinstance(value, str) else f"{value:.0%}").T.to_string())


if __name__ == "__main__":
    main()
