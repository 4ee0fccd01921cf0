"""Step explore: run the notebook on the scores, and keep it as it ran."""

import os
from pathlib import Path

import click
import nbformat
from nbconvert.preprocessors import ExecutePreprocessor

from selfalign.errors import InputError
from selfalign.options import readable, writable
from selfalign.tables import written_aside

INPUTS = "inputs"
"""Tag of the notebook's cell whose assignments the step replaces."""


def hand_over(notebook: nbformat.NotebookNode, scores: list[str], bank: str, hardest: str) -> None:
    """Let the cell tagged `inputs` name the files of this run, in place.

    Args:
        notebook: its cells.
        scores: files of scored cells.
        bank: file that says which version of the probe bank they used.
        hardest: where the notebook writes the hardest probes.

    Raises:
        InputError: not exactly one cell has the tag.
    """
    tagged = [cell for cell in notebook.cells if INPUTS in cell.metadata.get("tags", [])]
    if len(tagged) != 1:
        problem = f'has {len(tagged)} cells with the tag "{INPUTS}"; one must have it'
        raise InputError("the notebook", problem, "Tag the cell that assigns files, bank_file and hardest_file")
    tagged[0].source = f"files = {scores!r}\nbank_file = {bank!r}\nhardest_file = {hardest!r}"


def execute(notebook: nbformat.NotebookNode, folder: Path) -> None:
    """Run all cells, in place, with relative paths starting from a folder.

    Raises:
        nbconvert.preprocessors.CellExecutionError: a cell failed; the message holds its traceback.
    """
    os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"  # no debugger: its warning is not of use in a log
    quiet = ["--IPKernelApp.log_level=ERROR"]  # it warns of its unencrypted link, which does not leave this machine
    run = ExecutePreprocessor(timeout=None, kernel_name="python3", record_timing=False, extra_arguments=quiet)
    run.preprocess(notebook, {"metadata": {"path": str(folder)}})


@click.command()
@click.argument("scores", type=readable, nargs=-1, required=True)
@click.option("--notebook", type=readable, required=True, help="The notebook.")
@click.option("--bank", type=readable, required=True, help="Version of the probe bank (JSON).")
@click.option("--executed", type=writable, required=True, help="The notebook as it ran.")
@click.option("--hardest", type=writable, required=True, help="Probes with the lowest agreement (CSV).")
def command(scores: tuple[Path, ...], notebook: Path, bank: Path, executed: Path, hardest: Path) -> None:
    """Run the notebook on the scores; SCORES are tables of cells."""
    try:
        cells = nbformat.read(notebook, as_version=4)
    except (OSError, ValueError, nbformat.reader.NotJSONError) as error:
        raise InputError(notebook, "cannot be read as a notebook", "Take the notebook of the repository") from error
    files = [str(path) for path in scores]
    with written_aside(hardest) as aside, written_aside(executed) as copy:
        hand_over(cells, files, str(bank), str(aside))
        execute(cells, Path.cwd())
        hand_over(cells, files, str(bank), str(hardest))
        nbformat.write(cells, copy)
