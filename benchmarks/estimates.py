"""Time and memory of the estimates at the scale of the paper.

    python benchmarks/estimates.py [--draws 10000]

Five models, each asked in English about 14 countries and in each country's own language; 12 arms, three seeds, three
templates, 250 probes of the shipped bank: 3.8 million scored cells. The scores are written as the workflow's tables,
and both subcommands are run on them as a rule would. The last line is JSON: seconds, and MB at the peak.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from selfalign.probes.bank import read_bank
from selfalign.probes.schemas import Replicates
from selfalign.scoring.schemas import Scores
from selfalign.tables import write_table

ROOT = Path(__file__).parent.parent
LANGUAGES = dict(
    zip(
        ["bn", "de", "el", "fa", "id", "ko", "ms", "ro", "sr", "tl", "tr", "ur", "vi", "es"],
        ["BGD", "DEU", "GRC", "IRN", "IDN", "KOR", "MYS", "ROU", "SRB", "PHL", "TUR", "PAK", "VNM", "MEX"],
        strict=True,
    )
)
ARMS = ["zero_shot", *(f"arm{number}" for number in range(1, 12))]
MODELS = 5
SEEDS = TEMPLATES = 3
REPLICATES = 1000


def make_scores(language: str, countries: list[str], bank: pd.DataFrame, share: pd.DataFrame) -> pd.DataFrame:
    """A `Scores` table, without its column model, of random answers."""
    rng = np.random.default_rng([7, *language.encode()])
    index = pd.MultiIndex.from_product(
        [ARMS, countries, bank["probe"], range(1, SEEDS + 1), [f"frame{number}" for number in range(TEMPLATES)]],
        names=["arm", "country", "probe", "seed", "template"],
    )
    table = index.to_frame(index=False).merge(bank[["probe", "category", "battery"]], on="probe")
    table = table.merge(share, on=["country", "probe"]).assign(p_a=lambda cells: rng.random(len(cells)))
    chosen = table["p_a"] > 0.5
    return table.assign(
        language=language,
        source=table["country"],
        asks="poles",
        readout="option",
        answered=True,
        bound=False,
        p_a_mean=table["p_a"],
        agreement=(chosen == (table["majority"] == "A")).astype(float),
        alignment=1 - (table["p_a"] - table["share_a"]).abs(),
        mass_outside=0.1,
        mass_open=0.9,
        order_gap=0.2,
    )


def write_inputs(folder: Path) -> list[Path]:
    """Scores of all models and languages, and replicates of the people."""
    bank = read_bank(ROOT / "resources/probes/probes.csv").query("on_request == ''").iloc[:250]
    rng = np.random.default_rng(1)
    pairs = pd.MultiIndex.from_product([sorted(LANGUAGES.values()), bank["probe"]], names=["country", "probe"])
    share = pairs.to_frame(index=False).assign(share_a=rng.uniform(0.05, 0.95, len(pairs)))
    share["majority"] = np.where(share["share_a"] > 0.5, "A", "B")
    drawn = share["share_a"].to_numpy()[:, None] + 0.013 * rng.standard_normal((len(share), REPLICATES))
    people = share[["country", "probe"]].assign(method="respondents", respondents=1200)
    people["shares"] = list(np.clip(drawn, 0, 1).astype(np.float32))
    write_table(people, folder / "replicates.parquet", Replicates)
    files = []
    for language, countries in {"en": sorted(LANGUAGES.values()), **{k: [v] for k, v in LANGUAGES.items()}}.items():
        table = make_scores(language, countries, bank, share)
        for number in range(MODELS):
            files.append(folder / f"model{number}" / f"{language}.parquet")
            named = table.assign(model=f"model{number}")
            write_table(named[Scores.names()], files[-1], Scores)
    return files


def main() -> None:
    """Write the inputs, run both steps, and say how long they took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=10_000)
    draws = parser.parse_args().draws
    contrasts = [[arm, "zero_shot"] for arm in ARMS[1:]]
    contrasts += [{"arm": arm, "against": arm, "against_language": "en"} for arm in ARMS]
    with TemporaryDirectory() as folder:
        files = write_inputs(Path(folder))
        common = ["--people", f"{folder}/replicates.parquet", "--draws", draws, "--level", 0.95, "--seed", 1]
        common += ["--resample", "batteries respondents seeds templates", "--families", "measure scope"]
        common += ["--bank", str(ROOT / "resources/probes/probes.csv")]
        found: dict[str, float] = {"draws": draws}
        for step, more in {
            "estimate-agreement": [],
            "estimate-contrasts": ["--contrasts", json.dumps(contrasts)],
        }.items():
            options = [*files, *common, *more, "--output", f"{folder}/{step}.csv"]
            start = time.perf_counter()
            subprocess.run([sys.executable, "-m", "selfalign", step, *map(str, options)], check=True)
            found[step] = round(time.perf_counter() - start, 1)
            print(f"{step}: {found[step]} s, {len(pd.read_csv(f'{folder}/{step}.csv'))} rows")
    found["peak_mb"] = round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
