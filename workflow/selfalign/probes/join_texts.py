"""Step join_texts: the words of test probes and demonstrations that are from two surveys, in one language."""

from pathlib import Path

import click
import pandas as pd

from selfalign.options import readable, writable
from selfalign.probes.bank import read_bank, read_texts
from selfalign.probes.opinion_probes import read_opinion_probes
from selfalign.probes.schemas import Texts
from selfalign.tables import write_table


@click.command()
@click.option("--texts", type=readable, required=True, help="Wording of the demonstrations (CSV).")
@click.option("--shown", type=readable, required=True, help="Probes that demonstrations are chosen from (CSV).")
@click.option(
    "--tests", type=readable, help="Test probes with their wording (CSV); none in this language if not given."
)
@click.option("--output", type=writable, required=True, help="Wording of both (CSV).")
def command(texts: Path, shown: Path, tests: Path | None, output: Path) -> None:
    """Join the words of test probes and demonstrations that are from two surveys."""
    parts = [read_texts(texts, read_bank(shown), others=True).reset_index()]
    if tests:
        parts.append(read_opinion_probes(tests)[Texts.names()])
    write_table(pd.concat(parts), output, Texts)
