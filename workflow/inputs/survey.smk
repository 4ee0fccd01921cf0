"""Input functions and settings of the rules in rules/survey.smk."""

import re

from selfalign.config.surveys import find_surveys


def any_of(names):
    """A pattern that matches these names only, and nothing if there are none."""
    return "|".join(map(re.escape, names)) or "no survey"


def surveys_of(*forms, counted=None):
    """A pattern of the names of the surveys of some forms: all; or only those with counts (True) or respondents (False)."""
    return any_of(find_surveys(CONFIG, *forms, counted=counted))


MICRODATA = any_of(
    name for name, survey in CONFIG.surveys.items() if survey.has_respondents
)
GROUPED = any_of(
    name
    for name, survey in CONFIG.surveys.items()
    if survey.has_respondents and survey.groups_file
)
FETCHED = any_of(
    name for name, survey in CONFIG.surveys.items() if survey.own_file is None
)


def survey_input(wildcards):
    """The file of a survey."""
    return CONFIG.surveys[wildcards.survey].file


def question_file(wildcards):
    """The file of questions of a survey of form table."""
    return CONFIG.surveys[wildcards.survey].questions


def wvs7_file(wildcards):
    """The file of wave 7. It is simulated if the survey is published counts."""
    counts = CONFIG.surveys[wildcards.survey].form == "counts"
    simulated = f"<shared>/survey/{wildcards.survey}/simulated.csv"
    return simulated if counts else survey_input(wildcards)


def groups_of(wildcards):
    """The file that defines the groups of a survey's people by the values of its columns."""
    return PATHS.shipped(CONFIG.surveys[wildcards.survey].groups_file)


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
    return as_json(CONFIG.surveys[wildcards.survey].source)


def table_settings(wildcards):
    """The settings of a survey of form table that decide the meaning of its file."""
    survey = CONFIG.surveys[wildcards.survey].given
    keys = ("columns", "country", "countries", "missing_weight")
    return as_json({key: survey[key] for key in keys if key in survey})


def survey_seed(wildcards):
    """The seed of the simulated respondents of a survey."""
    return CONFIG.surveys[wildcards.survey].seed


def survey_waves(wildcards):
    """The waves that are used of a survey of form trends."""
    return list(CONFIG.surveys[wildcards.survey].waves)
