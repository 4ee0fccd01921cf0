"""Step design_prompts: the cells of the experiment in one language, and the distinct prompts that they need."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pandas as pd

from selfalign.arms import Arm
from selfalign.demonstrations.pick import SET, pick_demonstrations
from selfalign.demonstrations.schemas import Ranking
from selfalign.draws import draw_order
from selfalign.errors import InputError, did_you_mean
from selfalign.options import Json, Named, Words, readable, writable
from selfalign.population import country_of, find_people
from selfalign.probes.bank import read_bank
from selfalign.probes.schemas import PeopleScales, Poles
from selfalign.progress import show_progress
from selfalign.prompts.frames import Frame, Item
from selfalign.prompts.schemas import CELL, CONTENT, Design, Prompts
from selfalign.prompts.sources import Surveyed, answer_otherwise, draw_neutral, name_sources
from selfalign.prompts.wording import (
    DesignLanguages,
    Wording,
    WordingFiles,
    read_countries,
    read_personas,
    read_roles,
    read_wording,
)
from selfalign.tables import read_table, write_parts, write_table

_WORDED = ["source", "probe", "shown_in", "persona", "instruction"]
"""Columns that a prompt depends on, as well as on arm, frame, seed and order. Cells with equal values share prompts."""

_ORDERS = ["AB", "BA"]


def write_demonstrations(shown: pd.DataFrame, items: Mapping[str, Item], frame: Frame) -> pd.DataFrame:
    """Demonstrations in words: columns source, probe, seed, shown (JSON list of pairs of question and answer) and
    demonstrations (such as `Q4=A`).

    The option that a demonstration names first is drawn from the names of probe and candidate. So it is the same for
    every source of answers, and neither order is favoured.

    Args:
        shown: columns source, probe, seed, candidate, answer.
        items: what can be shown, by candidate.
    """
    pairs = []
    for row in shown.itertuples():
        item = items[row.candidate].turned(draw_order(row.probe, row.candidate))
        pairs.append((frame.ask(item), frame.answer(item, row.answer)))
    sets = shown.assign(shown=pairs, demonstrations=shown["candidate"] + "=" + shown["answer"]).groupby(SET, sort=False)
    joined = {"shown": lambda pairs: json.dumps(list(pairs), ensure_ascii=False), "demonstrations": " ".join}
    return sets.agg(joined).reset_index()


@dataclass(frozen=True)
class Experiment:
    """The experiment in one language.

    A test probe is used for a country if its people have a majority answer to it. On whole scales, their answers must
    also be known code by code (`map_scales` lists the others).

    Attributes:
        arms: by name.
        countries: of this language.
        people: what all countries of the survey answer.
        rankings: `Ranking` tables by strategy.
        languages: the test probes' language with its words, and those of others that arms speak.
        premises: whether the prompts include their premises, which only the readout pmi needs.
    """

    arms: Mapping[str, Arm]
    countries: list[str]
    people: Surveyed
    rankings: Mapping[str, pd.DataFrame]
    languages: DesignLanguages
    premises: bool = True

    def lay_out(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """The cells, and the distinct prompts behind them.

        Returns:
            A `Design` table and a `Prompts` table.

        Raises:
            InputError: an arm cannot be laid out, or none has a cell.
        """
        parts, prompts = self.lay_out_arms()
        return pd.concat(parts, ignore_index=True), prompts

    def lay_out_arms(self) -> tuple[Iterator[pd.DataFrame], pd.DataFrame]:
        """The tables of `lay_out`, but the cells arm by arm: all cells at once may need gigabytes.

        A cell has the id of its prompt only, so that no text is copied to all the cells that use it.

        Returns:
            The parts of a `Design` table, one per arm that has cells; and a `Prompts` table.
        """
        kept: dict[str, pd.DataFrame] = {}
        found, frames = _Distinct(), self.languages.words.frames
        questions = _list_questions(self.languages.words)
        with show_progress(f"design {self.languages.asked}", "frame", len(self.arms) * len(frames)) as progress:
            for arm in self.arms.values():
                cells = self._list_cells(arm)
                tables = []
                for frame in frames if len(cells) else ():
                    shown = self._pick(arm, cells, frame) if arm.shots else None
                    known = cells.merge(self.people.on_scales) if frames[frame].whole_scale else cells
                    tables.append(_lay_out_frame(known, shown, frame, self.languages, questions, found))
                    progress.update()
                if any(map(len, tables)):
                    kept[arm.name] = pd.concat(tables).sort_values([*CELL, "order"])
        if not kept:
            raise InputError(
                "config: languages",
                f"no arm has a cell to run for the countries {', '.join(self.countries)}",
                "Give the language two countries, or set sources for an arm with the answers of other countries",
            )
        return (kept.pop(name) for name in sorted(kept)), found.as_table(self.premises)

    def _list_cells(self, arm: Arm) -> pd.DataFrame:
        """The cells of an arm, before frames, seeds and option orders multiply them.

        An arm is run for countries, or for all groups of these countries that the survey has.

        Returns:
            Columns country, probe, source, arm, shown_in (language of demonstrations), persona, and named: the country
            that the prompt names, if it names one.
        """
        poles, languages = self.people.tested, self.languages
        chosen = find_people(arm.asked(self.countries), poles["country"].unique())
        cells = poles.loc[poles["country"].isin(chosen) & (poles["majority"] != "tie"), ["country", "probe"]]
        cells = cells.merge(name_sources(arm, chosen, self.countries, self.people.shown))
        home = cells["country"].map(country_of)
        named = cells["source"].map(country_of) if arm.named == "other" else home
        return cells.assign(
            arm=arm.name,
            named=named,
            shown_in=languages.resolve(arm.shown_in, home),
            persona=word_personas(arm, home, named, languages),
        )

    def _pick(self, arm: Arm, cells: pd.DataFrame, frame: str) -> pd.DataFrame:
        """The demonstrations of an arm in a frame: columns source, probe, seed, candidate, answer, as shown."""
        words, people = self.languages.words, self.people
        if arm.needs_neutral:  # the same items are right in every language in which they are shown
            right = self.languages.wordings[cells["shown_in"].iloc[0]].right_answers(frame)
            return draw_neutral(arm, cells["probe"], right)
        asks = words.frames[frame].asks
        answers = people.modal if asks == "scale" else people.stated(words.step) if asks == "share" else people.majority
        needed = cells[["source", "probe"]].drop_duplicates()
        assert arm.selector is not None, f"{arm.name} shows demonstrations of the bank"
        picked = pick_demonstrations(arm, self.rankings[arm.selector], answers, needed)
        return answer_otherwise(picked, arm, answers, words.items(frame))


def word_personas(arm: Arm, countries: pd.Series, named: pd.Series, languages: DesignLanguages) -> pd.Series:
    """The text before the instruction, by cell; empty if the arm gives no persona.

    Args:
        arm: its `role` is the text.
        countries: that are asked about. They decide the language.
        named: the countries that the text names.
        languages: has the sentences and the texts.

    Raises:
        InputError: a country has no sentence in the language, or the text cannot be filled in.
    """
    if arm.persona is None:
        return pd.Series("", index=countries.index)
    wanted = pd.DataFrame({"country": named, "language": languages.resolve(arm.persona, countries)})
    for country, language in wanted.drop_duplicates().itertuples(index=False):
        if country not in languages.personas[language]:
            raise InputError(
                f"config: arms.{arm.name}.persona",
                f"there is no sentence in {language} that makes a model a person of {country}",
                "Add a row for this country to that language's file of prompts.personas",
                value=arm.persona,
            )
    pairs = wanted.drop_duplicates().itertuples(index=False, name=None)
    texts = {(one, to): _fill_role(arm, languages.personas[to][one], to, languages) for one, to in pairs}
    return pd.Series([texts[pair] for pair in wanted.itertuples(index=False, name=None)], wanted.index, dtype=str)


def word_instructions(frame: Frame, named: pd.Series, languages: DesignLanguages) -> pd.Series:
    """The instruction of a frame, by cell. A frame of shares names the people whose share it asks for.

    Args:
        named: the countries that prompts name.
        languages: has the sentences of the personas.

    Raises:
        InputError: a country has no persona in the test probes' language, or its sentence has another form than the
            frame's.
    """
    if not frame.forms:
        return pd.Series(frame.system, index=named.index)
    sentences = languages.personas.get(languages.asked, {})
    texts = {}
    for country in named.unique():
        text = frame.name_place(sentences[country]) if country in sentences else None
        if text is None:
            said = f'"{sentences[country]}"' if country in sentences else "missing"
            raise InputError(
                f"config: prompts.frames: {frame.name}",
                f"the persona of {country} in {languages.asked} is {said}; the frame needs a sentence of the form "
                + " or ".join(f'"{form}"' for form in frame.forms),
                "Correct the language's file of prompts.personas, or the key persona of the frame in prompts.templates",
            )
        texts[country] = text
    return named.map(texts)


def _fill_role(arm: Arm, sentence: str, language: str, languages: DesignLanguages) -> str:
    """The role of an arm with a country's name filled in; the sentence itself if the arm has no role."""
    if arm.role is None:
        return sentence
    roles = languages.roles[language]
    if arm.role not in roles.texts:
        remedy = f"{did_you_mean(arm.role, roles.texts)} Or add the text to the file of prompts.roles"
        raise InputError(f"config: arms.{arm.name}.role", f"{language} has no such text", remedy, value=arm.role)
    return roles.fill(arm.role, sentence, f"config: arms.{arm.name}.role")


def _lay_out_frame(
    cells: pd.DataFrame,
    shown: pd.DataFrame | None,
    frame: str,
    languages: DesignLanguages,
    questions: pd.DataFrame,
    found: "_Distinct",
) -> pd.DataFrame:
    """The part of a `Design` table for one arm and frame. Adds the prompts that it needs to those found before."""
    instruction = word_instructions(languages.words.frames[frame], cells["named"], languages)
    cells = cells.assign(instruction=instruction)
    worded = _word(cells[_WORDED].drop_duplicates(), shown, frame, languages)
    prompts = _write_prompts(worded, questions)
    found.add(prompts)
    used = prompts[[*_WORDED, "seed", "template", "asks", "order", "prompt"]]
    return cells.merge(used, on=_WORDED)[Design.names()]


def _word(cells: pd.DataFrame, shown: pd.DataFrame | None, frame: str, languages: DesignLanguages) -> pd.DataFrame:
    """Cells in one frame, with their demonstrations in words, in the language of each: adds template, seed, shown and
    demonstrations."""
    cells = cells.assign(template=frame)
    if shown is None:
        return cells.assign(seed=0, shown="[]", demonstrations="")
    parts = [cells.iloc[:0]]
    for language, group in cells.groupby("shown_in"):
        words = languages.wordings[language]
        sets = shown.merge(group[["source", "probe"]].drop_duplicates())
        parts.append(group.merge(write_demonstrations(sets, words.candidates(frame), words.frames[frame])))
    return pd.concat(parts)


def _list_questions(words: Wording) -> pd.DataFrame:
    """What each frame asks about each probe in both option orders. It is the same for all arms."""
    return pd.DataFrame(
        _question(frame, probe, item.turned(order), order)
        for frame in words.frames.values()
        for probe, item in words.items(frame.name).items()
        for order in _ORDERS
    )


def _write_prompts(cells: pd.DataFrame, questions: pd.DataFrame) -> pd.DataFrame:
    """Add both option orders, the columns of `CONTENT`, the prompt's id, its premise's id, and asks.

    A premise is the same prompt with a blank as its statement. Prompts that differ in the statement only share it.
    """
    table = cells.merge(pd.DataFrame({"order": _ORDERS}), how="cross")
    table = table.merge(questions, on=["template", "probe", "order"])
    table["system"] = (table["persona"] + "\n" + table["instruction"]).str.lstrip("\n")
    table["prompt"] = _identify(table)
    table["premise"] = _identify(_as_premises(table))
    return table


def _as_premises(prompts: pd.DataFrame) -> pd.DataFrame:
    """Prompts with a blank as their statement. Only the readout pmi uses them, and it compares options: no labels."""
    return prompts.assign(asked=prompts["blank"], labels="[]")


class _Distinct:
    """The distinct prompts and premises of the arms so far. The first of two equal ones stays."""

    def __init__(self) -> None:
        self.asked: list[pd.DataFrame] = []
        self.premises: list[pd.DataFrame] = []
        self.known: tuple[set[str], set[str]] = set(), set()

    def add(self, prompts: pd.DataFrame) -> None:
        """Add the prompts of `_write_prompts`, and their premises."""
        premises = _as_premises(prompts).assign(prompt=prompts["premise"], premise="")
        for table, parts, known in zip((prompts, premises), (self.asked, self.premises), self.known, strict=True):
            new = table[[one not in known for one in table["prompt"]]].drop_duplicates("prompt")
            known.update(new["prompt"])
            parts.append(new[["prompt", *CONTENT, "premise", "demonstrations"]])

    def as_table(self, premises: bool) -> pd.DataFrame:
        """A `Prompts` table, with or without the premises."""
        table = pd.concat([*self.asked, *(self.premises if premises else [])])
        return table.drop_duplicates("prompt").sort_values("prompt")


def _question(frame: Frame, probe: str, item: Item, order: str) -> dict[str, object]:
    return {
        "template": frame.name,
        "probe": probe,
        "order": order,
        "asks": frame.asks,
        "asked": frame.ask(item),
        "blank": frame.ask_nothing(item),
        "cue": frame.cue,
        "options": json.dumps(item.answers, ensure_ascii=False),
        "labels": json.dumps(frame.labels or [], ensure_ascii=False),
    }


def _identify(table: pd.DataFrame) -> list[str]:
    """Ids of prompts: hashes of their content."""
    rows = list(table[CONTENT].itertuples(index=False, name=None))
    ids = {row: hashlib.sha256("\x1f".join(row).encode()).hexdigest()[:16] for row in set(rows)}
    return [ids[row] for row in rows]


@click.command()
@click.argument("rankings", type=readable, nargs=-1)
@click.option("--language", required=True, help="Language of the test probes (ISO 639-1).")
@click.option(
    "--arms", type=Json(dict[str, dict[str, Any]]), required=True, help="Settings of the arms, by name (JSON)."
)
@click.option("--countries", type=Words(), required=True, help="Countries of the language.")
@click.option("--frames", type=Words(), required=True, help="Frames of the prompt, by name.")
@click.option("--bank", type=readable, required=True, help="Probe bank (CSV).")
@click.option("--tests", type=readable, help="Test probes, if they are not shown (CSV); all probes are both otherwise.")
@click.option("--texts", type=Named(), multiple=True, help="Wording of the probes (CSV), by language.")
@click.option("--templates", type=Named(), multiple=True, help="Frames (YAML), by language.")
@click.option("--personas", type=Named(), multiple=True, help="Personas (CSV), by language.")
@click.option("--roles", type=Named(), multiple=True, help="Texts that name a country (YAML), by language.")
@click.option("--neutral", type=Named(), multiple=True, help="Neutral items (CSV), by language.")
@click.option("--questions", type=Named(), multiple=True, help="Questions with a whole scale (CSV), by language.")
@click.option("--labels", type=Named(), multiple=True, help="Labels of their answers (CSV), by language.")
@click.option("--spoken", type=readable, help="Each country's own language (CSV).")
@click.option("--scales", type=readable, help="Answer scales of the questions (CSV).")
@click.option("--poles", type=readable, required=True, help="What the countries' people answer (Parquet).")
@click.option("--spread", type=readable, help="How they spread over whole scales (Parquet).")
@click.option("--premises", type=bool, default=True, help="Whether to write premises, which the readout pmi needs.")
@click.option("--step", type=int, default=1, help="Step between the numbers that frames of shares offer.")
@click.option("--design", type=writable, required=True, help="Cells of the experiment (Parquet).")
@click.option("--prompts", type=writable, required=True, help="Distinct prompts (Parquet).")
def command(
    rankings: tuple[Path, ...],
    language: str,
    arms: dict[str, dict[str, Any]],
    countries: list[str],
    frames: list[str],
    bank: Path,
    tests: Path | None,
    spoken: Path | None,
    scales: Path | None,
    poles: Path,
    spread: Path | None,
    premises: bool,
    step: int,
    design: Path,
    prompts: Path,
    **files: tuple[tuple[str, Path], ...],
) -> None:
    """Lay out the cells of the experiment in one language, and write the distinct prompts that they need.

    RANKINGS are the rankings of the strategies that the arms use, named STRATEGY.parquet. A language's file is given as
    CODE=FILE. The files of whole scales are needed where a frame asks with them, the personas of the language where a
    frame asks for shares.
    """
    probes, by_language = read_bank(bank), {kind: dict(given) for kind, given in files.items()}
    for kind in ("texts", "templates"):
        if language not in by_language[kind]:
            raise click.UsageError(f"--{kind} {language}=FILE is missing")
    only = frozenset(read_bank(tests)["probe"]) if tests else frozenset()
    shown = probes[~probes["probe"].isin(only)]  # test probes from another survey have words in one language
    wordings = {}
    for code, texts in by_language["texts"].items():
        others = {kind: by_language[kind].get(code) for kind in ("neutral", "questions", "labels")}
        words = WordingFiles(by_language["templates"][code], texts, scales=scales, **others)
        wordings[code] = read_wording(words, frames, probes if code == language else shown, others=True, step=step)
    own = read_countries(spoken) if spoken else {}
    personas = {code: read_personas(file) for code, file in by_language["personas"].items()}
    roles = {code: read_roles(file) for code, file in by_language["roles"].items()}
    experiment = Experiment(
        Arm.read_all(arms),
        countries,
        Surveyed(read_table(poles, Poles), read_table(spread, PeopleScales) if spread else None, probes, only),
        {path.stem: read_table(path, Ranking) for path in rankings},
        DesignLanguages(language, wordings, own, personas, roles),
        premises,
    )
    cells, distinct = experiment.lay_out_arms()
    number = write_parts(cells, design, Design)
    write_table(distinct, prompts, Prompts)
    asked = int((distinct["premise"] != "").sum())
    click.echo(f"{number} cells, {asked} distinct prompts, {len(distinct) - asked} premises", err=True)
