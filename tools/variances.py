"""Measure the variance components of finished studies, for the widths that `selfalign plan` expects.

    python tools/variances.py results/study > resources/plan/variances.csv
    python tools/variances.py --held-out model results/study
    python tools/variances.py --held-out study results/study results/default
    python tools/variances.py --shipped results/default

The second command expects the widths of each model from the components of the other models. The third expects the
widths of each study from those of the others, the last from resources/plan/variances.csv. These print the expected
widths next to the real ones, by battery and of the main interval. Do not give two runs that share
answers, such as a study and a part of it. Do not give rehearsals, because the answers of models with random weights
have other variances. Languages with fewer than five countries are left out, because their shared variance cannot be
separated from that between countries.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd
from scipy import stats
from selfalign.config.sections import Config
from selfalign.plan.precision import Series, expect_width, lay_out_cells, within_models
from selfalign.plan.variances import MEASURE, PARTS, RATIO, find_rows, measure, read_variances
from selfalign.scoring import main_intervals
from selfalign.scoring.schemas import ALL

LEAST = 5
KEY = ["model", "language", "name"]
SHIPPED = Path(__file__).parents[1] / "resources/plan/variances.csv"


def read_scores(run: Path) -> pd.DataFrame:
    """The scores of a finished run."""
    return pd.concat([pd.read_parquet(path) for path in sorted(run.glob("scores/*/*.parquet"))], ignore_index=True)


def measure_run(run: Path) -> pd.DataFrame:
    """The components of a finished run, by model, language and series.

    Args:
        run: its folder.
    """
    config = Config.read(json.loads((run / "run.json").read_text(encoding="utf-8"))["config"])
    table = measure(read_scores(run), within_models(config), config.arms)
    table.insert(0, "study", config.run.name)
    table = table.merge(find_ratios(run / "tables" / "verdicts.csv"), "left", on=KEY)
    table[[*PARTS, RATIO]] = table[[*PARTS, RATIO]].round(5)
    return table[table["countries"] >= LEAST]


def read_contrasts(path: Path) -> pd.DataFrame:
    """A table of contrasts of agreement, within a language and a model, with a column name."""
    table = pd.read_csv(path)
    within = (table["language"] == table["against_language"]) & (table["model"] == table["against_model"])
    table = table[within & (table["measure"] == MEASURE)]
    plain = table["arm"] + " - " + table["against"]
    named = plain.where(table["beyond"].isna(), "(" + plain + ") - (" + table["beyond"].fillna("") + ")")
    return table.assign(name=named)


def find_ratios(verdicts: Path) -> pd.DataFrame:
    """The errors by category over those by battery: columns model, language, name, `RATIO`.

    Args:
        verdicts: of a run.
    """
    table = read_contrasts(verdicts)
    table = table[table["categories"] >= main_intervals.LEAST_CATEGORIES]
    return table.assign(**{RATIO: table["category_standard_error"] / table["standard_error"]})[[*KEY, RATIO]]


def read_widths(run: Path) -> dict[str, pd.Series]:
    """Half widths of a run's intervals for the mean of the countries, by model, language and series.

    Args:
        run: its folder.

    Returns:
        `mean`: by battery, of arms and contrasts; `main`: the main intervals of contrasts.
    """
    arms, verdicts = pd.read_csv(run / "tables/agreement.csv"), read_contrasts(run / "tables/verdicts.csv")
    arms = arms[(arms["measure"] == MEASURE) & (arms["country"] == ALL)].assign(name=lambda table: table["arm"])
    table = pd.concat([arms, verdicts]).set_index(KEY)
    half = stats.t.ppf(0.975, table["df"]) * table["standard_error"]
    return {"mean": pd.Series(half, table.index), "main": (table["main_high"] - table["main_low"]) / 2}


def lay_out(run: Path) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """The majorities of a run by language, probes x countries, and numbers of the batteries and categories."""
    columns = ["language", "country", "probe", "battery", "category", "majority"]
    people = read_scores(run)[columns].drop_duplicates()
    people["pole"] = np.where(people["majority"] == "A", 1.0, -1.0)
    return {
        language: lay_out_cells([cells[["country", "probe"]]], cells) for language, cells in people.groupby("language")
    }


def compare(run: Path, table: pd.DataFrame, known: Callable[[Any], pd.DataFrame]) -> pd.DataFrame:
    """Expected and real half widths of a run, in points.

    Args:
        run: its folder.
        table: its components.
        known: the components from which the widths of a row of `table` are expected.

    Returns:
        A row per model, series and interval of which some components are known.
    """
    people, real, rows = lay_out(run), read_widths(run), []
    for one in table.itertuples():
        others = known(one)
        if others.empty:
            continue
        parts, source = find_rows(others, one.kind, one.family, [one.model])
        width = expect_width(Series(one.language, one.name, one.kind, one.family, *people[one.language]), parts, source)
        for interval, halves in real.items():
            expected, low, high = (100 * half for half in getattr(width, interval))
            about = {"study": one.study, "model": one.model, "series": one.name, "source": source, "interval": interval}
            about |= {"expected": expected, "low": low, "high": high}
            rows.append(about | {"real": 100 * halves[one.model, one.language, one.name]})
    found = pd.DataFrame(rows).dropna(subset="real")
    near = (found["expected"] / found["real"] - 1).abs() <= 0.2
    return found.assign(near=near, in_range=found["real"].between(found["low"], found["high"]))


@click.command()
@click.option("--held-out", type=click.Choice(["model", "study"]), help="Compare real widths with expected ones.")
@click.option("--shipped", is_flag=True, help="Expect the widths from resources/plan/variances.csv.")
@click.argument("runs", type=click.Path(exists=True, file_okay=False, path_type=Path), nargs=-1, required=True)
def main(runs: tuple[Path, ...], held_out: str | None, shipped: bool) -> None:
    """Print the components of finished runs as CSV, or expected widths next to real ones."""
    tables = {run: measure_run(run) for run in runs}
    every = read_variances(SHIPPED) if shipped else pd.concat(tables.values())
    if not (held_out or shipped):
        print(every.to_csv(index=False), end="")
        return

    def known(row: Any) -> pd.DataFrame:
        return every[every[held_out] != getattr(row, held_out)] if held_out else every

    found = pd.concat([compare(run, table, known) for run, table in tables.items()])
    print(found.round(1).to_string(index=False))
    kind = np.where(found["series"].str.contains(" - "), "contrasts", "arms")
    by = ["study", "model", "interval", kind]
    print(found.groupby(by)[["near", "in_range"]].agg(["sum", "size"]).to_string())


if __name__ == "__main__":
    main()
