"""Keep the small tables of runs for the pages of findings, and make the pages' figures and tables from them.

    python tools/findings.py results/study results/study_languages    # after a run: keep, draw, fill in
    python tools/findings.py                                          # draw and fill in from the kept tables

The pages are `docs/findings.md` and `docs/findings/*.md`.
Three things are made, and `tests/unit/programs/test_findings.py` checks them:

- `docs/findings/{run}/` gets `run.json` and the rows of the run's tables that the pages need (`keep_run`);
- `docs/figures/{run}_{figure}.png`, for every such figure that a page shows, is drawn from these tables;
- the tables of the pages that follow a comment are written from these tables (`tools/page_tables.py`).

At the end, the tool lists the intervals of the pages that no kept table has.
"""

import json
import re
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
import pandas as pd
from looks import draw
from map_summary import summarise
from page_tables import KeptTables, fill_tables, find_unknown
from selfalign.config.defaults import DEFAULTS, fill_in, locate_files
from selfalign.config.figures import FIGURES
from selfalign.config.pages import name_pages
from selfalign.config.read import check_settings
from selfalign.config.sections import Config
from selfalign.errors import InputError, exit_on_mistake
from selfalign.home import HOME
from selfalign.runs import RECORD, find_run
from selfalign.scoring.map_schemas import Map
from selfalign.scoring.schemas import ALL
from selfalign.tables import read_table, written_aside

DOCS = Path(__file__).resolve().parent.parent / "docs"

KEPT = (
    "agreement", "alternatives", "categories", "contrasts", "contrasts_by_readout", "country_ranks", "kinds",
    "languages", "map", "map_axes", "metrics", "mixed", "readers", "specifications", "transfer", "verdicts",
)  # fmt: skip
"""Tables that are kept of a run, if it has them."""

MAP_SUMMARY = "map_summary.csv"
"""Kept table with the distances of models and people, computed from the kept map."""

OF_COUNTRIES = {"contrasts", "country_ranks", "map", "transfer"}
"""Tables whose rows of single countries are always kept: the text counts countries. Of the others, only if a figure
of the pages has a row per country and reads the table."""

OF_AGREEMENT = {"alternatives", "contrasts_by_readout", "specifications"}
"""Tables of which the rows of the agreement alone are kept: they are long, and the pages quote no other measure."""

BY_COUNTRY = {"agreement", "margin", "gains_by_country", "languages"}
"""Figures with a row per country."""

SHOWN = re.compile(r"!\[.*?\]\((?:\.\./)?figures/(\w[\w.+-]*)\.png\)")
"""A figure of a page: the name of its file without suffix."""

LIMIT = 3_000_000
"""Bytes that the kept tables of a run may have. A repository keeps every version of them for ever."""


def list_pages(docs: Path = DOCS) -> list[Path]:
    """The pages of findings: the main page, then one for each question.

    Args:
        docs: folder of the documentation.
    """
    return [docs / "findings.md", *sorted((docs / "findings").glob("*.md"))]


def keep_run(folder: Path, kept: Path, text: str) -> Path:
    """Copy the record of a run and the rows of its tables that the pages need.

    Of each table the rows of the mean of the countries are kept. Rows of single countries are about the agreement only.

    Args:
        folder: of the run.
        kept: folder of all kept runs.
        text: of all pages.

    Returns:
        The folder of the kept tables.

    Raises:
        InputError: the tables are larger than `LIMIT`, or a figure of the pages differs if it is drawn from them.
    """
    run = find_run(str(folder.resolve()))
    record = clean_record(json.loads((run.folder / RECORD).read_text(encoding="utf-8")))
    config, to = settings_of(record), kept / run.name
    figures = {figure for figure, _ in find_drawn(text, run.name, config)}
    shutil.rmtree(to, ignore_errors=True)
    sizes = {}
    for name, files in list_tables(run.folder).items():
        table = choose_rows(pd.concat(map(read_text, files)), name, figures)
        file = to / "tables" / f"{name}.csv"
        with written_aside(file) as aside:
            table.to_csv(aside, index=False, lineterminator="\n")
        sizes[name] = file.stat().st_size
    if "map" in sizes:
        with written_aside(to / "tables" / MAP_SUMMARY) as aside:
            summary = summarise(read_table(to / "tables" / "map.csv", Map))
            summary.round(6).to_csv(aside, index=False, lineterminator="\n")
    with written_aside(to / RECORD) as aside:
        aside.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    if sum(sizes.values()) > LIMIT:
        largest = ", ".join(f"{name} {sizes[name] // 1000} kB" for name in sorted(sizes, key=sizes.get)[:-4:-1])
        raise InputError(to, f"has more than {LIMIT // 1000} kB of tables ({largest})", "Choose fewer rows to keep")
    return to


def list_tables(folder: Path) -> dict[str, list[Path]]:
    """The tables of a run that are kept, by name; those with a file for each model and language are stacked.

    Args:
        folder: of the run.
    """
    tables = folder / "tables"
    found = {name: [tables / f"{name}.csv"] for name in KEPT if (tables / f"{name}.csv").is_file()}
    stacked = {name: sorted(tables.glob(f"{name}/*/*.csv")) for name in ("readouts", "replies")}
    return found | {name: files for name, files in stacked.items() if files}


def clean_record(record: dict[str, Any]) -> dict[str, Any]:
    """The record of a run without the paths of a computer: they become relative to the project, or plain names.

    Of the models only those of the run are kept. A record never has keys: settings name their variables.

    Args:
        record: as the step record_run writes it.
    """
    config = record["config"]
    models = {name: config["models"][name] for name in config["run"]["models"]}
    return _without_paths({**record, "config": {**config, "models": models}})


def settings_of(record: dict[str, Any]) -> Config:
    """The merged settings of a kept run. Settings that are newer than the run have their defaults.

    Args:
        record: as `clean_record` returns it.
    """
    config = json.loads(json.dumps(record["config"]))
    fill_in(config, [HOME / file for file in DEFAULTS])
    check_settings(config)
    locate_files(config, HOME)
    return Config.read(config)


def choose_rows(table: pd.DataFrame, name: str, figures: set[str]) -> pd.DataFrame:
    """The rows of a table that are kept. Figures have no mean of a language that asks about one country.

    Args:
        table: as texts.
        name: of the table.
        figures: that the pages show of the run.
    """
    if name in OF_AGREEMENT:
        table = table[table["measure"] == "agreement"]
    if "country" not in table or name == "country_ranks":
        return table
    readers = {figure for figure in BY_COUNTRY & figures if name in _tables_of(figure)}
    single = table["country"] != ALL
    if name not in OF_COUNTRIES and not readers:
        return table[~single]
    measured = next((column for column in ("measure", "metric") if column in table), None)
    measures = {"agreement", "alignment"} if "margin" in readers else {"agreement"}
    if measured is None:
        return table
    alone = table[single].groupby("language")["country"].nunique() == 1
    return table[~single | table[measured].isin(measures) | table["language"].map(alone)]


def _tables_of(figure: str) -> set[str]:
    """The tables that a figure may be drawn from."""
    return {Path(file).stem for file in FIGURES[figure].reads.values()} | set(FIGURES[figure].also)


def find_drawn(text: str, run: str, config: Config) -> list[tuple[str, str]]:
    """The figures of a run that the pages of findings show: names of figures, and of their files.

    Args:
        text: of all pages.
        run: its name.
    """
    files = dict.fromkeys(SHOWN.findall(text))
    names = [file.removeprefix(f"{run}_") for file in files if file.startswith(f"{run}_")]
    pages = {page: figure for figure in FIGURES for page in name_pages(config, figure)}
    return [(pages[name], name) for name in names if name in pages]


def draw_figures(folder: Path, text: str, to: Path) -> list[Path]:
    """Draw the figures that the pages show of a run, from its tables.

    Args:
        folder: of the run, or of its kept tables.
        text: of all pages.
        to: folder of the PNG files.
    """
    config = settings_of(clean_record(json.loads((folder / RECORD).read_text(encoding="utf-8"))))
    shown = find_drawn(text, folder.name, config)
    made = []
    with TemporaryDirectory() as aside:
        for figure in dict.fromkeys(figure for figure, _ in shown):
            list(draw(figure, folder, config, Path(aside), only={name for _, name in shown}))
        to.mkdir(parents=True, exist_ok=True)
        for _, name in shown:
            made.append(to / f"{folder.name}_{name}.png")
            shutil.copyfile(Path(aside) / f"{name}.png", made[-1])
    return made


def read_text(path: Path) -> pd.DataFrame:
    """A CSV file as texts, so that its numbers keep their digits."""
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def _without_paths(value: Any) -> Any:
    """Texts without the parts that name a place of a computer, at any depth; also the names of a mapping's entries."""
    if isinstance(value, dict):
        return {_without_paths(key): _without_paths(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_without_paths(one) for one in value]
    if not isinstance(value, str) or not value.startswith(("/", "~")):
        return value
    parts = Path(value).parts
    start = next((place for place, part in enumerate(parts) if part in ("resources", "notebooks", "models")), -1)
    return "/".join(parts[start:])


@click.command()
@click.argument("runs", nargs=-1, type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option(
    "--page", "files", type=click.Path(path_type=Path, exists=True, dir_okay=False), multiple=True,
    help="A page; without it, all pages of findings.",
)  # fmt: skip
@click.option("--kept", type=click.Path(path_type=Path, file_okay=False), default=DOCS / "findings")
@click.option("--figures", type=click.Path(path_type=Path, file_okay=False), default=DOCS / "figures")
def command(runs: tuple[Path, ...], files: tuple[Path, ...], kept: Path, figures: Path) -> None:
    """Keep the tables of RUNS, and make the figures and tables of the pages from all kept runs."""
    pages = {file: file.read_text(encoding="utf-8") for file in files or list_pages()}
    text = "\n".join(pages.values())
    for folder in runs:
        to = keep_run(folder, kept, text)
        print(f"{to}: {sum(path.stat().st_size for path in to.rglob('*.*')) // 1000} kB")
        check_kept(folder, to, text)
    for folder in sorted(path.parent for path in kept.glob(f"*/{RECORD}")):
        for made in draw_figures(folder, text, figures):
            print(made)
    tables = KeptTables(kept)
    for file, page in pages.items():
        print(file)
        filled = fill_tables(page, tables)
        with written_aside(file) as aside:
            aside.write_text(filled, encoding="utf-8")
        for unknown in find_unknown(filled, tables):
            print(f"in no kept table: {unknown}")


def check_kept(folder: Path, kept: Path, text: str) -> None:
    """Draw the figures of the pages from the whole tables of a run and from the kept rows, and compare them.

    Args:
        folder: of the run.
        kept: folder of the kept tables of the run.
        text: of all pages.

    Raises:
        InputError: a figure differs.
    """
    with TemporaryDirectory() as one, TemporaryDirectory() as other:
        whole = draw_figures(folder.resolve(), text, Path(one))
        rows = draw_figures(kept, text, Path(other))
        for first, second in zip(whole, rows, strict=True):
            if first.read_bytes() != second.read_bytes():
                raise InputError(kept, f"lacks rows that {first.name} shows", "Let tools/findings.py keep these rows")


if __name__ == "__main__":
    with exit_on_mistake():
        command()
