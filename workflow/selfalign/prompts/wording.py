"""The parts of prompts: probes, frames, personas and neutral items, in the words of each language's files."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import pandas as pd

from selfalign.errors import InputError
from selfalign.fields import fields_of, find_place
from selfalign.probes.bank import check_statements, read_texts
from selfalign.probes.scales import read_scale_texts, read_scales
from selfalign.prompts.frames import Frame, Item, read_frame, read_yaml
from selfalign.prompts.schemas import Countries, Neutral, Personas
from selfalign.tables import read_input


@dataclass(frozen=True)
class Wording:
    """One language's words.

    Attributes:
        frames: frames of the prompt, by name.
        probes: what is asked in frames of two options, by probe.
        scales: what is asked in frames of whole scales, by probe.
        neutral: items without values, by name.
        right: the right answer of each neutral item: A or B.
        step: between the numbers of people that frames of shares offer; a divisor of 100.
    """

    frames: Mapping[str, Frame]
    probes: Mapping[str, Item]
    scales: Mapping[str, Item] = field(default_factory=dict)
    neutral: Mapping[str, Item] = field(default_factory=dict)
    right: Mapping[str, str] = field(default_factory=dict)
    step: int = 1

    @cached_property
    def shares(self) -> Mapping[str, Item]:
        """What is asked in frames of shares, by probe."""
        return word_shares(self.probes, self.step)

    def items(self, frame: str) -> Mapping[str, Item]:
        """What can be asked in a frame, by probe."""
        asks = self.frames[frame].asks
        if asks == "share":
            return self.shares
        return self.scales if asks == "scale" else self.probes

    def candidates(self, frame: str) -> Mapping[str, Item]:
        """What can be a demonstration in a frame: probes, and neutral items."""
        shares = self.frames[frame].asks == "share"
        return {**self.items(frame), **(word_shares(self.neutral, self.step) if shares else self.neutral)}

    def right_answers(self, frame: str) -> Mapping[str, str]:
        """The answer to each neutral item in a frame; in a frame of shares, all people give the right answer."""
        if self.frames[frame].asks != "share":
            return self.right
        return {item: "100" if answer == "A" else "0" for item, answer in self.right.items()}


@dataclass(frozen=True)
class Roles:
    """One language's texts that name a country.

    Attributes:
        texts: by name, with the fields {persona} (the sentence of the country) and {place}.
        form: the sentence with {place} for the part that names the country, such as "You are from {place}."; empty if
            no text needs {place}.
    """

    texts: Mapping[str, str]
    form: str = ""

    def fill(self, role: str, sentence: str, place: str) -> str:
        """A text with the country of a sentence.

        Args:
            role: name of the text.
            sentence: of the country, from the personas.
            place: that an error names.

        Raises:
            InputError: the text needs {place}, and the sentence does not have the form.
        """
        text, named = self.texts[role], find_place(sentence, self.form)
        if "place" in fields_of(text) and named is None:
            problem = f'the sentence "{sentence}" does not have the form "{self.form}" of the file of prompts.roles'
            raise InputError(place, problem, "Correct the sentence or the form, or write the text with {persona}")
        return text.format(persona=sentence, place=named)


@dataclass(frozen=True)
class DesignLanguages:
    """The languages that a design speaks.

    Attributes:
        asked: of the test probes (ISO 639-1).
        wordings: the words of `asked`, and of the languages in which arms give demonstrations.
        spoken: each country's own language.
        personas: the sentence that makes a model a person of a country, by language and country.
        roles: other texts that name a country, by language.
    """

    asked: str
    wordings: Mapping[str, Wording]
    spoken: Mapping[str, str] = field(default_factory=dict)
    personas: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    roles: Mapping[str, Roles] = field(default_factory=dict)

    @property
    def words(self) -> Wording:
        """The words in the language of the test probes."""
        return self.wordings[self.asked]

    def resolve(self, setting: str, countries: pd.Series) -> pd.Series:
        """The language that a setting names for each country: `asked`, the country's `own`, or a code."""
        if setting == "own":
            return countries.map(self.spoken)
        return pd.Series(self.asked if setting == "asked" else setting, index=countries.index)


def word_poles(texts: pd.DataFrame) -> dict[str, Item]:
    """Cloze statements with their two options, poles A and B.

    Args:
        texts: columns statement, option_a, option_b, indexed by what is asked.
    """
    return {
        row.Index: Item(row.statement, ("A", "B"), options, options)
        for row in texts.itertuples()
        for options in [(row.option_a, row.option_b)]
    }


def word_shares(poles: Mapping[str, Item], step: int) -> dict[str, Item]:
    """Cloze statements that are answered with a number of people; a code is the number of 100 that choose pole A.

    Args:
        poles: the same statements, answered with their options.
        step: between the numbers, a divisor of 100.
    """
    numbers = tuple(map(str, range(0, 101, step)))
    return {name: replace(item, codes=numbers, answers=numbers, counts=True) for name, item in poles.items()}


def word_scales(bank: pd.DataFrame, texts: pd.DataFrame) -> dict[str, Item]:
    """The questions of probes with their whole scales, by probe.

    Args:
        bank: a `Bank` table.
        texts: a `ScaleTexts` table.
    """
    questions = {
        question: Item(
            rows["wording"].iloc[0], tuple(rows["code"].astype(str)), tuple(rows["shown"]), tuple(rows["answer"])
        )
        for question, rows in texts.groupby("question", sort=False)
    }
    return {probe: questions[question] for probe, question in zip(bank["probe"], bank["question"], strict=True)}


@dataclass(frozen=True)
class WordingFiles:
    """The files with the words of one language.

    Attributes:
        templates: frames of the prompt (YAML).
        texts: the wording of the probes; without it, there are no probes.
        neutral: neutral items; without it, there are none.
        scales: answer scales, needed where a frame asks with whole scales. They are the same in each language.
        questions: with a whole scale, needed where a frame asks with it.
        labels: of the answers to these questions.
    """

    templates: Path
    texts: Path | None = None
    neutral: Path | None = None
    scales: Path | None = None
    questions: Path | None = None
    labels: Path | None = None


def read_wording(
    files: WordingFiles,
    frames: list[str],
    bank: pd.DataFrame,
    others: bool = False,
    step: int = 1,
) -> Wording:
    """The words of one language.

    Args:
        files: of the language.
        frames: names of the frames.
        bank: a `Bank` table.
        others: whether files of texts have other probes than `bank` too.
        step: between the numbers that frames of shares offer.

    Raises:
        InputError: a file is missing, or one of its rows is wrong.
    """
    framed = {name: read_frame(files.templates, name) for name in frames}
    whole = {}
    if any(frame.whole_scale for frame in framed.values()):
        if files.scales is None or files.questions is None or files.labels is None:
            raise InputError(
                files.templates,
                "a frame asks with the whole scale, and there is nothing to ask with",
                "Give --scales, and --questions and --labels of this language",
            )
        whole = word_scales(bank, read_scale_texts(files.questions, files.labels, read_scales(files.scales, bank)))
    neutral = read_neutral(files.neutral).set_index("item") if files.neutral else None
    return Wording(
        framed,
        word_poles(read_texts(files.texts, bank, others)) if files.texts else {},
        whole,
        {} if neutral is None else word_poles(neutral),
        {} if neutral is None else neutral["answer"].to_dict(),
        step,
    )


def read_personas(path: Path) -> pd.Series:
    """The sentence that asks a model to be a person of a country, in one language: by country.

    Raises:
        InputError: a row breaks the schema.
    """
    return read_input(path, Personas).set_index("country")["persona"]


def read_roles(path: Path) -> Roles:
    """The texts of one language that name a country.

    Raises:
        InputError: the file is missing, or is not a mapping of texts with the fields persona and place.
    """
    remedy = "See resources/roles/en.yaml for the form"
    found = read_yaml(path, "Write the roles of this language", remedy)
    if not isinstance(found, dict) or not all(isinstance(text, str) for text in found.values()):
        raise InputError(path, "must have a text for each name", remedy)
    form = found.pop("form", "")
    if form and form.count("{place}") != 1:
        raise InputError(path, "form must have the field {place} once", remedy, value=form)
    for name, text in found.items():
        if not _has_fields(text):
            raise InputError(path, f"the text {name} must have the fields {{persona}} or {{place}}", remedy, value=text)
    return Roles(found, form)


def _has_fields(text: str) -> bool:
    """Whether a text has the fields of a role, and no others."""
    try:
        return fields_of(text) in ({"persona"}, {"place"}, {"persona", "place"})
    except ValueError:  # a brace is not paired
        return False


def read_neutral(path: Path) -> pd.DataFrame:
    """Cloze statements about matters of fact, in one language: a `Neutral` table.

    Raises:
        InputError: a row breaks the schema, or a statement has not exactly one blank.
    """
    neutral = read_input(path, Neutral)
    check_statements(neutral, path, "item")
    return neutral


def read_countries(path: Path) -> pd.Series:
    """The language of each country (ISO 639-1), by country.

    Raises:
        InputError: a row breaks the schema.
    """
    return read_input(path, Countries).set_index("country")["language"]
