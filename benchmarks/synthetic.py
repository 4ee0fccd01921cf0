"""Synthetic people and language models whose true agreement is known, planted as the tables that the workflow reads.

People: each country's true shares of pole A are those of the embedded example, so the probes' closeness is real.
Respondents are drawn from them with weights and missing answers; a trait of the person links their answers.

Models: on probe i of battery b, in country c, arm a and cell s (seed and template), the model's leaning to pole A is

    x = y (m + g) + u

with y = +1 or -1, the pole of the true majority; m, the arm's knowledge of the country; g, normal, how much more or
less it has in this battery and country; and u, normal, stances that have nothing to do with the country, in part
shared by the probes of a battery, by countries and by arms. So the true agreement is Phi(m / sd), with sd^2 the sum
of all variances, whatever the bank; and estimates are correlated as real ones are. The log-odds of pole A are 3 x, and
a preference for the option that is shown first adds to them where pole A is first and takes away where it is second.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import norm
from selfalign.probes.bank import read_bank
from selfalign.probes.map_poles import map_poles
from selfalign.probes.resample_people import resample_respondents
from selfalign.scoring.cells import Comparison
from selfalign.scoring.score_answers import score_options
from selfalign.survey.weigh_answers import count_codes, weigh

ROOT = Path(__file__).parent.parent
SHOTS = 5
SHARPNESS = 3.0
FRAME = {f"frame{number}": "label" for number in range(3)}

STANCE = {"battery": 0.4, "probe": 0.6, "country_battery": 0.2, "country_probe": 0.3, "arm_battery": 0.2, "cell": 0.5}
"""Standard deviations of the leanings u that have nothing to do with the country."""

KNOWLEDGE = {"arm_battery": 0.3, "country_arm_battery": 0.2}
"""Standard deviations of g: how unevenly an arm helps, over batteries and countries."""


@dataclass(frozen=True)
class Arm:
    """An arm of a synthetic model.

    Attributes:
        agreement: true share of probes on which it chooses the majority.
        per_mate: what it gains, in leaning, from all shots being mates of the test probe's battery.
        without_battery: whether battery mates may not be shown.
        cells: seeds x templates.
        template_spread: standard deviation of the templates' common effect on knowledge.
        place: how much it prefers the option that is shown first (nats), beyond the model's own preference.
    """

    agreement: float = 0.55
    per_mate: float = 0.0
    without_battery: bool = False
    cells: tuple[int, int] = (1, 1)
    template_spread: float = 0.0
    place: float = 0.0


@dataclass(frozen=True)
class Model:
    """A synthetic model.

    Attributes:
        arms: by name.
        place: how much it prefers the option that is shown first, in every arm: mean over cells (nats).
        place_spread: standard deviation of this preference between cells (nats); both orders of a cell share it.
    """

    arms: dict[str, Arm]
    place: float = 0.0
    place_spread: float = 0.0


MODELS = {
    "null": Model({"zero_shot": Arm(), "own": Arm(), "other": Arm()}),
    "country": Model({"zero_shot": Arm(), "own": Arm(0.63), "other": Arm(0.58)}),
    "format": Model({"zero_shot": Arm(), "own": Arm(0.65), "other": Arm(0.65)}),
    "leakage": Model({"zero_shot": Arm(), "near": Arm(per_mate=0.8), "far": Arm(per_mate=0.8, without_battery=True)}),
    "place": Model({"zero_shot": Arm(), "own": Arm(0.63), "other": Arm(0.58)}, place=4.0),
    "moving": Model({"zero_shot": Arm(), "own": Arm(place=4.0), "other": Arm(place=2.0)}, place_spread=1.0),
}
"""What the simulation study plants. The gain of `country` is 5 points over another country, 8 over zero-shot."""


def logistic(log_odds: np.ndarray) -> np.ndarray:
    """Probability of log-odds (nats)."""
    return (1 + np.tanh(log_odds / 2)) / 2


def spread(arm: Arm) -> float:
    """Standard deviation of an arm's leanings around its knowledge."""
    return float(np.sqrt(sum(sd**2 for sd in [*STANCE.values(), *KNOWLEDGE.values(), arm.template_spread])))


class World:
    """The bank, the countries' true shares, and studies drawn from them.

    Args:
        countries: of the embedded example.
        respondents: number of people asked per country.
        bank: a `Bank` table; the shipped one by default.
    """

    def __init__(
        self,
        countries: tuple[str, ...] = ("DEU", "IND", "NGA"),
        respondents: int = 1000,
        bank: pd.DataFrame | None = None,
    ) -> None:
        whole = read_bank(ROOT / "resources/probes/probes.csv").query("on_request == ''").reset_index(drop=True)
        real = whole if bank is None else bank
        self.countries, self.respondents = countries, respondents
        self.truth = true_shares(real, countries)
        # Each probe becomes a question with the codes 1 and 2, so that people can be drawn probe by probe.
        self.bank = real.assign(question="S" + real["probe"], pole_a="1", pole_b="2", neither="", scale="binary")
        self.home = pd.factorize(real["battery"])[0]
        self.mates = {excluded: share_of_mates(real, excluded) for excluded in (False, True)}

    def ask_people(self, rng: np.random.Generator) -> pd.DataFrame:
        """A `Responses` table of new respondents, one question per probe."""
        parts = []
        for country in self.countries:
            size, probes = self.respondents, len(self.bank)
            trait = rng.normal(size=(size, 1)) * 0.5 * rng.choice([-1, 1], probes)
            answer = trait + np.sqrt(0.75) * rng.normal(size=(size, probes))
            codes = np.where(answer < norm.ppf(self.truth.loc[country].to_numpy()), 1, 2)
            codes[rng.random(codes.shape) < 0.03] = -1
            head = pd.DataFrame({"country": country, "weight": rng.lognormal(0, 0.3, size)})
            parts.append(pd.concat([head, pd.DataFrame(codes.astype("int16"), columns=self.bank["question"])], axis=1))
        people = pd.concat(parts, ignore_index=True).assign(interview=1, wave=7, year=2020)
        return people.assign(respondent=np.arange(2, len(people) + 2))

    def study(
        self, rng: np.random.Generator, models: dict[str, Model], replicates: int
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """One study through the workflow's own steps: people asked, poles mapped, answers scored.

        Returns:
            `Scores` of all models, in the language en, and a `Replicates` table.
        """
        people = self.ask_people(rng)
        poles = map_poles(weigh(count_codes(people)), self.bank)
        drawn = resample_respondents(people, poles, self.bank, replicates, int(rng.integers(2**31)))
        made = {name: self.answer(rng, model) for name, model in models.items()}
        return self.score(made, Comparison(poles, self.bank)), drawn

    def score(self, made: dict[str, tuple[pd.DataFrame, pd.DataFrame]], compared: Comparison) -> pd.DataFrame:
        """`Scores` of models with their designs and answers, one model after another.

        They are scored together, which saves time: an arm, and a prompt, has the number of its model before its name.
        """
        designs, answers = [], []
        for number, both in enumerate(made.values()):
            design, answer = (table.assign(prompt=f"{number} " + table["prompt"]) for table in both)
            designs.append(design.assign(arm=f"{number} " + design["arm"]))
            answers.append(answer)
        scores, unanswered = score_options(pd.concat(designs, ignore_index=True), pd.concat(answers), compared, FRAME)
        assert unanswered.empty
        named = scores["arm"].str.partition(" ")  # number of the model, blank, arm
        names = dict(zip(map(str, range(len(made))), made, strict=True))
        return scores.assign(arm=named[2], model=named[0].map(names), language="en").reset_index(drop=True)

    def answer(self, rng: np.random.Generator, model: Model) -> tuple[pd.DataFrame, pd.DataFrame]:
        """A `Design` and its `Answers` (the columns that scoring reads) of one model."""
        shared = self.draw_shared(rng)
        frames = np.array(list(FRAME))
        parts = [self._cells(name, arm, self.lean(rng, arm, shared), frames) for name, arm in model.arms.items()]
        cells = pd.concat(parts, ignore_index=True)
        design = cells.merge(pd.DataFrame({"order": ["AB", "BA"]}), how="cross")
        design["prompt"] = [f"{number:016x}" for number in range(len(design))]
        preference = model.place + design["arm"].map({name: arm.place for name, arm in model.arms.items()}).to_numpy()
        if model.place_spread:
            preference = preference + np.repeat(model.place_spread * rng.normal(size=len(cells)), 2)
        gap = SHARPNESS * design["leaning"] * np.where(design["order"] == "AB", 1, -1) + preference
        sides = [
            pd.DataFrame({"prompt": design["prompt"], "place": place, "label": -np.logaddexp(0, -sign * gap)})
            for place, sign in ((1, 1), (2, -1))
        ]
        return design.drop(columns="leaning"), pd.concat(sides).assign(mass_outside_labels=0.0)

    def draw_shared(self, rng: np.random.Generator) -> np.ndarray:
        """Stances that all arms share: countries x probes."""
        countries, probes, batteries = len(self.countries), len(self.bank), self.home.max() + 1
        return (
            STANCE["battery"] * rng.normal(size=batteries)[self.home]
            + STANCE["probe"] * rng.normal(size=probes)
            + STANCE["country_battery"] * rng.normal(size=(countries, batteries))[:, self.home]
            + STANCE["country_probe"] * rng.normal(size=(countries, probes))
        )

    def lean(self, rng: np.random.Generator, arm: Arm, shared: np.ndarray) -> np.ndarray:
        """Leanings to pole A: seeds x templates x countries x probes."""
        seeds, templates = arm.cells
        countries, probes, batteries = len(self.countries), len(self.bank), self.home.max() + 1
        majority = np.where(self.truth.to_numpy() > 0.5, 1, -1)
        knowledge = norm.ppf(arm.agreement) * spread(arm) + arm.per_mate * self.mates[arm.without_battery]
        knowledge = knowledge + KNOWLEDGE["arm_battery"] * rng.normal(size=batteries)[self.home]
        uneven = KNOWLEDGE["country_arm_battery"] * rng.normal(size=(countries, batteries))[:, self.home]
        of_template = arm.template_spread * rng.normal(size=(templates, 1, 1))
        stance = shared + STANCE["arm_battery"] * rng.normal(size=batteries)[self.home]
        noise = STANCE["cell"] * rng.normal(size=(seeds, templates, countries, probes))
        return majority * (knowledge + uneven + of_template) + stance + noise

    def _cells(self, name: str, arm: Arm, leaning: np.ndarray, frames: np.ndarray) -> pd.DataFrame:
        index = pd.MultiIndex.from_product(
            [
                range(1, leaning.shape[0] + 1) if arm.cells[0] > 1 else [0],
                frames[: leaning.shape[1]],
                self.countries,
                self.bank["probe"],
            ],
            names=["seed", "template", "country", "probe"],
        )
        cells = pd.DataFrame({"leaning": leaning.ravel()}, index=index).reset_index()
        return cells.assign(arm=name, source=cells["country"], asks="poles")


def true_shares(bank: pd.DataFrame, countries: tuple[str, ...]) -> pd.DataFrame:
    """Shares of pole A in the embedded example, taken as the truth: countries x probes; never exactly a half."""
    counts = pd.read_csv(ROOT / "resources/survey/example/counts.csv")
    counts = counts[(counts["code"] >= 0) & counts["country"].isin(countries)]
    counts = counts.rename(columns={"count": "n"}).query("n > 0")
    poles = map_poles(weigh(counts.assign(weight=counts["n"], weight_squared=counts["n"])), bank)
    shares = poles.pivot(index="country", columns="probe", values="share_a").loc[list(countries), bank["probe"]]
    shares = shares.fillna(shares.mean()).clip(0.01, 0.99)  # a country that was not asked has the others' mean
    return shares.mask(shares.sub(0.5).abs() < 1e-6, 0.501)


def share_of_mates(bank: pd.DataFrame, without_battery: bool) -> np.ndarray:
    """Share of a probe's demonstrations that are of its battery, with the nearest in the questionnaire shown."""
    battery, siblings = bank["battery"].to_numpy(), bank["siblings"].to_numpy()
    shares = []
    for place in range(len(bank)):
        near = np.argsort(np.abs(np.arange(len(bank)) - place), kind="stable")
        allowed = near[(siblings[near] != siblings[place]) & ~(without_battery & (battery[near] == battery[place]))]
        shares.append(np.mean(battery[allowed[:SHOTS]] == battery[place]))
    return np.array(shares)
