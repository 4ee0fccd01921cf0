"""Step adopt_arora: a user's own copy of the probes of Arora et al. (2023) in one language, as our wordings."""

from pathlib import Path
from typing import Any

import click
import pandas as pd

from selfalign.errors import InputError, did_you_mean
from selfalign.options import readable, writable
from selfalign.probes.arora import (
    MASK,
    AroraLog,
    AroraRepairs,
    AroraRows,
    Change,
    ProbeWording,
    clean_cell,
    digest,
    find_old,
    per_row,
    word_probe,
)
from selfalign.probes.bank import BLANK
from selfalign.probes.schemas import Texts
from selfalign.tables import cell_error, read_input, write_table

_COLUMNS = ["row", "question", "sentence", "label_1", "label_2"]
_CELLS = _COLUMNS[2:]


def read_copy(path: Path) -> pd.DataFrame:
    """A file of the release: tabs between the columns, a line of header.

    Raises:
        InputError: the file is missing, is not UTF-8, or has other columns.

    Returns:
        Columns row, question, sentence, label_1 and label_2, all of them text; the index of a row is its line less 2.
    """
    settings = {"sep": "\t", "dtype": str, "keep_default_na": False, "skip_blank_lines": False}
    remedy = "Take the file as it was released"
    try:
        table = pd.read_csv(path, encoding="utf-8-sig", **settings)
    except FileNotFoundError:
        raise InputError(path, "there is no such file", "Put your copy there, or correct probes.arora") from None
    except UnicodeDecodeError:
        raise InputError(path, "is not UTF-8", "Save it as UTF-8") from None
    except pd.errors.EmptyDataError:
        raise InputError(path, "the file is empty", remedy) from None
    except (OSError, ValueError) as error:
        raise InputError(path, f"cannot be read as a table ({error})", remedy) from None
    if len(table.columns) != len(_COLUMNS) or not isinstance(table.index, pd.RangeIndex):
        raise InputError(
            path,
            f"has {len(table.columns)} columns in its header, or rows that are longer; expected {len(_COLUMNS)} columns"
            " with tabs between them: row, question, sentence, label 1, label 2",
            remedy,
            row=1,
        )
    table = table.set_axis(_COLUMNS, axis=1).fillna("")
    table[["row", "question"]] = table[["row", "question"]].apply(lambda column: column.str.strip())
    return table[~table.isin([""]).all(axis=1)]


def check_copy(copy: pd.DataFrame, rows: pd.DataFrame, path: Path) -> None:
    """Refuse a copy whose rows are not those of the release.

    Raises:
        InputError: a row has an unknown number or question, is there twice, or is missing.
    """
    questions = dict(zip(rows["row"].astype(str), rows["probe"].str.removeprefix("Q"), strict=True))
    seen: set[str] = set()
    for line in copy.itertuples():
        if line.row not in questions:
            raise cell_error(path, line, "row", "the release has no such row", "Correct the number")
        if line.row in seen:
            raise cell_error(path, line, "row", "must not be repeated", "Delete one of the rows")
        if line.question != questions[line.row]:
            problem = f"row {line.row} of the release is about question {questions[line.row]}"
            raise cell_error(path, line, "question", problem, "Put the row back as it was released")
        seen.add(line.row)
    absent = [row for row in questions if row not in seen]
    if absent:
        raise InputError(
            path,
            f"{len(absent)} rows of the release are not here, the first of them {absent[0]}",
            "Take the whole file. An open quote in the file also hides rows",
            column="row",
        )


def check_language(repairs: pd.DataFrame, language: str, path: Path, file: Path) -> None:
    """Refuse a language of the release whose rows nobody has read: their defects are not known."""
    read = set(repairs["language"])
    if language not in read:
        raise InputError(
            path,
            f"the defects of this language are not known; {file} has those of {', '.join(sorted(read))}",
            f"{did_you_mean(language, read)} Or read all rows, and add their repairs there",
            value=language,
        )


def adopt(
    copy: pd.DataFrame, rows: pd.DataFrame, repairs: pd.DataFrame, language: str, path: Path, repairs_file: Path
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Wordings of the probes, and the log of what was changed for them.

    Args:
        copy: as `read_copy` gives it.
        rows: an `AroraRows` table.
        repairs: an `AroraRepairs` table.
        language: ISO 639-1 code.
        path: the copy's file.
        repairs_file: file of the repairs.

    Raises:
        InputError: a repair does not fit the words of its row, or a row lacks its one blank and two options.

    Returns:
        A `Texts` table and an `AroraLog` table, in the order of `rows`.
    """
    found = per_row(repairs, language)
    given = copy.assign(line=copy.index + 2).set_index("row")
    texts, log = [], []
    for row in rows.itertuples():
        released = given.loc[str(row.row)]
        cells = [clean_cell(cell) for cell in released[_CELLS]]
        if row.dropped:
            log.append((row.row, row.probe, "row", row.dropped, "", "dropped"))
            continue
        mine = found.get(row.row, [])
        _check_repairs(cells, mine, released["line"], path, repairs_file)
        wording = word_probe(cells[0], cells[1], cells[2], mine, language)
        _check_wording(wording, cells, released["line"], path)
        texts.append((row.probe, wording.statement, wording.option_a, wording.option_b, "drafted"))
        log += [(row.row, row.probe, *change) for change in _tell_cleaned(released[_CELLS], cells) + wording.changes]
    return (
        pd.DataFrame(texts, columns=Texts.names()),
        pd.DataFrame(log, columns=AroraLog.names()).astype({"row": "int64"}),
    )


def _tell_cleaned(given: pd.Series, cells: list[str]) -> list[Change]:
    return [
        Change(column, "html" if "&" in before and "&" not in after else "blanks", before, after)
        for column, before, after in zip(_CELLS, given, cells, strict=True)
        if before != after
    ]


def _check_repairs(cells: list[str], repairs: list[Any], line: int, path: Path, file: Path) -> None:
    for repair in repairs:
        old = find_old(cells[0], cells[1], cells[2], repair)
        if digest(old) != repair.was:
            raise InputError(
                path,
                f"the release has another text here, which line {repair.Index + 2} of {file} repairs",
                "Put the row back as it was released, or take the row out of that line",
                row=int(line),
                column={"option_a": "label 1", "option_b": "label 2"}.get(repair.column, "sentence"),
                value=old,
            )


def _check_wording(wording: ProbeWording, cells: list[str], line: int, path: Path) -> None:
    sentence, *labels = cells
    remedy = "Correct the row in your copy"
    masks = wording.statement.count(MASK) + wording.statement.count(BLANK)
    if masks != 1:
        problem = f"has {masks} masks; expected one, written {MASK}"
        raise InputError(path, problem, remedy, row=line, column="sentence", value=sentence)
    for column, option, label in zip(("label 1", "label 2"), (wording.option_a, wording.option_b), labels, strict=True):
        if not option:
            raise InputError(path, "must not be empty", remedy, row=line, column=column, value=label)
    if wording.option_a == wording.option_b:
        raise InputError(path, "is the same as label 1", remedy, row=line, column="label 2", value=labels[1])


@click.command()
@click.option("--release", type=readable, required=True, help="The release's file of the language (tab-separated).")
@click.option("--language", required=True, help="ISO 639-1 code of the language.")
@click.option("--rows", type=readable, required=True, help="What the rows of the release stand for (CSV).")
@click.option("--repairs", type=readable, required=True, help="Known defects of the release and their repairs (CSV).")
@click.option("--texts", type=writable, required=True, help="Wording of the probes (CSV).")
@click.option("--log", type=writable, required=True, help="What was repaired and dropped (CSV).")
def command(release: Path, language: str, rows: Path, repairs: Path, texts: Path, log: Path) -> None:
    """Adopt the probes of Arora et al. (2023) from a user's copy: one language as wordings of this project."""
    facts, known = read_input(rows, AroraRows), read_input(repairs, AroraRepairs)
    check_language(known, language, release, repairs)
    copy = read_copy(release)
    check_copy(copy, facts, release)
    wordings, changes = adopt(copy, facts, known, language, release, repairs)
    write_table(wordings, texts, Texts)
    write_table(changes, log, AroraLog)
    click.echo(f"{len(wordings)} probes, {len(changes)} repairs and dropped rows", err=True)
