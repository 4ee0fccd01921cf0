"""Measure the variance components of finished studies, for the widths that `selfalign plan` expects.

    python tools/variances.py results/study > resources/plan/variances.csv
    python tools/variances.py --held-out model results/study
    python tools/variances.py --held-out study results/study results/default

The second command expects the widths of each model from the components of the other models. The third expects the
widths of each study from those of the others. Both print them next to the real ones. Do not give two runs that share
answers, such as a study and a part of it. Do not give rehearsals, because the answers of models with random weights
have other variances. Languages with fewer than five countries are left out, because their shared variance cannot be
separated from that between countries.
"""

import json
from pathlib import Path

import click
import numpy as np
import pandas as pd
from scipy import stats
from selfalign.plan.precision import SLACK, within_models
from selfalign.plan.variances import MEASURE, PARTS, expect_errors, find_rows, measure
from selfalign.scoring.schemas import ALL

LEAST = 5


def read_scores(run: Path) -> pd.DataFrame:
    """The scores of a finished run."""
    return pd.concat([pd.read_parquet(path) for path in sorted(run.glob("scores/*/*.parquet"))], ignore_index=True)


def measure_run(run: Path) -> pd.DataFrame:
    """The components of a finished run, by model, language and series.

    Args:
        run: its folder.
    """
    config = json.loads((run / "run.json").read_text(encoding="utf-8"))["config"]
    table = measure(read_scores(run), within_models(config), config["arms"])
    table.insert(0, "study", config["run"]["name"])
    table[PARTS] = table[PARTS].round(5)
    return table[table["countries"] >= LEAST]


def read_widths(run: Path) -> pd.Series:
    """Half widths of a run's intervals for the mean of the countries, by model, language and series."""
    arms, contrasts = (pd.read_csv(run / "tables" / f"{name}.csv") for name in ("agreement", "contrasts"))
    contrasts = contrasts[
        (contrasts["language"] == contrasts["against_language"]) & (contrasts["model"] == contrasts["against_model"])
    ]
    plain = contrasts["arm"] + " - " + contrasts["against"]
    named = plain.where(contrasts["beyond"].isna(), "(" + plain + ") - (" + contrasts["beyond"].fillna("") + ")")
    table = pd.concat([arms.assign(name=arms["arm"]), contrasts.assign(name=named)])
    table = table[(table["measure"] == MEASURE) & (table["country"] == ALL)]
    half = stats.t.ppf(0.975, table["df"]) * table["standard_error"]
    return pd.Series(half.to_numpy(), index=pd.MultiIndex.from_frame(table[["model", "language", "name"]]))


def hold_out(runs: tuple[Path, ...], left_out: str) -> pd.DataFrame:
    """Expected and real half widths of each run in points, expected from components without those of the same kind.

    Args:
        runs: folders.
        left_out: model or study: whose components are left out.

    Returns:
        A row per study, model and series that other rows can say something about.
    """
    tables, rows = {run: measure_run(run) for run in runs}, []
    for run, table in tables.items():
        people = read_scores(run)[["language", "country", "probe", "battery", "majority"]].drop_duplicates()
        people["pole"] = np.where(people["majority"] == "A", 1.0, -1.0)
        real = read_widths(run)
        for one in table.itertuples():
            others = pd.concat(tables.values())
            others = others[others[left_out] != getattr(one, left_out)]
            if others.empty:
                continue
            cells = people[people["language"] == one.language]
            poles = cells.pivot(index="probe", columns="country", values="pole")
            home = pd.factorize(cells.groupby("probe")["battery"].first())[0]
            parts, source = find_rows(others, one.kind, one.family, [one.model])
            error, freedom = expect_errors(parts, poles.to_numpy(), home)
            halves = 100 * stats.t.ppf(0.975, freedom) * error
            about = {"study": one.study, "model": one.model, "series": one.name, "source": source}
            about |= {"expected": np.median(halves), "low": SLACK[0] * halves.min(), "high": SLACK[1] * halves.max()}
            rows.append(about | {"real": 100 * real[one.model, one.language, one.name]})
    found = pd.DataFrame(rows)
    near = (found["expected"] / found["real"] - 1).abs() <= 0.2
    return found.assign(near=near, in_range=found["real"].between(found["low"], found["high"]))


@click.command()
@click.option("--held-out", type=click.Choice(["model", "study"]), help="Compare real widths with expected ones.")
@click.argument("runs", type=click.Path(exists=True, file_okay=False, path_type=Path), nargs=-1, required=True)
def main(runs: tuple[Path, ...], held_out: str | None) -> None:
    """Print the components of finished runs as CSV."""
    if held_out is None:
        print(pd.concat(list(map(measure_run, runs))).to_csv(index=False), end="")
        return
    found = hold_out(runs, held_out)
    print(found.round(1).to_string(index=False))
    kind = np.where(found["series"].str.contains(" - "), "contrasts", "arms")
    print(found.groupby(["study", "model", kind])[["near", "in_range"]].agg(["sum", "size"]).to_string())


if __name__ == "__main__":
    main()
