"""The findings of a verification as text."""

from selfalign.audit.verify.findings import Difference, Findings

_SHOWN = 5
"""Differences of one file that are printed; all are counted."""


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
