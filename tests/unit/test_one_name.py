"""A public class or function has a name of its own in the library, so that a search for it finds one thing."""

import ast
from collections import defaultdict

from places import ROOT

LIBRARY = ROOT / "workflow" / "selfalign"

STEPS = {"command"}
"""The function that each step has: its command."""

FIGURES = {"draw"}
"""The function that each figure has too: from a table to the figure."""


def list_names(source: str) -> tuple[list[str], list[str]]:
    """Public classes of a module, and public names in CamelCase that it assigns, such as types."""
    classes, assigned = [], []
    for line in ast.parse(source).body:
        if isinstance(line, ast.ClassDef):
            classes.append(line.name)
        elif isinstance(line, ast.Assign):
            assigned += [target.id for target in line.targets if isinstance(target, ast.Name)]
    return [one for one in classes if one[0] != "_"], [one for one in assigned if one[0] != "_" and not one.isupper()]


def list_functions(source: str) -> set[str]:
    """Public functions of a module; one with several signatures counts once."""
    defined = {line.name for line in ast.parse(source).body if isinstance(line, ast.FunctionDef)}
    return {name for name in defined if name[0] != "_"}


def test_no_two_classes_of_the_library_share_a_name() -> None:
    classes, places = set(), defaultdict(list)
    for file in sorted(LIBRARY.rglob("*.py")):
        found, assigned = list_names(file.read_text(encoding="utf-8"))
        classes |= set(found)
        for name in found + assigned:
            places[name].append(str(file.relative_to(LIBRARY)))
    assert len(classes) > 200
    assert {name: places[name] for name in sorted(classes) if len(places[name]) > 1} == {}


def test_no_two_functions_of_the_library_share_a_name() -> None:
    places = defaultdict(list)
    for file in sorted(LIBRARY.rglob("*.py")):
        shared = STEPS | (FIGURES if file.match("figures/plot_*.py") else set())
        for name in list_functions(file.read_text(encoding="utf-8")) - shared:
            places[name].append(str(file.relative_to(LIBRARY)))
    assert len(places) > 500
    assert {name: files for name, files in sorted(places.items()) if len(files) > 1} == {}
