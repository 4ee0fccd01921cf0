"""What the programs of the findings share: a table is kept as CSV, and its estimates are printed in points."""

from pathlib import Path

import pandas as pd


def keep_table(table: pd.DataFrame, file: Path | None) -> None:
    """Write a table as docs/findings/programs/tables has it, with six digits; nothing without a file."""
    if file:
        file.parent.mkdir(parents=True, exist_ok=True)
        table.to_csv(file, index=False, lineterminator="\n", float_format="%.6f")


def show_intervals(table: pd.DataFrame, form: str = "+.1f") -> pd.Series:
    """Estimates with their main intervals in per cent or points, such as `+2.8 [+0.2, +5.3]`.

    Args:
        table: columns estimate, main_low, main_high: shares.
        form: of each number.
    """
    numbers = (100 * table[["estimate", "main_low", "main_high"]]).round(1).to_numpy()
    texts = [f"{value:{form}} [{low:{form}}, {high:{form}}]" for value, low, high in numbers]
    return pd.Series(texts, table.index, dtype=object)
