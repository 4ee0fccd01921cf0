"""Three workloads in the shape of the real experiment, from the project's own probes, frames and example survey.

`fixed`: the same five demonstrations before every test probe of a country; `per_probe`: the five most similar ones
(chrF++) before each; `zero_shot`: none. English, both option orders, in a frame of labels or of words.
"""

import hashlib
from pathlib import Path

import pandas as pd
from selfalign.arms import Arm
from selfalign.demonstrations.measure_similarity import chrf_similarity, list_pairs
from selfalign.demonstrations.rank_demonstrations import pair_probes, rank
from selfalign.probes.bank import read_bank, read_texts
from selfalign.probes.map_poles import map_poles
from selfalign.prompts.design_prompts import Experiment, write_demonstrations
from selfalign.prompts.frames import Frame, Item, read_frame
from selfalign.prompts.sources import Surveyed
from selfalign.prompts.wording import DesignLanguages, Wording, word_poles
from selfalign.survey.schemas import Counts
from selfalign.survey.weigh_answers import weigh
from selfalign.tables import read_input

RESOURCES = Path(__file__).resolve().parents[2] / "resources"
WORKLOADS = ("fixed", "per_probe", "zero_shot")
FRAMES = {"label": "letters", "option": "words"}
"""The frame in which each readout is taken: one that shows labels, or one that shows the options' words alone."""
COUNTRIES = ["DEU", "IND", "MEX", "NGA"]
SHOTS = 5
ARMS = {
    "zero_shot": {"shots": 0},
    "per_probe": {"shots": SHOTS, "strategy": "chrf", "seeds": [], "answers": "own", "exclude": ["siblings"]},
}

SIZES = {
    "gpu": {"fixed": (4, 200), "per_probe": (4, 200), "zero_shot": (4, 200)},
    "full": {"fixed": (4, 16), "per_probe": (4, 12), "zero_shot": (4, 48)},
    "quick": {"fixed": (1, 16), "per_probe": (4, 4), "zero_shot": (4, 24)},
}
"""Countries and test probes of each workload. A smaller one leaves out whole countries of `fixed`, which share few
tokens, or whole probes of the others, each of which keeps its countries and orders: so a prompt shares as much of its
tokens with others as in the real experiment, or less."""

Prompts = pd.DataFrame


def build_workloads(size: str) -> dict[tuple[str, str], Prompts]:
    """The prompts of every workload in every frame.

    Args:
        size: one of `SIZES`.

    Returns:
        `Prompts` tables by workload and readout.
    """
    bank = read_bank(RESOURCES / "probes" / "probes.csv")
    texts = read_texts(RESOURCES / "probes" / "texts" / "en.csv", bank)
    poles = read_poles(bank)
    rankings = {"chrf": rank(pair_probes(bank, list_pairs(chrf_similarity(texts))), "chrf", [])}
    shown, tests = choose_probes(bank, poles)
    items = word_poles(texts)
    workloads = {}
    for readout, name in FRAMES.items():
        frame = read_frame(RESOURCES / "templates" / "en.yaml", name)
        languages = DesignLanguages("en", {"en": Wording({name: frame}, items)})
        experiment = Experiment(Arm.read_all(ARMS), COUNTRIES, Surveyed(poles), rankings, languages)
        design, prompts = experiment.lay_out()
        cells = design.merge(prompts, on="prompt")
        fixed = show_fixed(cells[cells["arm"] == "zero_shot"], write_fixed(shown, poles, items, frame))
        for workload, (countries, probes) in SIZES[size].items():
            every = fixed if workload == "fixed" else cells[cells["arm"] == workload]
            chosen = every["country"].isin(COUNTRIES[:countries]) & every["probe"].isin(_spread(tests, probes))
            workloads[workload, readout] = every.loc[chosen, prompts.columns].drop_duplicates("prompt")
    return workloads


def read_poles(bank: pd.DataFrame) -> pd.DataFrame:
    """What the people of the four countries answer in the example survey, whose weights are all 1: a `Poles` table."""
    counts = read_input(RESOURCES / "survey" / "example" / "counts.csv", Counts)
    counts = counts[counts["country"].isin(COUNTRIES)].assign(n=counts["count"])
    return map_poles(weigh(counts.assign(weight=counts["n"], weight_squared=counts["n"])), bank)


def choose_probes(bank: pd.DataFrame, poles: pd.DataFrame) -> tuple[list[str], list[str]]:
    """The probes that `fixed` shows, and those that may be asked.

    Those shown are ones on which the countries differ, spread evenly over the bank; those asked have a majority in
    every country, and are no siblings of one shown.
    """
    majority = poles[poles["majority"] != "tie"].groupby("probe")["majority"].agg(["size", "nunique"])
    usable = bank.query("on_request == ''").set_index("probe").join(majority).query(f"size == {len(COUNTRIES)}")
    shown = _spread(list(usable.index[usable["nunique"] > 1]), SHOTS)
    return shown, list(usable.index[~usable["siblings"].isin(usable.loc[shown, "siblings"])])


def _spread(items: list[str], number: int) -> list[str]:
    return [items[place * len(items) // number] for place in range(number)]


def write_fixed(shown: list[str], poles: pd.DataFrame, items: dict[str, Item], frame: Frame) -> pd.Series:
    """The same demonstrations, in words, with the answers of each country: JSON lists by country."""
    answers = poles.rename(columns={"country": "source", "probe": "candidate", "majority": "answer"})
    answers = answers[answers["candidate"].isin(shown)].assign(probe="", seed=0)
    return write_demonstrations(answers, items, frame).set_index("source")["shown"]


def show_fixed(cells: pd.DataFrame, shown: pd.Series) -> pd.DataFrame:
    """Zero-shot cells of every country, with the demonstrations of the country before the question."""
    answered = cells.assign(shown=cells["country"].map(shown))
    return answered.assign(prompt=(answered["shown"] + answered["prompt"]).map(_short_hash))


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
