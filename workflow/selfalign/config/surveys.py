"""Surveys: which of them have a form, where their files are, and checks of their settings."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from selfalign.config.arms import arms_of_run
from selfalign.config.languages import fill_language, frames_on_scales
from selfalign.config.merged import MergedConfig
from selfalign.config.values import check_file
from selfalign.countries import CODES, suggest_country
from selfalign.errors import InputError, listed
from selfalign.faults import Faults
from selfalign.survey.citations import how_to_get
from selfalign.survey.find_file import suggest_files
from selfalign.survey.registry import FORMS


def check_tables(surveys: dict[str, Any]) -> None:
    """Refuse settings of a survey of form table that are missing or contradict each other."""
    faults = Faults()
    for name, survey in surveys.items():
        place = f"config: surveys.{name}"
        own = [key for key in ("questions", "country", "countries", "columns") if key in survey]
        if survey["form"] != "table":
            if own:
                faults.add(place, f"the form {survey['form']} has no {listed(own)}", "Take it out, or set form: table")
            continue
        columns = survey.get("columns", {})
        if not survey.get("questions"):
            faults.add(f"{place}.questions", "is missing", "Name the file of questions; docs/own_survey.md explains it")
        if ("country" in survey) == ("country" in columns):
            problem = "has both country and columns.country" if "country" in survey else "has no country"
            remedy = "Give country for a survey of one country, or columns.country for the column that says it"
            faults.add(place, problem, remedy)
        if empty := [value for value, code in survey.get("countries", {}).items() if code == ""]:
            problem = f"the country of these values is not filled in: {listed(empty)}"
            remedy = "Give a code of three letters, such as DEU, or null to leave the respondents out"
            faults.add(f"{place}.countries", problem, remedy)
        codes = [code for code in [survey.get("country"), *survey.get("countries", {}).values()] if code]
        if unknown := [code for code in codes if code not in CODES]:
            remedy = f"{suggest_country(unknown[0])} Correct the codes"
            faults.add(place, f"{listed(unknown)}: not an ISO 3166 alpha-3 code", remedy)
        counts = {key for key in ("question", "code", "count") if key in columns}
        if counts and len(counts) < 3:
            problem = f"a table of counts has question, code and count; only {listed(sorted(counts))} given"
            faults.add(f"{place}.columns", problem, "Name all three columns, or none of them")
        if counts and (extra := [key for key in ("weight", "respondent", "year") if key in columns]):
            problem = f"a table of counts has no {listed(extra)}"
            faults.add(f"{place}.columns", problem, "Take it out, or name no columns question, code and count")
    faults.refuse()


def check_questionnaire(config: MergedConfig, languages: list[str]) -> None:
    """Refuse a file of questions, a bank and texts that do not fit together, and a survey without a citation.

    Only surveys of form table are checked.

    Args:
        languages: in which probes are worded.
    """
    survey = config["surveys"][config["run"]["survey"]]
    if survey["form"] != "table":
        return
    from selfalign.config.probe_kinds import with_kinds
    from selfalign.probes.bank import read_bank  # other surveys need none of this
    from selfalign.probes.questionnaire import check_drafts, check_poles, check_words
    from selfalign.probes.selection import select_probes
    from selfalign.survey.questions import read_questions

    probes, file, bank_file = config["probes"], Path(survey["questions"]), Path(config["probes"]["bank"])
    faults = Faults()
    place = f"config: surveys.{config['run']['survey']}"
    check_file(str(file), f"{place}.questions", "Put it there, or correct the path")
    if not survey.get("citation", "").strip():
        faults.add(f"{place}.citation", "is not filled in", "Say how to cite the survey; a run ends with it")
    questions, bank = read_questions(file), read_bank(bank_file)
    used = select_probes(with_kinds(bank, config), probes, bank_file)
    check_poles(questions, file, used, bank_file, faults)
    for language in languages:
        check_drafts(Path(fill_language(probes["texts"], language)), bank, bank_file, faults)
    if frames_on_scales(config):
        check_words(questions, file, used, faults)
        if len(languages) > 1:
            problem = f"a frame asks with the whole scale in {listed(languages)}, and the file of questions has one"
            faults.add(file, f"{problem} language", "Run one language, or use no frame of whole scales")
    faults.refuse()


def check_survey_file(name: str, survey: dict[str, Any]) -> None:
    """Refuse a survey whose file is not there.

    Args:
        name: of the survey.
        survey: its settings.
    """
    file = survey["source"].get("file")
    if file is not None:
        remedy = suggest_files(Path(file)) or how_to_get(survey["form"])
        check_file(file, f"config: surveys.{name}.source.file", remedy)


def groups_file(survey: Mapping[str, Any]) -> str:
    """The file that says which values make which group of people; empty if there is none.

    Args:
        survey: its settings.
    """
    shipped = FORMS[survey["form"]].groups
    return survey.get("groups") or (f"resources/survey/{shipped}" if shipped else "")


def check_groups(config: MergedConfig) -> None:
    """Refuse groups of people where the survey cannot have them, and arms that need groups where there are none.

    Raises:
        InputError: the survey has no respondents who were asked, or no file says which values make which group.
    """
    name = config["run"]["survey"]
    survey, place = config["surveys"][name], "config: run.groups"
    if not config["run"].get("groups"):
        for arm, settings in arms_of_run(config).items():
            if settings.needs_groups:
                problem = "needs groups of a country's people, and run.groups is null"
                remedy = "Set run.groups, such as {by: [sex]}, or take the arm out of languages.*.arms"
                raise InputError(f"config: arms.{arm}.answers", problem, remedy, value=settings.answers)
        return
    if not has_real_respondents(survey):
        what = "simulated respondents of no sex or age" if survey["form"] == "counts" else "no respondents"
        problem = f"groups of people need microdata, and the survey {name} (form {survey['form']}) has {what}"
        remedy = "Choose a survey with a row for each respondent in run.survey, or set run.groups: null"
        raise InputError(place, problem, remedy)
    file = groups_file(survey)
    if not file:
        remedy = f"Write one as docs/groups.md says, and name it in surveys.{name}.groups"
        raise InputError(f"config: surveys.{name}.groups", "no file says which values make which group", remedy)


def find_surveys(config: MergedConfig, *forms: str, counted: bool | None = None) -> list[str]:
    """Names of the surveys of some forms.

    Args:
        forms: of surveys.
        counted: if given, only surveys of counts, or only those with a row per respondent.
    """
    return [
        name
        for name, survey in config["surveys"].items()
        if survey["form"] in forms and counted in (None, _is_counted(survey))
    ]


def has_respondents(survey: Mapping[str, Any]) -> bool:
    """Whether a survey has a row per respondent, read or simulated.

    Args:
        survey: its settings.
    """
    return FORMS[survey["form"]].respondents and not _is_counted(survey)


def has_real_respondents(survey: Mapping[str, Any]) -> bool:
    """Whether a survey has a row per respondent who was asked. Simulated ones answer each question independently.

    Args:
        survey: its settings.
    """
    return has_respondents(survey) and survey["form"] != "counts"


def _is_counted(survey: Mapping[str, Any]) -> bool:
    return "count" in survey.get("columns", {})


def survey_file(name: str, survey: Mapping[str, Any]) -> str:
    """The file of a survey: the user's own, or the one that the workflow fetches.

    Args:
        name: of the survey.
        survey: its settings.
    """
    source = survey["source"]
    place = re.sub("[?#].*", "", source.get("url") or source.get("path") or "")
    return source.get("file") or f"<shared>/survey/{name}/download/{Path(place).name}"
