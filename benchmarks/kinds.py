"""Is a margin about values, or about other questions of the survey?

Estimates a contrast again for the probes of each kind in resources/probes/kinds.csv: values, attitudes, and questions
that ask for something else, such as memberships or hardship. docs/findings.md has the results.

    python benchmarks/kinds.py RUN [--arm chrf --against chrf_other]
"""

from pathlib import Path

import click
import pandas as pd
from selfalign.errors import told_plainly
from selfalign.probes.schemas import Replicates
from selfalign.runs import find_run
from selfalign.scoring.estimate_contrasts import estimate_contrasts
from selfalign.scoring.inputs import read_scores
from selfalign.tables import read_table

KINDS = Path(__file__).resolve().parent.parent / "resources/probes/kinds.csv"


def estimate_kinds(results: Path, arm: str, against: str, draws: int) -> pd.DataFrame:
    """The contrast of two arms for each kind of probe, for the mean of the countries.

    Args:
        results: folder of the run.
        arm: an arm.
        against: the arm that is subtracted.
        draws: number of resamples.

    Returns:
        Columns kind, model, language, estimate, low, high (percentage points of agreement), probes, batteries.
    """
    scores = read_scores(sorted(results.glob("scores/*/*.parquet")))
    scores = scores[scores["arm"].isin([arm, against])]
    people = read_table(results / "human" / "replicates.parquet", Replicates)
    kinds = scores["probe"].astype(str).map(pd.read_csv(KINDS).set_index("probe")["kind"])
    chosen = {"all": kinds.notna(), "value": kinds == "value", "attitude": kinds == "attitude"}
    chosen["other"] = ~kinds.isin(["value", "attitude"])
    tables = []
    for kind, rows in chosen.items():
        table = estimate_contrasts(
            scores[rows], people, [[arm, against]], draws, 0.95, 1, ["batteries", "respondents"], ["agreement"]
        )
        tables.append(table[table["country"] == "all"].assign(kind=kind))
    found = pd.concat(tables, ignore_index=True)
    found[["estimate", "low", "high"]] = (100 * found[["estimate", "low", "high"]]).round(1)
    return found[["kind", "model", "language", "estimate", "low", "high", "probes", "batteries"]]


@click.command()
@click.argument("run")
@click.option("--arm", default="chrf")
@click.option("--against", default="chrf_other")
@click.option("--draws", default=10_000)
def main(run: str, arm: str, against: str, draws: int) -> None:
    """Print the contrast for each kind of probe."""
    with told_plainly():
        print(estimate_kinds(find_run(run).folder, arm, against, draws).to_string(index=False))


if __name__ == "__main__":
    main()
