"""The steps of the workflow: a step's rule, subcommand, module, log and benchmark share its name."""

from pathlib import Path

STAGES = (
    *("survey", "probes", "demonstrations", "prompts", "models", "inference", "scoring", "figures"),
    *("audit", "plan", "ledger"),
)
"""Packages with steps, in the order of the experiment; the last ones look at a run or prepare it."""

BY_HAND = ("start_survey", "plan", "status", "trace", "compare", "verify", "ledger")
"""Commands that people run, and no rule. `selfalign --help` lists them first."""


def find_steps() -> dict[str, str]:
    """The steps, and the name of each one's module: every module of a stage that has a function `command`.

    The files are searched as text, because importing them takes seconds.
    """
    library = Path(__file__).parent
    files = [file for stage in STAGES for file in sorted((library / stage).rglob("*.py"))]
    steps = [file for file in files if "\ndef command(" in file.read_text(encoding="utf-8")]
    return {file.stem: ".".join(["selfalign", *file.relative_to(library).with_suffix("").parts]) for file in steps}


STEPS = find_steps()
"""By name of the step, its module, in the order of the stages."""
