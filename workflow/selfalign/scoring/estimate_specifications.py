"""Step estimate_specifications: own minus other country under every choice of analysis that a run allows."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click
import pandas as pd

from selfalign.contrasts import Contrast
from selfalign.options import Json, Words, readable, writable
from selfalign.probes.bank import read_bank
from selfalign.probes.cuts import Cutter, Recut
from selfalign.probes.kinds import read_kinds
from selfalign.probes.schemas import Poles
from selfalign.scoring.bootstrap import Resampling
from selfalign.scoring.by_readout import list_readouts
from selfalign.scoring.cell_options import bank_option, poles_option, rule_option
from selfalign.scoring.cells import Comparison, is_among
from selfalign.scoring.cut_options import kinds_option, takes_cutter
from selfalign.scoring.estimate_contrasts import compare_panels
from selfalign.scoring.estimate_options import Estimation, resample_options, takes_estimation
from selfalign.scoring.inputs import as_categories, read_answers, read_designs
from selfalign.scoring.measures import CONTRASTED
from selfalign.scoring.panels import CELLS, Panel, build_panels, take_probes
from selfalign.scoring.recut import recut_cells
from selfalign.scoring.schemas import ALL, Specifications
from selfalign.scoring.score_answers import score_options
from selfalign.tables import read_table, write_estimates


@dataclass(frozen=True)
class Choices:
    """The choices of analysis of the setting `scoring.specifications`.

    Attributes:
        readouts: of the answers.
        orders: of the options: both, AB or BA.
        cuts: by name of the cut, the people's answers to the probes that it changes.
        kinds: by kind of probe, ids of its probes.
    """

    readouts: Collection[str]
    orders: Sequence[str]
    cuts: Mapping[str, Recut]
    kinds: Mapping[str, set[str]]


def estimate_specifications(
    answers: Iterable[tuple[tuple[str, str], pd.DataFrame]],
    designs: Mapping[str, pd.DataFrame],
    compared: Comparison,
    pairs: pd.DataFrame,
    forms: Mapping[str, Mapping[str, str]],
    choices: Choices,
    how: Resampling,
) -> pd.DataFrame:
    """Own minus other country in each specification, for the mean of the countries.

    Frames are not averaged: each is a specification. Seeds are averaged.

    Args:
        answers: models and languages, each with its `Answers` table. Memory holds one table at a time.
        designs: `Design` tables by language. Only cells that ask with two options are used.
        compared: what the answers are compared with under the cut of the bank, and how.
        pairs: a row per arm and its control, with the arm's settings: columns arm, against, selector, pool, shots,
            sequence, shown_in, persona.
        forms: by model, the keys model and form; see `Specifications`.
        how: how intervals are computed, with the people under the cut of the bank.

    Returns:
        A `Specifications` table.
    """
    contrasts = [Contrast.read(pair) for pair in pairs[["arm", "against"]].to_numpy().tolist()]
    people = {cut: recut.join_people(how.people) for cut, recut in choices.cuts.items()}
    tables = []
    for (model, language), table in answers:
        design = designs[language]
        design = design[design["arm"].isin(pairs[["arm", "against"]].to_numpy().ravel()) & (design["asks"] == "poles")]
        for chosen, cells in _score_each(design, table, compared, choices):
            cells = as_categories(cells.assign(model=forms[model]["model"], language=language)[CELLS])
            for cut, recut in choices.cuts.items():
                panels = build_panels(recut_cells(cells, recut.poles), CONTRASTED, ["seed"])
                resampling = replace(how, people=people[cut])
                for kind, taken in _take_kinds(panels, choices.kinds):
                    found = compare_panels(taken, contrasts, resampling)
                    named = {**chosen, "form": forms[model]["form"], "cut": cut, "probe_kind": kind}
                    tables.append(found[found["country"] == ALL].assign(**named))
    columns = Specifications.names()
    if not tables:
        return pd.DataFrame(columns=columns)
    return pd.concat(tables, ignore_index=True).merge(pairs, on=["arm", "against"])[columns]


def _score_each(
    design: pd.DataFrame, answers: pd.DataFrame, compared: Comparison, choices: Choices
) -> Iterator[tuple[dict[str, str], pd.DataFrame]]:
    """The cells of each frame, readout and option order, with these choices."""
    for frame, cells in design.groupby("template"):
        given = answers[is_among(answers["prompt"], cells["prompt"])]
        for readout in list_readouts(given, cells["prompt"]):
            for order in choices.orders if readout in choices.readouts else ():
                asked = cells if order == "both" else cells[cells["order"] == order]
                yield (
                    {"frame": str(frame), "readout": readout, "order": order},
                    score_options(asked, given, compared, {frame: readout}).cells,
                )


def _take_kinds(
    panels: Mapping[str, Panel], kinds: Mapping[str, set[str]]
) -> Iterator[tuple[str, Mapping[str, Panel]]]:
    """Panels of all probes, then of each chosen kind of which there are probes."""
    yield ALL, panels
    for kind, probes in kinds.items():
        if taken := take_probes(panels, probes):
            yield kind, taken


@click.command()
@click.argument("answers", type=readable, nargs=-1, required=True)
@click.option("--designs", type=Words(Path), required=True, help="Cells of each language (Parquet).")
@poles_option
@kinds_option
@click.option(
    "--pairs", type=Json(list[dict[str, object]]), required=True, help="Arms with their controls and settings, as JSON."
)
@click.option(
    "--forms",
    type=Json(dict[str, dict[str, str]]),
    required=True,
    help="By model, its weights and how it is asked, as JSON.",
)
@click.option(
    "--choices", type=Json(dict[str, list[str]]), required=True, help="Readouts, orders, cuts and kinds, as JSON."
)
@rule_option
@takes_cutter
@takes_estimation(resample_options)
@bank_option
@click.option("--output", type=writable, required=True, help="Specifications (CSV).")
def command(
    answers: tuple[Path, ...],
    designs: list[Path],
    poles: Path,
    kinds: Path | None,
    pairs: list[dict[str, object]],
    forms: dict[str, dict[str, str]],
    choices: dict[str, list[str]],
    rule: str,
    cutter: Cutter,
    how: Estimation,
    bank: Path,
    output: Path,
) -> None:
    """Estimate own minus other country under every choice of analysis.

    ANSWERS are the answers of the models, named MODEL/LANGUAGE.parquet; a design is named LANGUAGE.parquet.
    """
    laid_out = read_designs(designs)
    others = sorted({frame for one in laid_out.values() for frame in one.loc[one["asks"] != "poles", "template"]})
    if others:
        click.echo(f"left out, because they do not ask with two options: the frames {', '.join(others)}", err=True)
    probes = read_bank(bank)
    asked = pd.concat([one[["probe", "country"]] for one in laid_out.values()])
    asked_of = probes[probes["probe"].isin(asked["probe"])], set(asked["country"])
    of_kind = read_kinds(kinds)["kind"] if kinds else pd.Series(dtype=object)
    chosen = Choices(
        readouts=choices["readouts"],
        orders=choices["orders"],
        cuts={cut: cutter.cut(cut, *asked_of) for cut in choices["cuts"]},
        kinds={kind: set(of_kind.index[of_kind == kind]) for kind in choices["kinds"]},
    )
    compared = Comparison(read_table(poles, Poles), probes, rule)
    tables, rows = read_answers(answers, "estimate"), pd.DataFrame(pairs)
    table = estimate_specifications(tables, laid_out, compared, rows, forms, chosen, how.resampling)
    write_estimates(table, output, Specifications)
