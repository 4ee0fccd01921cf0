"""Step estimate_readouts: the contrasts between arms under every readout of the same answers."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

import click
import pandas as pd

from selfalign.inference.tables import READOUTS, SCORED, Answers
from selfalign.options import Json, Words, readable, writable
from selfalign.probes.bank import read_bank
from selfalign.probes.tables import HumanScales, Poles, Replicates
from selfalign.prompts.tables import Design
from selfalign.scoring.by_readout import list_readouts, score_by_readout
from selfalign.scoring.estimate_contrasts import estimate_contrasts
from selfalign.scoring.estimate_options import estimate_options
from selfalign.scoring.families import correct
from selfalign.scoring.inputs import as_categories, stack
from selfalign.scoring.options import bank_option, human_option, poles_option, rule_option
from selfalign.scoring.panels import Contrast
from selfalign.scoring.tables import ContrastsByReadout
from selfalign.tables import read_table, write_table


def estimate_readouts(
    scores: Iterable[tuple[str, pd.DataFrame]],
    people: pd.DataFrame,
    contrasts: list[Contrast | list[str]],
    draws: int,
    level: float,
    seed: int,
    resample: list[str],
    families: list[str],
) -> pd.DataFrame:
    """The same contrasts under every readout, each estimated as `estimate_contrasts` does.

    Args:
        scores: readouts, each with its `Scores` tables, stacked. One is let go before the next is taken.
        people: a `Replicates` table.
        contrasts: pairs of arms, or mappings; see `Contrast`.
        draws: number of resamples, which are the same for all readouts.
        level: coverage of the intervals.
        seed: of the resamples.
        resample: what the intervals cover; see `bootstrap.estimate`.
        families: columns that name a family of tests; see `correct`. Each readout has families of its own.

    Returns:
        A `ContrastsByReadout` table.
    """
    columns = list(ContrastsByReadout.to_schema().columns)
    parts = [pd.DataFrame(columns=columns)]
    for readout, cells in scores:
        table = correct(estimate_contrasts(cells, people, contrasts, draws, level, seed, resample), families)
        used = cells.groupby(["model", "language"])["template"].agg(lambda names: " ".join(sorted(set(names))))
        table = table.merge(used.rename("templates").reset_index(), on=["model", "language"])
        parts.append(table.assign(readout=readout))
    filled = [part for part in parts if len(part)] or parts[:1]
    return pd.concat(filled, ignore_index=True)[columns]


def stack_scores(
    answers: Iterable[tuple[tuple[str, str], pd.DataFrame]],
    designs: Mapping[str, pd.DataFrame],
    poles: pd.DataFrame,
    bank: pd.DataFrame,
    rule: str,
    human: pd.DataFrame | None = None,
    readouts: Collection[str] = READOUTS,
) -> dict[str, pd.DataFrame]:
    """Scores of all models and languages by readout; a readout that no answer has is left out.

    As in the other estimates, the cells are those that ask with two options, and those with whole scales only if no
    frame asks with two options.

    Args:
        answers: models and languages, each with its `Answers` table. One is let go before the next is taken.
        designs: `Design` tables by language.
        poles: a `Poles` table.
        bank: a `Bank` table.
        rule: how a cell without an answer counts in the agreement: half, wrong or left_out.
        human: a `HumanScales` table, needed for frames that ask with the whole scale.
        readouts: those to score.
    """
    asks = asks_of(designs)
    parts: dict[str, list[pd.DataFrame]] = {readout: [] for readout in readouts}
    for (model, language), table in answers:
        design = designs[language]
        found = score_by_readout(design[design["asks"] == asks], table, poles, bank, rule, human, readouts)
        for (_, readout), cells in found.items():
            parts[readout].append(as_categories(cells.assign(model=model, language=language)))
    return {readout: stack(tables) for readout, tables in parts.items() if tables}


def asks_of(designs: Mapping[str, pd.DataFrame]) -> str:
    """How the cells ask that the estimates take: `poles` if any of them do, else `scale`."""
    return "poles" if any((design["asks"] == "poles").any() for design in designs.values()) else "scale"


def describe_lacking(
    answers: Iterable[tuple[tuple[str, str], pd.DataFrame]], designs: Mapping[str, pd.DataFrame]
) -> Iterator[str]:
    """A line for each model, language and frame whose answers lack readouts; arguments as of `stack_scores`."""
    for (model, language), table in answers:
        design = designs[language]
        for frame, cells in design[design["asks"] == asks_of(designs)].groupby("template", sort=False):
            found = list_readouts(table, cells["prompt"])
            if missing := [readout for readout in READOUTS if readout not in found]:
                yield f"{model}, {language}, frame {frame}: the answers have no {', '.join(missing)}"


@click.command()
@click.argument("answers", type=readable, nargs=-1, required=True)
@click.option("--designs", type=Words(Path), required=True, help="Cells of each language (Parquet).")
@poles_option
@human_option
@bank_option
@rule_option
@click.option("--contrasts", type=Json(), required=True, help="Pairs of arms, or mappings, as JSON.")
@estimate_options
@click.option("--output", type=writable, required=True, help="Contrasts under every readout (CSV).")
def command(
    answers: tuple[Path, ...],
    designs: list[Path],
    poles: Path,
    human: Path | None,
    bank: Path,
    rule: str,
    contrasts: list[Contrast | list[str]],
    people: Path,
    draws: int,
    level: float,
    seed: int,
    resample: list[str],
    families: list[str],
    output: Path,
) -> None:
    """Estimate the differences between pairs of arms under every readout that the answers have.

    ANSWERS are the answers of the models, named MODEL/LANGUAGE.parquet; a design is named LANGUAGE.parquet.
    """
    cells = {path.stem: read_table(path, Design) for path in designs}
    scales = read_table(human, HumanScales) if human else None
    known = read_table(poles, Poles), read_bank(bank), rule, scales

    def read() -> Iterator[tuple[tuple[str, str], pd.DataFrame]]:
        for path in answers:
            yield (path.parent.name, path.stem), read_table(path, Answers, SCORED)

    for line in describe_lacking(read(), cells):
        click.echo(line, err=True)
    scores = (
        found for readout in READOUTS for found in stack_scores(read(), cells, *known, readouts=[readout]).items()
    )
    table = estimate_readouts(scores, read_table(people, Replicates), contrasts, draws, level, seed, resample, families)
    write_table(table.round(6), output, ContrastsByReadout)
