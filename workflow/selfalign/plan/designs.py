"""The design of every language, laid out in memory as the demonstrations and prompts stages do."""

from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import pandas as pd

from selfalign.arms import Kind
from selfalign.config.arms import arms_of, seeds_of, selectors_of
from selfalign.config.languages import compared_language, find_speech, frames_of, words_file
from selfalign.config.sections import Config
from selfalign.demonstrations.measure_similarity import measure_probes
from selfalign.demonstrations.rank_demonstrations import pair_probes, rank
from selfalign.demonstrations.strategies import measure_of
from selfalign.plan.people import find_questionnaire
from selfalign.probes.bank import read_texts
from selfalign.prompts.design_prompts import Experiment
from selfalign.prompts.sources import Surveyed
from selfalign.prompts.wording import (
    DesignLanguages,
    WordingFiles,
    read_countries,
    read_personas,
    read_roles,
    read_wording,
)
from selfalign.runs import Run


@dataclass(frozen=True)
class Laid:
    """The cells and prompts of one language.

    Attributes:
        cells: a `Design` table.
        prompts: a `Prompts` table, of prompts and premises.
    """

    cells: pd.DataFrame
    prompts: pd.DataFrame

    @property
    def asked(self) -> pd.Series:
        """Whether each prompt asks something; the others are premises."""
        return self.prompts["premise"] != ""


class Designer:
    """Lays out languages, and measures each similarity once.

    Args:
        people: what all countries of the survey answer.
        probes: the rows of the `Bank` table that the run uses.
        run: its folders.
    """

    def __init__(self, config: Config, people: Surveyed, probes: pd.DataFrame, run: Run) -> None:
        self.config, self.people, self.probes, self.run = config, people, probes, run
        self.measure = cache(self._measure)

    def lay_out(self, language: str) -> Laid:
        """The cells of a language and their distinct prompts.

        Raises:
            InputError: an arm cannot be laid out.
        """
        arms = arms_of(self.config, language)
        rankings = {strategy: self._rank(language, strategy) for strategy in selectors_of(self.config, language)}
        words, countries = self._read_words(language), list(self.config.languages[language].countries)
        premises = self.config.prompts.premises
        return Laid(*Experiment(arms, countries, self.people, rankings, words, premises).lay_out())

    def _rank(self, language: str, strategy: str) -> pd.DataFrame:
        measure = measure_of(strategy)
        similarity = self.measure(measure, compared_language(self.config, measure, language))
        pairs = pair_probes(self.probes, similarity, self.people.tests)
        return rank(pairs, strategy, seeds_of(self.config, strategy))

    def _measure(self, measure: str, language: str) -> pd.DataFrame:
        crossed = bool(self.people.tests)
        texts = read_texts(self._file("texts", language), self.people.bank, others=crossed)
        settings = self.config.demonstrations.of(measure)
        return measure_probes(texts, list(self.probes["probe"]), measure, language, settings, self.people.tests)

    def _read_words(self, language: str) -> DesignLanguages:
        spoken = find_speech(self.config, language)
        frames, step = list(self.config.prompts.frames), self.config.prompts.share_step
        bank, crossed = self.people.bank, bool(self.people.tests)
        shown = bank if bank is None or not crossed else bank[~bank["probe"].isin(self.people.tests)]
        wordings = {
            one: read_wording(
                self._wording_files(one, one in spoken.neutral),
                frames,
                bank if one == language else shown,
                others=crossed,
                step=step,
            )
            for one in spoken.texts
        }
        personas = {one: read_personas(self._file("personas", one)) for one in spoken.personas}
        roles = {one: read_roles(self._file("roles", one)) for one in spoken.roles}
        own = any(arm.needs_spoken for arm in arms_of(self.config, language).values())
        countries = read_countries(Path(self.config.prompts.spoken)) if own else {}
        return DesignLanguages(language, wordings, countries, personas, roles)

    def _wording_files(self, language: str, neutral: bool) -> WordingFiles:
        """The files of a language's words.

        Args:
            language: ISO 639-1.
            neutral: whether demonstrations in this language are neutral items.
        """
        find = partial(find_questionnaire, self.config, self.run)
        scales = find("scales") if frames_of(self.config, "scale") else None
        found = {kind: find(kind, language) for kind in ("questions", "labels") if scales}
        return WordingFiles(
            self._file("templates", language),
            self._file("texts", language),
            self._file("neutral", language) if neutral else None,
            scales,
            **{kind: path for kind, path in found.items() if path.is_file()},
        )

    def _file(self, kind: Kind, language: str) -> Path:
        if kind == "texts" and self.people.tests:  # the workflow joined them
            return self.run.texts(language)
        return Path(words_file(self.config, kind, language))
