"""Answers that a model could give, made by hand."""

import numpy as np
import pandas as pd


def answers_of(labels: dict[str, tuple[float, float]]) -> pd.DataFrame:
    """Answers to prompts, of which the log-probabilities of two labels are known."""
    rows = [(prompt, place, p) for prompt, pair in labels.items() for place, p in enumerate(pair, start=1)]
    answers = pd.DataFrame(rows, columns=["prompt", "place", "label"])
    outside = {prompt: 1 - np.exp(pair).sum() for prompt, pair in labels.items()}
    return answers.assign(mass_outside_labels=answers["prompt"].map(outside))
