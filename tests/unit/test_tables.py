"""Reading and writing of tables."""

from pathlib import Path

import pandas as pd
import pandera.pandas as pa
import pytest
from selfalign.errors import InputError
from selfalign.tables import Table, read_input, read_table, write_table


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


def test_mistake_below_a_text_of_several_lines_is_told_by_its_line(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text('arm,beyond,score\nchrf,"two\nlines",1\n\nrandom,none,2\nother,none,-3\n', encoding="utf-8")
    with pytest.raises(InputError, match=r'table\.csv, line 6, column "score", value .*-3'):
        read_input(path, Scored)
