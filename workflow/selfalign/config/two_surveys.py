"""Runs whose test probes are from another survey than their demonstrations."""

from pathlib import Path

import pandas as pd

from selfalign.config.arms import arms_of_run
from selfalign.config.languages import compared_language, frames_of
from selfalign.config.sections import Config
from selfalign.errors import InputError, did_you_mean
from selfalign.probes.opinion_probes import LANGUAGE, check_opinion_probes, check_siblings, read_opinion_probes


def check_crossed(config: Config) -> None:
    """Refuse settings that do not go with test probes from another survey.

    Args:
        config: of the run, of the form of the schema, whose names are known.

    Raises:
        InputError: names the setting.
    """
    if config.test_probes is None:
        return
    name, surveys = config.test_probes.survey, config.surveys
    opinions = [one for one, survey in surveys.items() if survey.form == "opinions"]
    if name not in opinions:
        problem = f"the survey has form {surveys[name].form}; expected form opinions" if name in surveys else ""
        remedy = did_you_mean(name, opinions)
        raise InputError("config: test_probes.survey", problem or "is not a survey", remedy, value=name)
    if name == config.run.survey:
        problem = "is also the survey of the demonstrations"
        remedy = "Name another survey in run.survey, or write test_probes: null to test on the same survey"
        raise InputError("config: test_probes.survey", problem, remedy, value=name)
    if config.run.groups:
        problem = "asks about groups of people, and the survey of the test probes has countries only"
        raise InputError("config: run.groups", problem, "Write run: {groups: null}, or test_probes: null")
    if others := [one for one in config.run.languages if one != LANGUAGE]:
        problem = f"the words of test probes from an opinion table are in {LANGUAGE} only"
        raise InputError("config: run.languages", problem, f"Write run: {{languages: [{LANGUAGE}]}}", value=others[0])
    for arm, settings in arms_of_run(config).items():
        if settings.shots and "battery" in settings.exclude:
            plain = [one for one in settings.exclude if one != "battery"]
            raise InputError(
                f"config: arms.{arm}.exclude",
                "a test probe shares no battery with demonstrations from another survey, so the arm is the same as one "
                "that does not exclude batteries",
                f"Run an arm with exclude: [{', '.join(plain)}] in its place, such as chrf",
                value="battery",
            )
    measure = "embedding"
    if measure in {arm.strategy for arm in arms_of_run(config).values()}:
        language = compared_language(config, measure, LANGUAGE)
        if language != LANGUAGE:
            problem = f"the words of test probes are in {LANGUAGE} only"
            raise InputError("config: demonstrations.embedding.texts", problem, f"Write {LANGUAGE}", value=language)


def check_frames(config: Config) -> None:
    """Refuse frames that ask with whole answer scales, which an opinion table does not word.

    Args:
        config: of the run, whose files are there.

    Raises:
        InputError: names the frame.
    """
    if config.test_probes and (frames := frames_of(config, "scale")):
        problem = "asks with the whole answer scale, and test probes from an opinion table have two poles only"
        raise InputError("config: prompts.frames", problem, "Choose other frames, such as words", value=frames[0])


def read_tests(config: Config, shown: pd.DataFrame) -> pd.DataFrame | None:
    """The reviewed test probes of a run, checked; None if there are none, or only the draft of the workflow.

    Args:
        shown: the whole `Bank` table of the demonstrations.

    Raises:
        InputError: a row of the table is wrong.
    """
    tests = config.test_probes
    if tests is None or tests.table is None:
        return None
    file = Path(tests.table)
    table = read_opinion_probes(file)
    check_opinion_probes(table, shown, file)
    check_siblings(table, shown, file)
    return table[table["probe"].isin(tests.only)] if tests.only else table
