"""Which package imports which: the rules of docs/architecture.md."""

import ast
import re
from collections import Counter
from functools import cache
from graphlib import CycleError, TopologicalSorter
from itertools import product

import pytest
from places import ROOT

LIBRARY = ROOT / "workflow" / "selfalign"
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def package_of(module: str) -> str:
    """The package of a module of the library, such as `config`; that of a module in no package is its name."""
    parts = module.split(".")[1:]
    two = ".".join(parts[:2])
    return two if two in ("inference.local", "inference.endpoint") else parts[0] if parts else ""


@cache
def count_imports() -> Counter[tuple[str, str]]:
    """Import statements by the package that has them and the package that they name."""
    found: Counter[tuple[str, str]] = Counter()
    for file in LIBRARY.rglob("*.py"):
        home = package_of(".".join(file.relative_to(LIBRARY.parent).with_suffix("").parts))
        for line in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(line, ast.ImportFrom) and (line.module or "").split(".")[0] == LIBRARY.name:
                found[home, package_of(line.module or "")] += 1
    return found


@cache
def find_imports() -> dict[str, set[str]]:
    """By module of the library, the modules of the library that it imports, anywhere in its text."""
    files = {".".join(file.relative_to(LIBRARY.parent).with_suffix("").parts): file for file in LIBRARY.rglob("*.py")}
    modules = {name.removesuffix(".__init__"): file for name, file in files.items()}
    found: dict[str, set[str]] = {name: set() for name in modules}
    for name, file in modules.items():
        for line in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(line, ast.ImportFrom) and line.module:
                found[name] |= {line.module, *(f"{line.module}.{one.name}" for one in line.names)} & set(modules)
    return found


def find_cycle(imports: dict[str, set[str]]) -> tuple[str, ...]:
    """Modules that import each other in a circle; empty if there are none."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return tuple(error.args[1])
    return ()


@pytest.mark.slow
def test_a_stage_imports_only_the_stages_before_it() -> None:
    line = re.search(r"imports only the stages before it: (.+)\.$", PAGE, re.MULTILINE)
    assert line is not None
    stages = line[1].split(" < ")
    order = [*stages, "config", "plan", "audit"]
    packages = {path.parent.name for path in LIBRARY.glob("*/__init__.py")}
    assert len(stages) == 8 and {*order, "models"} == packages, "models: imported by several stages, imports none"
    now = {(home.split(".")[0], named.split(".")[0]) for home, named in count_imports()}
    ranked = {(home, named) for home, named in now if {home, named} <= set(order)}
    assert len(ranked) > 30
    assert {(home, named) for home, named in ranked if order.index(named) > order.index(home)} == set()
    assert not {named for home, named in now if home == "models"} & set(order)


@pytest.mark.slow
def test_no_modules_import_each_other_in_a_circle() -> None:
    imports = find_imports()
    assert len(imports) > 250 and sum(map(len, imports.values())) > 1000
    assert find_cycle(imports) == ()


def test_circle_is_found() -> None:
    assert find_cycle({"a": {"b"}, "b": {"c"}, "c": set()}) == ()
    assert set(find_cycle({"a": {"b"}, "b": {"c"}, "c": {"a"}})) == {"a", "b", "c"}


@pytest.mark.slow
def test_no_package_imports_what_the_page_excludes() -> None:
    table = PAGE.partition("| from | to | before | now |\n")[2].partition("\n\n")[0].splitlines()[1:]
    now = count_imports()
    for row in table:
        *names, _, numbers = (re.sub(r" \(.*?\)", "", cell).strip() for cell in row.strip("|").split("|"))
        packages = [re.findall(r"`(.+?)`", cell) for cell in names]
        counted = [int(one) for one in numbers.split(",")]
        assert [bool(now[pair]) for pair in product(*packages)] == [number > 0 for number in counted], row
    assert len(table) == 10


@pytest.mark.slow
def test_only_config_audit_and_plan_read_the_config() -> None:
    assert {home for home, named in count_imports() if named == "config"} == {"config", "audit", "plan"}
