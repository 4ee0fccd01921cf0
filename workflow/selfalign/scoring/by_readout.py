"""Scores of the same answers under each of their readouts."""

from dataclasses import dataclass

import pandas as pd

from selfalign.inference.choices import READOUTS
from selfalign.scoring.cells import fill_optional, is_among
from selfalign.scoring.score_answers import score
from selfalign.scoring.score_scales import read_codes, score_poles
from selfalign.scoring.stated import READ_BY, score_shares


@dataclass(frozen=True)
class Comparison:
    """What a model's answers are compared with, and how.

    Attributes:
        poles: a `Poles` table.
        bank: a `Bank` table.
        rule: how a cell without an answer counts in the agreement: half, wrong or left_out.
        human: a `PeopleScales` table; None if no frame asks with the whole scale.
    """

    poles: pd.DataFrame
    bank: pd.DataFrame
    rule: str
    human: pd.DataFrame | None = None


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
        compared: what the answers are compared with, and how.

    Returns:
        By frame and readout, a `Scores` table without its columns model and language.
    """
    found = {}
    people = compared.poles, compared.bank
    for (frame, asks), cells in design.groupby(["template", "asks"]):
        for readout in list_readouts(answers, cells["prompt"]):
            decides = {frame: readout}
            if asks == "poles":
                found[frame, readout], _ = score(cells, answers, *people, decides, compared.rule)
            elif asks == "share":
                if readout in READ_BY:
                    found[frame, readout], _ = score_shares(cells, answers, *people, decides, compared.rule)
            else:
                codes = read_codes(cells, answers, compared.human, compared.bank, decides)
                found[frame, readout], _ = score_poles(codes, *people, compared.rule)
    return found
