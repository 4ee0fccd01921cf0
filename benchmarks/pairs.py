"""How do the prompts of a pair of arms differ, and how much of an answer is its end?

For an arm and its control, the program prints the share of cells whose two prompts show other statements, by country
whose answers are shown, and the share of cells whose two prompts are the same. For each arm it prints the mean
log-probability that the answer ends after an option's words: the readout `option` minus the readout `open`.
docs/readouts.md and docs/findings.md have the numbers.

    python benchmarks/pairs.py RUN [--model smollm2-135m] [--language en]

RUN is the folder of a finished run, such as results/default.
"""

from pathlib import Path

import click
import pandas as pd
from selfalign.errors import exit_on_mistake
from selfalign.inference.schemas import Answers
from selfalign.prompts.schemas import Design, Prompts
from selfalign.runs import Run
from selfalign.tables import read_table

PAIRS = [("chrf", "chrf_other"), ("chrf_without_battery", "chrf_without_battery_other")]


def pair_demonstrations(design: pd.DataFrame, shown: pd.Series, own: str, other: str) -> pd.DataFrame:
    """The cells of an arm, each with the demonstrations of the own country's prompt.

    Args:
        design: a `Design` table.
        shown: by prompt, its demonstrations, such as `Q5=B Q3=A`.
        own: the arm with the country's own answers.
        other: its control. Both have one seed.

    Returns:
        Columns source; statements (whether both prompts show the same ones), same (whether the prompts are the same).
        Cells of a country and probe that one of the two arms does not have are left out.
    """
    keys = ["country", "probe", "template", "order"]
    cells = design.assign(shown=design["prompt"].map(shown))
    both = cells[cells["arm"] == other].merge(cells[cells["arm"] == own], on=keys, suffixes=("", "_own"))
    sets = [both[column].map(_list_statements) for column in ("shown", "shown_own")]
    return both[["source"]].assign(statements=sets[0] == sets[1], same=both["prompt"] == both["prompt_own"])


def _list_statements(shown: str) -> frozenset[str]:
    return frozenset(one.partition("=")[0] for one in shown.split())


def average_end(design: pd.DataFrame, answers: pd.DataFrame) -> pd.Series:
    """By arm, the mean log-probability of the end of the answer, over distinct prompts and their options, in nats.

    Args:
        design: a `Design` table.
        answers: the `Answers` to its prompts.
    """
    ends = answers.assign(end=answers["option"] - answers["open"])[["prompt", "end"]]
    prompts = design[["arm", "prompt"]].drop_duplicates()
    return prompts.merge(ends, on="prompt").groupby("arm", observed=True)["end"].mean()


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--model", default="smollm2-135m", show_default=True)
@click.option("--language", default="en", show_default=True)
def main(folder: Path, model: str, language: str) -> None:
    """Print how prompts of own and other answers differ, and the mean log-probability of the end of an answer."""
    run = Run(folder)
    design = read_table(run.design(language), Design)
    shown = read_table(folder / "prompts" / f"{language}.parquet", Prompts).set_index("prompt")["demonstrations"]
    for own, other in PAIRS:
        cells = pair_demonstrations(design, shown, own, other)
        print(f"{own}: other statements {1 - cells['statements'].mean():.3f}, same prompt {cells['same'].mean():.3f}")
        print((1 - cells.groupby("source", observed=True)["statements"].mean()).round(3).to_string(), "\n")
    print("log-probability of the end, mean by arm")
    print(average_end(design, read_table(run.answers(model, language), Answers)).round(2).to_string())


if __name__ == "__main__":
    with exit_on_mistake():
        main()
