"""Readers planted into the design of the study: how often do its intervals cover the true margins, and exclude 0?

    python benchmarks/planted_study.py                                  # prints the table
    python benchmarks/planted_study.py --output docs/planted_study.csv  # also writes it

benchmarks/planted.py has the smaller design of the default. Here the cells are those of config/study.yaml: 255 probes
in 65 batteries and 12 categories, 19 countries, and as sources all 18 other countries. The arms show similar questions,
and similar ones of other batteries. Demonstrations and majorities are the workflow's own. So are the answers of the
copier and of the ideal reader (docs/readers.md).

A mixture answers a share of the prompts as the copier, a share as the ideal reader, and the others from the statement
alone. So its true margin is the same mixture of the readers' margins in the whole bank, and is known exactly.

Random from study to study are:

- the questions. Either as many batteries as the bank has are drawn from the bank with replacement, or as many
  categories with all their batteries; or all questions stay. A question that is drawn twice is two questions with the
  same demonstrations, and the model answers them separately.
- the model: which prompts it copies or infers, and its answers from the statement alone, whose log-odds of pole A are
  3 x (stance + chance) as in benchmarks/planted.py. Two sources with the same five answers make the same prompt, and
  get the same answer. The two pairs of arms have chances of their own.

The people, their majorities and the demonstrations of a question stay. So the intervals here cover the choice of
batteries or categories, and not the sample of respondents, which adds 0 to 7 % to the widths of the study.

Cells are compared with the people by the workflow's functions. Its bootstrap, its degrees of freedom and its rule for
the main interval are applied to all models as one array, because the workflow's tables would take a minute per study.
tests/unit/programs/test_planted_study.py checks that the workflow's own steps give the same verdicts.
"""

import argparse
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from planted import CHANCE, SHARPNESS, STANCE, lay_out_english, read_demonstrations
from scipy import stats
from scipy.special import expit
from selfalign.config.read import read_settings
from selfalign.config.sections import Config
from selfalign.home import HOME
from selfalign.plan.designs import Laid
from selfalign.prompts.sources import Surveyed
from selfalign.scoring.bootstrap import freedom_of_batteries, widen_batteries
from selfalign.scoring.main_intervals import choose_main
from selfalign.scoring.metrics import METRICS
from selfalign.scoring.readers import name_cells
from tqdm import tqdm

PAIRS = [("chrf", "chrf_other"), ("chrf_without_battery", "chrf_without_battery_other")]
MEASURES = ["agreement", "alignment"]
READERS = ["copier", "ideal"]
WAYS = ["batteries", "categories", "none"]
"""What is drawn with replacement from the bank."""

PUSH = {"category": 0.2, "battery": 0.4}
"""Standard deviations, in leanings, of how the answers shown push a model without being read."""

DRAWS, LEVEL = 1000, 0.95


@dataclass(frozen=True)
class Mixture:
    """A model that answers some prompts as a reader of the demonstrations, and the others from the statement alone.

    Attributes:
        copies: share of the prompts that it answers as the copier.
        infers: share of the prompts that it answers as the ideal reader.
        by_category: whether these are shares of the categories, all of whose prompts it answers so.
        pushed: whether the answers shown push its leanings, by battery and category, to a side that tells nothing.
        uneven: standard deviation, between categories, of how much an arm helps; the mean is 0.
    """

    copies: float = 0.0
    infers: float = 0.0
    by_category: bool = False
    pushed: bool = False
    uneven: float = 0.0


MODELS = {
    "reads nothing": Mixture(),
    "pushed by the answers": Mixture(pushed=True),
    "helps unevenly by category": Mixture(uneven=0.3),
    "copies 13 %": Mixture(copies=0.13),
    "copies 39 %": Mixture(copies=0.39),
    "copies 66 %": Mixture(copies=0.66),
    "copies": Mixture(copies=1.0),
    "infers 9 %": Mixture(infers=0.09),
    "infers 17 %": Mixture(infers=0.17),
    "infers 27 %": Mixture(infers=0.27),
    "infers 45 %": Mixture(infers=0.45),
    "infers 52 %": Mixture(infers=0.52),
    "infers 86 %": Mixture(infers=0.86),
    "infers": Mixture(infers=1.0),
    "copies 20 %, infers 20 %": Mixture(copies=0.2, infers=0.2),
    "copies in 39 % of the categories": Mixture(copies=0.39, by_category=True),
    "infers in 52 % of the categories": Mixture(infers=0.52, by_category=True),
}
"""The first three have no true margin. The shares give margins of about 1, 3 and 5 points in one of the contrasts."""


SHOWN = {
    ("agreement", "chrf"): [
        "reads nothing",
        "pushed by the answers",
        "helps unevenly by category",
        "copies 13 %",
        "copies 39 %",
        "copies 66 %",
        "copies",
        "infers 9 %",
        "infers 27 %",
        "infers 45 %",
        "infers",
        "copies 20 %, infers 20 %",
        "copies in 39 % of the categories",
        "infers in 52 % of the categories",
    ],
    ("agreement", "chrf_without_battery"): [
        "reads nothing",
        "pushed by the answers",
        "helps unevenly by category",
        "copies",
        "infers 17 %",
        "infers 52 %",
        "infers 86 %",
        "infers",
        "copies 20 %, infers 20 %",
        "infers in 52 % of the categories",
    ],
}
SHOWN |= {("alignment", arm): models for (_, arm), models in SHOWN.items()}
"""The models in the tables of docs/planted_readers.md, by measure and own arm."""


@dataclass(frozen=True)
class Bank:
    """The design of a study as arrays. The axes of a cell are pair of arms x country x source x probe.

    Attributes:
        countries: names, of the countries and of the sources.
        probes: names.
        battery: number of each probe's battery.
        category: number of each probe's category.
        share: countries x probes, the people's share of pole A.
        asked: whether the design has the cell. The arm of a pair is the own one where the source is the country.
        log_odds: by reader, its log-odds of pole A in each cell (nats); NaN where the design has none.
        prompt: pairs x sources x probes, the first source whose answers make the same prompt.
    """

    countries: list[str]
    probes: np.ndarray
    battery: np.ndarray
    category: np.ndarray
    share: np.ndarray
    asked: np.ndarray
    log_odds: Mapping[str, np.ndarray]
    prompt: np.ndarray

    def values(self) -> dict[str, dict[str, np.ndarray]]:
        """By measure and reader, the value of each cell."""
        return {
            measure: {reader: compare(measure, gap, self.share) for reader, gap in self.log_odds.items()}
            for measure in MEASURES
        }


@dataclass(frozen=True)
class Questions:
    """The questions of one study.

    Attributes:
        rows: numbers of their probes in the bank.
        battery: number of each one's battery; two draws of a battery are two batteries.
        category: the same of categories, if categories are drawn.
    """

    rows: np.ndarray
    battery: np.ndarray
    category: np.ndarray


def settings_of_study() -> dict[str, Any]:
    """The settings of the study, with the four arms."""
    settings = read_settings([HOME / "config" / "study.yaml"])
    settings["languages"]["en"]["arms"] = [arm for pair in PAIRS for arm in pair]
    return settings


def lay_out(config: Config) -> Bank:
    """The English cells of a config, and what the readers answer in them."""
    known, laid = lay_out_english(config)
    return as_arrays(known, laid, list(config.languages["en"].countries))


def as_arrays(known: Surveyed, laid: Laid, countries: list[str]) -> Bank:
    """The cells of a design as arrays; the readers' answers are the means over the two option orders."""
    cells, read = laid.cells, read_demonstrations(known, laid)
    about = known.bank[known.bank["probe"].isin(cells["probe"])]
    probes = pd.Index(about["probe"])
    pair_of = {arm: number for number, pair in enumerate(PAIRS) for arm in pair}
    country, source = (pd.Index(countries).get_indexer(cells[one]) for one in ("country", "source"))
    pair, probe = cells["arm"].map(pair_of).to_numpy(), probes.get_indexer(cells["probe"])
    shape = (len(PAIRS), len(countries), len(countries), len(probes))
    place = np.ravel_multi_index((pair, country, source, probe), shape)
    prompt = np.zeros((shape[0], *shape[2:]), dtype=int)
    prompt[pair, source, probe] = pd.Series(source).groupby([pair, cells["prompt"].to_numpy()]).transform("min")
    first = np.where(cells["order"] == "AB", 1, -1)
    gaps = {
        "copier": first * read["copier"].reindex(cells["prompt"]).to_numpy(),
        "ideal": first * read["ideal"].reindex(name_cells(cells)).to_numpy(),
    }
    number = np.bincount(place, minlength=np.prod(shape)).reshape(shape)
    with np.errstate(invalid="ignore"):
        means = {name: np.bincount(place, gap, np.prod(shape)).reshape(shape) / number for name, gap in gaps.items()}
    share = known.poles.pivot(index="country", columns="probe", values="share_a").loc[countries, probes].to_numpy()
    battery, category = (pd.factorize(about[name], sort=True)[0] for name in ("battery", "category"))
    return Bank(countries, probes.to_numpy(), battery, category, share, number > 0, means, prompt)


def compare(measure: str, log_odds: np.ndarray, share: np.ndarray) -> np.ndarray:
    """The value of a measure in each cell, by the workflow's function.

    Args:
        measure: one of `MEASURES`.
        log_odds: of pole A, pairs x countries x sources x probes; or x 1 x for all countries alike.
        share: the people's share of pole A, countries x probes.
    """
    metric = METRICS[measure]
    people = (share > 0.5).astype(float) if metric.follows == "majority" else share
    p, q = expit(log_odds), people[None, :, None, :]
    return metric.compare(np.stack([p, 1 - p], axis=-1), np.stack([q, 1 - q], axis=-1))


def draw_questions(rng: np.random.Generator, bank: Bank, way: str) -> Questions:
    """The questions of a study: all of the bank, or drawn with replacement by battery or by category."""
    everything = np.arange(len(bank.probes))
    if way == "none":
        return Questions(everything, bank.battery, bank.category)
    home = bank.battery if way == "batteries" else bank.category
    drawn = rng.integers(home.max() + 1, size=home.max() + 1)
    parts = [everything[home == one] for one in drawn]
    rows, copy = np.concatenate(parts), np.repeat(np.arange(len(parts)), [len(one) for one in parts])
    if way == "batteries":
        return Questions(rows, copy, pd.factorize(bank.category[rows])[0])
    return Questions(rows, pd.factorize(copy * len(bank.probes) + bank.battery[rows])[0], copy)


def lean(rng: np.random.Generator, questions: Questions) -> np.ndarray:
    """Stances on the statements, pairs x 1 x questions: the same with every source's answers."""
    homes = {"category": questions.category, "battery": questions.battery, "probe": np.arange(len(questions.rows))}
    return sum(
        STANCE[name] * (rng.normal(size=(1, 1, size)) + rng.normal(size=(len(PAIRS), 1, size)))[..., home] / np.sqrt(2)
        for name, home, size in ((name, home, home.max() + 1) for name, home in homes.items())
    )


def answer_alone(rng: np.random.Generator, bank: Bank, questions: Questions) -> dict[str, np.ndarray]:
    """Log-odds of pole A without any reading: plain, pushed by the answers shown, or helped unevenly by category.

    Returns:
        By kind, pairs x countries (or 1) x sources x questions.
    """
    countries, category, prompt = len(bank.countries), questions.category, bank.prompt[..., questions.rows]
    orders = 2  # each is asked once, and a cell has the mean of both
    chance = CHANCE / np.sqrt(orders) * rng.normal(size=prompt.shape)
    push = sum(
        PUSH[name] * rng.normal(size=(len(PAIRS), countries, home.max() + 1))[..., home]
        for name, home in (("category", category), ("battery", questions.battery))
    )
    own, other = rng.normal(size=(2, len(PAIRS), 1, 1, category.max() + 1))[..., category]
    help_ = np.where(np.eye(countries, dtype=bool)[None, :, :, None], own, other)
    side = np.where(bank.share[:, questions.rows] > 0.5, 1, -1)[None, :, None, :]
    uneven = MODELS["helps unevenly by category"].uneven
    plain = SHARPNESS * (lean(rng, questions) + np.take_along_axis(chance, prompt, axis=1))[:, None]
    return {
        "plain": plain,
        "pushed": plain + SHARPNESS * np.take_along_axis(push, prompt, axis=1)[:, None],
        "uneven": plain + SHARPNESS * uneven * side * help_,
    }


def mix(model: Mixture, alone: np.ndarray, read: Mapping[str, np.ndarray], lots: np.ndarray) -> np.ndarray:
    """Values of the cells of a mixture.

    Args:
        model: its shares.
        alone: values of the answers from the statement alone, of each cell.
        read: by reader, values of its answers.
        lots: numbers between 0 and 1 that decide who answers, of each prompt; they broadcast to the cells.
    """
    inferred = np.where(lots < model.copies + model.infers, read["ideal"], alone)
    return np.where(lots < model.copies, read["copier"], inferred)


def split_arms(values: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Means over the sources of each arm: pairs x own and other x countries x questions; NaN where it has no cell."""
    each = np.arange(values.shape[1])
    known = np.where(asked, values, 0)
    own, asked_own = known[:, each, each], asked[:, each, each]
    total, number = known.sum(axis=2) - own, asked.sum(axis=2) - asked_own
    means = np.where(asked_own, own, np.nan), total / np.where(number, number, np.nan)
    return np.stack(means, axis=1)


@dataclass(frozen=True)
class Chance:
    """The chance of one study, which all models share.

    Attributes:
        alone: log-odds of pole A from the statement alone: see `answer_alone`.
        by_prompt: numbers between 0 and 1 that decide who answers a prompt: pairs x 1 x sources x questions.
        by_category: the same, one number for all prompts of a category: of each question.
    """

    alone: Mapping[str, np.ndarray]
    by_prompt: np.ndarray
    by_category: np.ndarray


def draw_chance(rng: np.random.Generator, bank: Bank, questions: Questions) -> Chance:
    """The chance of one study."""
    alone = answer_alone(rng, bank, questions)
    prompt = bank.prompt[..., questions.rows]
    by_prompt = np.take_along_axis(rng.random(prompt.shape), prompt, axis=1)[:, None]
    return Chance(alone, by_prompt, rng.random(questions.category.max() + 1)[questions.category])


def answer_study(
    bank: Bank,
    questions: Questions,
    chance: Chance,
    values: Mapping[str, Mapping[str, np.ndarray]],
    models: Mapping[str, Mixture],
) -> Iterator[tuple[str, str, np.ndarray]]:
    """Model, measure, and its values by arm (see `split_arms`)."""
    asked, share = bank.asked[..., questions.rows], bank.share[:, questions.rows]
    for measure in MEASURES:
        read = {reader: cells[..., questions.rows] for reader, cells in values[measure].items()}
        unread = {kind: compare(measure, gap, share) for kind, gap in chance.alone.items()}
        for name, model in models.items():
            kind = "uneven" if model.uneven else "pushed" if model.pushed else "plain"
            lots = chance.by_category if model.by_category else chance.by_prompt
            yield name, measure, split_arms(mix(model, unread[kind], read, lots), asked)


@cache
def draw_clusters(number: int, draws: int, seed: int) -> np.ndarray:
    """How often each cluster is in each resample, as the workflow draws them: draws x clusters."""
    return np.random.default_rng(seed).multinomial(number, np.full(number, 1 / number), size=draws).astype(np.float32)


def estimate_means(values: np.ndarray, home: np.ndarray, draws: int, seed: int = 1) -> dict[str, np.ndarray]:
    """Means over probes, then over countries, with the intervals of `bootstrap.estimate`, for series as one array.

    Args:
        values: countries x probes x series; NaN where a country has no value.
        home: number of each probe's cluster.
        draws: resamples.
        seed: of the resamples.

    Returns:
        Of each series: estimate, low, high.
    """
    present = np.isfinite(values)
    number = present.sum(axis=1, keepdims=True)
    point = np.where(present, values, 0).sum(axis=1, keepdims=True) / number
    centred = np.where(present, values - point, 0)
    member = np.equal.outer(np.arange(home.max() + 1), home).astype(float)
    sizes = member @ present
    widened = member @ centred * np.sqrt(widen_batteries((sizes > 0).sum(axis=1)))[:, None, :]
    weights = draw_clusters(len(member), draws, seed)
    counts = weights @ sizes.astype(np.float32)
    changes = np.divide(weights @ widened.astype(np.float32), counts, out=np.zeros_like(counts), where=counts > 0)
    error = changes.mean(axis=0).std(axis=0, ddof=1, dtype=np.float64)
    parts = (centred / number).mean(axis=0)
    freedom = freedom_of_batteries(parts, home, member @ present.any(axis=0).astype(float))
    reach = stats.t.ppf((1 + LEVEL) / 2, freedom) * error
    estimate = point[:, 0].mean(axis=0)
    return {"estimate": estimate, "low": estimate - reach, "high": estimate + reach}


def estimate_study(answers: Iterable[tuple[str, str, np.ndarray]], questions: Questions, draws: int) -> pd.DataFrame:
    """Own minus other of the mean of the countries, with intervals by battery and by category, and the main one.

    Args:
        answers: as `answer_study` returns them.
        questions: of the study.
        draws: resamples.
    """
    names, measures, arms = zip(*answers, strict=True)
    differences = np.stack([arm[:, 0] - arm[:, 1] for arm in arms])  # series x pairs x countries x questions
    values = np.moveaxis(differences, (2, 3), (0, 1)).reshape(*differences.shape[2:], -1)
    table = pd.DataFrame({"model": np.repeat(names, len(PAIRS)), "measure": np.repeat(measures, len(PAIRS))})
    table[["arm", "against"]] = PAIRS * len(names)
    by_category = estimate_means(values, questions.category, draws)
    table = table.assign(
        **estimate_means(values, questions.battery, draws),
        category_low=by_category["low"],
        category_high=by_category["high"],
        categories=questions.category.max() + 1,
    )
    return choose_main(table, ["batteries"])


def run_study(
    seed: int, way: str, bank: Bank, values: Mapping[str, Mapping[str, np.ndarray]], draws: int = DRAWS
) -> pd.DataFrame:
    """Verdicts on all models in one study (`estimate_study`). All models get the same questions and the same chance."""
    rng = np.random.default_rng([20261128, seed, WAYS.index(way)])
    questions = draw_questions(rng, bank, way)
    chance = draw_chance(rng, bank, questions)
    answers = answer_study(bank, questions, chance, values, MODELS)
    return estimate_study(answers, questions, draws).assign(drawn=way, study=seed)


def find_margins(
    bank: Bank, values: Mapping[str, Mapping[str, np.ndarray]], models: Mapping[str, Mixture]
) -> pd.DataFrame:
    """The true own minus other of each model in the whole bank: columns model, measure, arm, truth.

    Answers from the statement alone have the same distribution with every source's answers, so they add 0.
    """
    margins = {}
    for measure, read in values.items():
        for reader, cells in read.items():
            arms = split_arms(cells, bank.asked)
            margins[measure, reader] = np.nanmean(arms[:, 0] - arms[:, 1], axis=-1).mean(axis=-1)
    rows = [
        {"model": name, "measure": measure, "arm": own, "truth": margin}
        for name, model in models.items()
        for measure in MEASURES
        for (own, _), margin in zip(
            PAIRS, model.copies * margins[measure, "copier"] + model.infers * margins[measure, "ideal"], strict=True
        )
    ]
    return pd.DataFrame(rows)


def summarise(verdicts: pd.DataFrame, margins: pd.DataFrame) -> pd.DataFrame:
    """By what is drawn, model, measure and contrast, in per cent and points.

    Columns truth, mean and sd (of the estimates), then by battery, by category and of the main interval: covered and
    found (shares of the studies whose interval has the truth, and leaves out 0) and half (the mean half width);
    category_is_main (share of the studies) and studies.
    """
    table = verdicts.merge(margins, on=["model", "measure", "arm"])
    numbers = {"truth": ("truth", "first"), "mean": ("estimate", "mean"), "sd": ("estimate", "std")}
    for name, prefix in (("battery", ""), ("category", "category_"), ("main", "main_")):
        low, high = table[f"{prefix}low"], table[f"{prefix}high"]
        table[f"covered_{name}"] = (low <= table["truth"]) & (table["truth"] <= high)
        table[f"found_{name}"] = (low > 0) | (high < 0)
        table[f"half_{name}"] = (high - low) / 2
        numbers |= {column: (column, "mean") for column in (f"covered_{name}", f"found_{name}", f"half_{name}")}
    table["category_is_main"] = table["main"] == "category"
    numbers["category_is_main"] = ("category_is_main", "mean")
    groups = table.groupby(["drawn", "model", "measure", "arm", "against"], sort=False)
    summary = 100 * groups.agg(**numbers)
    return summary.round(4).assign(studies=groups.size()).reset_index()


def write_rows(table: pd.DataFrame, measure: str, arm: str) -> str:
    """Rows of docs/planted_readers.md: of each model, the true margin, then three cells per way to draw questions.

    The cells have two numbers, of the main interval and of the one by battery: the shares of studies whose interval
    covers the true margin and leaves out 0, and the mean half width.

    Args:
        table: as `summarise` returns it.
        measure: one of `MEASURES`.
        arm: the own arm of the contrast.
    """
    some = table[(table["measure"] == measure) & (table["arm"] == arm)].set_index(["model", "drawn"])
    lines = []
    for model in SHOWN[measure, arm]:
        ways = [some.loc[(model, way)] for way in ("batteries", "categories")]
        cells = [
            ", ".join(f"{row[f'{column}_{name}']:.{places}f}" for name in ("main", "battery"))
            for row in ways
            for column, places in (("covered", 0), ("found", 0), ("half", 1))
        ]
        lines.append(f"| {' | '.join([model, f'{abs(ways[0].truth):.1f}', *cells])} |")
    return "\n".join(lines) + "\n"


def group_margins(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The rows of drawn batteries and categories, by the kind of model and the true margin of the agreement."""
    drawn = table[table["drawn"] != "none"]
    agreement = drawn[drawn["measure"] == "agreement"].set_index(["drawn", "model", "arm"])["truth"]
    true = agreement.loc[pd.MultiIndex.from_frame(drawn[["drawn", "model", "arm"]])].to_numpy()
    kinds = drawn["model"].map(MODELS)
    uneven, by_category = (
        kinds.map(lambda model, name=name: bool(getattr(model, name))) for name in ("uneven", "by_category")
    )
    evenly = ~uneven & ~by_category
    return {
        "0": drawn[evenly & (true < 0.1)],
        "0 on average, help in some categories and harm in others": drawn[uneven],
        "0.5 to 2": drawn[evenly & (true > 0.1) & (true < 2.0)],
        "2 to 4": drawn[evenly & (true > 2.0) & (true < 4.0)],
        "4 to 11": drawn[evenly & (true > 4.0)],
        "3 to 6, in some categories only": drawn[by_category & (true > 0.1)],
    }


def write_groups(table: pd.DataFrame) -> str:
    """Rows of docs/validity.md: of each group of `group_margins`, means and ranges for both measures."""
    lines = []
    for name, rows in group_margins(table).items():
        cells = [name, str((rows["measure"] == "agreement").sum())]
        for measure in MEASURES:
            some = rows[rows["measure"] == measure]
            for column in ("covered_main", "covered_battery", "found_main"):
                values = some[column]
                cells.append(f"{values.mean():.0f} ({values.min():.0f} to {values.max():.0f})")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run the studies, and print or write what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=1000, help="studies of each way to draw questions")
    parser.add_argument("--fixed", type=int, default=200, help="studies with all questions of the bank")
    parser.add_argument("--output", type=Path, help="a file for the table (CSV)")
    options = parser.parse_args()
    bank = lay_out(Config.read(settings_of_study()))
    values = bank.values()
    runs = {"batteries": options.studies, "categories": options.studies, "none": options.fixed}
    jobs = [(seed, way) for seed in range(max(runs.values())) for way in WAYS if seed < runs[way]]
    verdicts = [run_study(seed, way, bank, values) for seed, way in tqdm(jobs, unit="study", mininterval=5)]
    table = summarise(pd.concat(verdicts, ignore_index=True), find_margins(bank, values, MODELS))
    if options.output:
        table.to_csv(options.output, index=False)
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
