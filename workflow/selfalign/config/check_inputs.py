"""Checks of the settings against the files that a run reads, before anything runs.

A step would find the same mistakes, but late: Snakemake deletes the outputs of a step before it starts, so a mistake
costs the files of a finished run. Where possible, the functions of the steps are called.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from selfalign.arms import Arm, Speech
from selfalign.config.arms import arms_of, arms_of_run
from selfalign.config.languages import (
    compared_language,
    compared_languages,
    speech_of_run,
    spoken_of_run,
    worded_languages,
    words_file,
)
from selfalign.config.probe_kinds import with_kinds
from selfalign.config.sections import Config
from selfalign.config.two_surveys import check_frames, read_tests
from selfalign.errors import InputError
from selfalign.home import is_made, locate
from selfalign.models.folder import list_model
from selfalign.probes.adopt_arora import adopt, check_copy, check_language, read_copy
from selfalign.probes.adopt_arora_bank import check_questions, make_bank
from selfalign.probes.arora import AroraRepairs, AroraRows
from selfalign.probes.bank import name_siblings, read_bank, read_texts
from selfalign.probes.map_poles import check_bank, check_countries
from selfalign.probes.selection import select_probes
from selfalign.probes.versions import VERSION_FILE, read_version
from selfalign.prompts.design_prompts import word_instructions, word_personas
from selfalign.prompts.frames import read_frame
from selfalign.prompts.sources import check_sources, draw_neutral
from selfalign.prompts.wording import (
    DesignLanguages,
    Wording,
    WordingFiles,
    read_countries,
    read_personas,
    read_roles,
    read_wording,
)
from selfalign.scoring.stated import READ_BY
from selfalign.survey.parse_shares import check_shares, parse_shares
from selfalign.survey.schemas import Counts, Scales, Shares
from selfalign.survey.simulate_survey import check_counts
from selfalign.tables import read_input


def check_inputs(config: Config, home: Path) -> None:
    """Refuse settings that a step of the run would refuse, if the settings and their files show it.

    Surveys of form `counts` and `shares` are read as well, because their files are small. Other surveys are not.

    Args:
        config: of the run, whose files are there.
        home: the workflow's own folder.

    Raises:
        InputError: as the step would raise it.
    """
    file = Path(config.probes.bank)
    adopted = config.probes.arora if is_made(file) else None
    for name in config.run.models:
        if folder := config.models[name].folder:
            list_model(folder, f"config: models.{name}.source.folder")
    bank = _adopt(config, adopted, home) if adopted else read_bank(file)
    used = select_probes(with_kinds(bank, config, home), config.probes.criteria, file)
    version = file.with_name(VERSION_FILE)
    if version.is_file():
        read_version(version)
    words = _read_words(config, home, spoken_of_run(config), bank, adopted is None)
    for language in set(compared_languages(config)) - set(words) if not adopted else ():
        read_texts(Path(words_file(config, "texts", language)), bank)
    _check_readouts(config, words)
    for language, spoken in speech_of_run(config).items():
        _check_arms(config, language, spoken, words)
    tests = used if config.test_probes is None else read_tests(config, bank)
    if tests is not None:
        _check_candidates(arms_of_run(config).values(), used, tests)
    _check_encoder(config)
    _check_groups(config, home)
    check_frames(config)
    _check_survey(config, home, used, file)


def _read_words(config: Config, home: Path, spoken: Speech, bank: pd.DataFrame, texts: bool) -> dict[str, Wording]:
    """The words of every language that a prompt of the run may be in."""
    scales = Path(locate("resources/survey/scales.csv", home))

    def files_of(language: str) -> WordingFiles:
        return WordingFiles(
            Path(words_file(config, "templates", language)),
            Path(words_file(config, "texts", language)) if texts else None,
            Path(words_file(config, "neutral", language)) if language in spoken.neutral else None,
            scales,
            Path(locate(f"resources/survey/questions/{language}.csv", home)),
            Path(locate(f"resources/survey/labels/{language}.csv", home)),
        )

    files, frames = {one: files_of(one) for one in spoken.texts}, list(config.prompts.frames)
    if config.survey.form == "table":  # whole scales are made from its own questions
        frames = [name for name in frames if not read_frame(files[spoken.texts[0]].templates, name).whole_scale]
    else:
        read_input(scales, Scales)
    step = config.prompts.share_step
    return {one: read_wording(files[one], frames, bank, step=step) for one in spoken.texts}


def _check_readouts(config: Config, words: dict[str, Wording]) -> None:
    """Refuse the readout `label` for a frame without labels, and endpoints that can read nothing else."""
    framed = words[config.run.languages[0]].frames
    for name, frame in framed.items():
        if config.scoring.readouts[name] == "label" and frame.labels is None and not frame.whole_scale:
            raise InputError(
                "config: scoring.readouts",
                f"the frame {name} shows no labels, and the readout label reads nothing else",
                f"Write {name}: option, or choose a frame with labels, such as letters",
                column=name,
                value="label",
            )
        if frame.asks == "share":
            _check_readout_of_shares(name, config.scoring.readouts[name])
    for name in config.run.models:
        endpoint = config.models[name].endpoint
        labelled = any(frame.labels for frame in framed.values())
        if endpoint and endpoint.readout == "logprobs" and not labelled:
            raise InputError(
                f"config: models.{name}.endpoint.readout",
                "logprobs reads the first token of a reply, and no frame of prompts.frames shows labels",
                "Add a frame with labels to prompts.frames, such as letters, or set readout: samples or echo",
                value="logprobs",
            )


def _check_readout_of_shares(name: str, readout: str) -> None:
    if readout not in READ_BY:
        problem = f"the frame {name} asks for a number, and the readout {readout} does not weigh numbers"
        remedy = f"Write {name}: option, or {name}: pmi"
        raise InputError("config: scoring.readouts", problem, remedy, column=name, value=readout)


def _check_arms(config: Config, language: str, spoken: Speech, words: dict[str, Wording]) -> None:
    """Refuse arms of a language that lack a persona or neutral items, and frames that cannot name a country."""
    countries = config.languages[language].countries
    personas = {one: read_personas(Path(words_file(config, "personas", one))) for one in spoken.personas}
    arms = arms_of(config, language)
    own = any(arm.needs_spoken for arm in arms.values())
    roles = {one: read_roles(Path(words_file(config, "roles", one))) for one in spoken.roles}
    known = read_countries(Path(config.prompts.spoken)) if own else {}
    languages = DesignLanguages(language, words, known, personas, roles)
    for arm in arms.values():
        asked = pd.Series(arm.asked(countries))
        pairs = pd.DataFrame(_pair_names(arm, list(asked), countries), columns=["country", "named"])
        word_personas(arm, pairs["country"], pairs["named"], languages)
        for frame in words[language].frames.values():
            word_instructions(frame, pairs["named"], languages)
        if arm.needs_neutral:
            for shown in languages.resolve(arm.shown_in, asked).unique():
                draw_neutral(arm, pd.Series([], dtype=str), words[shown].right)


def _pair_names(arm: Arm, asked: Sequence[str], countries: Sequence[str]) -> list[tuple[str, str]]:
    """The countries that an arm is run for, each with the countries that its prompts name."""
    if arm.named == "own":
        return [(country, country) for country in asked]
    return [(country, other) for country in asked for other in arm.others(country, countries)]


def _check_candidates(arms: Iterable[Arm], used: pd.DataFrame, tests: pd.DataFrame) -> None:
    """Refuse an arm that asks for more demonstrations than the chosen probes have, whatever the survey says."""
    same = _find_same(used, tests)
    for arm in arms:
        if arm.shots and not arm.needs_neutral:
            _check_candidates_of(arm, same, list(tests["probe"]))


def _find_same(used: pd.DataFrame, tests: pd.DataFrame) -> dict[str, np.ndarray]:
    """Whether a test probe (row) and a probe that may be shown (column) are the same, or of one kind, by the kind."""
    columns = ("probe", "battery", "category")
    same = {column: tests[column].to_numpy(object)[:, None] == used[column].to_numpy(object) for column in columns}
    shown = list(used["siblings"])
    known = set(shown)
    named = (name_siblings(text, known) for text in tests["siblings"])
    return same | {"siblings": np.array([[one in names for one in shown] for names in named], dtype=bool)}


def _check_candidates_of(arm: Arm, same: Mapping[str, np.ndarray], tests: Sequence[str]) -> None:
    barred = np.logical_or.reduce([same["probe"], *(same[each] for each in arm.exclude)])
    if arm.strategy == "category":
        barred |= ~same["category"]
    number = pd.Series((~barred).sum(axis=1), index=tests)
    short = number[number < arm.shots]
    if len(short):
        raise InputError(
            f"config: arms.{arm.name}",
            f"test probe {short.index[0]} has {short.iloc[0]} of the {arm.shots} candidates that it needs, among the "
            f"{barred.shape[1]} probes that may be shown; {len(short)} of {len(tests)} test probes have too few",
            "Lower shots, exclude less, choose another strategy, or name more probes in probes.only",
            column="shots",
            value=arm.shots,
        )


def _check_encoder(config: Config) -> None:
    """Refuse an encoder of sentences that is not there or does not know the language."""
    if "embedding" not in {arm.strategy for arm in arms_of_run(config).values()}:
        return
    from selfalign.demonstrations.encoders import check_encoder  # numpy's encoder takes time to import

    model = config.demonstrations.embedding.model
    for language in config.run.languages:
        check_encoder(model, compared_language(config, "embedding", language))


def _check_groups(config: Config, home: Path) -> None:
    """Refuse a file of groups that breaks its form, and groups by a variable that it does not have."""
    if groups := config.run.groups:
        from selfalign.probes.form_groups import check_variables  # few runs have groups
        from selfalign.survey.read_groups import read_crosswalk

        file = Path(locate(config.survey.groups_file, home))
        check_variables(groups.by, read_crosswalk(file), file)


def _check_survey(config: Config, home: Path, used: pd.DataFrame, bank: Path) -> None:
    """Refuse countries and questions that a survey of published counts or shares does not have."""
    survey = config.survey
    if survey.form not in ("counts", "shares") or survey.own_file is None:
        return
    file = Path(survey.own_file)
    if survey.form == "counts":
        counts = read_input(file, Counts)
        check_counts(counts, file)
        answers = counts[counts["code"] >= 0].assign(last_code=counts["code"])
    else:
        shares, scales = read_input(file, Shares), read_input(Path(locate("resources/survey/scales.csv", home)), Scales)
        check_shares(shares, scales, file)
        answers = parse_shares(shares, scales)
    for language in config.run.languages:
        check_countries(answers, list(config.languages[language].countries), file)
        for arm in arms_of(config, language).values():
            if arm.named == "other" or (arm.answers == "other" and arm.shots):
                check_sources(arm, arm.sources or (), answers)
    check_bank(answers, used, bank)


def _adopt(config: Config, folder: str, home: Path) -> pd.DataFrame:
    """The bank that the workflow makes from a copy of the probes of Arora et al.; the copy is checked as well."""
    rows, fixes = (Path(locate(f"resources/probes/{name}.csv", home)) for name in ("arora", "arora_repairs"))
    facts, known = read_input(rows, AroraRows), read_input(fixes, AroraRepairs)
    for language in worded_languages(config):
        release = Path(folder) / f"{language}.csv"
        check_language(known, language, release, fixes)
        copy = read_copy(release)
        check_copy(copy, facts, release)
        adopt(copy, facts, known, language, release, fixes)
    ours = Path(locate("resources/probes/probes.csv", home))
    facts, bank = facts[facts["dropped"] == ""], read_bank(ours)
    check_questions(facts, bank, ours)
    return make_bank(facts, bank)
