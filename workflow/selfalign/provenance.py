"""What a step's code is, as a digest: so that Snakemake reruns a step when its code changes, and only then."""

import ast
import hashlib
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
        digest.update(f"{module}\n{_bare_source(_read(module))}\n".encode())
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
        frontier |= _imports(_read(name)) - closure
    return closure


def _path(module: str) -> Path:
    path = _ROOT.joinpath(*module.split(".")[1:])
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _read(module: str) -> str:
    return _path(module).read_text(encoding="utf-8")


@cache
def _parse(source: str) -> ast.Module:
    return ast.parse(source)


@cache  # 39 rules ask for the same modules, and Snakemake would take seconds longer to start
def _imports(source: str) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(_parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in names if name.split(".")[0] == "selfalign" and _path(name).exists()}


@cache
def _bare_source(source: str) -> str:
    tree = _parse(source)  # loses its docstrings here, which nothing else reads
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [line for line in node.body if not _is_text(line)] or [ast.Pass()]
    return ast.unparse(tree)


def _is_text(line: ast.stmt) -> bool:
    """Whether a statement is a bare string: a docstring, or the text below a constant."""
    return isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant) and isinstance(line.value.value, str)
