"""Own minus other country in groups of questions, of models and of readers of the same demonstrations.

The groups are the alternatives of docs/specifications.md: kinds of probes, categories, and the cells in which the two
countries have different majorities. The step of the workflow has no readers in `alternatives.csv`. So it cannot show
whether the demonstrations contain less about a country in a group, or the models read less there.
docs/findings/questions.md has the results.

    python benchmarks/question_groups.py RUN [--draws 10000] [--output FILE]

RUN is a finished run with `scoring.readers`. Four models in eight countries take about two minutes on two idle cores.
"""

from pathlib import Path

import click
import pandas as pd
from kept_tables import keep_table, show_intervals
from selfalign.contrasts import Contrast
from selfalign.errors import exit_on_mistake
from selfalign.home import HOME
from selfalign.probes.kinds import read_kinds
from selfalign.probes.schemas import Poles, Replicates
from selfalign.runs import Run, find_run
from selfalign.scoring.bootstrap import Resampling
from selfalign.scoring.estimate_alternatives import estimate_alternatives
from selfalign.scoring.inputs import read_scores
from selfalign.tables import read_table

CONTRASTS = [Contrast(arm=arm, against=f"{arm}_other") for arm in ("chrf", "chrf_without_battery")]


def estimate_groups(run: Run, language: str, draws: int) -> pd.DataFrame:
    """The agreement in an `Alternatives` table; the readers' names are in the column model.

    Args:
        run: a finished run with readers.
        language: of the prompts.
        draws: bootstrap resamples.
    """
    settings = run.config["scoring"]
    files = [*sorted(run.folder.glob(f"scores/*/{language}.parquet")), run.folder / "readers" / f"{language}.parquet"]
    scores = read_scores(files)
    arms = [arm for one in CONTRASTS for arm in (one.arm, one.against)]
    scores = scores[scores["arm"].isin(arms)]  # the fixed rules have one row for all arms
    people = read_table(run.people("replicates.parquet"), Replicates)
    poles = read_table(run.people("poles.parquet"), Poles)
    how = Resampling(people, draws, settings["level"], settings["seed"], settings["resample"])
    kinds = read_kinds(HOME / "resources" / "probes" / "kinds.csv")
    table = estimate_alternatives(scores, CONTRASTS, poles, kinds, None, how, settings["families"])
    return table[table["measure"] == "agreement"].reset_index(drop=True)


@click.command()
@click.argument("name", metavar="RUN")
@click.option("--language", default="en", show_default=True)
@click.option("--draws", default=10_000, show_default=True, help="Bootstrap resamples.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="File for the table (CSV).")
def main(name: str, language: str, draws: int, output: Path | None) -> None:
    """Print own minus other country of models and readers of RUN in each group of questions, in points."""
    with exit_on_mistake():
        table = estimate_groups(find_run(name), language, draws)
    keep_table(table, output)
    table["points"] = show_intervals(table)
    rows = ["arm", "alternative", "probes"]
    print(table.pivot_table(index=rows, columns="model", values="points", aggfunc="first", sort=False).to_string())


if __name__ == "__main__":
    main()
