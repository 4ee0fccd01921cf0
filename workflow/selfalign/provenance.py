"""The digest of a step's code. Snakemake reruns a step if it changes."""

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from selfalign.steps import BY_HAND, STEPS

_ROOT = Path(__file__).parent


@cache
def code_digest(step: str) -> str:
    """Digest of a step's module and of all that it imports from this library.

    Comments, layout and docstrings do not count: what is hashed is the syntax tree without them.

    Args:
        step: a key of `selfalign.steps.STEPS`.

    Returns:
        16 hexadecimal digits, the same on every machine with the same Python version.
    """
    digest = hashlib.sha256()
    for module in sorted(import_closure(STEPS[step])):
        digest.update(f"{module}\n{_analyse(module)[1]}\n".encode())
    return digest.hexdigest()[:16]


def code_digests() -> dict[str, str]:
    """Digest of the code of each step that a rule runs, by step."""
    return {step: code_digest(step) for step in STEPS if step not in BY_HAND}


def import_closure(module: str) -> set[str]:
    """Names of the library's modules that `module` imports, directly or not, itself included."""
    closure: set[str] = set()
    frontier = {module}
    while frontier:
        name = frontier.pop()
        closure.add(name)
        frontier |= _analyse(name)[0] - closure
    return closure


def _path(module: str) -> Path:
    path = _ROOT.joinpath(*module.split(".")[1:])
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


@cache  # many steps import the same modules, and Snakemake would take seconds longer to start
def _analyse(module: str) -> tuple[set[str], str]:
    """The library's modules that a module imports, and its source without comments, layout and docstrings."""
    names, code = _parse(_path(module).read_text(encoding="utf-8"))
    return {name for name in names if name.split(".")[0] == "selfalign" and _path(name).exists()}, code


def _parse(source: str) -> tuple[set[str], str]:
    """Names that a source may import, and the source without comments, layout and docstrings."""
    tree = ast.parse(source)
    names: set[str] = set()
    for line in [tree, *_statements(tree.body)]:
        if isinstance(line, ast.Import):
            names |= {alias.name for alias in line.names}
        elif isinstance(line, ast.ImportFrom) and line.level == 0 and line.module:
            names |= {line.module} | {f"{line.module}.{alias.name}" for alias in line.names}
        elif isinstance(line, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            line.body = [inner for inner in line.body if not _is_text(inner)] or [ast.Pass()]
    return names, ast.unparse(tree)


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """All statements of a body, with those inside them; to search the expressions too would take longer."""
    for line in body:
        yield line
        for inner in ("body", "orelse", "finalbody"):
            yield from _statements(getattr(line, inner, []))
        for part in (*getattr(line, "handlers", []), *getattr(line, "cases", [])):
            yield from _statements(part.body)


def _is_text(line: ast.stmt) -> bool:
    """Whether a statement is a bare string: a docstring, or the text below a constant."""
    return isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant) and isinstance(line.value.value, str)
