"""How the prompts of own and of other answers differ."""

import pandas as pd
import pytest
from pairs import average_end, pair_demonstrations

SHOWN = pd.Series({"own": "Q5=B Q3=A", "turned": "Q5=A Q3=A", "else": "Q5=B Q7=A"})


def cells(prompts: dict[str, str]) -> pd.DataFrame:
    """A design of one probe in which the own answers are in the prompt `own`, and those of each source in another."""
    rows = [("chrf", "MEX", "own"), *(("chrf_other", source, prompt) for source, prompt in prompts.items())]
    table = pd.DataFrame(rows, columns=["arm", "source", "prompt"])
    return table.assign(country="MEX", probe="Q8", template="words", order="AB")


def test_pairs_of_prompts_are_compared_by_statement_and_as_a_whole() -> None:
    design = cells({"BRA": "own", "NGA": "turned", "CHN": "else"})
    pairs = pair_demonstrations(design, SHOWN, "chrf", "chrf_other").set_index("source")
    assert pairs["statements"].to_dict() == {"BRA": True, "NGA": True, "CHN": False}
    assert pairs["same"].to_dict() == {"BRA": True, "NGA": False, "CHN": False}


def test_end_of_a_prompt_counts_once_in_an_arm() -> None:
    answers = pd.DataFrame({"prompt": ["own", "own", "else"], "option": [-3.0, -2.0, -9.0], "open": [-1.0, -1.0, -1.0]})
    ends = average_end(cells({"BRA": "else", "NGA": "else"}), answers)
    assert ends.to_dict() == pytest.approx({"chrf": -1.5, "chrf_other": -8.0})
