"""The tables of a run, each read when it is first needed."""

import json
from functools import cache, cached_property
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd

from selfalign.config.languages import words_file
from selfalign.config.outputs import asked_in, kinds_of_models, own_languages
from selfalign.config.sections import Config
from selfalign.demonstrations.schemas import Similarity
from selfalign.home import HOME, locate
from selfalign.inference.schemas import Answers
from selfalign.probes.bank import read_bank, read_texts
from selfalign.probes.cultures import pool_world
from selfalign.probes.kinds import KINDS_FILE, add_kinds
from selfalign.probes.schemas import Dropped, DroppedScales, PeopleScales, Poles
from selfalign.prompts.schemas import Design, Prompts
from selfalign.runs import Run
from selfalign.scoring.cells import Comparison
from selfalign.scoring.estimate_readouts import stack_scores
from selfalign.scoring.inputs import categories_to_text, prepare_cells, read_scores
from selfalign.scoring.pooling import OWN, asked_in_both
from selfalign.survey.schemas import Distributions, Missing
from selfalign.tables import read_table

_NOT_COUNTED = pd.DataFrame(columns=Missing.names())


class Results:
    """The tables of a run.

    Args:
        run: its folders and settings.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.config = Config.read(run.config)
        self.survey: Path = run.survey(self.config.run.survey)
        for method in ("answers", "design", "prompts", "texts", "similarity"):  # each reads a table once
            setattr(self, method, cache(getattr(self, method)))

    @property
    def crossed(self) -> bool:
        """Whether test probes and demonstrations are from two surveys."""
        return self.config.test_probes is not None

    @property
    def criteria(self) -> dict[str, tuple[str, ...]]:
        """The settings that select probes from `bank`; of two surveys, the bank has the selected probes only."""
        return {} if self.crossed else self.config.probes.criteria

    def locate(self, path: str) -> Path:
        """A file of the settings: in the working folder, or in the folder that the run was made in."""
        made_in = self.run.folder.parent.parent
        return Path(path) if Path(path).exists() else made_in / path

    @cached_property
    def pairs(self) -> list[tuple[str, str]]:
        """Models and languages of the run."""
        return list(product(self.config.run.models, self.config.run.languages))

    @cached_property
    def scores(self) -> pd.DataFrame:
        """The cells that the estimates are made of: see `read_cells`."""
        files = [self.run.scores(model, language) for model, language in self.pairs]
        return prepare_cells(categories_to_text(read_scores(files)), self.measures, self.bank)

    @cached_property
    def scores_by_readout(self) -> dict[str, pd.DataFrame]:
        """The cells that the estimates are made of, scored under each readout: see `stack_scores`."""
        spread = self.run.people("scales.parquet")
        answers = ((pair, self.answers(*pair)) for pair in self.pairs)
        designs = {language: self.design(language) for _, language in self.pairs}
        people = read_table(spread, PeopleScales) if spread.exists() else None
        compared = Comparison(self.poles, self.bank, self.config.scoring.unanswered, people)
        scores, _ = stack_scores(answers, designs, compared, measures=self.measures)
        return {readout: categories_to_text(table) for readout, table in scores.items()}

    @property
    def measures(self) -> list[str]:
        """Metrics that the run estimates, except agreement and alignment; an earlier version recorded none."""
        return list(self.config.scoring.measures)

    @cached_property
    def own(self) -> dict[str, str]:
        """Each country's own language."""
        return own_languages(self.config)

    @cached_property
    def kinds(self) -> dict[str, str]:
        """The kind of each model that has one."""
        return kinds_of_models(self.config)

    def countries_of(self, arms: list[str]) -> tuple[str, ...]:
        """The countries that are asked about in the shared language and in their own, each with all of some arms."""
        return tuple(sorted(asked_in_both(self.scores, arms, asked_in(self.config), self.own)["country"].unique()))

    def answers(self, model: str, language: str) -> pd.DataFrame:
        """An `Answers` table."""
        return read_table(self.run.answers(model, language), Answers)

    def design(self, language: str) -> pd.DataFrame:
        """A `Design` table."""
        return read_table(self.run.design(language), Design)

    def prompts(self, language: str) -> pd.DataFrame:
        """A `Prompts` table, by prompt."""
        return read_table(self.run.prompts(language), Prompts).set_index("prompt", drop=False)

    @cached_property
    def poles(self) -> pd.DataFrame:
        """A `Poles` table."""
        return read_table(self.run.people("poles.parquet"), Poles)

    @cached_property
    def people(self) -> pd.DataFrame:
        """What countries and the pooled world answer: share_a, majority and the numbers of people, by country, probe.

        The world has no numbers of people.
        """
        file = self.run.people("joined.parquet")
        poles = read_table(file, Poles) if self.crossed else self.poles
        return pd.concat([poles, pool_world(poles)]).set_index(["country", "probe"])

    @cached_property
    def distributions(self) -> pd.DataFrame:
        """A `Distributions` table, of both surveys if there are two, and of groups if the run asks about groups."""
        grouped = self.run.people("distributions.parquet")
        file = grouped if self.config.run.groups else self.survey / "distributions.parquet"
        shown = read_table(file, Distributions)
        if not self.crossed:
            return shown
        tested = read_table(self.run.people("tested.parquet"), Distributions)
        return pd.concat([shown, tested[~tested["question"].isin(shown["question"])]], ignore_index=True)

    @cached_property
    def missing(self) -> pd.DataFrame:
        """A `Missing` table; empty where the survey does not count missing answers."""
        path = self.survey / "missing.csv"
        return read_table(path, Missing) if path.exists() else _NOT_COUNTED

    @cached_property
    def dropped(self) -> pd.DataFrame:
        """A `Dropped` table: columns country, probe, reason."""
        return read_table(self.run.people("dropped.csv"), Dropped)

    @cached_property
    def dropped_scales(self) -> pd.DataFrame:
        """A `DroppedScales` table; empty where nothing is asked with its whole scale."""
        path = self.run.people("dropped_scales.csv")
        empty = pd.DataFrame(columns=DroppedScales.names())
        return read_table(path, DroppedScales) if path.exists() else empty

    @property
    def bank_file(self) -> Path:
        """The probe bank of the run; of two surveys, the test probes and demonstrations that the run uses."""
        if self.crossed:
            return self.run.probes("all.csv")
        return self.locate(self.config.probes.bank)

    def text_file(self, language: str) -> Path:
        """The wordings of the run in a language."""
        if self.crossed:
            return self.run.texts(language)
        return self.locate(words_file(self.config, "texts", language))

    def word_files(self, language: str) -> list[Path]:
        """The bank and the wordings in a language, as the user or the project wrote them."""
        return [self.locate(self.config.probes.bank), self.locate(words_file(self.config, "texts", language))]

    @cached_property
    def bank(self) -> pd.DataFrame:
        """A `Bank` table, all of its probes."""
        return read_bank(self.bank_file)

    @cached_property
    def bank_with_kinds(self) -> pd.DataFrame:
        """The bank of the run, with the column `kind` if probes.kinds selects kinds."""
        if self.crossed or not self.config.probes.kinds:
            return self.bank
        file = self.bank_file.with_name(KINDS_FILE)  # a bank that the workflow makes has the kinds of the shipped bank
        return add_kinds(self.bank, file if file.is_file() else Path(locate(f"resources/probes/{KINDS_FILE}", HOME)))

    @cached_property
    def probes(self) -> pd.DataFrame:
        """The bank by probe."""
        return self.bank.set_index("probe", drop=False)

    def texts(self, language: str) -> pd.DataFrame:
        """A `Texts` table by probe. Of `OWN`, which is several languages, it is that of the shared language."""
        return read_texts(self.text_file(asked_in(self.config) if language == OWN else language), self.bank)

    def similarity(self, language: str) -> dict[str, pd.Series]:
        """By measure, the similarity of a test probe and a candidate, in points."""
        files = sorted((self.run.folder / "similarity" / language).glob("*.parquet"))
        pairs = ["probe", "candidate"]
        return {file.stem: read_table(file, Similarity).set_index(pairs)["similarity"] for file in files}

    def card(self, model: str) -> dict[str, Any] | None:
        """The record of a model's files; None if there is none."""
        path = self.run.card(model)
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
