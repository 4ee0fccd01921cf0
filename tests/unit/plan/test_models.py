"""The size and the rate of a model."""

from pathlib import Path

import pandas as pd
import pytest
from project import ROOT
from selfalign.config.sections import Model
from selfalign.plan import models


def test_rates_of_the_table_fill_the_gaps_between_sizes() -> None:
    table = models.read_table_of_rates(ROOT / "resources/plan/rates.csv", None)
    settings = {"device": "cuda", "dtype": "bfloat16", "engine": "packed"}
    none = pd.DataFrame(columns=["model", "parameters", "dtype", "device", "engine", "tokens", "seconds"])

    def rate(parameters: float, hardware: str, dtype: str = "bfloat16", cores: int = 2) -> float:
        size = models.Size(parameters, "card")
        speeds = models.Speeds(none, table, hardware, cores)
        return models.find_rate(Model.read(settings | {"dtype": dtype}, "m"), size, speeds).tokens_per_second

    assert rate(8030261248, "h200") == pytest.approx(25400)
    assert 25400 < rate(1e9, "h200") < 44800
    assert rate(80302612480, "h200") == pytest.approx(2540)
    assert rate(134515008, "cpu", "float32", cores=4) == pytest.approx(2 * 590)
    assert models.find_rate(Model.read(settings, "m"), None, models.Speeds(none, table, "h200", 2)) is None


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("qwen2.5-coder-0.5b", 0.5e9), ("SmolLM2-135M", 135e6), ("llama-3-70B", 70e9), ("gpt", None)],
)
def test_size_is_in_the_name(name: str, parameters: float | None, tmp_path: Path) -> None:
    found = models.find_size(Model.read({"label": "", "source": {"folder": "x"}}, name), tmp_path)
    assert (found and found.parameters) == parameters
