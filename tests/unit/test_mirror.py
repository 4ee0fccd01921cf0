"""The order of the tests themselves: where a file of tests is, and what is read once for all of them."""

import ast
import re
from pathlib import Path

import pytest
from places import ROOT, TESTS

LIBRARY = ROOT / "workflow" / "selfalign"
UNIT = TESTS / "unit"

SEVERAL = {
    "config/test_choices.py": "values that the config and the library both list",
    "config/test_config.py": "the models, the schema and the configs that ship",
    "config/test_run_groups.py": "settings of groups of people, in all modules that read them",
    "config/test_runs_of_two_surveys.py": "settings of a run with two surveys, in all modules that read them",
    "demonstrations/test_measures_and_draws.py": "the steps of the stage, one after the other",
    "figures/test_figure_style.py": "the style, in all figures",
    "figures/test_figures.py": "the figures of one model, and what all figures share",
    "figures/test_paper_figures.py": "the figures across models",
    "inference/test_inference.py": "engine, tree, checks and attention, with each other",
    "models/test_loading.py": "the checks before and while weights are loaded",
    "probes/test_probes.py": "the bank, and the people's answers to it",
    "probes/test_wordings.py": "the texts that ship, of all stages",
    "programs/test_findings_counts.py": "numbers of the pages of the findings",
    "programs/test_readers_program.py": "benchmarks/readers.py; scoring has a test_readers.py",
    "prompts/test_prompts.py": "frames, sources, wording and design, with each other",
    "prompts/test_two_surveys.py": "a design with two surveys, in all stages before",
    "scoring/test_cultural_map.py": "the map, from its items to its figure",
    "scoring/test_estimates.py": "the estimates of agreement, contrasts, transfer and worth",
    "scoring/test_groups.py": "the estimates by category, language and kind of model",
    "scoring/test_scale.py": "the memory that steps need",
    "scoring/test_specifications.py": "kinds of probes, cuts of scales and alternatives",
    "survey/test_bad_surveys.py": "mistakes in survey files of every form",
    "survey/test_steps.py": "the steps of the stage, one after the other",
    "test_bad_input.py": "mistakes in the inputs of every stage",
    "test_docs.py": "the documentation",
    "test_environment.py": "the lock files",
    "test_gitignore.py": "the file .gitignore",
    "test_imports.py": "which package imports which",
    "test_mirror.py": "the tests",
    "test_one_name.py": "names of the whole library",
    "test_rules.py": "the contracts of the files of rules",
    "test_system_errors.py": "errors of the system, from the file to the message",
}
"""The files of tests that are not about one module, and what they are about."""

PATH = re.compile(r"(ROOT|RESOURCES|BANK_FOLDER)\b.*\bprobes\.csv")
"""An expression that makes the path of the shipped bank, which is `BANK_FILE`."""

READERS = {
    "support/bank.py": "reads it for all tests",
    "unit/probes/test_probes.py": "writes the bank with fewer lines into a file",
    "unit/scoring/test_specifications.py": "writes a copy into a folder without kinds.csv",
    "unit/test_bad_input.py": "writes banks with one mistake into files",
    "workflow/test_arora.py": "writes the bank with fewer lines into a file",
}
"""The files of tests that read the file of the shipped bank, and why. All others use `BANK`."""


def list_modules(folder: str) -> set[str]:
    """Names of the modules that tests in a folder of tests/unit are about."""
    if folder == "programs":
        return {path.stem for name in ("benchmarks", "tools") for path in (ROOT / name).rglob("*.py")}
    place = LIBRARY / folder
    return {path.stem for path in (place.glob("*.py") if place == LIBRARY else place.rglob("*.py"))}


def find_strays(files: list[str]) -> set[str]:
    """Files of tests/unit that do not have the name of a module of their folder."""
    placed = [(file, *Path(file).parts) for file in files]
    assert all(len(parts) <= 2 for _, *parts in placed), "a folder of tests/unit has no folders"
    return {file for file, *folder, name in placed if name[5:-3] not in list_modules("".join(folder))}


def reads_bank(source: str) -> bool:
    """Whether code gives `BANK_FILE` to a function that reads, calls its methods that read, or makes its path again."""
    if "BANK_FILE" not in source and "probes.csv" not in source:  # most files; to take an expression apart takes time
        return False
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.BinOp) and PATH.search(ast.unparse(node)):
            return True
        if isinstance(node, ast.Call):
            *owner, name = ast.unparse(node.func).split(".")
            given = [ast.unparse(one) for one in node.args] + owner
            if re.match("read|open", name) and "BANK_FILE" in given:
                return True
    return False


def test_every_folder_is_a_package_of_the_library_or_has_the_programs() -> None:
    packages = {path.parent.name for path in LIBRARY.glob("*/__init__.py")}
    folders = {path.name for path in UNIT.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders == packages | {"programs"}


def test_every_file_is_named_after_a_module_or_is_listed() -> None:
    files = sorted(path.relative_to(UNIT).as_posix() for path in UNIT.rglob("test_*.py"))
    assert find_strays(files) == set(SEVERAL)


def test_stray_file_is_found() -> None:
    assert find_strays(["ledger/test_merge.py", "programs/test_planted.py", "test_arms.py"]) == set()
    strays = ["ledger/test_arms.py", "test_merge.py", "programs/test_arms.py", "no/test_arms.py"]
    assert find_strays(strays) == set(strays)


@pytest.mark.parametrize(
    ("source", "reads"),
    [
        ("bank = read_bank(BANK_FILE)", True),
        ("bank = pd.read_csv(BANK_FILE, dtype=str)", True),
        ("lines = BANK_FILE.read_text().splitlines()", True),
        ('bank = read_bank(RESOURCES / "probes" / "probes.csv")', True),
        ('SHIPPED = ROOT / "resources/probes/probes.csv"', True),
        ('run("map-poles", "--bank", BANK_FILE)', False),
        ('bank = read_bank(tmp_path / "probes.csv")', False),
    ],
)
def test_reads_of_the_bank_are_found(source: str, reads: bool) -> None:
    assert reads_bank(source) == reads


def test_shipped_bank_is_read_once_for_all_tests() -> None:
    files = {path.relative_to(TESTS).as_posix(): path for path in TESTS.rglob("*.py")}
    reading = {name for name, path in files.items() if reads_bank(path.read_text(encoding="utf-8"))}
    assert reading == set(READERS)
