"""Time and memory of the survey stage for a file of the size of the official one.

The program writes an invented file in the form of the official CSV of wave 7 (97,220 respondents, 66 countries, 613
columns, free text with quotes, byte order mark) with the shares of the example. It runs parse_wvs7, weigh_answers and
describe_survey on it, each in another process, as the workflow does.

    python benchmarks/survey.py
"""

import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pycountry
from selfalign.survey.schemas import Counts
from selfalign.survey.simulate_survey import simulate
from selfalign.tables import read_input

ROOT = Path(__file__).resolve().parent.parent
RESOURCES = ROOT / "resources" / "survey"
RESPONDENTS, COUNTRIES, COLUMNS = 97_220, 66, 613


def make_survey(folder: Path) -> Path:
    """The made-up file, zipped as the official one is."""
    example = simulate(read_input(RESOURCES / "example" / "counts.csv", Counts), seed=1)
    random = np.random.default_rng(1)
    survey = example.iloc[random.integers(len(example), size=RESPONDENTS)].reset_index(drop=True)
    codes = sorted(country.alpha_3 for country in pycountry.countries)[:COUNTRIES]
    survey["B_COUNTRY_ALPHA"] = np.array(codes)[np.sort(np.arange(RESPONDENTS) % COUNTRIES)]
    survey["W_WEIGHT"] = random.lognormal(-0.08, 0.4, RESPONDENTS).round(12)
    texts = np.array(['said ""no"", then; left', "a, b", "Zürich", ""])
    filler = {f"X{place}": random.integers(-5, 100, RESPONDENTS) for place in range(COLUMNS - survey.shape[1] - 1)}
    survey = pd.concat([survey, pd.DataFrame(filler)], axis=1)
    survey["note"] = texts[random.integers(len(texts), size=RESPONDENTS)]
    path = folder / "WVS_Cross-National_Wave_7_csv_v6_0.csv"
    survey.to_csv(path, index=False, encoding="utf-8-sig", lineterminator="\r\n")
    packed = path.with_suffix(".zip")
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(path, path.name)
    print(f"{path.stat().st_size / 1e6:.0f} MB of CSV, {packed.stat().st_size / 1e6:.0f} MB zipped", flush=True)
    return packed


def run(*command: object) -> dict[str, float]:
    """Seconds and peak memory (GB) of one step."""
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "selfalign", *map(str, command)])
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{command[0]} failed")
    seconds, scale = time.perf_counter() - start, 1 if sys.platform == "darwin" else 1024
    return {"seconds": round(seconds, 1), "peak_gb": round(usage.ru_maxrss * scale / 1e9, 2)}


def main() -> None:
    """Take the made-up file through the stage, and print each step's figures and their total."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with multiprocessing.get_context("spawn").Pool(1) as pool:  # a child's peak begins at its parent's size
            survey = pool.apply(make_survey, [folder])
        responses = folder / "responses.parquet"
        scales = ["--scales", RESOURCES / "scales.csv"]
        words = ["--questions", RESOURCES / "questions" / "en.csv", "--labels", RESOURCES / "labels" / "en.csv"]
        names = ("columns", "missing", "dictionary", "quality")
        tables = {name: [f"--{name}", folder / f"{name}.csv"] for name in names}
        steps = {
            "parse_wvs7": ["--survey", survey, *scales, "--responses", responses, *tables["columns"]],
            "weigh_answers": ["--responses", responses, "--distributions", folder / "d.parquet", *tables["missing"]],
            "describe_survey": ["--responses", responses, *scales, *words, *tables["dictionary"], *tables["quality"]],
        }
        figures = {step: run(step.replace("_", "-"), *arguments) for step, arguments in steps.items()}
    figures["total"] = {
        "seconds": round(sum(step["seconds"] for step in figures.values()), 1),
        "peak_gb": max(step["peak_gb"] for step in figures.values()),
    }
    for step, figure in figures.items():
        print(f"{step:16} {figure['seconds']:6.1f} s   {figure['peak_gb']:5.2f} GB")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
