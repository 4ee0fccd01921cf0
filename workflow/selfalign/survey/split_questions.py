"""Step split_questions: a survey's own file of questions as answer scales, wordings and labels."""

from pathlib import Path

import click

from selfalign.options import readable, writable
from selfalign.survey.questions import read_questions, to_scales
from selfalign.survey.schemas import CodeLabels, Questions, Scales
from selfalign.tables import write_table


@click.command()
@click.option("--file", type=readable, required=True, help="File of questions (CSV).")
@click.option("--scales", type=writable, required=True, help="Answer scale of each question (CSV).")
@click.option("--questions", type=writable, required=True, help="Wording of each question (CSV).")
@click.option("--labels", type=writable, required=True, help="Label of each answer code (CSV).")
def command(file: Path, scales: Path, questions: Path, labels: Path) -> None:
    """Write the questions of a survey in the form of the shipped questionnaire."""
    tables = to_scales(read_questions(file))
    for table, path, schema in zip(tables, (scales, questions, labels), (Scales, Questions, CodeLabels), strict=True):
        write_table(table, path, schema)
