"""Contrasts with the main intervals of a run's verdicts."""

import pandas as pd

from selfalign.scoring.schemas import ALL, CONTRAST_KEYS


def give_main_intervals(contrasts: pd.DataFrame, verdicts: pd.DataFrame) -> pd.DataFrame:
    """Contrasts with the main interval of each mean of the countries. The other intervals are by battery.

    A country that is the only one of its contrast is the mean of the countries. So it has the main interval too.

    Args:
        contrasts: a `Contrasts` table.
        verdicts: a `Verdicts` table.

    Returns:
        The rows of the contrasts, with a column `main`: battery or category. It is empty where the interval is not the
        main one.
    """
    known, main = (table.fillna({"beyond": ""}) for table in (contrasts, verdicts))
    main = main[[*CONTRAST_KEYS, "main", "main_low", "main_high"]]
    table = known.merge(main, "left", CONTRAST_KEYS, validate="many_to_one")
    single = table["country"] != ALL
    countries = single.groupby([table[key] for key in CONTRAST_KEYS]).transform("sum")
    has_main = table["main"].notna() & (~single | (countries == 1))
    chosen = {end: table[f"main_{end}"].where(has_main, table[end]) for end in ("low", "high")}
    table = table.assign(
        **chosen, main=table["main"].where(has_main), beyond=table["beyond"].where(table["beyond"] != "")
    )
    return table.drop(columns=["main_low", "main_high"])
