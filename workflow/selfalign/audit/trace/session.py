"""From the options of `selfalign trace` to its printed text and its files."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from selfalign.audit.trace import calibration
from selfalign.audit.trace.contributions import cells_of_probe
from selfalign.audit.trace.evidence import (
    describe_people,
    describe_prompt,
    describe_score,
    list_demonstrations,
    orders_of,
)
from selfalign.audit.trace.excluded import find_probe, why_dropped, why_no_scale, why_not_chosen
from selfalign.audit.trace.files import write_cells, write_rows
from selfalign.audit.trace.names import RunNames, resolve
from selfalign.audit.trace.origins import describe_origins
from selfalign.audit.trace.points import (
    LINE_COLUMN,
    SCHEMAS,
    TABLE_OF_FIGURE,
    Point,
    Term,
    find_table,
    narrow,
    parse_where,
    point_of_row,
    read_rows,
    table_file,
    usual,
)
from selfalign.audit.trace.report import LIMIT, Traced, describe_cells, describe_choice, describe_head, describe_point
from selfalign.audit.trace.results import Results
from selfalign.audit.trace.show import WIDTH, paragraph, section
from selfalign.audit.trace.tokens import describe_tokens
from selfalign.config.outputs import calibrated_arms, find_shown
from selfalign.config.pages import SEVERAL
from selfalign.config.sections import Config
from selfalign.errors import InputError, did_you_mean
from selfalign.runs import Run
from selfalign.scoring.pooling import OWN
from selfalign.scoring.schemas import ALL

MANY = 3
"""So many numbers are shown one after the other; more are listed."""


@dataclass(frozen=True)
class Query:
    """The options of the command."""

    figure: str | None = None
    table_name: str | None = None
    row: int | None = None
    where: tuple[str, ...] = ()
    contrast: tuple[str, str] | None = None
    model: str | None = None
    language: str | None = None
    country: str | None = None
    arm: str | None = None
    measure: str | None = None
    probe: str | None = None
    source: str | None = None
    seed: int | None = None
    template: str | None = None
    tokens: bool = False
    everything: bool = False
    csv_file: Path | None = None
    json_file: Path | None = None

    @property
    def limit(self) -> int | None:
        """Rows of a list; None for all."""
        return None if self.everything else LIMIT


def trace(run: Run, query: Query) -> tuple[str, bool]:
    """The text that the command prints, and whether every number is the sum of its parts.

    Raises:
        InputError: the run does not have what the user named.
    """
    results = Results(run)
    names = RunNames(results.config, results.poles["country"] if results.config.run.groups else ())
    query = _open_page(query, results.config)
    probe = find_probe(query.probe, results.bank, results.bank_file) if query.probe else None
    if probe and (reason := why_not_chosen(probe, results.bank_with_kinds, results.criteria)):
        return section(f"{probe} is excluded", paragraph(f"The run {run.name} has no cell of {probe}: {reason}.")), True
    figure = _figure_of(query, results.config)
    _check_options_of_cells(query, figure)
    if figure == "calibration":
        return _trace_calibration(results, names, query, probe)
    found = find_points(results, names, query, figure)
    if len(found) > MANY:
        return describe_choice(names, found, query.limit), True
    traced = [Traced(results, point) for point in found]
    texts = [_tell(results, names, each, query, probe) for each in traced]
    write_cells(results, traced, probe, query.csv_file, query.json_file)
    return f"\n\n{'=' * WIDTH}\n\n".join(texts), all(each.agrees for each in traced)


def _check_options_of_cells(query: Query, figure: str | None) -> None:
    """Refuse options that choose or show cells of a probe, if no probe is named: they would change nothing.

    A row of the table `transfer` has a source.
    """
    transfer = figure == "transfer" or query.table_name is not None and Path(query.table_name).stem == "transfer"
    for option in ("source", "seed", "template", "tokens"):
        value = getattr(query, option)
        if query.probe is None and value not in (None, False) and not (transfer and option == "source"):
            shown = None if value is True else value
            raise InputError(f"--{option}", "needs a probe", "Add --probe, such as --probe Q164", value=shown)


def _tell(results: Results, names: RunNames, traced: Traced, query: Query, probe: str | None) -> str:
    if probe is None:
        return describe_point(results, names, traced, query.limit)
    return describe_evidence(results, names, traced, query, probe)


# Points


def _figure_of(query: Query, config: Config) -> str | None:
    """Name of the figure that the user named, if any.

    Raises:
        InputError: there is no such figure, or the run skipped it.
    """
    if query.figure is None:
        return None
    figure = resolve("--figure", query.figure, {name: [] for name in [*TABLE_OF_FIGURE, "calibration"]})
    skipped = find_shown(config).skipped
    if figure in skipped:
        remedy = "Name another figure, or name a table with --table"
        raise InputError("--figure", f"the run has no figure {figure}: {skipped[figure]}", remedy)
    return figure


def _open_page(query: Query, config: Config) -> Query:
    """What the user wrote, with figure, model and language in place of the file of a page.

    A figure that needs more than a page has a file per model, or per model and language.
    """
    for figure in [*TABLE_OF_FIGURE, "calibration"]:
        for model in config.run.models:
            page = f"{figure}_{model}"
            of_languages = {f"{page}_{language}": language for language in config.run.languages}
            if query.figure in (page, f"{page}_{SEVERAL}", *of_languages):
                language = query.language or of_languages.get(query.figure)
                return replace(query, figure=figure, model=query.model or model, language=language)
    return query


def find_points(results: Results, names: RunNames, query: Query, figure: str | None = None) -> list[Point]:
    """The numbers that the user means.

    Args:
        query: what the user wrote.
        figure: name of the figure that the user named, if any.

    Raises:
        InputError: there is none, or the options do not go together.
    """
    table = _table_of(query, figure)
    rows = read_rows(results.run, table, figure)
    place = str(table_file(results.run, table))
    if query.row is not None:
        if query.row not in set(rows[LINE_COLUMN]):
            problem = f"there is no line {query.row}; the rows are on lines 2 to {len(rows) + 1}"
            raise InputError(place, problem, "Give the line of a row")
        rows = rows[rows[LINE_COLUMN] == query.row]
    columns = [column for column in rows.columns if column != LINE_COLUMN]
    wanted = parse_where(query.where, columns, names, place) | _named(results, names, query, table)
    if figure == "margin" and "against" not in wanted:
        margin = results.config.figures.margin.contrast
        wanted = {"arm": margin.arm, "against": margin.against} | wanted
    if query.contrast is not None:
        estimated = (rows["arm"] == wanted["arm"]) & (rows["against"] == wanted["against"])
        if not estimated.any():
            return _not_estimated(results, names, wanted)
    rows = narrow(rows, wanted, place)
    rows = rows if query.row is not None else usual(rows, wanted)
    return [_among(results, point_of_row(row, table)) for row in rows.to_dict("records")]


def _among(results: Results, point: Point) -> Point:
    """The point with the countries of its mean, where these are the countries with an own language."""
    if Path(point.table).name != "languages" and OWN not in {term.language for term in point.terms}:
        return point
    return replace(point, among=results.countries_of([term.arm for term in point.terms]))


def _table_of(query: Query, figure: str | None) -> str:
    if query.table_name is not None:
        if figure is not None:
            raise InputError("--table", "does not go with --figure", "Name one of them")
        return find_table(query.table_name)
    if figure is not None:
        return TABLE_OF_FIGURE[figure]
    return "agreement" if query.contrast is None else "contrasts"


def _named(results: Results, names: RunNames, query: Query, table: str) -> dict[str, str]:
    """What the options say of the rows of a table, by column."""
    wanted = {}
    if query.contrast is not None:
        if "against" not in SCHEMAS[table].names() or table == "transfer":
            raise InputError("--contrast", f"does not go with {table}", "Leave out the figure or the table")
        wanted["arm"], wanted["against"] = (names.arm(text, "--contrast") for text in query.contrast)
    if query.arm is not None:
        wanted["arm"] = names.arm(query.arm)
    for column in ("model", "language", "measure"):
        if (text := getattr(query, column)) is not None:
            wanted[column] = getattr(names, column)(text)
    if query.country is not None:
        wanted["country"] = names.country(query.country)
    if query.source is not None and table == "transfer":
        wanted["source"] = _source(results, names, query.source)
    return wanted


def _source(results: Results, names: RunNames, text: str) -> str:
    return names.country(text, "--source", sorted(set(results.scores["source"]) - {""}))


def _not_estimated(results: Results, names: RunNames, wanted: Mapping[str, str]) -> list[Point]:
    """The differences between two arms that the run did not compare, one for each model and language with both."""
    arms = [wanted["arm"], wanted["against"]]
    country, measure = wanted.get("country", ALL), wanted.get("measure", "agreement")
    found = []
    for (model, language), cells in results.scores.groupby(["model", "language"], sort=False):
        meant = wanted.get("model", model) == model and wanted.get("language", language) == language
        cells = cells if country == ALL else cells[cells["country"] == country]
        if meant and set(arms) <= set(cells["arm"]):
            terms = (Term(1, model, language, arms[0]), Term(-1, model, language, arms[1]))
            found.append(Point("contrasts", None, country, measure, terms, None, {}))
    if not found:
        problem = f"no model and language of the run has both {arms[0]} and {arms[1]} for {country}"
        raise InputError("--contrast", problem, f"Known values: {', '.join(names.arms)}")
    return found


# Evidence


def describe_evidence(results: Results, names: RunNames, traced: Traced, query: Query, probe: str) -> str:
    """The cells of a probe behind a number, and the evidence of the first cell of each of its arms."""
    point = traced.point
    blocks = [describe_head(results, names, traced)]
    if not (traced.cells["probe"] == probe).any():
        return "\n\n".join([*blocks, _describe_absence(results, names, traced, probe)])
    chosen = _chosen(results, names, traced, query, probe)
    blocks.append(describe_cells(names, traced, probe, query.limit, **chosen))
    if point.country == ALL:
        hint = "Name a country with --country for the prompts, the demonstrations and the people's answers."
        return "\n\n".join([*blocks, paragraph(hint)])
    cells = cells_of_probe(traced.cells, probe, **chosen)
    blocks.append(describe_people(results, names, point.country, probe, point.terms[0].language))
    answered = []
    for _, of_term in cells.groupby("term"):
        of_arm, fingerprint = _describe_term(results, names, of_term, query)
        blocks += of_arm
        answered.append((of_term["model"].iloc[0], of_term["language"].iloc[0], fingerprint))
    blocks += [describe_origins(results, *each) for each in dict.fromkeys(answered)]
    return "\n\n".join(blocks)


def _describe_term(results: Results, names: RunNames, cells: pd.DataFrame, query: Query) -> tuple[list[str], str]:
    """Demonstrations of all cells of an arm; prompts and score of the first, or of all; and the fingerprint of its
    answer."""
    blocks, first = [], cells.iloc[0]
    answers = results.answers(first["model"], first["language"])
    for place, (_, cell) in enumerate(cells.iterrows()):
        orders = orders_of(results, cell)
        blocks.append(list_demonstrations(results, names, cell, list(orders["prompt"])))
        if place and not query.everything:
            continue
        for row in orders.itertuples():
            blocks.append(describe_prompt(answers, row))
            if query.tokens:
                sent = answers[answers["prompt"] == row.prompt].iloc[0]
                blocks.append(describe_tokens(results, cell["model"], cell["language"], row.prompt, sent))
        blocks.append(describe_score(cell))
    if len(cells) > 1 and not query.everything:
        hint = f"Other cells of {first['arm']}, whose prompts are not shown: {len(cells) - 1}."
        blocks.append(paragraph(f"{hint} Choose one with --source, --seed or --template, or show them with --all."))
    fingerprint = str(answers.loc[answers["prompt"] == orders["prompt"].iloc[0], "fingerprint"].iloc[0])
    return blocks, fingerprint


def _chosen(results: Results, names: RunNames, traced: Traced, query: Query, probe: str) -> dict[str, object]:
    """The source, seed and frame that the user named, if the probe has such cells."""
    chosen: dict[str, object] = {"seed": query.seed}
    if query.source is not None and traced.point.table != "transfer":
        chosen["source"] = _source(results, names, query.source)
    if query.template is not None:
        chosen["template"] = resolve("--template", query.template, {name: [] for name in traced.cells["template"]})
    cells = traced.cells[traced.cells["probe"] == probe]
    for column, value in chosen.items():
        known = sorted(cells[column].astype(str).unique())
        cells = cells if value is None else cells[cells[column] == value]
        if cells.empty:
            raise InputError(
                f"--{column}", f'no cell of {probe} has {column} "{value}"', did_you_mean(str(value), known)
            )
    return chosen


def _describe_absence(results: Results, names: RunNames, traced: Traced, probe: str) -> str:
    """Why a probe that the run uses has no cell in a number; with the people's answers, if any."""
    point = traced.point
    countries = names.countries if point.country == ALL else [point.country]
    question = results.probes.loc[probe, "question"]
    lines = []
    for country in countries:
        reason = why_dropped(probe, country, results.dropped) or why_no_scale(question, country, results.dropped_scales)
        if reason:
            lines.append(f"{probe} is excluded for {names.title_of_country(country)}: {reason}.")
    lines = lines or [f"{probe} has no cell in the arms {', '.join(term.arm for term in point.terms)}."]
    text = section(f"{probe} is excluded", *map(paragraph, lines))
    if point.country == ALL:
        return text
    return f"{text}\n\n{describe_people(results, names, point.country, probe, point.terms[0].language)}"


# The figure calibration


def _trace_calibration(results: Results, names: RunNames, query: Query, probe: str | None) -> tuple[str, bool]:
    arms = calibrated_arms(results.config)
    wanted = {
        column: getattr(names, column)(text)
        for column in ("model", "language", "arm")
        if (text := getattr(query, column)) is not None
    }
    if wanted.get("arm", arms[0]) not in arms:
        raise InputError("--arm", "the figure calibration does not show this arm", f"Known values: {', '.join(arms)}")
    country = None if query.country is None else names.country(query.country)
    country = None if country == ALL else country
    found = calibration.panels(results.scores, arms, wanted)
    found = [panel for panel in found if country is None or country in set(panel["country"])]
    if not found:
        raise InputError("--figure calibration", "no panel has this country", "Name another language or country")
    if probe is None or country is None:
        texts = [calibration.describe_panel(results, names, panel, country, query.limit) for panel in found[:MANY]]
        dots = pd.concat([calibration.dots_of(panel, country) for panel in found])
        write_rows(dots, query.csv_file, query.json_file)
    else:
        traced = [Traced(results, calibration.point_of_dot(panel, country, probe)) for panel in found]
        write_cells(results, traced, probe, query.csv_file, query.json_file)
        texts = [describe_evidence(results, names, each, query, probe) for each in traced[:MANY]]
    if len(found) > MANY:
        texts.append(f"{len(found) - MANY} more panels: choose with --model, --language or --arm.")
    return "\n\n".join(texts), True
