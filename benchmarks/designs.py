"""How narrow the intervals of own minus other country would be with fewer probes and countries than a study has.

    python benchmarks/designs.py results/study

It takes the cells of a finished study that a smaller run would have, estimates the two differences as the workflow
does, and counts the distinct prompts. The demonstrations are those of the study. A smaller run chooses them among its
own probes, so its intervals differ. docs/default.md has the table, from which the default was chosen.
"""

from collections.abc import Collection
from pathlib import Path

import click
import numpy as np
import pandas as pd
from selfalign.contrasts import Contrast
from selfalign.probes.bank import read_bank
from selfalign.probes.kinds import read_kinds
from selfalign.probes.schemas import Replicates
from selfalign.scoring.bootstrap import Resampling
from selfalign.scoring.estimate_contrasts import estimate_contrasts
from selfalign.scoring.inputs import read_scores
from selfalign.scoring.schemas import ALL
from selfalign.tables import read_table

ROOT = Path(__file__).resolve().parent.parent
PROBES = ROOT / "resources" / "probes"
PAIRS = [["chrf", "chrf_other"], ["chrf_without_battery", "chrf_without_battery_other"]]
COUNTRIES = ["MEX", "NGA", "IND", "DEU", "USA", "THA", "RUS", "BOL", "CHN", "ETH", "NZL", "BRA", "KEN", "UKR"]
"""In the order in which a smaller run leaves out the last ones."""
VALUES = ("value", "attitude")
CANDIDATES = [(12, 2, VALUES), (14, 2, VALUES), (14, 4, VALUES), (14, 6, VALUES), (14, 99, VALUES), (14, 4, None)]
"""Countries, probes of a battery at most, kinds of probes."""
DRAWS, LEVEL, SEED = 2000, 0.95, 1


def choose_probes(most: int, kinds: Collection[str] | None) -> list[str]:
    """Probes of the bank, of a battery at most so many, at equal distances in the order of the questionnaire.

    Args:
        most: of a battery.
        kinds: of probes; None for all.
    """
    bank = read_bank(PROBES / "probes.csv").query("on_request != 'yes'")
    if kinds is not None:
        bank = bank[bank["probe"].map(read_kinds(PROBES / "kinds.csv")["kind"]).isin(kinds)]
    chosen = []
    for _, members in bank.groupby("battery", sort=False)["probe"]:
        places = np.linspace(0, len(members) - 1, min(most, len(members))).round().astype(int)
        chosen += list(members.iloc[places])
    return chosen


def count_prompts(design: pd.DataFrame, probes: list[str], countries: list[str]) -> int:
    """Distinct prompts of these cells and of zero-shot."""
    arms = ["zero_shot", *np.ravel(PAIRS)]
    cells = design[design["arm"].isin(arms) & design["probe"].isin(probes) & design["country"].isin(countries)]
    return cells.loc[cells["source"].isin(["", *countries]), "prompt"].nunique()


@click.command()
@click.argument("run", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--language", default="en", show_default=True)
def main(run: Path, language: str) -> None:
    """Print the half widths of the candidates, in points."""
    scores = read_scores(sorted(run.glob(f"scores/*/{language}.parquet")))
    scores = scores[scores["arm"].isin(np.ravel(PAIRS))]
    people = read_table(run / "people" / "replicates.parquet", Replicates)
    design = pd.read_parquet(run / "design" / f"{language}.parquet")
    rows = []
    for number, most, kinds in CANDIDATES:
        countries, probes = COUNTRIES[:number], choose_probes(most, kinds)
        cells = scores[scores["country"].isin(countries) & scores["probe"].isin(probes)]
        cells = cells[cells["source"].isin(countries)]
        found = estimate_contrasts(
            cells, list(map(Contrast.read, PAIRS)), Resampling(people, DRAWS, LEVEL, SEED), ["agreement"]
        )
        found = found[found["country"] == ALL].set_index("arm")
        half = (found["high"] - found["low"]) / 2 * 100
        named = {"countries": number, "probes": len(probes), "prompts": count_prompts(design, probes, countries)}
        rows.append(named | {arm: half[arm] for arm, _ in PAIRS})
    print(pd.DataFrame(rows).round(1).to_string(index=False))


if __name__ == "__main__":
    main()
