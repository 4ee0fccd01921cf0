"""The requests, hours and price of a model behind an endpoint."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner
from endpoint_server import Endpoint as Served
from endpoint_server import serving
from selfalign.config.sections import Model
from selfalign.inference.endpoint.ask import command as ask
from selfalign.inference.endpoint.settings import Endpoint
from selfalign.plan import endpoints
from selfalign.plan.designs import Laid
from selfalign.prompts.schemas import Prompts
from selfalign.tables import write_table


@pytest.mark.slow
@pytest.mark.parametrize("readout", ["logprobs", "echo", "samples"])
def test_requests_are_those_of_the_step(readout: str, default_layout: Laid, tmp_path: Path) -> None:
    few = default_layout.prompts.sort_values("premise").tail(6)
    few = pd.concat([few, default_layout.prompts[default_layout.prompts["prompt"].isin(few["premise"])]])
    few = few.assign(labels=few["labels"].where(few["premise"] == "", '["A", "B"]'))
    laid = Laid(default_layout.cells, few.reset_index(drop=True))
    path, ledger = tmp_path / "prompts.parquet", tmp_path / "en.sqlite"
    write_table(laid.prompts, path, Prompts)
    with serving(Served()) as served:
        endpoint = {"url": served.url, "model": "mini", "readout": readout, "samples": 3, "reply_tokens": 4}
        settings = {"format": "chat", "shown": "turns", "endpoint": endpoint | {"price": {"input": 2, "output": 5}}}
        model = Model.read(settings)
        planned = endpoints.count_requests(laid, model, model.endpoint, ledger, 4.2)
        given = ["--prompts", path, "--format", "chat", "--endpoint", json.dumps(endpoint), "--ledger", ledger]
        words = [str(word) for word in [*given, "--output", tmp_path / "answers.parquet"]]
        if readout != "echo":  # the server in miniature does not give the tokens of these texts
            result = CliRunner().invoke(ask, words, catch_exceptions=False)
            assert result.exit_code == 0, result.output
    if readout != "echo":
        with closing(sqlite3.connect(ledger)) as database:
            assert database.execute("SELECT count(*) FROM answers").fetchone() == (planned.requests,)
        after = endpoints.count_requests(laid, model, model.endpoint, ledger, 4.2)
        assert (after.requests, after.missing, after.sent) == (planned.requests, 0, 0)
    each = {"logprobs": 6, "samples": 18, "echo": 6 * 5 + 3 * (len(few) - 6)}[readout]
    assert planned.requests == planned.missing == each + 2  # two checks of the template
    assert planned.prompts == (len(few) if readout == "echo" else 6)
    assert planned.received == {"logprobs": 8, "samples": 6 * 3 * 4 + 2 * 4, "echo": each + 2}[readout]
    price = endpoints.find_price([planned], model.endpoint.price)
    assert price == pytest.approx((2 * planned.sent + 5 * planned.received) / 1e6)


def test_rates_of_an_endpoint_limit_its_hours() -> None:
    asked = [endpoints.Requests(100, 600, 600, sent=90_000, received=6_000)]
    none = pd.DataFrame({"prompts": [], "seconds": []})
    assert endpoints.find_hours(asked, Endpoint.read({}), none) is None
    assert endpoints.find_hours(asked, Endpoint.read({"requests_per_minute": 10}), none) == pytest.approx(1)
    both = Endpoint.read({"requests_per_minute": 10, "tokens_per_minute": 800})
    assert endpoints.find_hours(asked, both, none) == pytest.approx(2)
    measured = pd.DataFrame({"prompts": [50], "seconds": [900.0]})
    assert endpoints.find_hours(asked, both, measured) == pytest.approx(3)
