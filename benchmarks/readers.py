"""What do simple readers and fixed rules reach in the study, with main intervals?

The readers need no model. The program makes the cells and prompts of a config from the survey's counts and the bank,
lets each reader answer them, and estimates agreement and own minus other country by the workflow's own functions.
So it gives the rows of readers that the kept tables of a run lack. It cannot give a model's share of them, because that
needs the model's answers. The people are resampled around their shares, as the study's simulated respondents are.
docs/findings/demonstrations.md has the results.

The ideal reader does not know the country that it is compared with. In prompts with another country's answers it knows
that other country, so it can recognise it. `ideal_reader_symmetric` knows neither of the two.

    python benchmarks/readers.py [--config config/study.yaml] [--rules]

The baselines `world` and `nearest` answer as the mean of the other countries, and as the nearest country.

With --rules only the fixed rules and the baselines answer (20 seconds). Without it, the copier and the ideal readers
answer too (two minutes).
"""

from pathlib import Path

import click
import pandas as pd
from selfalign.config.read import read_settings
from selfalign.config.sections import Config
from selfalign.contrasts import Contrast
from selfalign.errors import exit_on_mistake
from selfalign.home import HOME
from selfalign.plan.designs import Designer
from selfalign.plan.people import read_people
from selfalign.probes.replicates import draw_shares
from selfalign.runs import Run
from selfalign.scoring.bootstrap import Resampling
from selfalign.scoring.cells import Comparison
from selfalign.scoring.estimate_readers import estimate_readers
from selfalign.scoring.items import nearest_of_poles
from selfalign.scoring.readers import name_cells, read_as_ideal_reader
from selfalign.scoring.schemas import ALL, EVERY_ARM
from selfalign.scoring.score_answers import score_options
from selfalign.scoring.score_readers import READOUT, score_readers

LANGUAGE, FRAME = "en", "words"
CONTRASTS = [
    Contrast(arm="chrf", against="chrf_other"),
    Contrast(arm="chrf_without_battery", against="chrf_without_battery_other"),
    Contrast(arm="random", against="random_other"),
]
NO_EVIDENCE = 0.5
"""Noise of an ideal reader that learns nothing from the demonstrations: its answer is the countries' mean."""

STAND_IN = "stand-in"
"""The name of the copier in the place of a model, because the workflow's table has a model in the rows of arms."""


def estimate_of(config: Path, rules: bool, draws: int) -> pd.DataFrame:
    """Agreement and contrasts of the readers in the design of a config, in its English cells.

    Args:
        config: settings, such as config/study.yaml.
        rules: whether only the fixed rules answer.

    Returns:
        Columns reader, arm, against, estimate, low, high (by battery), main_low, main_high, main (which kind), probes.
    """
    settings = read_settings([config])
    contrasts = [Contrast(arm="chrf", against="zero_shot")] if rules else CONTRASTS
    arms = sorted({arm for one in contrasts for arm in (one.arm, one.against)})
    settings["languages"][LANGUAGE]["arms"] = arms
    typed = Config.read(settings)
    run, scoring = Run(HOME / "results" / typed.run.name), typed.scoring
    noise = scoring.readers.noise
    known, probes = read_people(typed, run, on_scales=False)
    laid = Designer(typed, known, probes, run).lay_out(LANGUAGE)
    scores = score_readers(laid.cells, laid.prompts, known.poles, known.bank, noise)
    if not rules:
        symmetric = score_symmetric(laid.cells, laid.prompts, known.poles, known.bank, noise)
        scores = pd.concat([scores, symmetric], ignore_index=True)
    baselines = score_baselines(laid.cells, laid.prompts, known.poles, known.bank)
    scores = pd.concat([scores, baselines], ignore_index=True)
    scores = scores.assign(language=LANGUAGE, ordered=True)
    people = draw_shares(known.poles[known.poles["country"].isin(scores["country"].unique())], 500, 1)
    how = Resampling(people, draws, scoring.level, scoring.seed, scoring.resample)
    stand_in = scores[scores["model"] == "copier"].assign(model=STAND_IN)
    table = estimate_readers(stand_in, scores, contrasts, how)
    table = table[(table["country"] == ALL) & (table["measure"] == "agreement")]
    if rules:
        table = table[table["arm"] == EVERY_ARM]
    kept = [name for name in table if name.startswith("reader_") and name not in ("reader_reason",)]
    table = table[["reader", "arm", "against", *kept, "probes"]]
    return table.rename(columns=lambda name: name.removeprefix("reader_")).reset_index(drop=True)


def score_symmetric(
    design: pd.DataFrame, prompts: pd.DataFrame, poles: pd.DataFrame, bank: pd.DataFrame, noise: float
) -> pd.DataFrame:
    """Scores of an ideal reader that knows neither the country compared with nor the one whose answers are shown."""
    tables = []
    for source, cells in design.groupby("source"):
        answers = read_as_ideal_reader(cells, prompts, poles[poles["country"] != source], noise)
        asked = cells.assign(prompt=name_cells(cells))
        tables.append(score_options(asked, answers, Comparison(poles, bank), {FRAME: READOUT}).cells)
    return pd.concat(tables, ignore_index=True).assign(model="ideal_reader_symmetric")


def score_baselines(
    design: pd.DataFrame, prompts: pd.DataFrame, poles: pd.DataFrame, bank: pd.DataFrame
) -> pd.DataFrame:
    """Scores of answerers that ignore the prompt: one knows all other countries, one knows the nearest only."""
    cells = design.drop_duplicates(["country", "probe", "template", "order"]).assign(arm=EVERY_ARM, source="", seed=0)
    nearest = nearest_of_poles(poles)
    parts = {"world": [(cells, poles)], "nearest": []}
    for country, asked in cells.groupby("country"):
        parts["nearest"].append((asked, poles[poles["country"].isin([country, nearest[country]])]))
    tables = []
    for name, some in parts.items():
        answers = pd.concat([read_as_ideal_reader(asked, prompts, known, NO_EVIDENCE) for asked, known in some])
        named = cells.assign(prompt=name_cells(cells))
        scored = score_options(named, answers, Comparison(poles, bank), {FRAME: READOUT}).cells
        scored = scored[scored["answered"]]  # the nearest country may lack a probe
        tables.append(scored.assign(model=name))
    return pd.concat(tables, ignore_index=True)


@click.command()
@click.option("--config", default=HOME / "config" / "study.yaml", type=click.Path(exists=True, path_type=Path))
@click.option("--rules", is_flag=True, help="Only the fixed rules.")
@click.option("--draws", default=10_000, show_default=True, help="Bootstrap resamples.")
def main(config: Path, rules: bool, draws: int) -> None:
    """Print agreement and own minus other country of each reader, in per cent and points."""
    with exit_on_mistake():
        table = estimate_of(config, rules, draws)
    numbers = ["estimate", "low", "high", "main_low", "main_high"]
    table[numbers] = (100 * table[numbers]).round(1)
    print(table[["reader", "arm", "against", *numbers, "main", "probes"]].to_string(index=False))


if __name__ == "__main__":
    main()
