"""The findings: kept tables, and the figures and numbers of the pages that are made from them."""

import json
import re
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pytest
from figure_tables import contrasts_of, verdicts_of
from findings import (
    DOCS,
    LIMIT,
    SHOWN,
    check_kept,
    choose_rows,
    clean_record,
    draw_figures,
    find_drawn,
    keep_run,
    list_pages,
    settings_of,
)
from page_tables import OTHER_SOURCE, KeptTables, fill_tables, find_unknown, write_table
from PIL import Image
from project import ROOT
from selfalign.config.read import read_settings
from selfalign.config.sections import Config
from selfalign.errors import InputError
from selfalign.scoring.schemas import Contrasts, Verdicts
from selfalign.tables import write_table as save

pytestmark = pytest.mark.slow

PAGES = {str(path.relative_to(DOCS)): path.read_text(encoding="utf-8") for path in list_pages()}
TEXT = "\n".join(PAGES.values())
RUNS = sorted(path.parent for path in (DOCS / "findings").glob("*/run.json"))
kept_runs = pytest.mark.skipif(not RUNS, reason="no run is kept in docs/findings yet")


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.name)
def test_the_figures_of_the_pages_are_drawn_from_the_kept_tables(run: Path, tmp_path: Path) -> None:
    """Other versions of matplotlib draw other pixels. Compression, which also decides bytes, is not compared."""
    for made in draw_figures(run, TEXT, tmp_path):  # a run may have tables on the pages and no figure
        shown = Image.open(DOCS / "figures" / made.name)
        if f"version{matplotlib.__version__}," not in shown.info["Software"]:
            pytest.skip(f"{made.name} was drawn by {shown.info['Software']}")
        assert np.array_equal(np.asarray(Image.open(made)), np.asarray(shown)), made.name


@kept_runs
def test_every_figure_of_the_pages_belongs_to_a_kept_run() -> None:
    text = "\n".join(line for line in TEXT.splitlines() if not OTHER_SOURCE.search(line))
    shown = SHOWN.findall(text)
    records = {run.name: json.loads((run / "run.json").read_text(encoding="utf-8")) for run in RUNS}
    known = {f"{run}_{name}" for run in records for _, name in find_drawn(TEXT, run, settings_of(records[run]))}
    assert set(shown) == known
    assert len(shown) == len(re.findall(r"!\[", text)), "an image is not in docs/figures"


def test_the_main_page_is_short_and_leads_to_all_evidence() -> None:
    main, *others = PAGES
    assert len(PAGES[main].split()) <= 2900, "move evidence to a page in docs/findings"
    assert len(others) >= 10
    assert [page for page in others if f"]({page})" not in PAGES[main]] == []


@pytest.fixture(scope="module")
def tables() -> KeptTables:
    return KeptTables(DOCS / "findings")


@kept_runs
@pytest.mark.parametrize("page", PAGES)
def test_the_numbers_of_a_page_are_those_of_the_kept_tables(page: str, tables: KeptTables) -> None:
    assert fill_tables(PAGES[page], tables) == PAGES[page]
    assert find_unknown(PAGES[page], tables) == []


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.name)
def test_a_kept_run_is_small_and_names_no_place_of_a_computer(run: Path) -> None:
    assert sum(path.stat().st_size for path in (run / "tables").iterdir()) <= LIMIT
    record = (run / "run.json").read_text(encoding="utf-8")
    assert json.loads(record) == clean_record(json.loads(record))


@kept_runs
def test_committed_code_gives_the_numbers_of_the_study_again() -> None:
    """The study's code was not committed. A later run asked its models about eight countries again."""
    record = json.loads((DOCS / "findings" / "study_replies" / "run.json").read_text(encoding="utf-8"))
    assert not record["selfalign"]["edited"]
    keys = ["model", "language", "arm", "against", "country", "measure"]
    compared = {"transfer": (56, [*keys, "source"]), "contrasts": (16, keys)}
    for name, (rows, keys) in compared.items():
        study, again = (
            read_single_countries(DOCS / f"findings/{run}/tables/{name}.csv") for run in ("study", "study_replies")
        )
        both = study.merge(again, on=keys, suffixes=("", "_again"))
        assert (both.groupby("model").size() == rows).all()
        change = (both["estimate_again"] - both["estimate"]).groupby(both["model"])
        assert change.apply(lambda one: one.abs().max())["smollm2-135m"] == 0, "in float32 both times"
        assert change.mean().abs().max() < 0.02, "in bfloat16, on other machines, with another output layer"


def read_single_countries(path: Path) -> pd.DataFrame:
    """The rows of a kept table about one country and model, in which both arms saw the same prompts in each run."""
    table = pd.read_csv(path)
    mixed = table["against"].str.endswith("_other") & ("source" not in table)  # the mean of other countries in each run
    two = table["model"] != table.get("against_model", table["model"])
    return table[(table["country"] != "all") & ~mixed & ~two & ~table["arm"].str.endswith("_other")]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run with one table, in which two arms are compared."""
    folder = tmp_path_factory.mktemp("results") / "small"
    config = read_settings([ROOT / "config" / "minimal.yaml"])
    table = contrasts_of(Config.read(config)).assign(standard_error=0.05, df=9.0, p=0.2, family="", p_bh=0.3, probes=60)
    table = table.assign(batteries=10, respondents=900)
    save(table[Contrasts.names()], folder / "tables" / "contrasts.csv", Contrasts)
    save(verdicts_of(table), folder / "tables" / "verdicts.csv", Verdicts)
    config["probes"]["bank"] = "/home/ada/selfalign/resources/probes/probes.csv"
    record = {"run": "small", "inputs": {"/home/ada/selfalign/resources/a.csv": {"bytes": 1}}, "config": config}
    (folder / "run.json").write_text(json.dumps(record), encoding="utf-8")
    return folder


def test_a_figure_is_the_same_from_the_kept_rows(small: Path, tmp_path: Path) -> None:
    page = "![Contrasts](figures/small_contrasts.png) ![Other](figures/performance.png)"
    kept = keep_run(small, tmp_path, page)
    check_kept(small, kept, page)
    (made,) = draw_figures(kept, page, tmp_path / "figures")
    assert made == tmp_path / "figures" / "small_contrasts.png"
    assert "/home" not in (kept / "run.json").read_text(encoding="utf-8")
    assert len(json.loads((kept / "run.json").read_text(encoding="utf-8"))["config"]["models"]) == 1

    table = kept / "tables" / "contrasts.csv"
    pd.read_csv(table, dtype=str).assign(estimate="0.011").to_csv(table, index=False)
    with pytest.raises(InputError, match="lacks rows that small_contrasts.png shows"):
        check_kept(small, kept, page)


def test_large_tables_are_refused(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("findings.LIMIT", 100)
    with pytest.raises(InputError, match=r"more than 0 kB of tables \(.*contrasts \d+ kB"):
        keep_run(small, tmp_path, "")


def test_single_countries_are_kept_where_the_page_needs_them() -> None:
    table = pd.DataFrame(
        {"country": ["all", "all", "DEU", "DEU", "USA"], "measure": ["agreement", "alignment"] * 2 + [""]}
    )
    table["language"] = "en"
    assert list(choose_rows(table, "contrasts", set()).index) == [0, 1, 2]
    assert list(choose_rows(table, "contrasts", {"margin"}).index) == [0, 1, 2, 3]
    assert list(choose_rows(table[:4], "contrasts", set()).index) == [0, 1, 2, 3]
    assert list(choose_rows(table, "agreement", set()).index) == [0, 1]
    assert list(choose_rows(table, "agreement", {"agreement"}).index) == [0, 1, 2]
    assert list(choose_rows(table, "country_ranks", set()).index) == [0, 1, 2, 3, 4]


@pytest.fixture
def kept(tmp_path: Path) -> KeptTables:
    """Tables of two runs, in which the same contrast has other numbers."""
    for run, model, estimate in (("one", "m", 0.0534), ("two", "n", -0.0004)):
        rows = [
            (model, "all", "near", "zero", None, estimate, estimate - 0.03, estimate + 0.03, 0.0004),
            (model, "all", "near", "other", None, 0.02, None, None, 0.0042),
            (model, "all", "near", "other", "far - other", 0.5, 0.4, 0.6, 1.0),
            (model, "DEU", "near", "zero", None, -0.5, -0.6, -0.4, 0.5),
        ]
        columns = ["model", "country", "arm", "against", "beyond", "estimate", "low", "high", "p"]
        (tmp_path / run / "tables").mkdir(parents=True)
        pd.DataFrame(rows, columns=columns).to_csv(tmp_path / run / "tables" / "contrasts.csv", index=False)
        record = {"config": {"models": {model: {"label": f"Model {model.upper()}"}}}}
        (tmp_path / run / "run.json").write_text(json.dumps(record), encoding="utf-8")
    return KeptTables(tmp_path)


TABLE = """<!-- table
from: [one/contrasts, two/contrasts]
where: {country: all, label: [Model N, Model M], pair: [near - other, near - zero]}
rows: {model: "{label}", contrast: "`{pair}`"}
columns:
  difference: {}
  p: {show: "{p:p}"}
-->

<!-- end of table -->
"""


def test_a_table_is_written_from_its_comment(kept: KeptTables) -> None:
    filled = fill_tables(f"Before.\n\n{TABLE}\nAfter.\n", kept)
    lines = [line for line in filled.splitlines() if line.startswith("|")]
    assert lines == [
        "| model | contrast | difference | p |",
        "|---|---|---|---|",
        "| Model N | `near - other` | +2.0 | 0.004 |",
        "| Model N | `near - zero` | 0.0 [-3.0, +3.0] | <0.001 |",
        "| Model M | `near - other` | +2.0 | 0.004 |",
        "| Model M | `near - zero` | +5.3 [+2.3, +8.3] | <0.001 |",
    ]
    assert fill_tables(filled, kept) == filled
    assert filled.startswith("Before.\n\n<!-- table\nfrom") and filled.endswith("<!-- end of table -->\n\nAfter.\n")


def test_a_table_of_a_program_has_no_record(kept: KeptTables, tmp_path: Path) -> None:
    (tmp_path / "two" / "run.json").unlink()
    assert fill_tables(TABLE.replace("Model N", "n"), kept).count("| n |") == 2


def test_a_cell_may_count_rows(kept: KeptTables) -> None:
    taken = {name: {"take": name} for name in ("rows", "median", "least", "above", "interval below")}
    spec = {"from": "one/contrasts", "where": {"beyond": None}, "rows": {"model": "{label}"}, "columns": taken}
    assert write_table(spec, kept).splitlines()[-1] == "| Model M | 3 | +2.0 | -50.0 | 67 | 33 |"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("near - zero", "near - zeor"), "value 'near - zeor': no row has this pair. Did you mean \"near - zero\"?"),
        (("country: all, ", ""), "has 2 rows, which differ in country"),
        (("pair: [", "pear: ["), 'the table has no column pear. Did you mean "pair"?'),
        (("two/contrasts", "two/agreement"), "agreement.csv is missing"),
        (("rows: {", "lines: {"), "lacks rows"),
        (("columns:", "columns: ["), "is not YAML"),
    ],
)
def test_a_mistake_in_a_comment_is_explained(change: tuple[str, str], message: str, kept: KeptTables) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        fill_tables(TABLE.replace(*change), kept)


def test_numbers_that_no_table_has_are_found(kept: KeptTables) -> None:
    page = """
The gain is 5.3 points [2.3, 8.3], so zero-shot loses -5.34 [-8.34, -2.34], a share of 0.05 [0.02, 0.08].
It is 5.4 points [2.3, 8.3], or 5 % [2 to 8].
5.5 [2.3, 8.3] <!-- source: benchmarks/other.py -->
In the year 2025 [a link](page.md) is no interval, and [2, 3] has no estimate.
"""
    assert find_unknown(page, kept) == ["5.4 points [2.3, 8.3]"]
