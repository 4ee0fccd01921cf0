"""Step estimate_kinds: gains of English-centric and of multilingual models, and their difference."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path

import click
import pandas as pd

from selfalign.contrasts import Contrast
from selfalign.options import Json, readable, writable
from selfalign.scoring.bootstrap import Resampling
from selfalign.scoring.cell_options import bank_option
from selfalign.scoring.contrast_options import asked_in_option, own_option, pairs_option
from selfalign.scoring.estimate_contrasts import estimate_contrasts
from selfalign.scoring.estimate_options import Estimation, estimate_options, takes_estimation
from selfalign.scoring.families import correct
from selfalign.scoring.inputs import read_cells
from selfalign.scoring.measures import CONTRASTED
from selfalign.scoring.pooling import OWN, asked_in_both, name_kind
from selfalign.scoring.schemas import ALL, Kinds
from selfalign.tables import write_estimates


def estimate_kinds(
    scores: pd.DataFrame,
    pairs: list[tuple[str, str]],
    kinds: Mapping[str, str],
    asked_in: str,
    own: Mapping[str, str],
    how: Resampling,
    measures: Sequence[str] = CONTRASTED,
) -> pd.DataFrame:
    """Differences between two arms for each kind of model, for each of its models, and between the kinds.

    A kind's value of a probe is the mean over the cells of its models. The models count the same if all of them answer
    these cells. The intervals are about these models. They do not cover the choice of models, because a kind has too
    few of them.

    Args:
        scores: `Scores` tables, stacked, of all these languages.
        pairs: pairs of arms; the second is subtracted.
        kinds: by model, its kind. Models without a kind are left out.
        asked_in: the language that all countries share, ISO 639-1.
        own: by country, its own language; empty for rows of `asked_in` only.

    Returns:
        As `estimate_contrasts` for the mean of the countries, with columns kind and models (how many are averaged).
        The model of a kind's row is `name_kind`. In a row with another `against_model`, the other kind's gain is
        subtracted. The language of each country's own is `OWN`; it has the countries of `estimate_languages`.
    """
    scores = scores[scores["model"].isin(list(kinds))]
    tables = []
    for pair in pairs:
        cells = _by_language(scores, pair, asked_in, own)
        of_kinds = cells.assign(model=[name_kind(kinds[model]) for model in cells["model"]])  # averaged like seeds
        groups = pd.concat([cells, of_kinds], ignore_index=True)
        contrasts = [Contrast.read(pair), *_between(pair, kinds)]
        tables.append(estimate_contrasts(groups, contrasts, how, measures))
    table = pd.concat(tables, ignore_index=True)
    table = table[table["country"] == ALL].reset_index(drop=True)
    sizes = pd.Series(kinds).value_counts()
    kind = table["model"].map({**kinds, **{name_kind(name): name for name in sizes.index}})
    averaged = table["model"].map({name_kind(name): size for name, size in sizes.items()})
    return table.assign(kind=kind, models=averaged.fillna(1).astype(int))


def _by_language(scores: pd.DataFrame, pair: tuple[str, str], asked_in: str, own: Mapping[str, str]) -> pd.DataFrame:
    """Cells of two arms in the shared language, and in each country's own as `OWN`."""
    shared = scores[scores["arm"].isin(pair) & (scores["language"] == asked_in)]
    both = asked_in_both(scores, pair, asked_in, own)
    return pd.concat([shared, both[both["language"] == OWN]], ignore_index=True)


def _between(pair: tuple[str, str], kinds: Mapping[str, str]) -> list[Contrast]:
    """The contrasts that subtract a kind's gain from the gain of each kind after it in the alphabet."""
    arm, against = pair
    return [
        Contrast(
            arm=arm, against=arm, model=name_kind(second), against_model=name_kind(first), beyond=(against, against)
        )
        for first, second in combinations(sorted(set(kinds.values())), 2)
    ]


@click.command()
@click.argument("scores", type=readable, nargs=-1, required=True)
@pairs_option
@click.option("--kinds", type=Json(dict[str, str]), required=True, help="Each model's kind, as JSON.")
@asked_in_option
@own_option
@takes_estimation(estimate_options)
@bank_option
@click.option("--output", type=writable, required=True, help="Gains by kind of model (CSV).")
def command(
    scores: tuple[Path, ...],
    pairs: list[tuple[str, str]],
    kinds: dict[str, str],
    asked_in: str,
    own: dict[str, str],
    how: Estimation,
    bank: Path,
    output: Path,
) -> None:
    """Estimate gains of English-centric and of multilingual models, and their difference."""
    cells = read_cells(scores, how.measures, bank)
    table = estimate_kinds(cells, pairs, kinds, asked_in, own, how.resampling, how.measures)
    write_estimates(correct(table, how.families), output, Kinds)
