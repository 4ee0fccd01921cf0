"""The findings of a verification: differences, and counts of checked and skipped things; also as text."""

import math
from collections import Counter
from dataclasses import asdict, dataclass, field
from numbers import Real
from typing import Any

_SHOWN = 5
"""Differences of one file that are printed; all are counted."""


@dataclass(frozen=True)
class Difference:
    """One difference.

    Attributes:
        file: that it is in.
        row: of a table, counted from 1 without the header.
        column: of a table, or the place in another file.
        recorded: by the run.
        found: now, or when it was recomputed.
        problem: in words, where no two values can be compared.
    """

    file: str
    row: int | None = None
    column: str | None = None
    recorded: Any = None
    found: Any = None
    problem: str | None = None

    @property
    def size(self) -> float | None:
        """How far two numbers are apart; None for anything else."""
        numbers = [one for one in (self.recorded, self.found) if isinstance(one, Real)]
        return abs(float(numbers[0]) - float(numbers[1])) if len(numbers) == 2 else None

    def __str__(self) -> str:
        row = f"row {self.row}" if self.row is not None else ""
        column = f"{self.column}" if self.column is not None else ""
        place = ", ".join(part for part in (self.file, row, column) if part)
        if self.problem is not None:
            return f"{place}: {self.problem}"
        size = f" (difference {self.size:.6g})" if self.size is not None else ""
        return f"{place}: recorded {_short(self.recorded)}, now {_short(self.found)}{size}"

    def as_dict(self) -> dict[str, Any]:
        """The difference as JSON holds it."""
        values = {name: _plain(value) for name, value in asdict(self).items()}
        return values | {"size": self.size}


def _short(value: Any) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 100 else f"{text[:100]}..."


def _plain(value: Any) -> Any:
    value = value.item() if hasattr(value, "item") else value  # a number of NumPy
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


@dataclass
class Findings:
    """The findings of a verification.

    Attributes:
        differences: between the record and the present or recomputed files.
        checked: how many of each kind of thing were checked.
        skipped: what could not be checked, each with the reason, as a sentence without its full stop.
        notes: facts that a reader should know, and that are not differences in a result.
    """

    differences: list[Difference] = field(default_factory=list)
    checked: Counter[str] = field(default_factory=Counter)
    skipped: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def describe_findings(name: str, findings: Findings) -> str:
    """Findings as text: what was checked, what was not, each difference, and the result in the last line."""
    lines = [f"Run {name}", ""]
    lines += [f"{count:>9,}  {what}" for what, count in findings.checked.items()]
    lines += _listed("Could not be checked:", findings.skipped)
    lines += _listed("To know:", findings.notes)
    by_file: dict[str, list[Difference]] = {}
    for one in findings.differences:
        by_file.setdefault(one.file, []).append(one)
    shown = []
    for ones in by_file.values():
        shown += [str(one) for one in ones[:_SHOWN]]
        if len(ones) > _SHOWN:
            shown.append(f"{ones[0].file}: {len(ones) - _SHOWN:,} more differences")
    lines += _listed("Differences:", shown)
    skipped = f", {_count(len(findings.skipped), 'thing')} could not be checked" if findings.skipped else ""
    if findings.differences:
        total = _count(len(findings.differences), "difference")
        lines += ["", f"{name}: {total} in {_count(len(by_file), 'file')}{skipped}."]
    else:
        lines += ["", f"{name}: no differences{skipped}."]
    return "\n".join(lines)


def _listed(title: str, lines: list[str]) -> list[str]:
    return ["", title, *(f"  {line}" for line in lines)] if lines else []


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"
