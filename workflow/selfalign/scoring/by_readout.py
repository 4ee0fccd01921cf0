"""Scores of the same answers under each of their readouts."""

import pandas as pd

from selfalign.inference.choices import READOUTS
from selfalign.scoring.cells import Comparison, fill_optional, is_among
from selfalign.scoring.score_answers import score_cells
from selfalign.scoring.stated import READ_BY


def list_readouts(answers: pd.DataFrame, prompts: pd.Series) -> list[str]:
    """Readouts that some answer to some prompts has, in the order of `READOUTS`.

    The one reply that an endpoint gives is read as `option`. `greedy` would be the same and is left out.

    Args:
        answers: an `Answers` table.
        prompts: ids of the prompts.
    """
    asked = answers[is_among(answers["prompt"], prompts)]
    found = [readout for readout in READOUTS if asked[readout].notna().any()]
    return [one for one in found if one != "greedy" or fill_optional(asked)["samples"].isna().all()]


def score_by_readout(
    design: pd.DataFrame, answers: pd.DataFrame, compared: Comparison
) -> dict[tuple[str, str], pd.DataFrame]:
    """Scores of one model and language: of every frame, under every readout that its answers have.

    A frame of shares is scored under those of `stated.READ_BY`.

    Args:
        design: a `Design` table.
        answers: an `Answers` table with all of the design's prompts.

    Returns:
        By frame and readout, a `Scores` table without its columns model and language.
    """
    found = {}
    for (frame, asks), cells in design.groupby(["template", "asks"]):
        for readout in list_readouts(answers, cells["prompt"]):
            if asks != "share" or readout in READ_BY:
                found[frame, readout] = score_cells(cells, answers, compared, {frame: readout}).cells
    return found
