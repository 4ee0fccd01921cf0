"""The people's answers, computed in memory as the survey and probes stages compute them."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from selfalign.config.languages import countries_of_run
from selfalign.config.probe_kinds import with_kinds
from selfalign.config.sections import Config, GroupSettings, Survey
from selfalign.errors import InputError
from selfalign.home import HOME, locate
from selfalign.probes.bank import read_bank
from selfalign.probes.map_poles import check_bank, check_countries, map_poles
from selfalign.probes.map_scales import spread_people
from selfalign.probes.opinion_probes import LANGUAGE
from selfalign.probes.scales import read_scales
from selfalign.probes.schemas import Poles
from selfalign.probes.selection import select_probes
from selfalign.prompts.sources import Surveyed
from selfalign.runs import Run
from selfalign.survey.schemas import (
    Counts,
    Distributions,
    Groups,
    OpinionKeys,
    OpinionTable,
    Responses,
    Scales,
    Shares,
    Trends,
)
from selfalign.survey.weigh_answers import count_codes, weigh
from selfalign.tables import read_input, read_table


def read_people(config: Config, run: Run, on_scales: bool) -> tuple[Surveyed, pd.DataFrame]:
    """The answers of the people of all countries of the survey, and the probes in use.

    Args:
        run: its folders.
        on_scales: whether a frame of the run asks with the whole answer scale.

    Returns:
        The people, and the rows of the `Bank` table that the run uses.

    Raises:
        InputError: the survey is not here yet, or it lacks a country or a question of the run.
    """
    if config.test_probes:
        return _read_joined(run)
    bank_file = Path(config.probes.bank)
    if not bank_file.is_file():
        raise InputError(bank_file, "is not made yet", f"Make it first: snakemake --cores 1 {bank_file}")
    bank = read_bank(bank_file)
    probes = select_probes(with_kinds(bank, config), config.probes.criteria, bank_file)
    answers, file = read_distributions(config.survey, run)
    check_countries(answers, countries_of_run(config), file)
    check_bank(answers, probes, bank_file)
    if config.run.groups:
        answers = pd.concat([answers, _read_groups(config, config.run.groups, run)], ignore_index=True)
    scales = None
    if on_scales:
        codes = read_scales(find_questionnaire(config, run, "scales"), probes)
        scales = spread_people(answers, codes)
    return Surveyed(map_poles(answers, probes), scales, bank), probes


def _read_groups(config: Config, settings: GroupSettings, run: Run) -> pd.DataFrame:
    """The answers of the groups of people that the run asks about: a `Distributions` table.

    Raises:
        InputError: the workflow has not read the survey's groups yet, or a group is too small.
    """
    from selfalign.probes.form_groups import Grouping, list_members, refuse_small, size_groups, weigh_groups
    from selfalign.survey.read_groups import read_crosswalk

    name, grouping = config.run.survey, Grouping(settings.by, settings.least, settings.small)
    files = {one: run.survey(name) / f"{one}.parquet" for one in ("responses", "groups")}
    if not all(file.is_file() for file in files.values()):
        problem = f"the groups of people are not read yet ({files['groups']})"
        remedy = f"Let the workflow read them first: snakemake {files['groups']} --cores 1 --configfile YOURS"
        raise InputError("config: run.groups", problem, remedy)
    crosswalk = Path(locate(config.survey.groups_file, HOME))
    responses, groups = read_table(files["responses"], Responses), read_table(files["groups"], Groups)
    sizes = size_groups(groups, responses, read_crosswalk(crosswalk), grouping.by, grouping.least)
    refuse_small(sizes, groups, set(countries_of_run(config)), grouping, crosswalk)
    return weigh_groups(responses, list_members(groups, sizes))


def _read_joined(run: Run) -> tuple[Surveyed, pd.DataFrame]:
    """Test probes and demonstrations of two surveys, which the workflow has joined."""
    files = [run.people("joined.parquet"), run.texts(LANGUAGE)]
    if not all(file.is_file() for file in files):
        made = " ".join(map(str, files))
        problem = "the two surveys are not joined yet, and the plan needs to know the test probes"
        remedy = f"Join them first; this asks no model: snakemake {made} --cores 1 --configfile YOURS"
        raise InputError("config: test_probes", problem, remedy)
    bank = read_bank(run.probes("all.csv"))
    tests = frozenset(read_bank(run.probes("selected.csv"))["probe"])
    return Surveyed(read_table(files[0], Poles), None, bank, tests), bank


def find_questionnaire(config: Config, run: Run, kind: str, language: str | None = None) -> Path:
    """A file of the survey's questionnaire: shipped, or made from the user's own file of questions.

    Args:
        run: its folders.
        kind: scales, questions or labels.
        language: of questions or labels.

    Raises:
        InputError: the workflow has not made it yet.
    """
    name = config.run.survey
    if config.survey.form != "table":
        return Path(locate(str(Path("resources/survey", kind, language or "").with_suffix(".csv")), HOME))
    made = run.survey(name) / "questionnaire" / f"{kind}.csv"
    if not made.is_file():
        problem = f"the frame scale needs {made}, which is not made yet"
        remedy = f"Make it first: snakemake {made} --cores 1 --configfile YOURS"
        raise InputError(f"config: surveys.{name}.questions", problem, remedy)
    return made


def read_distributions(survey: Survey, run: Run) -> tuple[pd.DataFrame, Path]:
    """The distributions of a survey, and the file that they are from.

    A survey that a run has parsed is read from `results/shared`. Otherwise its own file is read. Nothing is written.

    Args:
        run: its folders, for what runs share.

    Returns:
        A `Distributions` table, and its file.

    Raises:
        InputError: neither the parsed survey nor its file is here.
    """
    parsed = run.survey(survey.name) / "distributions.parquet"
    given = Path(survey.own_file or "no file")
    if parsed.is_file() and not (given.is_file() and given.stat().st_mtime > parsed.stat().st_mtime):
        return read_table(parsed, Distributions), parsed
    if not given.is_file() or survey.form not in _READERS:
        problem = f"the survey is neither parsed ({parsed}) nor in a file that can be read here ({given})"
        remedy = f"Let the workflow fetch and parse it first: snakemake {parsed} --cores 1 --configfile YOURS"
        raise InputError(f"config: surveys.{survey.name}", problem, remedy)
    return _READERS[survey.form](given, survey), given


def _shipped(name: str) -> Path:
    return Path(locate(f"resources/survey/{name}.csv", HOME))


def _scales() -> pd.DataFrame:
    return read_input(_shipped("scales"), Scales)


def _read_counts(file: Path, survey: Survey) -> pd.DataFrame:
    """Counts as the simulated respondents have them: every weight is 1."""
    from selfalign.survey.simulate_survey import check_counts

    counts = read_input(file, Counts)
    check_counts(counts, file)
    weight = counts["count"].astype(float)
    counts = counts[counts["question"].isin(_scales()["question"])]
    return weigh(counts.rename(columns={"count": "n"}).assign(weight=weight, weight_squared=weight))


def _read_shares(file: Path, survey: Survey) -> pd.DataFrame:
    from selfalign.survey.parse_shares import check_shares, parse_shares

    shares, scales = read_input(file, Shares), _scales()
    check_shares(shares, scales, file)
    return parse_shares(shares, scales)


def _read_opinions(file: Path, survey: Survey) -> pd.DataFrame:
    from selfalign.survey.parse_opinions import opinions_to_distributions, rate_samples, read_opinion_questions

    known = read_input(_shipped("opinions"), OpinionKeys)
    questions = read_opinion_questions(read_input(file, OpinionTable), known, file)
    return opinions_to_distributions(questions, rate_samples(questions))


def _read_wvs7(file: Path, survey: Survey) -> pd.DataFrame:
    from selfalign.survey.files import open_survey
    from selfalign.survey.parse_wvs7 import parse_wvs7

    with TemporaryDirectory() as scratch, open_survey(file, scratch=Path(scratch)) as opened:
        return weigh(count_codes(parse_wvs7(opened, _scales())))


def _read_trends(file: Path, survey: Survey) -> pd.DataFrame:
    from selfalign.survey.files import open_survey
    from selfalign.survey.parse_trends import parse_trends

    crosswalk = read_input(_shipped("trends"), Trends)
    with TemporaryDirectory() as scratch, open_survey(file, scratch=Path(scratch)) as opened:
        return weigh(count_codes(parse_trends(opened, _scales(), crosswalk, list(survey.waves))[0]))


def _read_own(file: Path, survey: Survey) -> pd.DataFrame:
    from selfalign.survey.files import open_survey
    from selfalign.survey.parse_counts import read_counts, to_distributions
    from selfalign.survey.parse_table import parse_table
    from selfalign.survey.questions import read_questions
    from selfalign.survey.table_columns import TableLayout

    layout, place = TableLayout.of_survey(survey.model_dump(exclude_unset=True)), Path(survey.questions or "")
    asked = read_questions(place)
    with TemporaryDirectory() as scratch, open_survey(file, scratch=Path(scratch)) as opened:
        if survey.has_respondents:
            return weigh(count_codes(parse_table(opened, asked, layout, place)[0]))
        return to_distributions(read_counts(opened, asked, layout, place)[0])[0]


_READERS: dict[str, Callable[[Path, Survey], pd.DataFrame]] = {
    "counts": _read_counts,
    "shares": _read_shares,
    "opinions": _read_opinions,
    "wvs7": _read_wvs7,
    "trends": _read_trends,
    "table": _read_own,
}
"""By form of survey, the function that reads its file."""
