"""Tables that ship, read once for the unit tests. Copy a table before you change it."""

import pandas as pd
import pytest
from bank import BANK, bank_texts
from selfalign.survey.schemas import Counts
from selfalign.survey.weigh_answers import weigh
from selfalign.tables import read_input
from surveys import COUNTS


@pytest.fixture(scope="session")
def bank() -> pd.DataFrame:
    """The shipped bank."""
    return BANK


@pytest.fixture(scope="session")
def texts() -> pd.DataFrame:
    """The English texts of the shipped bank."""
    return bank_texts()


@pytest.fixture(scope="session")
def counts() -> pd.DataFrame:
    """How many people of the example gave each answer."""
    return read_input(COUNTS, Counts)


@pytest.fixture(scope="session")
def distributions(counts: pd.DataFrame) -> pd.DataFrame:
    """What the people of all countries of the example answer; all weigh 1."""
    return weigh(counts.assign(n=counts["count"], weight=counts["count"], weight_squared=counts["count"]))
