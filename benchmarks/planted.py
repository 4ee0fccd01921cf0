"""Models planted into the real design: what do the estimates find where the truth is known?

    python benchmarks/planted.py --quick         # 60 studies: 12 minutes of processor time
    python benchmarks/planted.py                 # 400 studies

Cells, prompts, selection by chrF++, demonstrations and majorities are those of the workflow: 19 countries, and the
probes of the default. In each study, synthetic models answer these prompts. Their answers are scored, and the contrasts
are estimated, by the workflow's own functions. benchmarks/validity.py studies the estimates with planted sizes of
effects; here the models read the demonstrations.

The log-odds of pole A are 3 x (stance + reading + chance):

- stance: normal, in part shared by a category, a battery, and all prompts of a probe. Half of its variance is common to
  all arms. The other half depends on the questions shown: none, similar ones, or similar ones of other batteries. So
  demonstrations change many choices without any reading, as in real models.
- reading: the log-weights of a reader of the demonstrations (docs/readers.md), times a weight; or a help with the
  majority that differs by arm and category, and is 0 on average.
- chance: normal, of each prompt. Countries that are asked with the same prompt get the same answer.
"""

import argparse
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
from clusters import countries_of_study
from scipy.stats import norm
from selfalign.config.read import read_settings
from selfalign.config.sections import Config
from selfalign.contrasts import Contrast
from selfalign.home import HOME
from selfalign.plan.designs import Designer, Laid
from selfalign.plan.people import read_people
from selfalign.probes.replicates import draw_shares
from selfalign.prompts.sources import Surveyed
from selfalign.runs import Run
from selfalign.scoring.bootstrap import Resampling
from selfalign.scoring.cells import Comparison
from selfalign.scoring.choose_intervals import choose_intervals
from selfalign.scoring.estimate_contrasts import estimate_contrasts
from selfalign.scoring.inputs import stack
from selfalign.scoring.readers import name_cells, read_as_copier, read_as_ideal_reader
from selfalign.scoring.score_answers import score_options
from tqdm import tqdm

ARMS = ["zero_shot", "chrf", "chrf_other", "chrf_without_battery", "chrf_without_battery_other"]
SOURCES = ["DEU", "IND", "NGA"]
"""Other countries whose answers are shown; three of eighteen, to save time."""

CONTRASTS = [
    Contrast(arm="chrf", against="zero_shot"),
    Contrast(arm="chrf", against="chrf_other"),
    Contrast(arm="chrf_without_battery", against="chrf_without_battery_other"),
]
STANCE = {"category": 0.2, "battery": 0.4, "probe": 0.6}
"""Standard deviations by what shares them, in leanings."""

CHANCE = 0.5
SHARPNESS = 3.0
NOISE = 0.1
"""Of the ideal reader, as in config/study.yaml."""

DRAWS = 400
MEASURES = ["agreement", "alignment"]


@dataclass(frozen=True)
class Planted:
    """A synthetic model that answers the prompts of the design.

    Attributes:
        copies: weight of the copier's log-weights.
        infers: weight of the ideal reader's log-weights.
        uneven: standard deviation, between categories, of how much an arm helps; the mean is 0.
        refuses: share of the prompts without an answer.
        batteries: number of batteries that are asked; 0: all.
    """

    copies: float = 0.0
    infers: float = 0.0
    uneven: float = 0.0
    refuses: float = 0.0
    batteries: int = 0


MODELS = {
    "reads nothing": Planted(),
    "reads nothing, refuses 20 %": Planted(refuses=0.2),
    "reads nothing, 8 batteries": Planted(batteries=8),
    "helps unevenly by category": Planted(uneven=0.3),
    "copies": Planted(copies=4.0),
    "copies a little": Planted(copies=0.3),
    "copies a little, refuses 20 %": Planted(copies=0.3, refuses=0.2),
    "infers": Planted(infers=4.0),
    "infers a little": Planted(infers=0.3),
    "copies and infers a little": Planted(copies=0.2, infers=0.2),
}
"""The first four have no true difference in any contrast."""


@dataclass(frozen=True)
class Real:
    """The design of the workflow, and what its readers make of it.

    Attributes:
        design: a `Design` table, whose prompts are named by country.
        poles: a `Poles` table of the 19 countries.
        bank: a `Bank` table.
        people: a `Replicates` table.
        prompts: of each named prompt: country, probe, arm, category, battery, asked (the prompt without the country),
            shown (the arm without its sources), whether pole A is first (1 or -1), and the log-weight of pole A over
            pole B of each reader.
    """

    design: pd.DataFrame
    poles: pd.DataFrame
    bank: pd.DataFrame
    people: pd.DataFrame
    prompts: pd.DataFrame


@cache
def lay_out() -> Real:
    """The English part of the default, asked about 19 countries."""
    config = read_settings([])
    config["languages"]["en"] |= {"countries": countries_of_study(), "arms": ARMS}
    for arm in ("chrf_other", "chrf_without_battery_other"):
        config["arms"][arm]["sources"] = SOURCES
    known, laid = lay_out_english(Config.read(config))
    design = laid.cells.assign(prompt=name_cells(laid.cells))
    prompts = design.drop_duplicates("prompt").set_index("prompt")
    plain = laid.cells.assign(named=design["prompt"]).drop_duplicates("named").set_index("named")["prompt"]
    first = np.where(prompts["order"] == "AB", 1, -1)
    about = known.bank.set_index("probe")[["category", "battery"]]
    prompts = prompts[["country", "probe", "arm"]].join(about, on="probe").assign(first=first)
    prompts["asked"] = plain.loc[prompts.index]
    prompts["shown"] = prompts["arm"].str.removesuffix("_other")
    read = read_demonstrations(known, laid)
    prompts["copier"] = first * read["copier"].reindex(prompts["asked"]).to_numpy()
    prompts["ideal"] = first * read["ideal"].reindex(prompts.index).to_numpy()
    poles = known.poles[known.poles["country"].isin(countries_of_study())].reset_index(drop=True)
    people = draw_shares(poles, 100, 1)
    return Real(design, poles, known.bank, people, prompts)


def lay_out_english(config: Config) -> tuple[Surveyed, Laid]:
    """The people, and the English cells and prompts of a config, as the workflow makes them."""
    run = Run(HOME / "results" / config.run.name)
    known, probes = read_people(config, run, on_scales=False)
    return known, Designer(config, known, probes, run).lay_out("en")


def read_demonstrations(known: Surveyed, laid: Laid) -> dict[str, pd.Series]:
    """Log-weight of the first option over the second: the copier's by prompt, the ideal reader's by named prompt."""
    ideal = read_as_ideal_reader(laid.cells, laid.prompts, known.poles, NOISE)
    return {"copier": gaps(read_as_copier(laid.cells, laid.prompts)), "ideal": gaps(ideal)}


def gaps(answers: pd.DataFrame) -> pd.Series:
    """Log-weight of the first option over the second, by prompt."""
    sides = answers.pivot(index="prompt", columns="place", values="option")
    return sides[1] - sides[2]


def answer(rng: np.random.Generator, model: Planted, real: Real) -> pd.DataFrame:
    """An `Answers` table of a model, with new stances."""
    prompts = real.prompts

    def draw(*columns: str) -> np.ndarray:
        groups = prompts.groupby(list(columns)).ngroup().to_numpy()
        return rng.normal(size=groups.max() + 1)[groups]

    stance = sum(spread * (draw(name) + draw(name, "shown")) / np.sqrt(2) for name, spread in STANCE.items())
    leaning = stance + CHANCE * draw("asked")
    leaning = leaning + model.copies * prompts["copier"].to_numpy() + model.infers * prompts["ideal"].to_numpy()
    if model.uneven:
        majority = real.poles.set_index(["country", "probe"])["majority"].eq("A")
        side = 2 * majority.loc[pd.MultiIndex.from_frame(prompts[["country", "probe"]])].to_numpy() - 1
        leaning = leaning + side * model.uneven * draw("arm", "category")
    gap = SHARPNESS * leaning * prompts["first"].to_numpy()
    refused = norm.cdf(draw("asked")) < model.refuses
    sides = [
        pd.DataFrame({"prompt": prompts.index, "place": place, "option": -np.logaddexp(0, -sign * gap)})
        for place, sign in ((1, 1), (2, -1))
    ]
    sides = [side.assign(option=side["option"].mask(refused)) for side in sides]
    return pd.concat(sides, ignore_index=True).assign(mass_outside_options=0.0)


def run_study(seed: int) -> pd.DataFrame:
    """Verdicts on all models in one study. Models with the same batteries are estimated together, which is faster."""
    real = lay_out()
    scores: dict[int, list[pd.DataFrame]] = {}
    for number, (name, model) in enumerate(MODELS.items()):
        rng = np.random.default_rng([20261127, seed, number])
        design = real.design
        if model.batteries:
            asked = real.bank["battery"][real.bank["probe"].isin(design["probe"])].unique()
            kept = rng.choice(asked, model.batteries, replace=False)
            design = design[design["probe"].isin(real.bank.loc[real.bank["battery"].isin(kept), "probe"])]
        table, _ = score_options(
            design, answer(rng, model, real), Comparison(real.poles, real.bank), {"words": "option"}
        )
        scores.setdefault(model.batteries, []).append(table.assign(model=name, language="en", ordered=True))
    how = Resampling(real.people, DRAWS, 0.95, seed, ["batteries", "respondents"])
    verdicts = []
    for tables in scores.values():
        cells = stack(tables)
        known = estimate_contrasts(cells, CONTRASTS, how, MEASURES)
        verdicts.append(choose_intervals(cells, known, CONTRASTS, None, how, MEASURES))
    return pd.concat(verdicts, ignore_index=True).assign(study=seed)


def summarise(table: pd.DataFrame) -> pd.DataFrame:
    """Per model and contrast, in percent and points: the mean estimate, its spread, how often it is found, widths."""
    for name in ("low", "category_low", "main_low"):
        high = name.replace("low", "high")
        table[f"found_{name}"] = (table[name] > 0) | (table[high] < 0)
    table = table.assign(
        half=(table["high"] - table["low"]) / 2, main_half=(table["main_high"] - table["main_low"]) / 2
    )
    table["category_main"] = table["main"] == "category"
    groups = table.groupby(["measure", "model", "arm", "against"], sort=False)
    columns = {
        "estimate": ("estimate", "mean"),
        "sd": ("estimate", "std"),
        "by battery": ("found_low", "mean"),
        "by category": ("found_category_low", "mean"),
        "main": ("found_main_low", "mean"),
        "half width": ("half", "mean"),
        "main half width": ("main_half", "mean"),
        "category is main": ("category_main", "mean"),
    }
    return (100 * groups.agg(**columns)).round(1).reset_index()


def main() -> None:
    """Run the studies, and print what they found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="60 studies")
    parser.add_argument("--studies", type=int, help="another number of studies")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes")
    options = parser.parse_args()
    runs = options.studies or (60 if options.quick else 400)
    lay_out()  # before the processes start, which then share it
    with ProcessPoolExecutor(options.jobs) as pool:
        studies = list(tqdm(pool.map(run_study, range(runs)), total=runs, unit="study", mininterval=5))
    pd.set_option("display.width", 220)
    print(summarise(pd.concat(studies, ignore_index=True)).to_string(index=False))


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
