"""A public name of a module means one thing in the library, so that a search for it finds one thing."""

import ast
from collections import defaultdict
from collections.abc import Iterator

import pytest
from places import ROOT

LIBRARY = ROOT / "workflow" / "selfalign"

STEPS = {"command"}
"""The function that each step has: its command."""

FIGURES = {"draw"}
"""The function that each figure has too: from a table to the figure."""


def list_public(source: str) -> Iterator[tuple[str, str]]:
    """Public names that a module defines, each with its kind: class, function or constant.

    A function with several signatures counts once. Types that a module names, such as `Measure`, are constants here.
    """
    found = {}
    for line in ast.parse(source).body:
        if isinstance(line, ast.ClassDef | ast.FunctionDef):
            found[line.name] = "class" if isinstance(line, ast.ClassDef) else "function"
        elif isinstance(line, ast.Assign | ast.AnnAssign):
            targets = line.targets if isinstance(line, ast.Assign) else [line.target]
            names = [each.id for one in targets for each in ast.walk(one) if _is_set(each)]
            found |= dict.fromkeys(names, "constant")
    yield from ((name, kind) for name, kind in found.items() if name[0] != "_")


def _is_set(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)


@pytest.mark.slow
def test_no_two_things_of_the_library_share_a_name() -> None:
    places, kinds = defaultdict(list), defaultdict(set)
    for file in sorted(LIBRARY.rglob("*.py")):
        shared = STEPS | (FIGURES if file.match("figures/plot_*.py") else set())
        for name, kind in list_public(file.read_text(encoding="utf-8")):
            if name not in shared:
                places[name].append(str(file.relative_to(LIBRARY)))
                kinds[kind].add(name)
    assert len(kinds["class"]) > 200 and len(kinds["function"]) > 500 and len(kinds["constant"]) > 200
    assert {name: files for name, files in sorted(places.items()) if len(files) > 1} == {}


def test_names_of_every_kind_are_listed() -> None:
    source = "class A: ...\nB, _C = 1, 2\nD: int = 3\nD = E[0] = 4\ndef f(): G = 5\ndef f(x): ...\nH = int | None\n"
    assert dict(list_public(source)) == {
        "A": "class", "B": "constant", "D": "constant", "f": "function", "H": "constant",
    }  # fmt: skip
