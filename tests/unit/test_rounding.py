"""How estimates are rounded in the tables that are written."""

from pathlib import Path

import numpy as np
import pandas as pd
import pandera.pandas as pa
from selfalign.tables import Table, write_estimates


class _Estimates(Table):
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
    table = pd.DataFrame(rows, columns=_Estimates.names())
    write_estimates(table.assign(other="is left out"), tmp_path / "t.csv", _Estimates)
    assert (tmp_path / "t.csv").read_text(encoding="utf-8").splitlines() == [
        "estimate,standard_error,p,p_holm,main_p,p_a",
        "1.234568,0.0,3.21457e-09,1.28583e-08,3.21457e-09,0.0",
        "0.5,0.0,0.0,0.012346,,0.012346",
        "0.5,0.012346,0.012346,1.0,1e-06,1.0",
    ]
