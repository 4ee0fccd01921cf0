"""Reading and writing of tables."""

from pathlib import Path

import numpy as np
import pandas as pd
import pandera.pandas as pa
import pytest
from selfalign.errors import InputError
from selfalign.tables import Table, read_input, read_table, write_estimates, write_table


class Scored(Table):
    """A table as a step writes it."""

    arm: str = pa.Field(description="the arm")
    beyond: str = pa.Field(nullable=True, description="another arm")
    score: float = pa.Field(nullable=True, ge=0, description="its score")


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@pytest.mark.parametrize("names", [["NA", "None"], ["null", "nan"], ["01", "2"], ["1.10", "2.0"], ["true", "1e5"]])
def test_names_that_look_like_other_values_stay_names(names: list[str], suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"table{suffix}"
    table = pd.DataFrame({"arm": names, "beyond": [None, "NaN"], "score": [0.5, None]})
    write_table(table, path, Scored)
    read = read_table(path, Scored)
    assert list(read["arm"]) == names
    assert read["beyond"].isna().tolist() == [True, False] and read["beyond"][1] == "NaN"
    assert read["score"].isna().tolist() == [False, True]


def test_mistake_below_a_text_of_several_lines_is_reported_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text('arm,beyond,score\nchrf,"two\nlines",1\n\nrandom,none,2\nother,none,-3\n', encoding="utf-8")
    with pytest.raises(InputError, match=r'table\.csv, line 6, column "score", value .*-3'):
        read_input(path, Scored)


def test_table_with_another_separator_and_commas_in_its_cells_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("arm;beyond;score\na, b, c, d;x;1\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"line 1: has columns \(no name\), arm;beyond;score; expected arm, beyond"):
        read_input(path, Scored)


class Estimated(Table):
    """An estimate with all columns of p that tables have."""

    estimate: float = pa.Field()
    standard_error: float = pa.Field()
    p: float = pa.Field(nullable=True)
    p_holm: float = pa.Field(nullable=True)
    main_p: float = pa.Field(nullable=True)
    p_a: float = pa.Field()


def test_p_is_not_rounded_to_0(tmp_path: Path) -> None:
    small, known = 3.21456789e-9, 0.01234567
    rows = [
        (1.23456789, small, small, small * 4, small, small),
        (0.5, 0.0, 0.0, known, np.nan, known),
        (0.5, known, known, 1.0, 5.1e-7, 1.0),
    ]
    table = pd.DataFrame(rows, columns=Estimated.names())
    write_estimates(table.assign(other="is left out"), tmp_path / "t.csv", Estimated)
    assert (tmp_path / "t.csv").read_text(encoding="utf-8").splitlines() == [
        "estimate,standard_error,p,p_holm,main_p,p_a",
        "1.234568,0.0,3.21457e-09,1.28583e-08,3.21457e-09,0.0",
        "0.5,0.0,0.0,0.012346,,0.012346",
        "0.5,0.012346,0.012346,1.0,1e-06,1.0",
    ]


def test_numbers_next_to_an_empty_table_are_rounded(tmp_path: Path) -> None:
    estimates = pd.DataFrame({name: [0.123456789, 8.673617e-19] for name in Estimated.names()})
    empty = pd.DataFrame(columns=Estimated.names())
    joined = pd.concat([empty, estimates])
    assert (joined.dtypes == "object").all()
    write_estimates(joined, tmp_path / "t.csv", Estimated)
    read = pd.read_csv(tmp_path / "t.csv")
    assert (read["estimate"] == [0.123457, 0.0]).all(), "rounding errors are not above 0"
