"""Input functions and settings of the rules in rules/survey.smk."""

import re

from selfalign.config.surveys import (
    find_surveys,
    groups_file,
    has_respondents,
    survey_file,
)


def any_of(names):
    """A pattern that matches these names only, and nothing if there are none."""
    return "|".join(map(re.escape, names)) or "no survey"


def surveys_of(*forms, counted=None):
    """A pattern of the names of the surveys of some forms: all; or only those with counts (True) or respondents (False)."""
    return any_of(find_surveys(config, *forms, counted=counted))


MICRODATA = any_of(
    name for name, survey in config["surveys"].items() if has_respondents(survey)
)
GROUPED = any_of(
    name
    for name, survey in config["surveys"].items()
    if has_respondents(survey) and groups_file(survey)
)
FETCHED = any_of(
    name for name, survey in config["surveys"].items() if "file" not in survey["source"]
)


def survey_input(wildcards):
    """The file of a survey."""
    return survey_file(wildcards.survey, config["surveys"][wildcards.survey])


def question_file(wildcards):
    """The file of questions of a survey of form table."""
    return config["surveys"][wildcards.survey]["questions"]


def wvs7_file(wildcards):
    """The file of wave 7. It is simulated if the survey is published counts."""
    counts = config["surveys"][wildcards.survey]["form"] == "counts"
    simulated = f"<shared>/survey/{wildcards.survey}/simulated.csv"
    return simulated if counts else survey_input(wildcards)


def groups_of(wildcards):
    """The file that defines the groups of a survey's people by the values of its columns."""
    return PATHS.shipped(groups_file(config["surveys"][wildcards.survey]))


def scales_file(wildcards):
    """The answer scales of a survey."""
    return PATHS.questionnaire(wildcards.survey, "scales")


def english(kind):
    """The English questions or labels of a survey, as an input function."""

    def file(wildcards):
        return PATHS.questionnaire(wildcards.survey, kind, "en")

    return file


def survey_source(wildcards):
    """A survey's source."""
    return as_json(config["surveys"][wildcards.survey]["source"])


def table_settings(wildcards):
    """The settings of a survey of form table that decide the meaning of its file."""
    survey = config["surveys"][wildcards.survey]
    keys = ("columns", "country", "countries", "missing_weight")
    return as_json({key: survey[key] for key in keys if key in survey})


def of_survey(key):
    """A setting of a job's survey, as an input function."""

    def setting(wildcards):
        return config["surveys"][wildcards.survey][key]

    return setting
