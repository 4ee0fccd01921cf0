"""Opinions from an address to the poles, by the workflow."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pandas as pd
import pytest
from bank import BANK
from opinions import FULL_SCALE, RAIN, at, wrapped, write_keys, write_opinions
from project import Project
from selfalign.probes.schemas import Poles
from selfalign.tables import read_table


def test_workflow_goes_from_an_address_to_the_poles(plain: Project) -> None:
    rain = {"Mexico": [0.1, 0.2, 0.3, 0.4, 0.0], "S. Korea": [0.5, 0.2, 0.1, 0.1, 0.1], "Atlantis": [1.0, 0, 0, 0, 0]}
    rows = [(RAIN, wrapped(rain), [*FULL_SCALE, "Don't know"], "WVS")]
    table = write_opinions(plain.folder / "table.csv", *rows).read_bytes()
    write_keys(plain.folder / "resources" / "survey" / "opinions.csv", Q4=(RAIN, "1 2 3 4"))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # noqa: N802
            self.send_response(200)
            self.send_header("Content-Length", str(len(table)))
            self.end_headers()
            self.wfile.write(table)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        source = at(f"http://127.0.0.1:{server.server_port}/opinions.csv?version=1", table)
        config = {
            "surveys": {"opinions": {"form": "opinions", "source": source}},
            "run": {"survey": "opinions", "languages": ["en"]},
            "languages": {"en": {"countries": ["MEX", "KOR"], "arms": ["zero_shot"]}},
            "probes": {"only": ["Q4"]},
        }
        run = plain.snakemake("results/default/people/poles.parquet", config=config)
        server.shutdown()
    assert run.code == 0, run.output
    assert dict(run.finished()) == {"fetch_survey": 1, "parse_opinions": 1, "select_probes": 1, "map_poles": 1}
    folder = plain.folder / "results" / "shared" / "survey" / "opinions"
    assert (folder / "download" / "opinions.csv").read_bytes() == table
    poles = read_table(plain.folder / "results" / "default" / "people" / "poles.parquet", Poles).set_index("country")
    bank = BANK.set_index("probe")
    share = {"1-2": (0.3, 0.7 / 0.9), "3-4": (0.7, 0.2 / 0.9)}[bank.at["Q4", "pole_a"]]
    assert poles["share_a"].to_dict() == pytest.approx({"MEX": share[0], "KOR": share[1]})
    assert poles[["n", "standard_error"]].isna().all(axis=None)
    assert pd.read_csv(folder / "left_out.csv").to_dict("list") == {
        "place": ["Atlantis"],
        "reason": ["not the name of a country"],
        "n": [1],
    }
