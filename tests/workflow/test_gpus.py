"""The GPUs that a rule asks for."""

import re

from project import Project

ASKED = {
    "plain": ({}, 0),
    "on_cpu": ({"device": "cpu", "gpus": 2}, 0),
    "on_mps": ({"device": "mps"}, 1),
    "on_cuda": ({"device": "cuda"}, 1),
    "on_this": ({"device": "cuda:1"}, 1),
    "large": ({"device": "cuda", "gpus": 4}, 4),
}
"""By model: its settings, and the GPUs that its job asks Snakemake for."""


def test_rule_asks_snakemake_for_the_gpus_of_the_model(plain: Project) -> None:
    rules = plain.folder / "workflow" / "rules" / "inference.smk"
    text, messages = re.subn(r" +message:\n.+\n", "", rules.read_text())  # in its place, Snakemake tells the resources
    assert messages
    rules.write_text(text)
    source = {"hub": "org/name", "revision": "0" * 40}
    models = {name: {"label": name, "source": source, **settings} for name, (settings, _) in ASKED.items()}
    config = {"models": models, "run": {"models": list(ASKED), "languages": ["en"]}}
    run = plain.snakemake("-n", *(f"results/default/answers/{name}/en.parquet" for name in ASKED), config=config)
    assert run.code == 0, run.output
    jobs = re.findall(
        r"^ +output: results/default/answers/(\w+)/en\.parquet\n(?: +.*\n)*? +resources: (.*)", run.output, re.M
    )
    asked = {name: int(re.search(r"\bgpu=(\d+)", resources)[1]) for name, resources in jobs}
    assert asked == {name: gpus for name, (_, gpus) in ASKED.items()}, run.output
