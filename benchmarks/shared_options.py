"""Do own answers help only where the demonstrations have the test probe's own options?

Many questions share their options, such as agree and disagree. A reader that counts options can use a demonstration
only if its options are those of the test probe. The probes are divided by the number of such demonstrations that an arm
shows (out of five), and own minus other country is estimated in each group.
docs/findings/demonstrations.md has the results.

    python benchmarks/shared_options.py RUN [--draws 10000] [--output FILE]

RUN is a finished run; if it has readers (`scoring.readers`), they are estimated too.
"""

from pathlib import Path

import click
import pandas as pd
from kept_tables import keep_table, show_intervals
from repetition import count_own_options
from selfalign.contrasts import Contrast
from selfalign.errors import exit_on_mistake
from selfalign.probes.schemas import Replicates
from selfalign.runs import Run, find_run
from selfalign.scoring.bootstrap import Resampling
from selfalign.scoring.choose_intervals import choose_intervals
from selfalign.scoring.estimate_contrasts import estimate_contrasts
from selfalign.scoring.inputs import read_scores
from selfalign.tables import read_table

PAIRS = [("chrf", "chrf_other"), ("chrf_without_battery", "chrf_without_battery_other")]

GROUPS = {"none": (-0.01, 0.5), "1 to 3": (0.5, 3.5), "4 or 5": (3.5, 5.0)}
"""Groups of probes by the mean number of demonstrations with the probe's own options; the first end is not included."""

MEASURES = ["agreement"]


def group_probes(run: Run, language: str, arm: str) -> dict[str, set[str]]:
    """The probes of each group of `GROUPS`.

    Args:
        run: a finished run.
        language: of the prompts.
        arm: whose demonstrations are counted.
    """
    cells = count_own_options(run, language, arm)
    mean = (cells["a"] + cells["b"]).groupby(cells["probe"].astype(str)).mean()
    return {name: set(mean.index[(mean > low) & (mean <= high)]) for name, (low, high) in GROUPS.items()}


def estimate(run: Run, language: str, draws: int) -> pd.DataFrame:
    """Own minus other country in each group of probes, also of the readers.

    Returns:
        A `Verdicts` table with the column group, and without the columns of Holm's correction, which would be made
        in each group alone.
    """
    settings = run.config["scoring"]
    people = read_table(run.people("replicates.parquet"), Replicates)
    files = [*run.folder.glob(f"scores/*/{language}.parquet"), *run.folder.glob(f"readers/{language}.parquet")]
    scores = read_scores(sorted(files))
    how, tables = Resampling(people, draws, settings["level"], settings["seed"], settings["resample"]), []
    for own, other in PAIRS:
        cells = scores[scores["arm"].isin([own, other])].assign(ordered=True)
        for group, probes in group_probes(run, language, own).items():
            here = cells[cells["probe"].isin(probes)]
            if here.empty:
                continue
            contrasts = [Contrast(arm=own, against=other)]
            known = estimate_contrasts(here, contrasts, how, MEASURES)
            table = choose_intervals(here, known, contrasts, None, how, MEASURES)
            tables.append(table.assign(group=group, probes=len(probes)))
    return pd.concat(tables, ignore_index=True).drop(columns=["role", "main_p_holm"])


@click.command()
@click.argument("name", metavar="RUN")
@click.option("--language", default="en", show_default=True)
@click.option("--draws", default=10_000, show_default=True, help="Bootstrap resamples.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="File for the table (CSV).")
def main(name: str, language: str, draws: int, output: Path | None) -> None:
    """Print own minus other country of each model of RUN in each group of probes, in points."""
    with exit_on_mistake():
        table = estimate(find_run(name), language, draws)
    keep_table(table, output)
    table["points"] = show_intervals(table)
    shown = table.pivot_table(
        index=["arm", "group", "probes", "batteries"], columns="model", values="points", aggfunc="first", sort=False
    )
    print(shown.to_string())


if __name__ == "__main__":
    main()
