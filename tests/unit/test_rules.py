"""The docstring of a file of rules is its contract: it names the files that the rules read and write."""

import re

import pytest
from project import ROOT
from selfalign.config.figures import FIGURES

STAGES = sorted(path.stem for path in (ROOT / "workflow/rules").glob("*.smk") if path.stem != "config")


def read(stage: str) -> tuple[str, str]:
    """A file's docstring, and the code of its rules with their input functions, if it has such functions."""
    _, contract, rules = (ROOT / f"workflow/rules/{stage}.smk").read_text(encoding="utf-8").split('"""', 2)
    inputs = ROOT / f"workflow/inputs/{stage}.smk"
    functions = inputs.read_text(encoding="utf-8") if inputs.is_file() else ""
    return contract, rules + functions.replace("{wildcards.", "{")


def is_named(file: str, contract: str) -> bool:
    """Whether a contract names a file: in full, or its last part, if this part is the same in every run."""
    name = file.rpartition("/")[2]
    if "{" in name:
        return file in contract
    return re.search(rf"(?<!\w){re.escape(name.partition('.')[0])}(?!\w)", contract) is not None


@pytest.mark.parametrize("stage", STAGES)
def test_contract_names_the_files_of_the_rules(stage: str) -> None:
    contract, rules = read(stage)
    files = set(re.findall(r'"((?:<run>|<shared>|resources|notebooks)/[^"]+)"', rules))
    files |= {f"<run>/tables/{name}.csv" for name in re.findall(r'reported\("(\w+)"', rules)}
    files |= {
        f"<run>/tables/{name}/{{model}}/{{language}}.csv" for name in re.findall(r'reported_by_model\("(\w+)"', rules)
    }
    made_by_a_function = {file for file in files if re.search(r"\{(name|figure)\}|<run>/\{file\}", file)}
    files = {one for one in files - made_by_a_function if "/logs/" not in one and "/benchmarks/" not in one}
    assert files or stage == "figures"
    assert [one for one in sorted(files) if not is_named(one, contract)] == []


def test_contract_of_the_figures_names_what_they_read() -> None:
    contract, _ = read("figures")
    reads, writes = contract.split("Writes")
    files = {file for figure in FIGURES.values() for file in figure.reads.values()}
    files |= {f"tables/{name}.csv" for figure in FIGURES.values() for name in figure.also}
    assert {"tables/readers.csv", "tables/verdicts.csv"} <= files
    assert [one for one in sorted(files) if not is_named(f"<run>/{one}", reads)] == []
    assert "<run>/figures/{figure}*" in writes, "a new figure needs no edit of the docstring"
