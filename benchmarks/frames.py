"""Is own minus other country above 0 in each wording of the prompt, and does it differ between wordings?

A run with several frames averages them. This program estimates each frame alone, from the run's scores: own minus other
country, the same minus the copier's, and the agreement minus that of the majority of the other countries (`world`).
Then it estimates the differences of own minus other between two frames, on the same probes. Intervals are those of
`verdicts.csv`, with the main one. docs/findings/choices.md has the results.

    python benchmarks/frames.py RUN [--output FILE]
"""

import itertools
from pathlib import Path

import click
import pandas as pd
from kept_tables import keep_table, show_intervals
from readers import FRAME, score_baselines
from selfalign.config.sections import Config
from selfalign.contrasts import Contrast
from selfalign.errors import exit_on_mistake
from selfalign.home import HOME
from selfalign.probes.bank import read_bank
from selfalign.probes.schemas import Poles, Replicates
from selfalign.prompts.schemas import Design, Prompts
from selfalign.runs import Run, find_run
from selfalign.scoring.bootstrap import Resampling
from selfalign.scoring.choose_intervals import choose_intervals
from selfalign.scoring.estimate_contrasts import estimate_contrasts
from selfalign.scoring.inputs import categories_to_text, read_scores
from selfalign.tables import read_table

PAIRS = [("chrf", "chrf_other"), ("chrf_without_battery", "chrf_without_battery_other")]
COPIED, WORLD = "copier_", "world"
WITHIN = [
    *(Contrast(arm=arm, against=against) for arm, against in PAIRS),
    Contrast(arm=PAIRS[0][0], against=PAIRS[0][1], beyond=PAIRS[1]),
    *(Contrast(arm=one, against=two, beyond=(COPIED + one, COPIED + two)) for one, two in PAIRS),
    Contrast(arm="chrf", against=COPIED + "chrf"),
    Contrast(arm="chrf", against=WORLD),
]
"""Contrasts of one frame. Arms of the copier begin with `COPIED`."""

MEASURES = ["agreement"]


def stack_arms(run: Run, language: str) -> pd.DataFrame:
    """Scores of a run's models, and those of the copier and of `world` as arms of each model.

    Args:
        run: a finished run that asks with the frame `words` among others.
        language: of the prompts.
    """
    scores = categories_to_text(read_scores(sorted(run.folder.glob(f"scores/*/{language}.parquet"))))
    copied = categories_to_text(read_scores([run.folder / "readers" / f"{language}.parquet"])).query(
        "model == 'copier'"
    )
    design, prompts = (
        read_table(run.folder / kind / f"{language}.parquet", table)
        for kind, table in (("design", Design), ("prompts", Prompts))
    )
    bank = read_bank(HOME / "resources" / "probes" / "probes.csv")
    asked = design[design["template"] == FRAME]
    world = score_baselines(asked, prompts, read_table(run.people("poles.parquet"), Poles), bank)
    world = world[world["model"] == WORLD].assign(arm=WORLD, language=language)
    frames = scores["template"].unique()
    added = [copied.assign(arm=COPIED + copied["arm"]), *(world.assign(template=frame) for frame in frames)]
    models = [one.assign(model=model) for one in added for model in scores["model"].unique()]
    return pd.concat([scores, *models], ignore_index=True).assign(ordered=True)


def estimate(scores: pd.DataFrame, contrasts: list[Contrast], how: Resampling) -> pd.DataFrame:
    """Contrasts of agreement as a `Verdicts` table."""
    known = estimate_contrasts(scores, contrasts, how, MEASURES)
    return choose_intervals(scores, known, contrasts, None, how, MEASURES)


def compare_frames(run: Run, language: str, draws: int) -> pd.DataFrame:
    """Contrasts in each frame, and their differences between two frames: a `Verdicts` table with two more columns.

    Args:
        run: see `stack_arms`.
        language: of the prompts.

    Returns:
        frame, and against_frame (empty for contrasts of one frame). main_p is not corrected.
    """
    config = Config.read(run.config)
    scoring = config.scoring
    people = read_table(run.people("replicates.parquet"), Replicates)
    how = Resampling(people, draws, scoring.level, scoring.seed, scoring.resample)
    scores, tables = stack_arms(run, language), []
    for frame in config.prompts.frames:
        here = scores[scores["template"] == frame]
        tables.append(estimate(here, WITHIN, how).assign(frame=frame, against_frame=""))
    named = scores.assign(arm=scores["template"] + "." + scores["arm"], template="all")
    for first, second in itertools.combinations(config.prompts.frames, 2):
        pairs = [
            Contrast(arm=f"{second}.{one}", against=f"{second}.{two}", beyond=(f"{first}.{one}", f"{first}.{two}"))
            for one, two in PAIRS
        ]
        some = named[named["arm"].str.split(".").str[0].isin([first, second])]
        tables.append(estimate(some, pairs, how).assign(frame=second, against_frame=first))
    table = pd.concat(tables, ignore_index=True)
    return table[["frame", "against_frame", *(name for name in table if not name.endswith("frame"))]]


@click.command()
@click.argument("name", metavar="RUN")
@click.option("--language", default="en", show_default=True)
@click.option("--draws", default=10_000, show_default=True, help="Bootstrap resamples.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="File for the table (CSV).")
def main(name: str, language: str, draws: int, output: Path | None) -> None:
    """Print the contrasts of agreement in each frame of RUN and between its frames, in points."""
    with exit_on_mistake():
        table = compare_frames(find_run(name), language, draws)
    keep_table(table, output)
    table["points"] = show_intervals(table)
    shown = ["model", "frame", "against_frame", "arm", "against", "beyond", "points", "main", "main_p"]
    print(table[shown].to_string(index=False))


if __name__ == "__main__":
    main()
