"""Random scores with known effects, and people around their shares."""

import numpy as np
import pandas as pd
from bank import DEFAULT_BANK
from selfalign.scoring.schemas import Scores
from selfalign.scoring.unanswered import COUNTS_AS

SETTINGS = {"draws": 400, "level": 0.95, "seed": 1}


def scores(
    arms: dict[str, float],
    countries: tuple[str, ...] = ("BOL", "MEX"),
    languages: tuple[str, ...] = ("en",),
    bank: pd.DataFrame = DEFAULT_BANK,
    seed: int = 3,
) -> pd.DataFrame:
    """Random scores; the number of an arm is added to its p_a. An arm `other` has two sources, `random` two seeds."""
    rng = np.random.default_rng(seed)
    rows = []
    for language in languages:
        for arm, shift in arms.items():
            for country in countries:
                for source in ("DEU", "USA") if arm == "other" else (country,):
                    for draw in (1, 2) if arm == "random" else (0,):
                        part = bank[["probe", "category", "battery"]].assign(
                            language=language, arm=arm, country=country
                        )
                        part = part.assign(source=source, seed=draw, p_a=np.clip(rng.random(len(bank)) + shift, 0, 1))
                        rows.append(part)
    table = pd.concat(rows, ignore_index=True).assign(model="m", template="cloze", share_a=0.7, majority="A")
    return complete(table)


def complete(table: pd.DataFrame) -> pd.DataFrame:
    """`Scores` of cells whose p_a, share_a and majority are known."""
    chosen = (table["p_a"] > 0.5) == (table["majority"] == "A")
    table = table.assign(agreement=chosen.astype(float), alignment=1 - (table["p_a"] - table["share_a"]).abs())
    table = table.assign(asks="poles", readout="label", mass_outside=0.1, mass_open=0.9, order_gap=0.2)
    table = table.assign(answered=True, bound=False, p_a_mean=table["p_a"])
    return table[Scores.names()]


def refuse(table: pd.DataFrame, cells: pd.Series, rule: str = "half") -> pd.DataFrame:
    """`Scores` in which some cells have no answer."""
    table = table.assign(answered=~cells, agreement=table["agreement"].mask(cells, COUNTS_AS[rule]))
    unknown = ["p_a", "p_a_mean", "alignment", "order_gap"]
    return table.assign(**{name: table[name].mask(cells) for name in unknown})


def people(table: pd.DataFrame, spread: float = 0.0, size: int = 200) -> pd.DataFrame:
    """Replicates around the shares of a `Scores` table."""
    rows = table.drop_duplicates(["country", "probe"])
    drawn = rows["share_a"].to_numpy()[:, None] + spread * np.random.default_rng(8).normal(size=(len(rows), size))
    made = rows[["country", "probe"]].assign(method="respondents", respondents=1000)
    return made.assign(shares=list(np.clip(drawn, 0, 1).astype(np.float32)))
