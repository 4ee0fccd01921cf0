"""The people that a plan reads."""

from pathlib import Path

import pytest
from selfalign.config.read import read_config
from selfalign.config.sections import Survey
from selfalign.errors import InputError
from selfalign.plan.people import read_distributions
from selfalign.runs import Run
from selfalign.survey.schemas import Distributions
from selfalign.tables import write_table


@pytest.mark.slow
def test_a_parsed_survey_is_read_from_the_results(tmp_path: Path) -> None:
    settings = {"form": "wvs7", "source": {"url": "https://lab.example/survey.zip", "sha256": "0" * 64}}
    survey = Survey.read(settings, "mine")
    run = Run(tmp_path / "one")
    with pytest.raises(InputError, match=r"fetch and parse it first: snakemake \S+ --cores 1 --configfile"):
        read_distributions(survey, run)
    table, _ = read_distributions(read_config([]).surveys["example"], run)
    parsed = tmp_path / "shared/survey/mine/distributions.parquet"
    write_table(table, parsed, Distributions)
    assert len(read_distributions(survey, run)[0]) == len(table) > 1000
