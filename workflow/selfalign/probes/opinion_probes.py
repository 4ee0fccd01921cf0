"""Probes on questions of an opinion table: the table that a user reviews, and the bank and texts that it makes."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from selfalign.errors import InputError, did_you_mean
from selfalign.probes.bank import check_claimed, check_statements, list_codes, name_siblings
from selfalign.probes.map_poles import check_bank
from selfalign.probes.schemas import Bank, OpinionProbes
from selfalign.tables import cell_error, read_input

LANGUAGE = "en"
"""The language of the questions of an opinion table."""

CATEGORY = "opinion_items"
"""The category of a probe for which the table has none."""

_OPTIONAL = {
    "probe": lambda table: table.get("question", ""),
    "category": lambda table: CATEGORY,
    "battery": lambda table: table.get("question", ""),
    "siblings": lambda table: table.get("question", ""),
    "neither": lambda table: "",
    "status": lambda table: "drafted",
    "answers": lambda table: "",
}
"""Columns that may be missing or empty, and what fills them."""


def parse_answers(text: str) -> dict[int, str]:
    """Options by code, from a text such as `1 Yes; 2 No`."""
    parts = (part.partition(" ") for part in re.split(r"; (?=\d+ )", text))
    return {int(code): label for code, _, label in parts}


def read_opinion_probes(path: Path) -> pd.DataFrame:
    """The table of test probes that a user reviewed, or the draft: an `OpinionProbes` table.

    Without a battery, a probe stands alone, so it is its own cluster.

    Returns:
        The index of a row is its line in the file less 2.

    Raises:
        InputError: a row breaks the schema, a code belongs to two poles, or a statement has not exactly one blank.
    """
    table = read_input(path, OpinionProbes, _OPTIONAL)
    check_claimed(table, path)
    check_statements(table, path)
    return table


def check_opinion_probes(table: pd.DataFrame, shown: pd.DataFrame, file: Path) -> None:
    """Refuse test probes that share an id or a battery with a demonstration.

    Args:
        table: an `OpinionProbes` table.
        shown: a `Bank` table of the demonstrations.
        file: of the table, for errors.

    Raises:
        InputError: names the row.
    """
    problems = {
        "probe": ("is also a probe of the bank of demonstrations", "Give the test probe another id"),
        "battery": (
            "is also a battery of the bank of demonstrations, and two surveys share no battery",
            "Give the battery another name. If a test probe asks the same as a demonstration, write the siblings of "
            "the demonstration into the column siblings",
        ),
    }
    for column, (problem, remedy) in problems.items():
        common = table[table[column].isin(shown[column])]
        if len(common):
            raise cell_error(file, next(common.itertuples()), column, problem, remedy)


def check_siblings(table: pd.DataFrame, bank: pd.DataFrame, file: Path) -> None:
    """Refuse siblings that no demonstration has. A wrong name would leave a demonstration that tells the answer.

    Args:
        table: an `OpinionProbes` table. A probe may name its own question, which means that it has no sibling.
        bank: the whole `Bank` table of the demonstrations.
        file: of the table, for errors.

    Raises:
        InputError: names the row.
    """
    known = set(bank["siblings"])
    for row in table.itertuples():
        for name in sorted(name_siblings(row.siblings, known) - known - {row.question}):
            remedy = f"{did_you_mean(name, known)} Write values of the bank's column siblings, with a space between"
            raise InputError(
                file, "no demonstration has these siblings", remedy, row=row.Index + 2, column="siblings", value=name
            )


def select_tests(
    table: pd.DataFrame,
    opinions: pd.DataFrame,
    answers: pd.DataFrame,
    countries: Sequence[str],
    settings: Mapping[str, Any],
    file: Path,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The test probes of a run, and the others with the reason why each is left out.

    Args:
        table: an `OpinionProbes` table.
        opinions: an `Opinions` table.
        answers: the `Distributions` table of the same survey.
        countries: of the run.
        settings: of test_probes: source, whose questions are used, such as GAS; only, ids of the probes to use, all if
            empty.
        file: of the table, for errors.

    Returns:
        Rows of `table`, and a `LeftOutProbes` table. The reason is a setting of test_probes (source, only), or
        countries: no country of the run was asked.

    Raises:
        InputError: the table does not fit the survey, or no probe is left.
    """
    asked = opinions.set_index("question")
    _check_questions(table, asked, file)
    source, only = settings["source"], settings["only"]
    unknown = [probe for probe in only if probe not in set(table["probe"])]
    if unknown:
        remedy = f"{did_you_mean(unknown[0], table['probe'])} Correct test_probes.only in the config"
        raise InputError(file, "the table has no such probe", remedy, column="probe", value=unknown[0])
    reasons = pd.Series("", index=table.index)
    here = answers.loc[answers["country"].isin(countries), "question"].unique()
    tests = {
        "source": table["question"].map(asked["source"]) != source,
        "only": ~table["probe"].isin(only) if only else pd.Series(False, index=table.index),
        "countries": ~table["question"].isin(here),
    }
    for reason, failed in tests.items():
        reasons = reasons.mask((reasons == "") & failed, reason)
    taken = table[reasons == ""]
    if taken.empty:
        counts = ", ".join(f"{number} by {reason}" for reason, number in reasons.value_counts().items())
        remedy = "Correct test_probes.source or test_probes.only, or choose other countries"
        raise InputError(file, f"no test probe is left ({counts})", remedy)
    check_bank(answers, taken, file)
    left_out = table[["probe", "category"]].assign(reason=reasons)[reasons != ""]
    return taken, left_out.reset_index(drop=True)


def _check_questions(table: pd.DataFrame, asked: pd.DataFrame, file: Path) -> None:
    for row in table.itertuples():
        if row.question not in asked.index:
            problem = "the opinion table has no such question"
            remedy = f"{did_you_mean(row.question, asked.index)} Correct the id, or delete the row"
            raise cell_error(file, row, "question", problem, remedy)
        if row.answers and row.answers != asked.at[row.question, "answers"]:
            problem = f"the opinion table has other answers to {row.question}: {asked.at[row.question, 'answers']}"
            remedy = "The table was made for another file. Check the poles of this row, and copy these answers into it"
            raise cell_error(file, row, "answers", problem, remedy)


def as_bank(table: pd.DataFrame) -> pd.DataFrame:
    """Test probes as rows of a `Bank` table.

    Args:
        table: an `OpinionProbes` table.
    """
    codes = list_codes(table).groupby("probe").size()
    scale = (table["probe"].map(codes) == 2).map({True: "binary", False: "ordinal"})
    bank = table.assign(scale=scale, reversed="", on_request="")
    return bank[Bank.names()]
