"""Settings of an endpoint."""

from pathlib import Path

import pytest
import yaml
from selfalign.config.read import read_config
from selfalign.config.sections import Price
from selfalign.inference.endpoint.settings import without_price


@pytest.mark.slow
def test_price_is_a_setting_that_no_request_holds(tmp_path: Path) -> None:
    endpoint = {"url": "http://gpu7:8000/v1", "model": "m", "readout": "echo", "price": {"input": 0.1, "output": 0.4}}
    path = tmp_path / "mine.yaml"
    settings = {"models": {"far": {"label": "Far", "endpoint": endpoint}}, "run": {"models": ["far"]}}
    path.write_text(yaml.safe_dump(settings))
    assert read_config([path]).models["far"].endpoint.price == Price(input=0.1, output=0.4)
    assert "price" not in without_price(endpoint)
