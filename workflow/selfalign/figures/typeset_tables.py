"""Step typeset_tables: the main tables and those of the figures across models, as LaTeX."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Protocol

import click
import pandas as pd
from pandas.io.formats.style import Styler

from selfalign.contrasts import is_plain
from selfalign.errors import InputError
from selfalign.figures.names import name_category, name_kinds, name_language, name_pair
from selfalign.figures.page_width import Part, count_lines, is_wide, split
from selfalign.figures.style import ENGLISH, Style, read_style
from selfalign.options import Json, Named, Words, readable
from selfalign.scoring.join_verdicts import read_main_contrasts, with_main
from selfalign.scoring.pooling import name_kind
from selfalign.scoring.schemas import (
    ALL,
    Categories,
    Contrasts,
    CountryRanks,
    Estimates,
    Kinds,
    Languages,
    MainContrasts,
)
from selfalign.tables import Table, read_table, written_aside

_LONG = 45
"""So many rows fit on a page; a table with more is a `longtable`, which breaks."""

_MINUS = "\N{MINUS SIGN}"
_PACKAGES = {"tabular": r"\usepackage{booktabs}", "longtable": r"\usepackage{booktabs, longtable}"}
_ESCAPED = str.maketrans(
    {sign: f"\\{sign}" for sign in "&%$#_{}"}
    | {"~": r"\textasciitilde{}", "^": r"\^{}", "\\": r"\textbackslash{}"}
    | {"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}"}
    # At the start of a row, LaTeX would read these as options of the row before.
    | {"[": "{[}", "*": "{*}"}
)
_SMALLEST_P = 0.001
_MEASURES = ("agreement", "alignment")


def typeset(table: pd.DataFrame, style: Style, caption: str, label: str) -> str:
    r"""A table of texts as LaTeX that is ready for \input, with the rules of booktabs, a caption and a label.

    Args:
        table: cells that are ready for LaTeX; names of rows and columns are escaped here.
        style: decides the language of the text at a page break.
        caption: as plain text.
        label: for \ref.

    Returns:
        A `table`, or a `longtable` if it has more rows than a page. The packages that it needs are in a comment. A
        table that is wider than a page has smaller letters, names in several lines, and parts below each other.
    """
    if is_wide(table):
        return _typeset_small(table, style, caption, label)
    environment = "longtable" if len(table) > _LONG else "tabular"
    text = _flatten(table).to_latex(
        hrules=True,
        column_format="l" * table.index.nlevels + "r" * len(table.columns),
        environment="longtable" if environment == "longtable" else None,
        position_float=None if environment == "longtable" else "centering",
        caption=caption.translate(_ESCAPED),
        label=label,
    )
    return _finish(text, environment, style)


def _typeset_small(table: pd.DataFrame, style: Style, caption: str, label: str) -> str:
    """A table that is wider than a page, with the arguments and the result of `typeset`."""
    parts = split(table)
    environment = "longtable" if sum(count_lines(table, part) for part in parts) > _LONG else "tabular"
    texts = [
        _flatten(table[list(part.heads)], part).to_latex(
            hrules=True,
            column_format="".join(map(_name_column, part.names)) + "r" * len(part.heads),
            environment=environment if environment == "longtable" else None,
            caption=caption.translate(_ESCAPED) if environment == "longtable" else None,
            label=label if environment == "longtable" and not number else None,
        )
        for number, part in enumerate(parts)
    ]
    size = "\\footnotesize\n\\setlength{\\tabcolsep}{3pt}\n"
    if environment == "longtable":
        # The other parts have the number of the first one, and are not in the list of tables.
        more = [text.replace(r"\caption{", r"\caption[]{", 1) for text in texts[1:]]
        text = "\\addtocounter{table}{-1}\n".join([texts[0], *more])
        return _finish(f"\\begingroup\n{size}{text}\\endgroup\n", environment, style)
    head = f"\\caption{{{caption.translate(_ESCAPED)}}}\n\\label{{{label}}}\n"
    body = "\n\\bigskip\n".join(texts)
    return _finish(f"\\begin{{table}}\n\\centering\n{head}{size}{body}\\end{{table}}\n", environment, style)


def _flatten(table: pd.DataFrame, part: Part | None = None) -> Styler:
    """A table whose names are columns, escaped, and left out where they repeat those of the row before.

    Args:
        part: widths of names and heads, if they break.
    """
    names = list(table.index.names)
    flat = table.reset_index()
    for number in range(len(names) - 1, 0, -1):
        outer = flat[names[:number]]
        flat[names[number - 1]] = flat[names[number - 1]].mask((outer == outer.shift()).all(axis=1), "")
    flat[names] = flat[names].apply(lambda column: column.str.translate(_ESCAPED))
    heads = flat.columns.str.translate(_ESCAPED)
    if part:
        for name, width in zip(names, part.names, strict=True):
            flat[name] = flat[name].where(flat[name].eq("") | (width is None), r"\raggedright " + flat[name])
        widths = [None] * len(names) + list(part.heads.values())
        heads = [_break_head(head, width) for head, width in zip(heads, widths, strict=True)]
    return flat.set_axis(heads, axis=1).style.hide(axis="index")


def _name_column(width: float | None) -> str:
    return "l" if width is None else f"p{{{width:.1f}pt}}"


def _break_head(head: str, width: float | None) -> str:
    """The head of a column of numbers in lines above each other, as wide as the numbers."""
    return head if width is None else rf"\parbox[b]{{{width:.1f}pt}}{{\raggedleft {head}}}"


def _finish(text: str, environment: str, style: Style) -> str:
    """A table with its packages in a comment, the text at a page break, and minus signs in mathematics."""
    text = text.replace("Continued on next page", style.text("latex.continued"))
    return f"% {_PACKAGES[environment]}\n{text}".replace(_MINUS, "$-$")


def write_caption(name: str, table: pd.DataFrame, style: Style, language: str) -> str:
    """The caption of a table: what it shows in which unit, what the intervals are, and how many units it is over.

    Args:
        name: of the table.
        table: with the schema of `LATEX_TABLES`.
        style: decides the language and the names.
    """
    rows = CHOSEN.get(name, lambda table, _: table)(table, language)
    compared = rows["against"].fillna("") if "against" in rows else rows["arm"]
    against = compared[(compared != "") & (compared != rows["arm"])]
    words = {
        "language": style.language_name(language),
        "arm": style.arm(rows["arm"].iloc[0]),
        "baseline": style.arm(against.iloc[0]) if len(against) else "",
    }
    sizes = [
        f"{style.text(f'latex.{column}')}: {_range(rows[column], style)}."
        for column in ("probes", "batteries", "respondents")
        if column in rows
    ]
    brackets = _explain_brackets(rows, style)
    return " ".join(filter(None, [style.text(f"captions.{name}", **words), brackets, *sizes]))


def _explain_brackets(rows: pd.DataFrame, style: Style) -> str:
    """What the numbers in brackets are: main intervals, for the mean of the countries or all rows, or those by battery.

    Args:
        rows: that are shown. Those with a column main have main intervals.
        style: has the texts, and what the intervals cover.
    """
    if "main" in rows and style.has_main:
        main = style.text("latex.brackets_main", level=style.level_name())
        return f"{main} {style.text('bars_countries')}" if rows["main"].isna().any() else main
    covered = style.listed([style.text(f"covers.{name}") for name in style.covers])
    return style.text("latex.brackets", level=style.level_name(), covered=covered) if style.covers else ""


def choose_agreement(table: pd.DataFrame, language: str) -> pd.DataFrame:
    """The rows of `Estimates` that are shown: both measures in one language, for the mean of the countries."""
    rows = table[(table["country"] == ALL) & (table["language"] == language)]
    return rows[rows["measure"].isin(_MEASURES)]


def choose_contrasts(table: pd.DataFrame, language: str) -> pd.DataFrame:
    """The rows of `Contrasts` that are shown: also no difference between models, languages or differences."""
    rows = choose_agreement(table, language)
    return rows[is_plain(rows)]


CHOSEN = {"agreement": choose_agreement, "contrasts": choose_contrasts}
"""Tables of which some rows are shown. The others are tables of figures, which have only rows that are shown."""


def lay_out_agreement(table: pd.DataFrame, style: Style, language: str) -> pd.DataFrame:
    """A row per model and arm: agreement and soft alignment in percent, for the mean of the countries."""
    rows = _name_models(choose_agreement(table, language), style)
    rows = rows[rows["arm"].isin(style.labels["arms"])]
    rows = rows.assign(second=rows["arm"].map(style.arm), text=[_share(row, style) for row in rows.itertuples()])
    head = [style.text("latex.model"), style.text("latex.arm")]
    found = _spread(rows, ["first", "second"], "measure", head, [*_MEASURES])
    sizes = rows[rows["measure"] == "agreement"].set_index(["first", "second"])[["probes", "batteries"]].astype(str)
    sizes = sizes.rename_axis(index=head)
    names = {name: style.text(f"measures.{name}") for name in _MEASURES}
    names |= {name: style.text(f"latex.{name}") for name in sizes.columns}
    return found.join(sizes).rename(columns=names)


def lay_out_contrasts(table: pd.DataFrame, style: Style, language: str) -> pd.DataFrame:
    """A row per model and difference between two arms: both measures with main intervals, and p of the agreement.

    Args:
        table: as `read_main_contrasts` returns it. Only the mean of the countries is shown, and no difference between
            models, languages or differences.
    """
    rows = _name_models(with_main(choose_contrasts(table, language)), style)
    rows = rows.assign(second=[name_pair(row.arm, row.against, style) for row in rows.itertuples()])
    head = [style.text("latex.model"), style.text("latex.pair")]
    tests = rows[rows["measure"] == "agreement"].assign(measure="test")
    tests = tests.assign(text=[_test(value, style) for value in tests["main_p_holm"]])
    names = {"agreement": style.text("measures.agreement"), "test": style.text("latex.test")}
    names |= {"alignment": style.text("measures.alignment")}
    found = _spread(pd.concat([_with_points(rows, style), tests]), ["first", "second"], "measure", head, list(names))
    return found.rename(columns=names)


def lay_out_gains(table: pd.DataFrame, style: Style, _: str) -> pd.DataFrame:
    """A row per model, a column per selector."""
    table = table.assign(column=table["arm"].map(style.arm))
    return _by_model(table, style)


def lay_out_margins(table: pd.DataFrame, style: Style, _: str) -> pd.DataFrame:
    """A row per model, a column per arm minus its control."""
    names = [name_pair(row.arm, row.against, style) for row in table.itertuples()]
    return _by_model(table.assign(column=names), style)


def lay_out_gains_by_country(table: pd.DataFrame, style: Style, _: str) -> pd.DataFrame:
    """A row per selector and country, a column per model."""
    countries = style.in_order(table["country"])
    rows = with_main(table[table["country"].isin(countries)])
    rows = rows.assign(place=rows["country"].map(countries.index), column=rows["model"].map(style.model))
    rows = rows.assign(first=rows["arm"].map(style.arm), second=rows["country"].map(style.country))
    rows = _in_order_of_arms(rows, ["place"])
    head = [style.text("latex.arm"), style.text("latex.country")]
    return _spread(_with_points(rows, style), ["first", "second"], "column", head, _models(rows, style))


def lay_out_languages(table: pd.DataFrame, style: Style, language: str) -> pd.DataFrame:
    """A row per arm, model and country: the gain in one language, in the country's own, and their difference.

    Args:
        table: of the figure languages.
        language: the language that all countries share.
    """
    countries = style.in_order(table["country"])
    rows = _name_models(table[table["country"].isin(countries)], style)
    rows = rows.assign(place=rows["country"].map(countries.index), second=rows["country"].map(style.country))
    columns = [name_language(language, style), name_language("own", style), style.text("latex.difference")]
    kind = (rows["language"] != language).astype(int) + (rows["language"] != rows["against_language"])
    rows = rows.assign(column=kind.map(dict(enumerate(columns))), zeroth=rows["arm"].map(style.arm))
    rows = _in_order_of_arms(rows, ["number", "place"])
    head = [style.text("latex.arm"), style.text("latex.model"), style.text("latex.country")]
    keys = ["zeroth", "first", "second"]
    if rows["arm"].nunique() == 1:
        keys, head = keys[1:], head[1:]
    return _spread(_with_points(rows, style), keys, "column", head, columns)


def lay_out_categories(table: pd.DataFrame, style: Style, _: str) -> pd.DataFrame:
    """A row per selector and category with the number of its batteries, a column per model."""
    batteries = table.groupby("category")["batteries"].max()
    names = {category: f"{name_category(category, style)} ({batteries[category]})" for category in batteries.index}
    rows = table.assign(first=table["arm"].map(style.arm), second=table["category"].map(names))
    rows = _in_order_of_arms(rows.assign(column=rows["model"].map(style.model)), ["second"])
    head = [style.text("latex.arm"), style.text("latex.category")]
    return _spread(_with_points(rows, style), ["first", "second"], "column", head, _models(rows, style))


def lay_out_kinds(table: pd.DataFrame, style: Style, _: str) -> pd.DataFrame:
    """A row per language and kind of model or difference of two kinds, a column per selector."""
    rows = table[table["model"] == table["kind"].map(name_kind)]
    rows = rows.assign(
        first=[name_language(language, style) for language in rows["language"]],
        second=[name_kinds(row.model, row.against_model, row.models, style) for row in rows.itertuples()],
        column=rows["arm"].map(style.arm),
        differs=rows["against_model"] != rows["model"],
        own=rows["language"] == "own",
    )
    arms = list(dict.fromkeys(rows["column"]))
    rows = rows.sort_values(["own", "differs", "model"], kind="stable")
    head = [style.text("latex.language"), style.text("latex.kind")]
    return _spread(_with_points(rows, style), ["first", "second"], "column", head, arms)


def lay_out_country_ranks(table: pd.DataFrame, style: Style, _: str) -> pd.DataFrame:
    """A row per model and country, by similarity: the similarity in percent, and the rank with its confidence set."""
    rows = _name_models(table.assign(place=table["rank"]), style)
    rows = rows.sort_values(["number", "similarity"], ascending=[True, False], kind="stable")
    rows = rows.assign(second=rows["country"].map(style.country), estimate=rows["similarity"])
    similar = rows.assign(column=style.text("latex.similarity"), text=[_share(row, style) for row in rows.itertuples()])
    ranks = rows.assign(column=style.text("latex.rank"), text=[_rank(row) for row in rows.itertuples()])
    head = [style.text("latex.model"), style.text("latex.country")]
    return _spread(pd.concat([similar, ranks]), ["first", "second"], "column", head)


LATEX_TABLES: dict[str, tuple[type[Table], Callable[[pd.DataFrame, Style, str], pd.DataFrame]]] = {
    "agreement": (Estimates, lay_out_agreement),
    "contrasts": (Contrasts, lay_out_contrasts),
    "gains": (MainContrasts, lay_out_gains),
    "gains_by_country": (MainContrasts, lay_out_gains_by_country),
    "languages": (Languages, lay_out_languages),
    "categories": (Categories, lay_out_categories),
    "kinds": (Kinds, lay_out_kinds),
    "margins": (MainContrasts, lay_out_margins),
    "country_ranks": (CountryRanks, lay_out_country_ranks),
}
"""Tables that can be typeset: the schema of their file, and how they are laid out."""


def _by_model(table: pd.DataFrame, style: Style) -> pd.DataFrame:
    """A row per model, and the columns `column` of a table in its order."""
    rows = _with_points(_name_models(with_main(table), style), style)
    return _spread(rows, ["first"], "column", [style.text("latex.model")], dict.fromkeys(table["column"]))


def _name_models(rows: pd.DataFrame, style: Style) -> pd.DataFrame:
    """Rows in the order of the run's models and arms, with columns number (of the model) and first (its label)."""
    models, arms = ({name: number for number, name in enumerate(style.labels[kind])} for kind in ("models", "arms"))
    rows = rows.assign(number=rows["model"].map(models), first=rows["model"].map(style.model))
    return rows.assign(rank=rows["arm"].map(arms)).sort_values(["number", "rank"], kind="stable")


def _in_order_of_arms(rows: pd.DataFrame, then: list[str]) -> pd.DataFrame:
    """Rows by arm, arms in the order in which they come, and by other columns within an arm."""
    order = list(dict.fromkeys(rows["arm"]))
    return rows.assign(rank=rows["arm"].map(order.index)).sort_values(["rank", *then], kind="stable")


def _models(rows: pd.DataFrame, style: Style) -> list[str]:
    return [label for name, label in style.labels["models"].items() if name in set(rows["model"])]


def _with_points(rows: pd.DataFrame, style: Style) -> pd.DataFrame:
    return rows.assign(text=[_points(row, style) for row in rows.itertuples()])


def _spread(
    rows: pd.DataFrame, keys: list[str], column: str, head: list[str], columns: Iterable[str] | None = None
) -> pd.DataFrame:
    """A wide table of the column `text`, rows and columns in the order in which they come; empty cells are empty."""
    found = rows.set_index([*keys, column])["text"]
    wide = found.unstack(column).reindex(found.index.droplevel(column).unique())
    wide = wide.reindex(columns=list(dict.fromkeys(rows[column])) if columns is None else list(columns))
    return wide.fillna("").rename_axis(index=head, columns=None)


class _Estimate(Protocol):
    """A row of a table of estimates, with its interval."""

    estimate: float
    low: float
    high: float


class _Ranked(Protocol):
    """A country's rank, with its confidence set; the cells are empty for a country that is not ranked."""

    place: float
    rank_low: float
    rank_high: float


def _points(row: _Estimate, style: Style) -> str:
    """A difference in percentage points with its interval."""
    value, low, high = (style.points(number, "+.1f") for number in (row.estimate, row.low, row.high))
    return _interval(value, low, high, row.low)


def _share(row: _Estimate, style: Style) -> str:
    """A share in percent with its interval."""
    value, low, high = (style.number(100 * number, ".1f") for number in (row.estimate, row.low, row.high))
    return _interval(value, low, high, row.low)


def _rank(row: _Ranked) -> str:
    """A rank with its confidence set; empty for a country that is not ranked."""
    return "" if pd.isna(row.place) else f"{row.place:.0f} [{row.rank_low:.0f}, {row.rank_high:.0f}]"


def _interval(value: str, low: str, high: str, known: float) -> str:
    return value if pd.isna(known) else f"{value} [{low}, {high}]"


def _range(values: pd.Series, style: Style) -> str:
    """The least and the greatest of some counts, or the one that they share."""
    low, high = (f"{value:.0f}" for value in (values.min(), values.max()))
    return low if low == high else style.text("latex.range", low=low, high=high)


def _test(value: float, style: Style) -> str:
    if pd.isna(value):
        return ""
    return f"$<${style.number(_SMALLEST_P, '.3f')}" if value < _SMALLEST_P else style.number(value, ".3f")


def _read(name: str, file: Path, verdicts: Path | None) -> pd.DataFrame:
    """A table to typeset. The table contrasts gets its main intervals from the verdicts."""
    if name != "contrasts":
        return read_table(file, LATEX_TABLES[name][0])
    if verdicts is None:
        raise InputError("--verdicts", "the table contrasts has the main intervals of this file", "Name the file")
    return read_main_contrasts(file, verdicts)


@click.command()
@click.option("--table", "tables", type=Named(), multiple=True, help="NAME=FILE of a table (CSV).")
@click.option("--verdicts", type=readable, help="Verdicts (CSV), for the main intervals of the table contrasts.")
@click.option("--language", required=True, help="The language that the tables show, ISO 639-1.")
@click.option("--style", type=Json(dict[str, Any]), required=True, help="Names and intervals, as JSON.")
@click.option("--texts", type=readable, default=ENGLISH, help="Texts of the figures (YAML).")
@click.option("--outputs", type=Words(Path), required=True, help="Files to write, a name each (LaTeX).")
def command(
    tables: tuple[tuple[str, Path], ...],
    verdicts: Path | None,
    language: str,
    style: dict[str, Any],
    texts: Path,
    outputs: list[Path],
) -> None:
    """Write the main tables and those of the figures across models as LaTeX."""
    look, given = read_style(style, texts), dict(tables)
    for output in outputs:
        if output.stem not in LATEX_TABLES or output.stem not in given:
            raise InputError(
                "--outputs", f"no table {output.stem} is given", f"Known values: {', '.join(LATEX_TABLES)}"
            )
        _, lay_out = LATEX_TABLES[output.stem]
        table = _read(output.stem, given[output.stem], verdicts)
        caption = write_caption(output.stem, table, look, language)
        text = typeset(lay_out(table, look, language), look, caption, f"tab:{output.stem}")
        with written_aside(output) as aside:
            aside.write_text(text, encoding="utf-8")
