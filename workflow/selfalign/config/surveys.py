"""Surveys: which of them have a form, and checks of their settings."""

from collections.abc import Mapping
from pathlib import Path

from selfalign.config.arms import arms_of_run
from selfalign.config.languages import frames_of, words_file
from selfalign.config.probe_kinds import with_kinds
from selfalign.config.sections import Config, Survey
from selfalign.config.values import check_file
from selfalign.countries import CODES, suggest_country
from selfalign.errors import Faults, InputError, listed
from selfalign.probes.bank import read_bank
from selfalign.probes.selection import select_probes
from selfalign.survey.find_file import suggest_files
from selfalign.survey.registry import how_to_get


def check_tables(surveys: Mapping[str, Survey]) -> None:
    """Refuse settings of a survey of form table that are missing or contradict each other."""
    faults = Faults()
    for name, survey in surveys.items():
        place = f"config: surveys.{name}"
        own: list[str] = [key for key in ("questions", "country", "countries", "columns") if key in survey.given]
        if survey.form != "table":
            if own:
                faults.add(place, f"the form {survey.form} has no {listed(own)}", "Take it out, or set form: table")
            continue
        columns = survey.columns.given if survey.columns else {}
        countries = survey.countries or {}
        if not survey.questions:
            faults.add(f"{place}.questions", "is missing", "Name the file of questions; docs/own_survey.md explains it")
        if (survey.country is None) == ("country" not in columns):
            problem = "has both country and columns.country" if survey.country else "has no country"
            remedy = "Give country for a survey of one country, or columns.country for the column that says it"
            faults.add(place, problem, remedy)
        if empty := [value for value, code in countries.items() if code == ""]:
            problem = f"the country of these values is not filled in: {listed(empty)}"
            remedy = "Give a code of three letters, such as DEU, or null to leave the respondents out"
            faults.add(f"{place}.countries", problem, remedy)
        codes = [code for code in [survey.country, *countries.values()] if code]
        if unknown := [code for code in codes if code not in CODES]:
            remedy = f"{suggest_country(unknown[0])} Correct the codes"
            faults.add(place, f"{listed(unknown)}: not an ISO 3166 alpha-3 code", remedy)
        counts = {key for key in ("question", "code", "count") if key in columns}
        if counts and len(counts) < 3:
            problem = f"a table of counts has question, code and count; only {listed(sorted(counts))} given"
            faults.add(f"{place}.columns", problem, "Name all three columns, or none of them")
        extra: list[str] = [key for key in ("weight", "respondent", "year") if key in columns]
        if counts and extra:
            problem = f"a table of counts has no {listed(extra)}"
            faults.add(f"{place}.columns", problem, "Take it out, or name no columns question, code and count")
    faults.refuse()


def check_questionnaire(config: Config, languages: list[str]) -> None:
    """Refuse a file of questions, a bank and texts that do not fit together, and a survey without a citation.

    Only surveys of form table are checked.

    Args:
        languages: in which probes are worded.
    """
    survey = config.survey
    if survey.form != "table" or survey.questions is None:
        return
    from selfalign.probes.questionnaire import check_drafts, check_poles, check_words  # other surveys need none of this
    from selfalign.survey.questions import read_questions

    file, bank_file = Path(survey.questions), Path(config.probes.bank)
    faults = Faults()
    place = f"config: surveys.{survey.name}"
    check_file(str(file), f"{place}.questions", "Put it there, or correct the path")
    if not (survey.citation or "").strip():
        faults.add(f"{place}.citation", "is not filled in", "Say how to cite the survey; a run ends with it")
    questions, bank = read_questions(file), read_bank(bank_file)
    used = select_probes(with_kinds(bank, config), config.probes.criteria, bank_file)
    check_poles(questions, file, used, bank_file, faults)
    for language in languages:
        check_drafts(Path(words_file(config, "texts", language)), bank, bank_file, faults)
    if frames_of(config, "scale"):
        check_words(questions, file, used, faults)
        if len(languages) > 1:
            problem = f"a frame asks with the whole scale in {listed(languages)}, and the file of questions has one"
            faults.add(file, f"{problem} language", "Run one language, or use no frame of whole scales")
    faults.refuse()


def check_survey_file(survey: Survey) -> None:
    """Refuse a survey whose file is not there."""
    if survey.own_file is not None:
        remedy = suggest_files(Path(survey.own_file)) or how_to_get(survey.form)
        check_file(survey.own_file, f"config: surveys.{survey.name}.source.file", remedy)


def check_groups(config: Config) -> None:
    """Refuse groups of people where the survey cannot have them, and arms that need groups where there are none.

    Raises:
        InputError: the survey has no respondents who were asked, or no file says which values make which group.
    """
    survey, place = config.survey, "config: run.groups"
    if not config.run.groups:
        for arm, settings in arms_of_run(config).items():
            if settings.needs_groups:
                problem = "needs groups of a country's people, and run.groups is null"
                remedy = "Set run.groups, such as {by: [sex]}, or take the arm out of languages.*.arms"
                raise InputError(f"config: arms.{arm}.answers", problem, remedy, value=settings.answers)
        return
    if not survey.has_real_respondents:
        what = "simulated respondents of no sex or age" if survey.form == "counts" else "no respondents"
        problem = f"groups of people need microdata, and the survey {survey.name} (form {survey.form}) has {what}"
        remedy = "Choose a survey with a row for each respondent in run.survey, or set run.groups: null"
        raise InputError(place, problem, remedy)
    if not survey.groups_file:
        remedy = f"Write one as docs/groups.md says, and name it in surveys.{survey.name}.groups"
        raise InputError(f"config: surveys.{survey.name}.groups", "no file says which values make which group", remedy)


def find_surveys(config: Config, *forms: str, counted: bool | None = None) -> list[str]:
    """Names of the surveys of some forms.

    Args:
        forms: of surveys.
        counted: if given, only surveys of counts, or only those with a row per respondent.
    """
    return [
        name for name, survey in config.surveys.items() if survey.form in forms and counted in (None, survey.is_counted)
    ]
