"""Step join_people: the countries and answers that a survey of test probes and a survey of demonstrations share."""

from collections.abc import Sequence
from pathlib import Path

import click
import pandas as pd

from selfalign.errors import InputError
from selfalign.options import Words, readable, writable
from selfalign.probes.bank import read_bank
from selfalign.probes.map_poles import check_bank, map_poles
from selfalign.probes.schemas import JoinedCountries, Poles
from selfalign.survey.schemas import Distributions
from selfalign.tables import read_table, write_table


def count_countries(tested: pd.DataFrame, shown: pd.DataFrame) -> pd.DataFrame:
    """The countries of two surveys, with the number of probes that each answers: a `JoinedCountries` table.

    Args:
        tested: a `Poles` table of the test probes.
        shown: a `Poles` table of the probes for demonstrations.
    """
    counts = {"tested": tested.groupby("country").size(), "shown": shown.groupby("country").size()}
    table = pd.DataFrame(counts).fillna(0).astype(int).rename_axis("country").sort_index().reset_index()
    return table.assign(used=(table["tested"] > 0) & (table["shown"] > 0))


def check_joined(joined: pd.DataFrame, countries: Sequence[str]) -> None:
    """Refuse countries of the run that one of the surveys lacks.

    Args:
        joined: a `JoinedCountries` table.
        countries: of the run.

    Raises:
        InputError: names these countries, and those that both surveys have.
    """
    both = joined.loc[joined["used"], "country"]
    absent = [country for country in countries if country not in set(both)]
    if not absent:
        return
    known = joined.set_index("country").reindex(absent)
    which = [
        f"{row.Index} ({'no test probe' if not row.tested > 0 else 'no demonstration'})" for row in known.itertuples()
    ]
    raise InputError(
        "config: languages.*.countries",
        f"these countries are not in both surveys: {', '.join(which)}",
        f"Choose of the countries that both surveys have: {', '.join(both) or 'none'}",
    )


def join_poles(
    tested: pd.DataFrame, tests: pd.DataFrame, shown: pd.DataFrame, bank: pd.DataFrame, countries: Sequence[str]
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """The people's answers to the probes of both surveys, in the countries that both surveys have.

    Args:
        tested: the `Distributions` table of the test probes' survey.
        tests: a `Bank` table of the test probes.
        shown: the `Distributions` table of the demonstrations' survey.
        bank: a `Bank` table of the probes for demonstrations.
        countries: of the run.

    Returns:
        A `Poles` table of all probes, those for demonstrations first; the rows of `tested` of these countries; and a
        `JoinedCountries` table.

    Raises:
        InputError: a country of the run is not in both surveys.
    """
    of_shown, of_tests = map_poles(shown, bank), map_poles(tested, tests)
    joined = count_countries(of_tests, of_shown)
    check_joined(joined, countries)
    both = set(joined.loc[joined["used"], "country"])
    poles = pd.concat([of_shown, of_tests], ignore_index=True)
    return poles[poles["country"].isin(both)], tested[tested["country"].isin(both)], joined


@click.command()
@click.option("--tested", type=readable, required=True, help="Answers of the test probes' survey (Parquet).")
@click.option("--tests", type=readable, required=True, help="Test probes (CSV).")
@click.option("--shown", type=readable, required=True, help="Answers of the demonstrations' survey (Parquet).")
@click.option("--bank", type=readable, required=True, help="The bank that demonstrations are from; errors name it.")
@click.option("--selected", type=readable, required=True, help="Probes of the bank that the run uses (CSV).")
@click.option("--countries", type=Words(), required=True, help="Countries of the run.")
@click.option("--poles", type=writable, required=True, help="What the people answer to all probes (Parquet).")
@click.option(
    "--distributions", type=writable, required=True, help="Answers to test probes, common countries (Parquet)."
)
@click.option("--joined", type=writable, required=True, help="Countries of both surveys (CSV).")
def command(
    tested: Path,
    tests: Path,
    shown: Path,
    bank: Path,
    selected: Path,
    countries: list[str],
    poles: Path,
    distributions: Path,
    joined: Path,
) -> None:
    """Join the answers of a survey of test probes and a survey of demonstrations, for the countries of both."""
    probes, answers = read_bank(bank), read_table(shown, Distributions)
    probes = probes[probes["probe"].isin(read_bank(selected)["probe"])]
    check_bank(answers, probes, bank)
    both, kept, table = join_poles(read_table(tested, Distributions), read_bank(tests), answers, probes, countries)
    write_table(both, poles, Poles)
    write_table(kept, distributions, Distributions)
    write_table(table, joined, JoinedCountries)
    click.echo(f"{int(table['used'].sum())} of {len(table)} countries are in both surveys", err=True)
