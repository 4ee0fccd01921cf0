"""Which package imports which: the rules of docs/architecture.md."""

import ast
import re
from collections import Counter
from functools import cache
from itertools import product

import pytest
from places import ROOT

LIBRARY = ROOT / "workflow" / "selfalign"


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


@pytest.mark.slow
def test_no_package_imports_what_the_page_excludes() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = page.partition("| package | imports | never imports |\n")[2].partition("\n\n")[0].splitlines()[1:]
    now = count_imports()
    for row in table:
        homes, named, never = (re.findall(r"`(.+?)`", cell) for cell in row.strip("|").split("|"))
        assert all(now[pair] for pair in product(homes, named)), row
        assert not any(now[pair] for pair in product(homes, never)), row
    assert len(table) == 6


@pytest.mark.slow
def test_only_config_audit_and_plan_read_the_config() -> None:
    assert {home for home, named in count_imports() if named == "config"} == {"config", "audit", "plan"}
