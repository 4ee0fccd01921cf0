"""The digest of a step's code. Snakemake reruns a step if it changes."""

import ast
import hashlib
import json
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

from selfalign.steps import BY_HAND, STEPS

_ROOT = Path(__file__).parent
_CACHES = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"))  # noqa: PTH111 (works without a home)
_SELF = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:8]
_PARSED = _CACHES / "selfalign" / f"parsed-{sys.implementation.cache_tag}-{_SELF}.json"
"""What `_parse` of this file returned for each source. To parse all takes Snakemake a second at each start."""

_MOST = 10_000
"""Results in the file. If it has more, it is begun again with those in use."""


def code_digest(step: str) -> str:
    """Digest of a step's module and of all that it imports from this library.

    Comments, layout and docstrings do not count: what is hashed is the syntax tree without them.

    Args:
        step: a key of `selfalign.steps.STEPS`.

    Returns:
        16 hexadecimal digits, the same on every machine with the same Python version.
    """
    return _digest_steps()[step]


def code_digests() -> dict[str, str]:
    """Digest of the code of each step that a rule runs, by step."""
    return {step: code_digest(step) for step in STEPS if step not in BY_HAND}


@cache
def _digest_steps() -> dict[str, str]:
    """Digest of the code of every step, by step."""
    digests = {}
    for step, first in STEPS.items():
        digest = hashlib.sha256()
        for module in sorted(import_closure(first)):
            digest.update(f"{module}\n{_analyse(module)[1]}\n".encode())
        digests[step] = digest.hexdigest()[:16]
    _parser().keep()
    return digests


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


@cache
def _parser() -> "_Parser":
    return _Parser(_PARSED)


@cache  # many steps import the same modules, and Snakemake would take seconds longer to start
def _analyse(module: str) -> tuple[set[str], str]:
    """The library's modules that a module imports, and the digest of its source, as `_parse` returns it."""
    names, code = _parser().parse(_path(module).read_bytes())
    return {name for name in names if _is_module(name)}, code


@cache
def _is_module(name: str) -> bool:
    return _path(name).exists()


class _Parser:
    """Parses sources, and keeps the results in a file for the next process."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.kept: dict[str, tuple[list[str], str]] = {}
        self.used: dict[str, tuple[list[str], str]] = {}
        with suppress(OSError, ValueError, TypeError):
            self.kept = dict(json.loads(file.read_text(encoding="utf-8")))

    def parse(self, source: bytes) -> tuple[list[str], str]:
        """What `_parse` returns for the source, from the file where it has the source's SHA-256."""
        digest = hashlib.sha256(source).hexdigest()
        self.used[digest] = self.kept.get(digest) or _parse(source.decode())
        return self.used[digest]

    def keep(self) -> None:
        """Write new results. Where they cannot be written, the next process parses again."""
        if self.used.keys() <= self.kept.keys():
            return
        results = self.used if len(self.kept) > _MOST else self.kept | self.used
        with suppress(OSError):
            self.file.parent.mkdir(parents=True, exist_ok=True)
            mine = self.file.with_suffix(f".{os.getpid()}")  # runs may start at the same time
            mine.write_text(json.dumps(results), encoding="utf-8")
            mine.replace(self.file)


def _parse(source: str) -> tuple[list[str], str]:
    """What a source may import of this library, and the digest of it without comments, layout and docstrings."""
    tree = ast.parse(source)
    names: set[str] = set()
    for line in [tree, *_statements(tree.body)]:
        if isinstance(line, ast.Import):
            names |= {alias.name for alias in line.names}
        elif isinstance(line, ast.ImportFrom) and line.level == 0 and line.module:
            names |= {line.module} | {f"{line.module}.{alias.name}" for alias in line.names}
        elif isinstance(line, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            line.body = [inner for inner in line.body if not _is_text(inner)] or [ast.Pass()]
    ours = sorted(name for name in names if name.split(".")[0] == "selfalign")
    return ours, hashlib.sha256(ast.unparse(tree).encode()).hexdigest()


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
