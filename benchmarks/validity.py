"""Whether the estimates are right: studies of synthetic models, planted through the workflow's own steps.

    python benchmarks/validity.py --quick    1,000 studies; under 15 minutes on 2 cores
    python benchmarks/validity.py            4,000 studies, and 1,000 with several seeds and frames

Each study asks new people, scores six models (benchmarks/synthetic.py) and estimates their contrasts. The last line is
JSON; tables of all contrasts, with Monte Carlo errors, come before it. docs/validity.md reports them.
"""

import argparse
import json
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
from scipy.stats import norm
from selfalign.contrasts import Contrast
from selfalign.scoring.bootstrap import Resampling
from selfalign.scoring.estimate_contrasts import estimate_contrasts
from selfalign.scoring.schemas import ALL
from synthetic import MODELS, SHARPNESS, Arm, Model, World, logistic, spread
from tqdm import tqdm

CONTRASTS = [
    Contrast(arm="own", against="zero_shot"),
    Contrast(arm="other", against="zero_shot"),
    Contrast(arm="own", against="other"),
    Contrast(arm="near", against="zero_shot"),
    Contrast(arm="far", against="zero_shot"),
    Contrast(arm="near", against="far"),
]
LEVEL = 0.95
DRAWS = 999
REPLICATES = 200
RESAMPLE = ["batteries", "respondents", "seeds", "templates"]


def run_study(seed: int, world: World, models: dict[str, Model], ways: dict[str, list[str]]) -> pd.DataFrame:
    """The contrasts of one study, in several ways to resample: a row per way, model, contrast, country, measure."""
    rng = np.random.default_rng([20251117, seed])
    scores, people = world.study(rng, models, REPLICATES)
    parts = [
        estimate_contrasts(scores, CONTRASTS, Resampling(people, DRAWS, LEVEL, seed, resample)).assign(way=way)
        for way, resample in ways.items()
    ]
    return pd.concat(parts, ignore_index=True).assign(study=seed)


def run_studies(
    runs: int, world: World, models: dict[str, Model], ways: dict[str, list[str]], jobs: int
) -> pd.DataFrame:
    """The contrasts of many studies, each with the truth."""
    work = partial(run_study, world=world, models=models, ways=ways)
    with ProcessPoolExecutor(jobs) as pool:
        studies = tqdm(pool.map(work, range(runs), chunksize=5), total=runs, unit="study", mininterval=5)
        table = pd.concat(studies, ignore_index=True)
    return add_truth(table, world, models)


def add_truth(table: pd.DataFrame, world: World, models: dict[str, Model]) -> pd.DataFrame:
    """Contrasts with the true difference of each; the truth of soft alignment is that of the mean of the countries."""
    keys = ["model", "arm", "against", "measure"]
    return table.join(pd.Series(true_gains(world, models), name="truth").rename_axis(keys), on=keys)


def true_gains(world: World, models: dict[str, Model]) -> dict[tuple[str, str, str, str], float]:
    """The true difference of every contrast that a model has, by model, its two arms, and measure."""
    levels = {
        (name, key, measure): level(arm, world)
        for name, model in models.items()
        for key, arm in model.arms.items()
        for measure, level in (("agreement", true_agreement), ("alignment", true_alignment))
    }
    return {
        (name, arm, against, measure): levels[name, arm, measure] - levels[name, against, measure]
        for name in models
        for arm, against in ((one.arm, one.against) for one in CONTRASTS)
        for measure in ("agreement", "alignment")
        if (name, arm, measure) in levels and (name, against, measure) in levels
    }


def true_agreement(arm: Arm, world: World) -> float:
    """The share of probes on which an arm truly chooses the majority, in expectation over stances and batteries."""
    return float(norm.cdf(know(arm, world) / spread(arm)).mean())


def true_alignment(arm: Arm, world: World) -> float:
    """Soft alignment of an arm without a preference for a place, in expectation over stances and batteries.

    By Gauss-Hermite quadrature over the leanings, which are normal.
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(101)
    share = world.truth.to_numpy()[..., None]
    mean = np.where(world.truth > 0.5, 1, -1) * know(arm, world)
    p_a = logistic(SHARPNESS * (mean[..., None] + spread(arm) * nodes))
    return float(((1 - np.abs(p_a - share)) @ weights).mean() / weights.sum())


def know(arm: Arm, world: World) -> np.ndarray:
    """What an arm knows of a country's majority, in leanings, by probe."""
    return norm.ppf(arm.agreement) * spread(arm) + arm.per_mate * world.mates[arm.without_battery]


def summarise(table: pd.DataFrame) -> pd.DataFrame:
    """Per contrast and measure: bias, coverage and rejections, each with its Monte Carlo error.

    Single countries are summarised for agreement only: their soft alignment differs with their shares.
    """
    of_mean = table["country"] == ALL
    table = table[of_mean | (table["measure"] == "agreement")]
    table = table.assign(scope=np.where(table["country"] == ALL, "mean", "country"))
    table = table.assign(
        error=table["estimate"] - table["truth"],
        covered=(table["low"] <= table["truth"]) & (table["truth"] <= table["high"]),
        rejected=table["p"] < 1 - LEVEL,
        width=table["high"] - table["low"],
    )
    values = ["truth", "estimate", "error", "covered", "rejected", "width"]
    groups = ["measure", "way", "model", "arm", "against", "scope"]
    # The countries of one study are not independent, so a study's mean over them is what the errors count.
    studies = table.groupby([*groups, "study"])[values].mean().groupby(groups)
    means, errors = studies.mean(), studies.sem()[["error", "covered", "rejected"]].add_suffix("_mc")
    return means.join(errors).join(table.groupby(groups)["estimate"].std().rename("sd")).reset_index()


def report(found: pd.DataFrame) -> dict[str, float]:
    """Seven numbers of the mean of the countries: five of agreement, two of soft alignment."""
    means = found[found["scope"] == "mean"].set_index(["model", "arm", "against"])
    mean, soft = (means[means["measure"] == measure] for measure in ("agreement", "alignment"))
    null = mean.loc["null"]
    return {
        "false_positive_rate": round(float(null["rejected"].mean()), 4),
        "coverage": round(float(mean.loc[("country", "own", "other"), "covered"]), 4),
        "bias": round(float(mean.loc[("country", "own", "other"), "error"]), 5),
        "format_only_margin": round(float(mean.loc[("format", "own", "other"), "estimate"]), 5),
        "leakage_only_gain_without_battery": round(float(mean.loc[("leakage", "far", "zero_shot"), "estimate"]), 5),
        "alignment_bias_place": round(float(soft.loc[("place", "own", "other"), "error"]), 5),
        "alignment_bias_moving_place": round(float(soft.loc[("moving", "own", "zero_shot"), "error"]), 5),
    }


PLACES = {
    "none": Model({"zero_shot": Arm(), "own": Arm(0.63)}),
    "both arms": Model({"zero_shot": Arm(), "own": Arm(0.63)}, place=4.0, place_spread=1.0),
    "own": Model({"zero_shot": Arm(), "own": Arm(0.63, place=4.0)}),
    "zero_shot": Model({"zero_shot": Arm(place=4.0), "own": Arm(0.63)}),
}
"""Models by which of their arms prefer the option that is shown first, by 4 nats."""


def measure_alignment(seed: int, world: World) -> pd.DataFrame:
    """Soft alignment of each arm of `PLACES` in a study: columns p_a and p_a_mean, which it is computed from."""
    scores, _ = world.study(np.random.default_rng([20251127, seed]), PLACES, 2)
    columns = {name: 1 - (scores[name] - scores["share_a"]).abs() for name in ("p_a", "p_a_mean")}
    table = pd.DataFrame(columns).groupby([scores["model"], scores["arm"]]).mean()
    gain = table.xs("own", level="arm") - table.xs("zero_shot", level="arm")
    return pd.concat([table, gain.assign(arm="gain").set_index("arm", append=True)])


def true_alignments(world: World) -> pd.Series:
    """The true soft alignment of each arm of `PLACES`, and the gain of own over zero-shot, by model and arm."""
    levels = {
        (name, key): true_alignment(arm, world) for name, model in PLACES.items() for key, arm in model.arms.items()
    }
    gains = {(name, "gain"): levels[name, "own"] - levels[name, "zero_shot"] for name in PLACES}
    return pd.Series(levels | gains).rename_axis(["model", "arm"])


def compare_probabilities(runs: int, world: World, jobs: int) -> pd.DataFrame:
    """Bias of soft alignment with its Monte Carlo error, from the mean log-odds and from the mean of probabilities."""
    with ProcessPoolExecutor(jobs) as pool:
        studies = pd.concat(pool.map(partial(measure_alignment, world=world), range(runs)))
    groups = studies.groupby(["model", "arm"], sort=False)
    truth = true_alignments(world)
    bias = groups.mean().sub(truth, axis=0)
    return bias.join(groups.sem(), rsuffix="_mc").join(truth.rename("truth"))


def with_levels(spread_of_templates: float) -> dict[str, Model]:
    """A null model asked with three seeds and three frames."""
    arm = Arm(cells=(3, 3), template_spread=spread_of_templates)
    return {"null": Model({"zero_shot": replace(arm, cells=(1, 3)), "own": arm})}


def main() -> None:
    """Run the studies, and print what they found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="1,000 studies")
    parser.add_argument("--studies", type=int, help="another number of studies")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes")
    options = parser.parse_args()
    pd.set_option("display.width", 200, "display.max_rows", 200, "display.max_columns", 30)
    world = World()
    runs = options.studies or (1000 if options.quick else 4000)
    found = summarise(run_studies(runs, world, MODELS, {"joint": RESAMPLE}, options.jobs))
    print(found.round(4).to_string(index=False))
    print("Bias of soft alignment, by who prefers a place")
    print(compare_probabilities(max(runs // 5, 2), world, options.jobs).round(4).to_string())
    if not options.quick:
        ways = {"batteries": ["batteries"], "and respondents": ["batteries", "respondents"], "and levels": RESAMPLE}
        for sd in (0.0, 0.2):
            levels = run_studies(runs // 4, world, with_levels(sd), ways, options.jobs)
            print(f"Three seeds and frames; standard deviation of the frames' knowledge {sd}")
            print(summarise(levels).round(4).to_string(index=False))
    print(json.dumps(report(found)))


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
