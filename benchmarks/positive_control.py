"""How large is own minus other country if the answer itself is in the prompt?

Each probe of the study is asked after five demonstrations, one of which is the probe itself: with the majority's answer
of the own country, of each other country in turn, or with the opposite of the own one. The other four are those that
`chrf_without_battery` shows first, with the answers of the pooled world. They are the same in all prompts of a probe,
so two prompts differ in the answer of the probe itself and in nothing else. A probe has two answers and two option
orders, so a model answers 1,020 prompts.

A reader that repeats this answer, `repeater`, has the largest margin that the design allows: the share of the cells in
which the two countries have different majorities.

    python benchmarks/positive_control.py [--place 3] [--threads 2] [--output docs/findings/programs/tables]
    python benchmarks/positive_control.py --run study_replies    # a run's models; its margins as parts of this one

Without a run, the default model is asked. Cells, prompts, intervals and shares are those of the workflow's own
functions, and ledgers keep the answers. docs/findings/demonstrations.md has the results.
"""

import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
import pandas as pd
from inference import CACHE, DEFAULT, default_model
from kept_tables import keep_table
from known_answers import run
from selfalign.arms import Arm
from selfalign.config.read import read_config
from selfalign.config.sections import Config
from selfalign.contrasts import Contrast
from selfalign.demonstrations.measure_similarity import chrf_similarity, list_pairs
from selfalign.demonstrations.pick import pick_demonstrations
from selfalign.demonstrations.rank_demonstrations import pair_probes, rank
from selfalign.errors import exit_on_mistake
from selfalign.home import HOME
from selfalign.inference.schemas import SCORED, Answers
from selfalign.plan.people import read_people
from selfalign.probes.bank import read_texts
from selfalign.probes.cultures import WORLD
from selfalign.probes.replicates import draw_shares
from selfalign.prompts.design_prompts import Experiment
from selfalign.prompts.frames import read_frame
from selfalign.prompts.schemas import Prompts
from selfalign.prompts.sources import Surveyed
from selfalign.prompts.wording import DesignLanguages, Wording, word_poles
from selfalign.runs import Run, find_run
from selfalign.scoring.bootstrap import Resampling
from selfalign.scoring.cells import Comparison
from selfalign.scoring.estimate_readers import estimate_readers
from selfalign.scoring.inputs import read_scores
from selfalign.scoring.schemas import ALL
from selfalign.scoring.score_answers import score_options
from selfalign.tables import read_table, write_table

CONFIG = HOME / "config" / "study.yaml"
LANGUAGE, FRAME, READOUT = "en", "words", "option"
ARMS = {
    "itself": {"shots": 5, "answers": "own"},
    "itself_other": {"shots": 5, "answers": "other"},
    "itself_inverted": {"shots": 5, "answers": "inverted"},
}
CONTRASTS = [Contrast(arm="itself", against=against) for against in ("itself_other", "itself_inverted")]
REST = Arm.read({"shots": 4, "strategy": "chrf", "exclude": ["siblings", "battery"]}, "rest")
"""How the other four demonstrations are chosen."""

PARTS = [("chrf", "chrf_other"), ("chrf_without_battery", "chrf_without_battery_other")]
"""The study's margins that are divided by the margin of this control."""

SURE = 20.0
"""Log-odds (nats) of a reader that is sure."""


class Asked(NamedTuple):
    """A model to ask, with its settings."""

    name: str
    weights: Path
    format: str = "chat"
    dtype: str = "float32"


@dataclass(frozen=True)
class Control(Experiment):
    """The experiment whose five demonstrations include the test probe.

    Attributes:
        place: of the test probe among the five, from 1 to 5.
    """

    place: int = 3

    def _pick(self, arm: Arm, cells: pd.DataFrame, frame: str) -> pd.DataFrame:
        """The demonstrations: columns source, probe, seed, candidate, answer, as shown.

        A source without a majority answer to the probe has none.
        """
        answers = self.people.majority
        needed = cells[["source", "probe"]].drop_duplicates()
        itself = needed.merge(answers, left_on=["source", "probe"], right_on=["source", "candidate"])
        if arm.answers == "inverted":
            itself["answer"] = itself["answer"].map({"A": "B", "B": "A"})
        world = needed[["probe"]].drop_duplicates().assign(source=WORLD)
        rest = pick_demonstrations(REST, self.rankings["chrf"], answers, world).drop(columns="source")
        rest["at"] = rest.groupby("probe").cumcount() + 1.0
        shown = pd.concat(
            [itself.assign(seed=0, at=self.place - 0.5), itself[["source", "probe"]].merge(rest, on="probe")]
        )
        shown = shown.sort_values(["source", "probe", "at"], ignore_index=True)
        return shown[["source", "probe", "seed", "candidate", "answer"]]


def lay_out(people: Surveyed, probes: pd.DataFrame, countries: list[str], place: int) -> tuple[pd.DataFrame, ...]:
    """The cells of the control and their distinct prompts: a `Design` and a `Prompts` table.

    Args:
        people: what all countries of the survey answer.
        probes: the rows of the `Bank` table that the study uses.
        countries: of the study.
        place: of the test probe among the five demonstrations.
    """
    resources = HOME / "resources"
    texts = read_texts(resources / "probes" / "texts" / f"{LANGUAGE}.csv", people.bank)
    texts = texts[texts.index.isin(probes["probe"])]
    frame = read_frame(resources / "templates" / f"{LANGUAGE}.yaml", FRAME)
    languages = DesignLanguages(LANGUAGE, {LANGUAGE: Wording({FRAME: frame}, word_poles(texts))})
    rankings = {"chrf": rank(pair_probes(probes, list_pairs(chrf_similarity(texts))), "chrf", [])}
    arms = Arm.read_all(ARMS)
    return Control(arms, countries, people, rankings, languages, premises=False, place=place).lay_out()


def list_models(study: Run | None) -> list[Asked]:
    """The models of a run, or the default model."""
    if study is None:
        return [Asked(DEFAULT, default_model())]
    config = Config.read(study.config)
    models = {name: config.models[name] for name in config.run.models}
    return [Asked(name, study.weights(name), model.format, model.dtype) for name, model in models.items()]


def ask(prompts: pd.DataFrame, model: Asked, folder: Path, threads: int) -> pd.DataFrame:
    """A model's answers to prompts: an `Answers` table. Those that the folder's ledger has are not computed again."""
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / name for name in ("prompts.parquet", "answers.parquet", "ledger.sqlite")]
    write_table(prompts, files[0], Prompts)
    card = ["--card", model.weights.parent / "model.json", "--weights", model.weights]
    read = ["--format", model.format, "--dtype", model.dtype]
    how = ["--device", "cpu", "--engine", "packed", "--row-tokens", 2048, "--threads", threads, "--language", LANGUAGE]
    run("infer", "--prompts", files[0], *card, *read, *how, "--ledger", files[2], "--output", files[1])
    return read_table(files[1], Answers, SCORED)


def repeat(design: pd.DataFrame, prompts: pd.DataFrame) -> pd.DataFrame:
    """Answers of the reader that repeats the shown answer of the test probe, in the form of the copier's."""
    cells = design.drop_duplicates("prompt")
    shown = cells["prompt"].map(prompts.set_index("prompt")["demonstrations"]).str.split()
    of_a = [f"{probe}=A" in pairs for probe, pairs in zip(cells["probe"], shown, strict=True)]
    first = np.where(np.array(of_a) == (cells["order"] == "AB").to_numpy(), SURE / 2, -SURE / 2)
    table = {"prompt": np.repeat(cells["prompt"].to_numpy(), 2), "place": np.tile([1, 2], len(cells))}
    return pd.DataFrame(table | {"option": np.column_stack([first, -first]).ravel(), "mass_outside_options": 0.0})


def score(design: pd.DataFrame, answers: pd.DataFrame, people: Surveyed, model: str) -> pd.DataFrame:
    """A `Scores` table of the control, with the mark of arms in order that panels need."""
    compared = Comparison(people.poles, people.bank)
    cells = score_options(design, answers, compared, {FRAME: READOUT}).cells
    return cells.assign(model=model, language=LANGUAGE, ordered=True)


def estimate(
    scores: pd.DataFrame, readers: pd.DataFrame, contrasts: list[Contrast], people: Surveyed, draws: int
) -> pd.DataFrame:
    """Agreement and contrasts of a model next to those of a reader: rows of a `ReaderContrasts` table.

    Args:
        scores: `Scores` of the model.
        readers: `Scores` of the reader.
        contrasts: to estimate.
        people: whose shares are resampled around their counts.
    """
    settings = read_config([CONFIG]).scoring
    drawn = draw_shares(people.poles[people.poles["country"].isin(scores["country"].unique())], 500, 1)
    how = Resampling(drawn, draws, settings.level, settings.seed, settings.resample)
    table = estimate_readers(scores, readers, contrasts, how)
    return table[(table["country"] == ALL) & (table["measure"] == "agreement") & (table["model"] != "")]


def add_repetition(table: pd.DataFrame) -> pd.DataFrame:
    """Add a row with the arm `repetition`: how often the shown answer is repeated, the mean over both answers.

    If the own answer is repeated on a share r of the questions and its opposite on a share s, then own minus inverted
    is r - (1 - s). So the mean of r and s is half of 1 + own minus inverted, and its interval follows.

    Args:
        table: as `estimate` returns it.
    """
    row = table[(table["arm"] == "itself") & (table["against"] == "itself_inverted")]
    ends = [name for name in table if name.endswith(("estimate", "low", "high")) and not name.startswith("share")]
    row = row.assign(arm="repetition", against="", **(1 + row[ends]) / 2)
    return pd.concat(
        [table, row.assign(**{name: np.nan for name in table if name.startswith("share")})], ignore_index=True
    )


def divide(study: Run, model: str, control: pd.DataFrame, people: Surveyed, draws: int) -> pd.DataFrame:
    """The margins of a model in a run, next to the margin of this control in the run's countries, and their shares.

    Args:
        study: a finished run with the frame `words`.
        model: one of the run.
        control: `Scores` of the model in the control.
    """
    scores = read_scores([study.scores(model, LANGUAGE)])
    arms = [arm for pair in PARTS for arm in pair]
    scores = scores[(scores["template"] == FRAME) & scores["arm"].isin(arms)].assign(ordered=True)
    countries = set(scores["country"])
    control = control[control["country"].isin(countries) & control["source"].isin(countries)]
    named = [
        control[control["arm"] == arm].assign(arm=name, model="control")
        for pair in PARTS
        for arm, name in zip(("itself", "itself_other"), pair, strict=True)
    ]
    contrasts = [Contrast(arm=arm, against=against) for arm, against in PARTS]
    table = estimate(scores, pd.concat(named, ignore_index=True), contrasts, people, draws)
    return table.assign(countries=len(countries))


def choices_of(design: pd.DataFrame, prompts: pd.DataFrame, scores: pd.DataFrame) -> pd.DataFrame:
    """The model's answer to each probe after each shown answer: columns probe, shown (A or B), p_a."""
    shown = design["prompt"].map(prompts.set_index("prompt")["demonstrations"])
    pairs = [f"{probe}=A" in one.split() for probe, one in zip(design["probe"], shown, strict=True)]
    keys = ["arm", "country", "probe", "source"]
    cells = design.assign(shown=np.where(pairs, "A", "B")).drop_duplicates(keys)[[*keys, "shown"]]
    cells = scores.merge(cells, on=keys)
    return cells.groupby(["probe", "shown"], as_index=False, observed=True)["p_a"].first().round(6)


@click.command()
@click.option("--place", default=3, show_default=True, type=click.IntRange(1, 5), help="Of the probe among the five.")
@click.option("--threads", default=2, show_default=True, help="CPU threads of the model.")
@click.option("--draws", default=10_000, show_default=True, help="Bootstrap resamples.")
@click.option("--run", "name", help="A run: ask its models. If it has scores, divide its margins by this one.")
@click.option("--output", type=click.Path(file_okay=False, path_type=Path), help="Folder for the tables (CSV).")
@click.option("--count", is_flag=True, help="Only count cells and prompts.")
def main(place: int, threads: int, draws: int, name: str | None, output: Path | None, count: bool) -> None:
    """Print agreement, own minus other and its share of the largest possible one, in per cent and points."""
    with exit_on_mistake():
        config = read_config([CONFIG])
        people, probes = read_people(config, Run(HOME / "results" / config.run.name), on_scales=False)
        design, prompts = lay_out(people, probes, list(config.languages[LANGUAGE].countries), place)
        print(f"{len(design)} cells, {len(prompts)} prompts, {design['probe'].nunique()} probes")
        if count:
            print(json.dumps(prompts.iloc[0].to_dict(), indent=1))
            return
        study = find_run(name) if name else None
        reader = score(design, repeat(design, prompts), people, "repeater")
        found: dict[str, list[pd.DataFrame]] = defaultdict(list)
        for model in list_models(study):
            answers = ask(prompts, model, CACHE / "positive_control" / model.name, threads)
            scores = score(design, answers, people, model.name)
            chosen = choices_of(design, prompts, scores)
            chosen.insert(0, "model", model.name)
            found["positive_control_answers"].append(chosen)
            found["positive_control"].append(add_repetition(estimate(scores, reader, CONTRASTS, people, draws)))
            if study and study.scores(model.name, LANGUAGE).is_file():
                found["positive_control_shares"].append(divide(study, model.name, scores, people, draws))
    tables = {name: pd.concat(parts, ignore_index=True) for name, parts in found.items()}
    for name, table in tables.items():
        keep_table(table, output / f"{name}.csv" if output else None)
        if "share" in table:
            numbers = [one for one in table if one.endswith(("estimate", "low", "high", "share"))]
            shown = [
                "model",
                "arm",
                "against",
                *(one for one in numbers if "main" in one or one.endswith(("estimate", "share"))),
            ]
            print(table.assign(**(100 * table[numbers]).round(1))[shown].to_string(index=False))


if __name__ == "__main__":
    main()
