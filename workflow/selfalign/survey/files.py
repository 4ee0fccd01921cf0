"""Opening of survey files: CSV, SPSS (.sav) or Stata (.dta), each plain or in a zip.

A text file may be as Excel or R writes it: with semicolons or tabs, in UTF-16, or below a line such as `sep=;`.

Only the columns that are asked for are read, as text, and each distinct value once. So a file of 100,000 respondents
and 600 columns takes seconds, and the encoding of free-text answers does not matter.
"""

import codecs
import csv
import lzma
import re
import shutil
import tempfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, BinaryIO, NamedTuple

import pandas as pd
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyreadstat

from selfalign.errors import InputError
from selfalign.tables import find_separator

FILE_SUFFIXES = (".csv", ".sav", ".dta")
TEXT = (".csv", ".txt", ".tsv")
"""Suffixes of text files; Excel saves "Unicode text" as .txt. In a zip, only .csv counts: a .txt is a readme there."""

LARGEST = 16 * 2**30
"""Bytes of the largest file that is unzipped; the published ones have 0.2 to 2 GB."""

_RATIO = 300
_LINES = 20  # of a header
_READ_ROW = "Correct the row (a quote may be left open), or give the file as it was downloaded"
_DOWNLOAD = "Give the file as it was downloaded"
_R = 'In R, write it as CSV: write.csv(data, "survey.csv", row.names = FALSE)'
_EXCEL = 'In a spreadsheet program, save the sheet as "CSV UTF-8"'
_UNPACK = "Unpack it, and give the file that was in it"
_CONVERT = {
    **dict.fromkeys((".rds", ".rdata", ".rda"), _R),
    **dict.fromkeys((".xlsx", ".xls", ".ods"), _EXCEL),
    **dict.fromkeys((".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar", ".tar"), _UNPACK),
}
"""How to turn a file of another format into one of ours."""


@dataclass(frozen=True)
class TextLayout:
    """How the cells of a text file are laid out.

    Attributes:
        separator: the character between two cells.
        above: number of lines above the header; 1 where the first line is Excel's `sep=;`, else 0.
    """

    separator: str
    above: int = 0


@dataclass(frozen=True)
class SurveyFile:
    """A survey file that was opened.

    Attributes:
        path: the file that the user gave; named in messages.
        data: the file with the data: the same one, or a copy that was unzipped or converted to UTF-8.
        names: its columns.
        layout: of a text file; None of SPSS and Stata files.
        accepted: counts of what differs from the published files and was accepted, by description, for the log. The
            parsers fill it.
    """

    path: Path
    data: Path
    names: list[str]
    layout: TextLayout | None = None
    accepted: Counter[str] = field(default_factory=Counter)

    @property
    def header_line(self) -> int:
        """The line on which the names of the columns are."""
        return 1 + (self.layout.above if self.layout else 0)

    def read(self, names: list[str]) -> pd.DataFrame:
        """Some columns, as categories of text, blank where there is no value; indexed by record, the header being 1.

        SPSS and Stata numbers are written as short as they can be (`1`, `0.25`), Stata's extended missing values as
        `.a` to `.z`.

        Raises:
            InputError: a row is too short or too long, or the file cannot be read.
        """
        if self.layout is not None:
            table = _read_csv(self.path, self.data, self.layout, self.names, names)
        else:
            table = _read_labelled(self.path, self.data, names)
        return table.set_index(pd.RangeIndex(2, len(table) + 2))

    def line(self, record: int) -> int:
        """Line of a CSV on which a record begins, the header being record 1; of other files, the record itself."""
        if self.layout is None:
            return record
        for place, (line, _) in enumerate(_rows(self.data, self.layout), start=1):
            if place == record:
                return line
        return record


@contextmanager
def open_survey(path: Path, scratch: Path) -> Iterator[SurveyFile]:
    """Open a survey file. Unzipped and converted copies are in `scratch` until it is closed.

    Raises:
        InputError: the file is missing, empty, of another format, a zip that is broken, locked, unsafe or without
            exactly one survey file, or its header cannot be read.
    """
    if not path.is_file():
        raise InputError(path, "there is no such survey file", "Check the file of this survey in the config")
    scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".unzipped-", dir=scratch) as folder:
        data = _unzip(path, Path(folder)) if path.suffix.lower() == ".zip" else path
        kind = data.suffix.lower()
        if kind not in (*FILE_SUFFIXES, *TEXT):
            remedy = _CONVERT.get(kind, "Download it in one of these formats")
            raise InputError(path, f"is not one of {', '.join(FILE_SUFFIXES)}, nor a .zip with one", remedy)
        if data.stat().st_size == 0:
            raise InputError(path, "the file is empty", _DOWNLOAD)
        if kind in TEXT:
            data = _as_bytes_per_letter(path, data, Path(folder))
            layout = _find_layout(path, data)
            yield SurveyFile(path, data, _csv_header(path, data, layout), layout)
        else:
            yield SurveyFile(path, data, list(_read_stat(path, data, metadataonly=True)[1].column_names))


def _unzip(path: Path, folder: Path) -> Path:
    """The one survey file of an archive, written into `folder` under a name of ours."""
    try:
        with zipfile.ZipFile(path) as archive:
            member = _choose_member(path, archive.infolist())
            data = folder / f"survey{PurePosixPath(member.filename).suffix.lower()}"
            with archive.open(member) as source, data.open("wb") as target:
                shutil.copyfileobj(source, target, length=2**20)
    except (zipfile.BadZipFile, EOFError, OSError, zlib.error, lzma.LZMAError) as error:
        raise InputError(
            path, f"is not a whole zip archive ({error})", "Download it again, or unzip it and give what was in it"
        ) from None
    except (RuntimeError, NotImplementedError) as error:  # it has a password, or a compression that Python lacks
        raise InputError(path, f"cannot be unzipped here ({error})", "Unzip it, and give what was in it") from None
    return data


def _choose_member(path: Path, members: list[zipfile.ZipInfo]) -> zipfile.ZipInfo:
    """The only survey file of an archive that is safe to unzip."""
    for member in members:
        place = PureWindowsPath(member.filename)  # which knows both slashes, and drives
        if place.anchor or ".." in place.parts:
            raise InputError(
                path,
                "a member of this archive would be written outside of it",
                "Do not trust this archive; download it from the survey's own site",
                value=member.filename,
            )
    surveys = [member for member in members if _is_survey(member)]
    if len(surveys) != 1:
        raise _not_one_survey(path, surveys, [member for member in members if not member.is_dir()])
    size, packed = surveys[0].file_size, max(surveys[0].compress_size, 1)
    if size > LARGEST or (size > 2**24 and size / packed > _RATIO):
        raise InputError(
            path,
            f"{surveys[0].filename} would unzip to {size:,} bytes from {packed:,}, which no survey does",
            "Do not trust this archive; if it is sound, unzip it and give what was in it",
        )
    return surveys[0]


def _is_survey(member: zipfile.ZipInfo) -> bool:
    """Whether a member may be a survey: neither a folder nor a hidden file, also not one of macOS."""
    place = PurePosixPath(member.filename)
    hidden = place.name.startswith(".") or member.filename.startswith("__MACOSX/")
    return place.suffix.lower() in FILE_SUFFIXES and not member.is_dir() and not hidden


def _not_one_survey(path: Path, surveys: list[zipfile.ZipInfo], files: list[zipfile.ZipInfo]) -> InputError:
    """The error of an archive with no survey among its files, or with several."""
    shown = surveys or files
    found = f"; it has {', '.join(member.filename for member in shown[:10])}" if shown else ""
    problem = f"holds {len(surveys)} survey files ({', '.join(FILE_SUFFIXES)}) where one was expected{found}"
    kinds = sorted({PurePosixPath(member.filename).suffix.lower() for member in shown} & set(_CONVERT))
    if kinds and not surveys:
        how = _CONVERT[kinds[0]]
        return InputError(path, problem, f"Download the CSV, SPSS or Stata file instead, or convert this one. {how}")
    return InputError(path, problem, "Unzip it, and give the one that is meant")


# CSV


def _as_bytes_per_letter(path: Path, data: Path, folder: Path) -> Path:
    """The file itself, or a copy in UTF-8 of one in UTF-16, which Excel calls Unicode text."""
    with data.open("rb") as file:
        head = file.read(4)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    elif len(head) > 1 and b"\0" in (head[:1], head[1:2]):
        encoding = "utf-16-be" if head[:1] == b"\0" else "utf-16-le"
    else:
        return data
    copy = folder / "survey.csv"
    try:
        with data.open(encoding=encoding, newline="") as source, copy.open("w", encoding="utf-8", newline="") as target:
            shutil.copyfileobj(source, target, length=2**20)
    except UnicodeError as error:
        raise InputError(path, f"is not text in UTF-16 ({error})", 'Save it as "CSV UTF-8"') from None
    return copy


def _find_layout(path: Path, data: Path) -> TextLayout:
    """Separator and first line, as the header shows them, or a line `sep=;` above the header.

    Raises:
        InputError: there is one column only, the header has no names, or the file is no text.
    """
    with data.open("rb") as file:
        first = file.readline(2**20)
        declared = re.fullmatch(rb'(?:\xef\xbb\xbf)?"?sep=(.)"?[\r\n]*', first, re.DOTALL | re.IGNORECASE)
        head = _read_on(file, file.readline(2**20) if declared else first)
        following = file.readline(2**20)
    if b"\0" in head:
        raise InputError(path, "is not text, or in an encoding that is not known", 'Save it as "CSV UTF-8"', row=1)
    header = _decode(head).removeprefix("\ufeff")
    separator = declared[1].decode("latin-1") if declared else find_separator(header, _decode(following))
    row = 2 if declared else 1
    if separator not in header:
        what = f'the character that the line "sep={separator}" declares' if declared else "a comma, semicolon or tab"
        raise InputError(
            path,
            f"the header has one column only; expected columns with {what} between them",
            "Save it as CSV with commas, or give the file as it was downloaded",
            row=row,
            value=header.strip()[:60],
        )
    if not header.replace(separator, "").strip(' "\r\n'):
        raise InputError(
            path,
            "the first row is empty; expected the names of the columns",
            "Delete the empty rows above the names",
            row=row,
        )
    return TextLayout(separator, row - 1)


def _read_on(file: BinaryIO, line: bytes) -> bytes:
    """The whole header, if the first name is in quotes and has line ends; else its first line."""
    if not line.removeprefix(codecs.BOM_UTF8).startswith(b'"'):
        return line
    start, header = file.tell(), line
    for _ in range(_LINES):
        if header.count(b'"') % 2 == 0:
            return header
        header += file.readline(2**20)
    file.seek(start)
    return line


def _rows(data: Path, layout: TextLayout) -> Iterator[tuple[int, list[str]]]:
    """Each record of a CSV that is no blank line, with the line on which it begins; the header is the first."""
    csv.field_size_limit(2**31 - 1)
    with data.open(encoding="latin-1", newline="") as file:
        for _ in range(layout.above):
            file.readline()
        reader = csv.reader(file, delimiter=layout.separator)
        line = 1 + layout.above
        for row in reader:
            if row:
                yield line, row
            line = reader.line_num + 1 + layout.above


def _csv_header(path: Path, data: Path, layout: TextLayout) -> list[str]:
    """Names of the columns, without the label that the survey's Excel files add: `Q1: Important in life` is Q1.

    If several columns would have the same name without their labels, their labels are kept.
    """
    (_, header), *below = islice(_rows(data, layout), 3)
    if len(below) == 2 and any('"ImportId"' in cell for cell in below[1][1]):
        problem = "has two rows of descriptions below the names of the columns, as Qualtrics writes them"
        raise InputError(path, problem, "Delete these two rows", row=below[0][0])
    whole = [_decode(name.encode("latin-1")).removeprefix("\ufeff").strip().strip('"') for name in header]
    short = [labelled[1] if (labelled := re.match(r"(\w+): ", name)) else name for name in whole]
    names = [name if short.count(name) == 1 else other for name, other in zip(short, whole, strict=True)]
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        remedy = "Rename one of the two, or give the file as it was downloaded"
        raise InputError(path, "this column is there twice", remedy, row=1 + layout.above, column=twice[0])
    return [name or f"(column {place})" for place, name in enumerate(names, start=1)]


def _read_csv(path: Path, data: Path, layout: TextLayout, header: list[str], names: list[str]) -> pd.DataFrame:
    form = {"column_names": header, "skip_rows": layout.above, "skip_rows_after_names": 1, "block_size": 2**24}
    try:
        table = arrow_csv.read_csv(
            data,
            read_options=arrow_csv.ReadOptions(**form),
            parse_options=arrow_csv.ParseOptions(delimiter=layout.separator, newlines_in_values=True),
            convert_options=arrow_csv.ConvertOptions(
                include_columns=names,
                column_types={name: pa.dictionary(pa.int32(), pa.binary()) for name in names},
                strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid as error:
        raise _diagnose(path, data, layout, len(header), error) from None
    if table.num_rows + 1 + layout.above < _count_lines(data):
        _check_quotes(path, data, layout)
    return pd.DataFrame({name: _as_text(table.column(name).to_pandas()) for name in names})


def _count_lines(data: Path) -> int:
    with data.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(2**20), b""))


def _check_quotes(path: Path, data: Path, layout: TextLayout) -> None:
    """Refuse an open quote that swallowed rows. The next quote ends it, in the same column of a later row.

    So its field has the separators of whole rows: those after the open quote, and in the last line those before the
    next quote. A text of several lines has others.
    """
    for line, row in _rows(data, layout):
        for place, cell in enumerate(row):
            first, *others = (part.count(layout.separator) for part in cell.rstrip("\n").split("\n"))
            whole = len(row) - 1
            if others and first == whole - place and others[-1] == place and set(others[:-1]) <= {whole}:
                raise InputError(path, f"field {place + 1} of the row holds other rows", _READ_ROW, row=line)


def _as_text(column: pd.Series) -> pd.Series:
    values = pd.Series([_decode(value) for value in column.cat.categories], dtype=object)
    if values.is_unique:
        return column.cat.rename_categories(pd.Index(values, dtype=object))
    return column.astype(object).map(dict(zip(column.cat.categories, values, strict=True))).astype("category")


def _decode(value: bytes) -> str:
    """A cell as text: in UTF-8, or else in Windows-1252."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("cp1252", "backslashreplace")


def _diagnose(path: Path, data: Path, layout: TextLayout, width: int, error: Exception) -> InputError:
    """Which line of a CSV could not be read."""
    line = 1
    for line, row in _rows(data, layout):
        if len(row) != width:
            return InputError(path, f"the row has {len(row)} fields, and the header {width}", _READ_ROW, row=line)
    if line == 1 + layout.above:
        return InputError(path, "has a header but no respondents", _DOWNLOAD)
    return InputError(path, f"cannot be read as CSV ({' '.join(str(error).split())})", _READ_ROW)


# SPSS and Stata


def _read_labelled(path: Path, data: Path, names: list[str]) -> pd.DataFrame:
    table, about = _read_stat(path, data, usecols=names, user_missing=True)
    return pd.DataFrame({name: _as_categories(table[name], _is_text(about, name)) for name in names})


def _is_text(about: pyreadstat.metadata_container, name: str) -> bool:
    """Whether a column of an SPSS or Stata file has texts, not numbers."""
    return bool(about.readstat_variable_types[name] == "string")


def _as_categories(column: pd.Series, text: bool) -> pd.Categorical:
    places, values = pd.factorize(column, use_na_sentinel=False)
    return pd.Series([_as_short(value, text) for value in values], dtype=object).take(places).astype("category").array


def _read_stat(path: Path, data: Path, **settings: Any) -> tuple[pd.DataFrame, pyreadstat.metadata_container]:
    read = pyreadstat.read_sav if data.suffix.lower() == ".sav" else pyreadstat.read_dta
    try:
        try:
            return read(data, disable_datetime_conversion=True, **settings)
        except pyreadstat.ReadstatError as error:
            if "encoding" not in str(error):
                raise
            return read(data, disable_datetime_conversion=True, encoding="latin1", **settings)
    except Exception as error:  # what it raises on a damaged file is of many kinds
        raise InputError(path, f"cannot be read as {data.suffix} ({error})", "Download it again") from None


def _as_short(value: object, text: bool) -> str:
    """A value as text: whole numbers without decimals, extended missing values of Stata with their dot.

    Args:
        value: as `pyreadstat` gives it. In a column of numbers, a letter is an extended missing value.
        text: whether the column has texts.
    """
    if isinstance(value, float):
        return "" if value != value else repr(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, str) and not text:
        return f".{value}"
    return "" if value is None else str(value)


class ColumnLabels(NamedTuple):
    """What a file declares for a column.

    Attributes:
        label: of the column.
        values: the labels of values.
        missing: ranges of values that are declared as missing, each as its lowest and highest value.
    """

    label: str
    values: dict[str, str]
    missing: list[tuple[str, str]]


UNLABELLED = ColumnLabels("", {}, [])
"""Of a column for which a file declares nothing."""


def read_labels(survey: SurveyFile) -> dict[str, ColumnLabels]:
    """Labels and missing values that an SPSS or Stata file declares for its columns; empty for a text file.

    Returns:
        By name of the column. Values are written as `SurveyFile.read` writes them.
    """
    if survey.data.suffix.lower() not in (".sav", ".dta"):
        return {}
    _, about = _read_stat(survey.path, survey.data, metadataonly=True)
    return {name: _read_facts(about, name) for name in survey.names}


def _read_facts(about: pyreadstat.metadata_container, name: str) -> ColumnLabels:
    text = _is_text(about, name)

    def write(value: object) -> str:
        return _as_short(float(value) if isinstance(value, int) else value, text)

    ranges = [one if isinstance(one, dict) else {"lo": one, "hi": one} for one in about.missing_ranges.get(name, [])]
    return ColumnLabels(
        about.column_names_to_labels.get(name) or "",
        {write(value): label for value, label in about.variable_value_labels.get(name, {}).items()},
        [(write(one["lo"]), write(one["hi"])) for one in ranges],
    )
