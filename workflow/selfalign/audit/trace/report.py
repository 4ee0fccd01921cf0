"""A number as text: what it is, how it is made, and the cells behind it."""

import pandas as pd

from selfalign.audit.trace.contributions import (
    by_column,
    by_probe,
    cells_of_probe,
    is_same,
    largest_first,
    recompute,
    select_cells,
    weigh_cells,
)
from selfalign.audit.trace.evidence import statement, whose_answers
from selfalign.audit.trace.excluded import count_dropped
from selfalign.audit.trace.names import MEASURE_NAMES, RunNames
from selfalign.audit.trace.points import Point, Term, table_file
from selfalign.audit.trace.results import Results
from selfalign.audit.trace.show import first_rows, paragraph, percent, points, section, table
from selfalign.probes.selection import list_left_out
from selfalign.scoring.schemas import ALL

LIMIT = 20
"""Rows of a list before it is shortened."""

_ORDINALS = ("1st", "2nd", "3rd", "4th")
_FORMULAS = {2: "1st - 2nd", 4: "(1st - 2nd) - (3rd - 4th)"}


class Traced:
    """A number with its cells.

    Attributes:
        point: the number.
        cells: as `weigh_cells` returns them.
        total: the sum of the contributions.
        exact: the number as the scoring stage estimates it from the cells.
    """

    def __init__(self, results: Results, point: Point) -> None:
        scores = results.scores if point.readout is None else results.scores_by_readout[point.readout]
        cells = select_cells(scores, point, results.own, results.kinds)
        self.point = point
        self.cells = weigh_cells(cells, point)
        self.total = float(self.cells["adds"].sum())
        self.exact = recompute(cells, point)

    @property
    def several(self) -> bool:
        """Whether a probe has several cells in a country and term, whose mean counts."""
        return bool(self.cells.duplicated(["term", "country", "probe"]).any())

    @property
    def agrees(self) -> bool:
        """Whether the contributions sum to the exact number, and this is the table's."""
        stated = self.point.row.get("estimate", self.exact)
        return is_same(self.total, self.exact) and is_same(self.exact, stated)


# Lists of numbers


def describe_choice(names: RunNames, found: list[Point], limit: int | None) -> str:
    """Numbers that the user may mean, as a list with their places."""
    rows = [
        [
            str(point.line),
            point.terms[0].model,
            point.terms[0].language,
            _short_terms(point),
            point.country,
            point.measure,
            _value(point),
        ]
        for point in found
    ]
    shown, rest = first_rows(rows, limit)
    head = ["line", "model", "language", "arm", "country", "measure", "estimate"]
    return section(
        f"{len(found)} numbers of {found[0].table}.csv match",
        table(shown, head, left=(1, 2, 3, 4, 5)),
        rest.replace(", --csv FILE or --json FILE writes them", ""),
        paragraph(
            "Choose one with --row LINE, or name more: --model, --language, --country, --arm, --measure, --source."
        ),
    )


def _short_terms(point: Point) -> str:
    first = point.terms[0]
    names = [term.source or term.arm + _apart(term, first) for term in point.terms]
    if len(names) == 1:
        return names[0]
    plain = f"{names[0]} - {names[1]}"
    return plain if len(names) == 2 else f"({plain}) - ({names[2]} - {names[3]})"


def _apart(term: Term, first: Term) -> str:
    """The model and language of a term, where they are not those of the first."""
    differs = [name for name in ("model", "language") if getattr(term, name) != getattr(first, name)]
    return f" ({', '.join(getattr(term, name) for name in differs)})" if differs else ""


def _value(point: Point) -> str:
    """An estimate with the interval that its figure draws: the main one where the row has it."""
    if not point.row:
        return "not in the table"
    has_main = pd.notna(point.row.get("main"))
    low, high = (point.row[f"main_{end}" if has_main else end] for end in ("low", "high"))
    kind = " (main interval)" if has_main else ""
    return f"{point.row['estimate']:.1%} [{percent(low)}, {percent(high)}]{kind}"


# One number


def describe_point(results: Results, names: RunNames, traced: Traced, limit: int | None) -> str:
    """All sections of a number.

    Args:
        limit: rows of a list; None for all.
    """
    blocks = [describe_head(results, names, traced), describe_making(results, names, traced)]
    if traced.point.country == ALL:
        blocks.append(_describe_countries(names, traced, limit))
    blocks += _describe_sources(results, names, traced)
    blocks += [
        _describe_rows(results, traced, limit),
        _describe_absent(results, traced),
        _describe_next(results, traced),
    ]
    return "\n\n".join(block for block in blocks if block)


def describe_head(results: Results, names: RunNames, traced: Traced) -> str:
    """What the number is, and its value with its interval and place."""
    point = traced.point
    what = MEASURE_NAMES[point.measure]
    difference = "" if len(point.terms) == 1 else ", difference"
    readout = f", readout {point.readout}" if point.readout else ""
    category = f", {point.category}" if point.category else ""
    title = f"{what}{difference}{category}: {names.title_of_country(point.country)}"
    models = list(dict.fromkeys(names.models[term.model] for term in point.terms))
    languages = list(dict.fromkeys(names.languages[term.language] for term in point.terms))
    lines = [f"{' and '.join(models)}, asked in {' and '.join(languages)}{readout}"]
    for ordinal, term in zip(_ORDINALS, point.terms, strict=False):
        apart = f", {names.models[term.model]}" if len(models) > 1 else ""
        apart += f", in {names.languages[term.language]}" if len(languages) > 1 else ""
        place = "arm" if len(point.terms) == 1 else ordinal
        lines.append(f"{place}: {names.title_of_arm(term.arm)}{_source_of(names, term.source)}{apart}")
    return section(title, *map(paragraph, lines), _place(results, traced), line="=")


def _source_of(names: RunNames, source: str | None) -> str:
    return f", answered by {names.title_of_country(source)} ({source})" if source else ""


def _place(results: Results, traced: Traced) -> str:
    point = traced.point
    if not point.row:
        if point.table == "calibration":
            people = percent(traced.cells["share_a"].mean())
            return paragraph(f"The dot of {point.probe}: model {percent(traced.exact)}, people {people}.")
        reason = "The run did not estimate this number. It is computed now from the scores, without an interval."
        return paragraph(f"{percent(traced.exact)}. {reason}")
    path = table_file(results.run, point.table)
    from_verdicts = point.table == "contrasts" and pd.notna(point.row.get("main"))
    apart = f"; the interval is in {table_file(results.run, 'verdicts')}" if from_verdicts else ""
    return paragraph(f"{_value(point)}, in {path}, line {point.line}{apart}")


def describe_making(results: Results, names: RunNames, traced: Traced) -> str:
    """How the number comes from its cells, and whether the parts sum to it."""
    point, cells = traced.point, traced.cells
    counted = cells[cells["left_out"] == ""]
    probes, countries = counted["probe"].nunique(), counted["country"].nunique()
    lines = [describe_mean(point.country, countries, probes, counted["battery"].nunique())]
    if len(point.terms) > 1:
        lines.append(f"For each probe, {_FORMULAS[len(point.terms)]} is taken.")
    if traced.several:
        lines.append("A probe with several cells (sources, seeds or frames) is their mean.")
    lines += [whose_answers(results, names, *each) for each in _arms_of(traced)]
    lines += _describe_unanswered(results, traced)
    return section("How the number is made", *map(paragraph, [*lines, _check(results, traced, len(counted))]))


def describe_mean(country: str, countries: int, probes: int, batteries: int) -> str:
    """What a number is the mean of.

    Args:
        country: of the number.
        countries: number of those whose cells count. The run may have more: a row of `transfer.csv` has one source.
        probes: number of probes that count.
        batteries: number of their batteries.
    """
    of = "1 battery, which matters" if batteries == 1 else f"{batteries} batteries, which matter"
    interval = f"They are of {of} for the interval alone."
    if country != ALL:
        return f"It is the mean over {probes} probes, which count the same. {interval}"
    if countries > 1:
        mean = f"It is the mean of {countries} countries, which count the same. Each is the mean over its probes."
        return f"{mean} {interval}"
    return f"Only one country has this number. It is the mean over its {probes} probes. {interval}"


def _arms_of(traced: Traced) -> list[tuple[str, list[str], str]]:
    """Arms of a number, each with the sources of its cells and the country."""
    found: dict[str, list[str]] = {}
    for place, term in enumerate(traced.point.terms):
        sources = traced.cells.loc[traced.cells["term"] == place, "source"].unique()
        found[term.arm] = sorted({*found.get(term.arm, []), *sources})
    return [(arm, sources, traced.point.country) for arm, sources in found.items()]


def _describe_unanswered(results: Results, traced: Traced) -> list[str]:
    cells, rule = traced.cells, results.config.scoring.unanswered
    lines = []
    if number := int((~cells["answered"]).sum()):
        ways = {"half": "each counts as 0.5", "wrong": "each counts as 0", "left_out": "they are left out"}
        lines.append(f"{number} of {len(cells)} cells have no answer. In the agreement, {ways[rule]} ({rule}).")
    if number := int((cells["left_out"] != "").sum()):
        lines.append(f"{number} cells do not count, because they or their counterparts have no value.")
    return lines


def _check(results: Results, traced: Traced, number: int) -> str:
    stated = traced.point.row.get("estimate")
    text = f"Check: the {number:,} contributions sum to {traced.total:.6f}; estimated again from the cells it is "
    text += f"{traced.exact:.6f}"
    if stated is None:
        return f"{text}. {'The same' if traced.agrees else 'NOT THE SAME'}."
    verdict = "All the same" if traced.agrees else "NOT THE SAME: the table and the scores are not of one run"
    return f"{text}; the table has {stated:.6f}. {verdict}."


def _describe_countries(names: RunNames, traced: Traced, limit: int | None) -> str:
    found = largest_first(by_column(traced.cells, "country"))
    number = len(found)
    rows = [
        [
            names.title_of_country(row.country),
            row.country,
            str(row.probes),
            percent(row.adds * number),
            points(row.adds),
        ]
        for row in found.itertuples()
    ]
    shown, rest = first_rows(rows, limit)
    return section("By country", table(shown, ["country", "code", "probes", "value", "adds"], left=(0, 1)), rest)


def _describe_sources(results: Results, names: RunNames, traced: Traced) -> list[str]:
    """For each term whose demonstrations have the answers of several peoples, what each source adds."""
    blocks = []
    for place, term in enumerate(traced.point.terms):
        cells = traced.cells[(traced.cells["term"] == place) & (traced.cells["left_out"] == "")]
        own = (cells["source"] == cells["country"]).all()
        if own or cells["source"].nunique() < 2:
            continue
        found = largest_first(by_column(cells, "source"))
        means = cells.groupby("source")["value"].mean()
        rows = [
            [
                names.title_of_country(row.source),
                row.source,
                str(row.cells),
                percent(means[row.source]),
                points(row.adds),
            ]
            for row in found.itertuples()
        ]
        head = ["answers of", "code", "cells", "mean", "adds"]
        blocks.append(section(f"By source: {names.title_of_arm(term.arm)}", table(rows, head, left=(0, 1))))
    return blocks


# Cells and probes


def _describe_rows(results: Results, traced: Traced, limit: int | None) -> str:
    point = traced.point
    found = by_probe(traced.cells)
    texts = results.texts(point.terms[0].language)
    single = len(point.terms) == 1 and point.country != ALL and not traced.several
    rows, head = _cell_rows(traced, found, texts) if single else _probe_rows(traced, found, texts)
    shown, rest = first_rows(rows, limit)
    what = "Cells" if single else "Probes"
    legend = "adds: percentage points of the number"
    legend += "; people A and model A: their shares of pole A" if single else ""
    return section(
        f"{what}, the largest contribution first",
        paragraph(_summary(found, what.lower())),
        table(shown, head, left=(0,), flexible=1),
        rest,
        paragraph(legend + "."),
    )


def _summary(found: pd.DataFrame, what: str) -> str:
    up, down = found[found["adds"] > 1e-12], found[found["adds"] < -1e-12]
    text = f"{len(found)} {what}: {len(up)} raise the number by {100 * up['adds'].sum():.3f} points in all"
    if len(down):
        text += f", {len(down)} lower it by {-100 * down['adds'].sum():.3f}"
    return f"{text}, {len(found) - len(up) - len(down)} add nothing."


def _cell_rows(traced: Traced, found: pd.DataFrame, texts: pd.DataFrame) -> tuple[list[list[str]], list[str]]:
    cells = traced.cells.set_index("probe")
    rows = []
    for row in found.itertuples():
        cell = cells.loc[row.probe]
        value = f"{cell['value']:.3g}" if traced.point.measure.startswith("agreement") else f"{cell['value']:.4f}"
        rows.append(
            [
                row.probe,
                statement(texts, row.probe),
                percent(cell["share_a"]),
                cell["majority"],
                percent(cell["p_a"]),
                value,
                points(row.adds),
            ]
        )
    return rows, ["probe", "statement", "people A", "majority", "model A", "value", "adds"]


def _probe_rows(traced: Traced, found: pd.DataFrame, texts: pd.DataFrame) -> tuple[list[list[str]], list[str]]:
    terms = range(len(traced.point.terms))
    alone, several = len(terms) == 1, traced.point.country == ALL
    head = ["mean"] if alone else list(_ORDINALS[: len(terms)])
    majority = traced.cells.drop_duplicates("probe").set_index("probe")["majority"]
    rows = [
        [
            row.probe,
            statement(texts, row.probe),
            str(row.countries) if several else majority[row.probe],
            str(row.cells),
            *(percent(getattr(row, f"mean_{term}")) for term in terms),
            points(row.adds),
        ]
        for row in found.itertuples()
    ]
    return rows, ["probe", "statement", "countries" if several else "majority", "cells", *head, "adds"]


def _describe_absent(results: Results, traced: Traced) -> str:
    """Probes that have no part in the number, with the reasons."""
    countries = sorted(traced.cells["country"].unique())
    dropped = count_dropped(results.dropped, countries)
    lines = [f"{row.country}: {', '.join(row.probes)}, because {row.reason}." for row in dropped.itertuples()]
    left_out = list_left_out(results.bank_with_kinds, results.criteria)
    for setting, number in left_out["reason"].value_counts(sort=False).items():
        lines.append(f"{number} of the bank's {len(results.bank)} probes, left out by probes.{setting}.")
    absent = traced.cells[traced.cells["left_out"] != ""]
    for reason, cells in absent.groupby("left_out"):
        names = ", ".join(dict.fromkeys(cells["probe"]))
        lines.append(f"{len(cells)} cells of {names}: {reason}.")
    return section("Not in this number", *map(paragraph, lines)) if lines else ""


def _describe_next(results: Results, traced: Traced) -> str:
    found = by_probe(traced.cells)
    if found.empty:
        return ""
    command = f"selfalign trace {results.run.name} {_options(traced.point)} --probe {found['probe'].iloc[0]}"
    return section("The evidence of a probe", command)


def _options(point: Point) -> str:
    """Options that name the point again."""
    if point.line is not None:
        return f"--table {point.table} --row {point.line}"
    first = point.terms[0]
    arms = f"--contrast {first.arm} {point.terms[1].arm}" if len(point.terms) > 1 else f"--arm {first.arm}"
    return f"{arms} --model {first.model} --language {first.language} --country {point.country}"


# The cells of one probe


def describe_cells(names: RunNames, traced: Traced, probe: str, limit: int | None, **chosen: object) -> str:
    """The cells of one probe, with what each adds to the number."""
    cells = cells_of_probe(traced.cells, probe, **chosen)
    many = len(traced.point.terms) > 1
    rows = [
        [
            cell["arm"],
            cell["country"],
            cell["source"] or "-",
            str(cell["seed"]),
            cell["template"],
            cell["majority"],
            percent(cell["p_a"]),
            "-" if pd.isna(cell["value"]) else f"{cell['value']:.4g}",
            cell["left_out"] or points(cell["adds"]),
        ]
        for _, cell in cells.iterrows()
    ]
    shown, rest = first_rows(rows, limit)
    head = ["arm", "country", "source", "seed", "frame", "majority", "model p(A)", "value", "adds"]
    total = f"Together they add {points(float(cells['adds'].sum()))} of the number's {points(traced.total)} points."
    title = f"Cells of {probe}" + (" in both arms" if many else "")
    return section(title, table(shown, head, left=(0, 1, 2, 4)), rest, paragraph(total))
