"""Step estimate_readouts: the contrasts between arms under every readout of the same answers."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import click
import pandas as pd

from selfalign.contrasts import Contrast
from selfalign.inference.choices import READOUTS
from selfalign.options import Words, readable, writable
from selfalign.probes.bank import read_bank
from selfalign.probes.schemas import PeopleScales, Poles
from selfalign.prompts.schemas import first_way
from selfalign.scoring.bootstrap import Resampling
from selfalign.scoring.by_readout import score_by_readout
from selfalign.scoring.cell_options import bank_option, poles_option, rule_option, spread_option
from selfalign.scoring.cells import Comparison
from selfalign.scoring.contrast_options import contrasts_option
from selfalign.scoring.estimate_contrasts import estimate_contrasts
from selfalign.scoring.estimate_options import Estimation, estimate_options, takes_estimation
from selfalign.scoring.families import correct
from selfalign.scoring.inputs import as_categories, prepare_cells, read_answers, read_designs, stack
from selfalign.scoring.measures import CONTRASTED
from selfalign.scoring.panels import CELLS
from selfalign.scoring.schemas import ContrastsByReadout
from selfalign.tables import read_table, write_estimates


def estimate_readouts(
    scores: Iterable[tuple[str, pd.DataFrame]],
    contrasts: list[Contrast],
    how: Resampling,
    families: list[str],
    measures: Sequence[str] = CONTRASTED,
) -> pd.DataFrame:
    """The contrasts of the run under every readout, each estimated as `estimate_contrasts` does.

    Args:
        scores: readouts, each with its `Scores` tables, stacked. Memory holds one readout at a time.
        how: how intervals are computed. The resamples are the same for all readouts.
        families: columns that name a family of tests; see `correct`. No family has rows of two readouts.

    Returns:
        A `ContrastsByReadout` table.
    """
    columns = ContrastsByReadout.names()
    parts = [pd.DataFrame(columns=columns)]
    for readout, cells in scores:
        table = estimate_contrasts(cells, contrasts, how, measures)
        table = correct(table, families)
        used = cells.groupby(["model", "language"])["template"].agg(lambda names: " ".join(sorted(set(names))))
        table = table.merge(used.rename("templates").reset_index(), on=["model", "language"])
        parts.append(table.assign(readout=readout))
    filled = [part for part in parts if len(part)] or parts[:1]
    return pd.concat(filled, ignore_index=True)[columns]


def stack_scores(
    answers: Iterable[tuple[tuple[str, str], pd.DataFrame]],
    designs: Mapping[str, pd.DataFrame],
    compared: Comparison,
    columns: list[str] | None = None,
    measures: Sequence[str] = CONTRASTED,
) -> tuple[dict[str, pd.DataFrame], list[str]]:
    """Scores of all models and languages by readout, and a line for each readout that a frame's answers lack.

    As in the other estimates, the cells are those of the first way of asking: see `first_way`.

    Args:
        answers: models and languages, each with its `Answers` table. Memory holds one table at a time.
        designs: `Design` tables by language.
        columns: those of the scores to keep; all if not given.
        measures: which measures the cells are prepared for; see `prepare_cells`.
    """
    asks = first_way(*(design["asks"] for design in designs.values()))
    parts: dict[str, list[pd.DataFrame]] = {readout: [] for readout in READOUTS}
    lacking = []
    for (model, language), table in answers:
        design = designs[language]
        design = design[design["asks"] == asks]
        found = score_by_readout(design, table, compared)
        for (_, readout), cells in found.items():
            cells = cells.assign(model=model, language=language)
            cells = prepare_cells(cells if columns is None else cells[columns], measures, compared.bank)
            parts[readout].append(as_categories(cells))
        for frame in design["template"].unique():
            missing = [readout for readout in READOUTS if (frame, readout) not in found]
            if missing:
                lacking.append(f"{model}, {language}, frame {frame}: the answers have no {', '.join(missing)}")
    return {readout: stack(tables) for readout, tables in parts.items() if tables}, lacking


@click.command()
@click.argument("answers", type=readable, nargs=-1, required=True)
@click.option("--designs", type=Words(Path), required=True, help="Cells of each language (Parquet).")
@poles_option
@spread_option
@rule_option
@contrasts_option
@takes_estimation(estimate_options)
@bank_option
@click.option("--output", type=writable, required=True, help="Contrasts under every readout (CSV).")
def command(
    answers: tuple[Path, ...],
    designs: list[Path],
    poles: Path,
    spread: Path | None,
    rule: str,
    contrasts: list[Contrast],
    how: Estimation,
    bank: Path,
    output: Path,
) -> None:
    """Estimate the differences between pairs of arms under every readout that the answers have.

    ANSWERS are the answers of the models, named MODEL/LANGUAGE.parquet; a design is named LANGUAGE.parquet.
    """
    scores, lacking = stack_scores(
        read_answers(answers, "score"),
        read_designs(designs),
        Comparison(
            read_table(poles, Poles), read_bank(bank), rule, read_table(spread, PeopleScales) if spread else None
        ),
        CELLS,
        how.measures,
    )
    for line in lacking:
        click.echo(line, err=True)
    each = ((readout, scores.pop(readout)) for readout in list(scores))
    table = estimate_readouts(each, contrasts, how.resampling, how.families, how.measures)
    write_estimates(table, output, ContrastsByReadout)
