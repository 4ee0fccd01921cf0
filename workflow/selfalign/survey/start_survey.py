"""`selfalign start-survey`: inspect a survey file, and write the files that a run of it needs, to be filled in."""

import re
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import pandas as pd
import pycountry

from selfalign.countries import CODES, suggest_country
from selfalign.errors import InputError, did_you_mean
from selfalign.faults import listed
from selfalign.home import HOME
from selfalign.options import readable
from selfalign.survey.files import SurveyFile, open_survey
from selfalign.survey.inspect_file import Facts, find_roles, inspect_columns, inspect_counts, why_no_question
from selfalign.survey.templates import (
    list_codes,
    list_probes,
    list_questions,
    list_texts,
    make_ids,
    write_config,
)
from selfalign.tables import written_aside

_COUNTED = ("question", "code", "count")
_RESPONDENTS = ("country", "weight", "respondent", "year")


def choose_columns(columns: list[Facts], wanted: str, file: Path) -> list[Facts]:
    """The columns that the user names: names with commas between them; `q1..q9` is a range in the order of the file.

    Raises:
        InputError: a name is no column, or a column has fewer than two answers.
    """
    names = [each.name for each in columns]
    chosen: list[str] = []
    for part in [part.strip() for part in wanted.split(",") if part.strip()]:
        first, _, last = part.partition("..") if part not in names else (part, "", "")
        for name in (first, last or first):
            if name not in names:
                raise InputError(file, f'has no column "{name}"', did_you_mean(name, names), column="--questions")
        start, end = names.index(first), names.index(last or first)
        chosen += [name for name in names[start : end + 1] if name not in chosen]
    facts = [each for each in columns if each.name in chosen]
    bad = [each.name for each in facts if sum(each.counts[value] > 0 for value in each.answers) < 2]
    bad += [each.name for each in facts if len(each.counts) > 50]
    if bad:
        problem = f"these columns have fewer than two answers, or more than 50 values: {listed(bad)}"
        raise InputError(file, problem, "Leave them out of --questions")
    return facts


def find_country(
    given: str | None, roles: dict[str, str], columns: list[Facts], file: Path
) -> tuple[str | None, dict[str, str | None]]:
    """The country of all respondents, or that of each value of the column that says it.

    Args:
        given: a code, or the name of a column, as the user gives it.
        roles: columns by role; the column of countries is put in or taken out.
        columns: facts of the columns.
        file: the survey file, for messages.

    Raises:
        InputError: there is neither a code nor a column.
    """
    names = {each.name: each for each in columns}
    if given in CODES and given not in names:
        roles.pop("country", None)
        return given, {}
    if given is not None:
        if given not in names:
            remedy = f"{suggest_country(given)} Give a code of three letters, or the name of a column"
            raise InputError(file, f'"{given}" is neither a country nor a column', remedy, column="--country")
        roles["country"] = given
    if "country" not in roles:
        remedy = "Give it with --country: a code of three letters, such as DEU, or the name of the column that says it"
        raise InputError(file, "does not say which country its respondents are from", remedy)
    facts = names[roles["country"]]
    return None, {value: _guess_country(value, facts.labels.get(value, "")) for value in facts.counts}


def _guess_country(value: str, label: str) -> str | None:
    if value in CODES:
        return value
    for text in (label, value.zfill(3) if value.isdigit() else value):
        try:
            return pycountry.countries.lookup(text).alpha_3
        except LookupError:  # also of an empty text
            continue
    return None


def inspect(survey: SurveyFile) -> tuple[list[Facts], list[Facts], dict[str, str]]:
    """Facts of all columns; of those that may be questions (of a table of counts, the questions); columns by role."""
    columns = inspect_columns(survey)
    rows = max((sum(each.counts.values()) + each.blank for each in columns), default=0)
    if not rows:
        raise InputError(survey.path, "has a header but no respondents", "Give the file with its data")
    roles = find_roles(columns, rows)
    if all(role in roles for role in _COUNTED):
        kept = {role: name for role, name in roles.items() if role in ("country", *_COUNTED)}
        return columns, inspect_counts(survey, kept), kept
    return columns, columns, {role: name for role, name in roles.items() if role in _RESPONDENTS}


def _name_role(role: str, given: str | None, roles: dict[str, str], columns: list[Facts], file: Path) -> None:
    """Let the user's own choice of a column take the place of the one that was found."""
    names = [each.name for each in columns]
    if given == "none":
        roles.pop(role, None)
    elif given is not None:
        if given not in names:
            remedy = f"{did_you_mean(given, names)} Write none if there is no such column"
            raise InputError(file, f'has no column "{given}"', remedy, column=f"--{role}")
        roles[role] = given


def _check_folder(folder: Path, names: list[str], replace: bool) -> None:
    there = [str(folder / name) for name in names if (folder / name).exists()]
    if there and not replace:
        remedy = "Give another folder with --folder, or write over these files with --replace"
        raise InputError(folder, f"these files are there already: {listed(there)}", remedy)
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", folder.name):
        problem = "the name of the folder is also that of the survey, and has letters, digits and . _ - only"
        raise InputError(folder, problem, "Give another one with --folder")


def _check_language(language: str) -> None:
    known = sorted(path.stem for path in (HOME / "resources/templates").glob("*.yaml"))
    if language not in known:
        problem = "prompts have no frames in this language"
        raise InputError("--language", problem, f"Known languages: {', '.join(known)}", value=language)


def _write(table: pd.DataFrame, path: Path) -> None:
    """Write a CSV that spreadsheet programs open with the right letters."""
    with written_aside(path) as aside:
        table.to_csv(aside, index=False, encoding="utf-8-sig", lineterminator="\n")


def _tell(
    file: Path, counted: bool, roles: dict[str, str], country: str | None, rest: dict[str, str], used: int
) -> list[str]:
    """What was found, as lines."""
    about = [f"{role}: column {name}" for role, name in roles.items()]
    about += [f"country: {country}, all respondents"] if country else []
    about += [] if counted or "weight" in roles else ["weight: none found, so each respondent weighs 1"]
    lines = [f"{file}: {'a table of counts' if counted else 'respondents'}", *(f"  {line}" for line in about)]
    lines.append(f"  {used} columns look like questions" if not counted else f"  {used} questions")
    others = [f"    {name}: {why}" for name, why in rest.items() if name not in roles.values()]
    if others:
        lines += ["  These columns do not; --questions can name them:", *others[:30]]
        lines += [f"    and {len(others) - 30} more, see codes.csv"] if len(others) > 30 else []
    return lines


@click.command()
@click.argument("file", type=readable)
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), help="Folder to write; else FILE's name.")
@click.option("--country", help="Code of the respondents' country, such as DEU, or the column that says it.")
@click.option("--weight", help="Column of the weights, or none; found by its name if not given.")
@click.option("--respondent", help="Column of the respondents' ids, or none; found by its name if not given.")
@click.option(
    "--questions", help="Columns of the questions: 'q1, q2' or 'q1..q9'; those that look like it if not given."
)
@click.option("--language", default="en", show_default=True, help="Language of the prompts (ISO 639-1).")
@click.option("--model", default="smollm2-135m", show_default=True, help="Model, as config/models.yaml names it.")
@click.option("--replace", is_flag=True, help="Write over files that are there.")
def command(
    file: Path,
    folder: Path | None,
    country: str | None,
    weight: str | None,
    respondent: str | None,
    questions: str | None,
    language: str,
    model: str,
    replace: bool,
) -> None:
    """Inspect a survey file (CSV, SPSS, Stata; or a zip) and write the files that a run of it needs.

    FILE has a row per respondent, or a row per question and answer with the number of respondents. The files to fill
    in: questions.csv, probes.csv, texts/LANGUAGE.csv, config.yaml. The file codes.csv lists the codes and counts of
    every column.
    """
    folder = folder or Path(re.sub(r"[^A-Za-z0-9_.-]+", "_", file.stem).strip("_.-") or "survey")
    _check_language(language)
    texts = f"texts/{language}.csv"
    _check_folder(folder, ["codes.csv", "questions.csv", "probes.csv", texts, "config.yaml"], replace)
    with TemporaryDirectory() as scratch, open_survey(file, Path(scratch)) as survey:
        columns, candidates, roles = inspect(survey)
    counted = "count" in roles
    if not counted:
        _name_role("weight", weight, roles, columns, file)
        _name_role("respondent", respondent, roles, columns, file)
    one, each_country = find_country(country, roles, columns, file)
    rest = {} if counted else {facts.name: why for facts in candidates if (why := why_no_question(facts, roles))}
    if questions:
        chosen = choose_columns(candidates, questions, file)
    else:
        chosen = [facts for facts in candidates if facts.name not in rest and len(facts.answers) > 1]
    if len(chosen) < 3:
        problem = f"{len(chosen)} columns look like questions; a run needs three or more"
        raise InputError(file, problem, "Name the columns with --questions 'q1, q2, q3'")
    ids = make_ids(chosen)
    probes = list_probes(chosen, ids)
    config = write_config(
        folder.name,
        folder.as_posix(),
        file.as_posix(),
        roles,
        one,
        each_country,
        language,
        model,
        len(probes),
    )
    _write(list_codes(chosen if counted else columns), folder / "codes.csv")
    _write(list_questions(chosen, ids), folder / "questions.csv")
    _write(probes, folder / "probes.csv")
    _write(list_texts(probes), folder / texts)
    with written_aside(folder / "config.yaml") as aside:
        aside.write_text(config, encoding="utf-8")
    unsure = [value for value, code in each_country.items() if code is None]
    steps = [
        f"{folder}/questions.csv: check the answers and the missing values",
        f"{folder}/probes.csv: check which codes are pole A and pole B",
        f"{folder}/{texts}: write a statement with one blank and two options for each probe",
        f"{folder}/config.yaml: fill in the citation"
        + (f", and the country of {listed(unsure, 10)}, also in languages" if unsure else ""),
    ]
    click.echo("\n".join(_tell(file, counted, roles, one, rest if not questions else {}, len(chosen))))
    click.echo(f"\nWrote {folder}/. The codes and counts of every column are in {folder}/codes.csv. Now:")
    click.echo("\n".join(f"  {number}. {step}" for number, step in enumerate(steps, start=1)))
    click.echo(f"Then: snakemake --cores 2 --configfile {folder}/config.yaml")
