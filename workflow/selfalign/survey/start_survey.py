"""`selfalign start-survey`: inspect a survey file, and write the files that a run of it needs, to be filled in."""

import re
import shlex
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import pandas as pd
import pycountry

from selfalign.countries import CODES, country_in_any_language, country_of_name, country_of_number, suggest_country
from selfalign.errors import InputError, did_you_mean, listed
from selfalign.home import HOME
from selfalign.options import readable
from selfalign.runs import SHARED
from selfalign.survey.files import SurveyFile, open_survey
from selfalign.survey.inspect_file import (
    MOST,
    Facts,
    find_candidates,
    find_likely_weights,
    inspect_columns,
    inspect_counts,
    why_no_question,
)
from selfalign.survey.start_files import (
    RunFacts,
    list_probes,
    list_questions,
    list_texts,
    list_values,
    make_ids,
    write_config,
)
from selfalign.survey.table_columns import COUNT_ROLES, RESPONDENT_ROLES
from selfalign.tables import written_aside
from selfalign.yaml_files import load_yaml

_SUFFIXES = (".csv", ".txt", ".sav", ".dta", ".zip")
_LETTERS = str.maketrans({"ß": "ss", "ı": "i", "ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe"})
"""Letters that Unicode does not take apart into a letter of ASCII and a mark."""


@dataclass(frozen=True)
class Inspected:
    """A survey file that was inspected.

    Attributes:
        file: the file.
        columns: facts of all columns.
        candidates: facts of those that may be questions; of a table of counts, facts of the questions.
        roles: columns about the respondent, or of the table of counts, by role.
        weights: columns that may be the weight, by their names or by their values.
    """

    file: Path
    columns: list[Facts]
    candidates: list[Facts]
    roles: dict[str, str]
    weights: list[str]

    @property
    def counted(self) -> bool:
        """Whether the file is a table of counts."""
        return "count" in self.roles

    def name_role(self, role: str, given: str | None) -> None:
        """Replace the column that was found for a role by the user's own choice.

        Raises:
            InputError: the file has no such column.
        """
        names = [each.name for each in self.columns]
        if given == "none":
            self.roles.pop(role, None)
        elif given is not None:
            if given not in names:
                remedy = f"{did_you_mean(given, names)} Write none if there is no such column"
                raise InputError(self.file, f'has no column "{given}"', remedy, column=f"--{role}")
            self.roles[role] = given

    def find_country(self, given: str | None) -> tuple[str | None, dict[str, str | None]]:
        """The country of all respondents, or that of each value of the column with the countries.

        Args:
            given: a code, or the name of a column, from the user.

        Raises:
            InputError: there is neither a code nor a column.
        """
        names = {each.name: each for each in self.columns}
        if given in CODES and given not in names:
            self.roles.pop("country", None)
            return given, {}
        if given is not None:
            if given not in names:
                remedy = f"{suggest_country(given)} Give a code of three letters, or the name of a column"
                raise InputError(self.file, f'"{given}" is neither a country nor a column', remedy, column="--country")
            self.roles["country"] = given
        if "country" not in self.roles:
            remedy = (
                "Give --country: a code of three letters, such as DEU, or the name of the column with the countries"
            )
            raise InputError(self.file, "does not say which country its respondents are from", remedy)
        return None, guess_countries(names[self.roles["country"]])

    def why_no_questions(self) -> dict[str, str]:
        """Why a column does not look like a question, by its name. Empty for a table of counts."""
        if self.counted:
            return {}
        return {each.name: why for each in self.candidates if (why := why_no_question(each, self.roles))}

    def choose_columns(self, wanted: str | None) -> list[Facts]:
        """The columns that are questions.

        Args:
            wanted: names from the user with commas between them; `q1..q9` is a range in the order of the file. None:
                the columns that look like questions.

        Raises:
            InputError: a name is not a column, a column has fewer than two answers, or there are fewer than three.
        """
        if wanted:
            chosen = self._choose_named(wanted)
        else:
            rest = self.why_no_questions()
            chosen = [each for each in self.candidates if each.name not in rest and len(each.answers) > 1]
        if len(chosen) < 3:
            problem = f"{len(chosen)} columns look like questions; a run needs three or more"
            raise InputError(self.file, problem, "Name the columns with --questions 'q1, q2, q3'")
        return chosen

    def _choose_named(self, wanted: str) -> list[Facts]:
        names = [each.name for each in self.candidates]
        chosen: set[str] = set()
        for part in [part.strip() for part in wanted.split(",") if part.strip()]:
            first, _, last = part.partition("..") if part not in names else (part, "", "")
            for name in (first, last or first):
                if name not in names:
                    remedy = did_you_mean(name, names)
                    raise InputError(self.file, f'has no column "{name}"', remedy, column="--questions")
            chosen.update(names[names.index(first) : names.index(last or first) + 1])
        facts = [each for each in self.candidates if each.name in chosen]
        bad = [each.name for each in facts if sum(each.counts[value] > 0 for value in each.answers) < 2]
        bad += [each.name for each in facts if len(each.counts) > MOST]
        if bad:
            problem = f"these columns have fewer than two answers, or more than {MOST} values: {listed(bad)}"
            raise InputError(self.file, problem, "Leave them out of --questions")
        return facts

    def describe(self, country: str | None, rest: dict[str, str], used: int) -> list[str]:
        """Lines about the file.

        Args:
            country: of all respondents, or None if a column has the countries.
            rest: why the other columns do not look like questions, by name.
            used: number of questions.
        """
        about = [f"{role}: column {name}" for role, name in self.roles.items()]
        about += [f"country: {country}, all respondents"] if country else []
        about += [] if self.counted or "weight" in self.roles else ["weight: none, so each respondent weighs 1"]
        others = [name for name in self.weights if name != self.roles.get("weight")]
        which = "other columns" if "weight" in self.roles else "columns"
        about += [f"{which} that may be weights: {listed(others)}; choose with --weight"] if others else []
        kind, found = (
            ("a table of counts", "questions") if self.counted else ("respondents", "columns look like questions")
        )
        lines = [f"{self.file}: {kind}", *(f"  {line}" for line in about), f"  {used} {found}"]
        unused = [f"    {name}: {why}" for name, why in rest.items() if name not in self.roles.values()]
        if unused:
            lines += ["  These columns do not; --questions can name them:", *unused[:30]]
            lines += [f"    and {len(unused) - 30} more, see codes.csv"] if len(unused) > 30 else []
        return lines


def inspect(survey: SurveyFile) -> Inspected:
    """Inspect an open file.

    Raises:
        InputError: it has no rows.
    """
    columns = inspect_columns(survey)
    rows = max((sum(each.counts.values()) + each.blank for each in columns), default=0)
    if not rows:
        raise InputError(survey.path, "has a header but no respondents", "Give the file with its data")
    found = find_candidates(columns, rows)
    counted = all(found[role] for role in COUNT_ROLES if role != "country")
    wanted = COUNT_ROLES if counted else RESPONDENT_ROLES
    roles = {role: found[role][0] for role in found if found[role] and role in wanted}
    candidates = inspect_counts(survey, roles) if counted else columns
    weights = [] if counted else list(dict.fromkeys([*found["weight"], *find_likely_weights(columns)]))
    return Inspected(survey.path, columns, candidates, roles, weights)


def guess_countries(facts: Facts) -> dict[str, str | None]:
    """The country of each value of a column; None where it is not clear.

    A value with a label is the country that the label names. Values without labels are ISO 3166 numbers only if all of
    them are: a file may number its countries from 1.
    """
    texts = {value: facts.labels.get(value) or value for value in facts.counts}
    numbers = {value: country_of_number(value) for value, text in texts.items() if text == value and value.isdigit()}
    if not all(numbers.values()):
        numbers = dict.fromkeys(numbers)
    return {value: numbers[value] if value in numbers else _guess_country(text) for value, text in texts.items()}


def _guess_country(text: str) -> str | None:
    """The country that a text names, or has the code of."""
    if text in CODES:
        return text
    try:
        return country_of_name(text) or pycountry.countries.lookup(text).alpha_3
    except LookupError:
        return country_in_any_language(text)


def _check_folder(folder: Path, names: list[str], replace: bool) -> None:
    there = [str(folder / name) for name in names if (folder / name).exists()]
    if there and not replace:
        remedy = "Give another folder with --folder, or write over these files with --replace"
        raise InputError(folder, f"these files are there already: {listed(there)}", remedy)


def make_name(text: str) -> str:
    """A name for the survey and the run that is like a text: small letters, digits, dots, hyphens and underscores.

    It has at most 60 characters, because names in a config may have 100. Names of the project have another meaning, so
    they get an ending.
    """
    plain = unicodedata.normalize("NFKD", text.lower().translate(_LETTERS)).encode("ascii", "ignore").decode()
    name = re.sub(r"[^a-z0-9_.-]+", "_", plain)[:60].strip("_.-") or "survey"
    shipped = load_yaml((HOME / "config/surveys.yaml").read_text(encoding="utf-8"))["surveys"]
    taken = {SHARED, "default", *shipped}
    return f"{name}_own" if name in taken else name


def _check_language(language: str) -> None:
    known = sorted(path.stem for path in (HOME / "resources/templates").glob("*.yaml"))
    if language not in known:
        problem = "prompts have no frames in this language"
        raise InputError("--language", problem, f"Known languages: {', '.join(known)}", value=language)


def _write(table: pd.DataFrame, path: Path) -> None:
    """Write a CSV that spreadsheet programs open with the right letters."""
    with written_aside(path) as aside:
        table.to_csv(aside, index=False, encoding="utf-8-sig", lineterminator="\n")


def _list_steps(run: RunFacts, unordered: list[str]) -> list[str]:
    """The user's next steps, each with the file to edit.

    Args:
        run: the files that were written.
        unordered: questions whose answers are words in no known order.
    """
    names = {value: run.labels.get(value, "") for value, code in run.countries.items() if code is None}
    unsure = [f"{value} {label}".strip() for value, label in names.items()]
    order = f"; put the words of {listed(unordered)} in the order of the scale" if unordered else ""
    poles = "; fill in the poles of these questions" if unordered else ""
    countries = f", and the country of {listed(unsure, 10)}, also in languages" if unsure else ""
    return [
        f"{run.folder}/questions.csv: check the answers and the missing values{order}",
        f"{run.folder}/probes.csv: check which codes are pole A and pole B{poles}",
        f"{run.folder}/texts/{run.language}.csv: write a statement with one blank and two options for each probe",
        f"{run.folder}/config.yaml: fill in the citation{countries}",
    ]


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
    if not file.is_file():
        near = sorted(path.name for path in file.parent.glob("*") if path.suffix.lower() in _SUFFIXES)
        remedy = did_you_mean(file.name, near) if near else "Check the path"
        raise InputError(file, "there is no such file", remedy)
    folder = folder or Path(make_name(file.stem))
    _check_language(language)
    texts = f"texts/{language}.csv"
    _check_folder(folder, ["codes.csv", "questions.csv", "probes.csv", texts, "config.yaml"], replace)
    with TemporaryDirectory() as scratch, open_survey(file, Path(scratch)) as survey:
        found = inspect(survey)
    if not found.counted:
        found.name_role("weight", weight)
        found.name_role("respondent", respondent)
    one, each_country = found.find_country(country)
    chosen = found.choose_columns(questions)
    ids = make_ids(chosen)
    probes = list_probes(chosen, ids)
    labels = {} if one else next(each.labels for each in found.columns if each.name == found.roles["country"])
    name = make_name(folder.resolve().name)
    run = RunFacts(folder, name, file, found.roles, one, each_country, labels, language, model, len(probes))
    _write(list_values(chosen if found.counted else found.columns), folder / "codes.csv")
    _write(list_questions(chosen, ids), folder / "questions.csv")
    _write(probes, folder / "probes.csv")
    _write(list_texts(probes), folder / texts)
    with written_aside(folder / "config.yaml") as aside:
        aside.write_text(write_config(run), encoding="utf-8")
    unordered = [ids[each.name] for each in chosen if each.unordered]
    steps = _list_steps(run, unordered)
    rest = {} if questions else found.why_no_questions()
    click.echo("\n".join(found.describe(one, rest, len(chosen))))
    click.echo(f"\nWrote {folder}/. The codes and counts of every column are in {folder}/codes.csv. Now:")
    click.echo("\n".join(f"  {number}. {step}" for number, step in enumerate(steps, start=1)))
    click.echo(f"Then: snakemake --cores 2 --configfile {shlex.quote(f'{folder}/config.yaml')}")
