"""Tables in LaTeX that are wider than a page."""

import pandas as pd
import pytest
from selfalign.figures.page_width import TEXT_WIDTH, Part, count_lines, is_wide, split
from selfalign.figures.style import ENGLISH, Style, read_figure_texts
from selfalign.figures.typeset_tables import typeset

MODELS = ["SmolLM2-135M-Instruct", "Qwen2.5-Coder-1.5B-Instruct"]
ARMS = ["Similar, other batteries", "Similar, other batteries, other country"]


def table(columns: int, repeats: int = 1) -> pd.DataFrame:
    index = pd.MultiIndex.from_product([MODELS, ARMS * repeats], names=["Model", "Demonstrations"])
    return pd.DataFrame({f"Agreement in group {n}": "53.3 [46.8, 59.9]" for n in range(columns)}, index=index)


def width_of_page(part: Part) -> float:
    names = [width or 0 for width in part.names]
    return sum(names) + sum(part.heads.values()) + 6 * len([*names, *part.heads])


@pytest.fixture
def style() -> Style:
    return Style({"models": {}, "arms": {}}, texts=read_figure_texts(ENGLISH))


def test_width_is_that_of_computer_modern() -> None:
    # LaTeX: 323.2 points, and 7.5 more for each A
    rows = pd.DataFrame({"Gain": ["+6.0 [\N{MINUS SIGN}6.1, +18.1]"]}, index=pd.Index(["A" * 29], name="Model"))
    assert not is_wide(rows)
    assert is_wide(rows.rename(index=lambda name: name + "A" * 5))


@pytest.mark.parametrize("columns", [1, 2, 3, 8])
def test_every_part_fits_on_a_page_and_has_each_column_once(columns: int) -> None:
    parts = split(table(columns))
    assert [head for part in parts for head in part.heads] == list(table(columns).columns)
    assert all(width_of_page(part) <= TEXT_WIDTH for part in parts)
    assert len(parts) == (1 if columns < 4 else 3)


def test_names_break_only_where_there_is_no_room() -> None:
    (part,) = split(table(3))
    outer, inner = part.names
    assert outer is not None and inner is not None and outer < inner, "names that repeat get less room"
    assert count_lines(table(3), part) > 4
    (part,) = split(table(1))
    assert part.names == [None, None] and count_lines(table(1), part) == 4


def test_wide_table_has_small_letters_and_parts_below_each_other(style: Style) -> None:
    made = typeset(table(8), style, "Shares in %", "tab:x")
    assert made.count(r"\begin{tabular}") == 3 and made.count(r"\begin{table}") == 1
    assert made.count(r"\caption{Shares in \%}") == made.count(r"\label{tab:x}") == 1
    assert r"\footnotesize" in made and r"\parbox[b]" in made and r"\raggedright Similar, other batteries" in made
    assert made.count(r"\raggedright SmolLM2") == 3, "every part has the names"
    narrow = typeset(table(1).droplevel(0), style, "Shares in %", "tab:x")
    assert r"\footnotesize" not in narrow and r"\begin{tabular}{lr}" in narrow


def test_long_wide_table_breaks_over_pages_and_keeps_its_number(style: Style) -> None:
    made = typeset(table(8, repeats=12), style, "Shares", "tab:x")
    assert made.startswith(r"% \usepackage{booktabs, longtable}") and made.count(r"\begin{longtable}") == 3
    assert made.count(r"\label{tab:x}") == 1 and made.count(r"\addtocounter{table}{-1}") == 2
    assert made.count(r"\caption{Shares}") == 1 and r"\begingroup" in made and r"\endgroup" in made


def test_table_without_rows_is_typeset(style: Style) -> None:
    assert r"\midrule" in typeset(table(8).iloc[:0], style, "None", "tab:x")
