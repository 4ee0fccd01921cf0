"""What a run says of itself: a warning at its start if it replaces another, and its main results at its end."""

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from selfalign.arms import Arm
from selfalign.audit.changes import find_differences
from selfalign.config.arms import arms_of_run, read_arms
from selfalign.errors import InputError
from selfalign.figures.style import FIGURES
from selfalign.runs import Run
from selfalign.scoring.tables import ALL, Contrasts, Estimates
from selfalign.tables import read_table

_AUTHORS = 60  # characters; a longer list of authors is cut down to the first


def warn_of_replacement(run: Run, config: Mapping[str, Any], shown: int = 3) -> str:
    """A warning that a run of the same name was made with other settings; empty if there is none.

    Args:
        run: the run that starts.
        config: its merged settings.
        shown: names of settings to list, at most.
    """
    try:
        before = run.config
    except InputError:  # The run is new. Or its record is damaged, and the run writes it again.
        return ""
    keys = list(find_differences(_used(before), _used(config)))
    if not keys:
        return ""
    more = f" and {len(keys) - shown} more" if len(keys) > shown else ""
    return (
        f'run "{run.name}" was made with other settings ({", ".join(keys[:shown])}{more}). This run replaces its '
        "results. To keep both, give this run another run.name."
    )


def _used(config: Mapping[str, Any]) -> dict[str, Any]:
    """The settings without the surveys, models, languages and arms that the run does not use."""
    run = config["run"]
    arms = arms_of_run(config)
    used = {"surveys": {run["survey"]}, "models": set(run["models"]), "languages": set(run["languages"]), "arms": arms}
    return {**config, **{key: {name: config[key][name] for name in sorted(names)} for key, names in used.items()}}


def summarize(folder: Path, config: Mapping[str, Any], made: Collection[str], citation: str) -> list[str]:
    """Five lines on a run that has ended well.

    Args:
        folder: of the run.
        config: the merged settings.
        made: all files that this start of Snakemake made or found up to date.
        citation: how to cite the survey; its first line is used.

    Returns:
        Only one line if the table of agreements is not among the files.
    """
    agreement, contrasts = (folder / "tables" / name for name in ("agreement.csv", "contrasts.csv"))
    if str(agreement) not in made:
        return [f'Run "{folder.name}": the files that you asked for are in {folder}']
    tables = [path for path in (agreement, contrasts) if str(path) in made]
    differences = read_table(contrasts, Contrasts) if contrasts in tables else None
    figures = sorted({_figure_of(Path(file).stem) for file in made if Path(file).parent == folder / "figures"})
    label, _, source = citation.partition("\n")[0].partition(": ")
    return [
        f'Run "{folder.name}" is complete: {folder}',
        f"Figures: {folder}/figures/ ({', '.join(figures)})",
        main_numbers(read_table(agreement, Estimates), differences, config),
        f"Look next at {' and '.join(map(str, tables))}, and at the evidence: selfalign trace {folder.name} --help",
        f"{label}: {shorten(source)}",
    ]


def _figure_of(name: str) -> str:
    """The figure that a file shows a page of."""
    known = [figure for figure in FIGURES if name == figure or name.startswith(f"{figure}_")]
    return max(known, key=len, default=name)


def main_numbers(agreement: pd.DataFrame, contrasts: pd.DataFrame | None, config: Mapping[str, Any]) -> str:
    """The agreement without demonstrations and of the best arm, and own minus other country, of the first model.

    Args:
        agreement: an `Estimates` table.
        contrasts: a `Contrasts` table; None if the run has none.
        config: the merged settings.
    """
    model, language = config["run"]["models"][0], config["run"]["languages"][0]
    estimates = _mean_rows(agreement, model, language).set_index("arm")["estimate"]
    arms = {name: Arm.read(config["arms"][name]) for name in estimates.index}
    plain = [name for name, arm in arms.items() if not arm.shots and arm.persona is None]
    parts = [f"{estimates[name]:.2f} {arms[name].label}" for name in plain]
    rest = estimates.drop(plain)
    if len(rest):
        best = rest.idxmax()
        parts.append(f"{rest[best]:.2f} {arms[best].label} (best of {len(rest)} other arms)")
    differences = [] if contrasts is None else [own_minus_other(_mean_rows(contrasts, model, language), config)]
    more = len(config["run"]["models"]) * len(config["run"]["languages"]) - 1
    heading = f"{config['models'][model]['label']} in {language}" + (f" ({more} more in the tables)" if more else "")
    return "; ".join([f"{heading}: agreement {', '.join(parts)}", *filter(None, differences)])


def _mean_rows(table: pd.DataFrame, model: str, language: str) -> pd.DataFrame:
    """Rows on the agreement of a model in a language: the mean of the countries, or the only country."""
    rows = table[(table["model"] == model) & (table["language"] == language) & (table["measure"] == "agreement")]
    return rows[rows["country"] == ALL] if (rows["country"] == ALL).any() else rows


def own_minus_other(contrasts: pd.DataFrame, config: Mapping[str, Any]) -> str:
    """The first contrast between an arm with a country's own answers and an arm with those of another country.

    Args:
        contrasts: a `Contrasts` table.
        config: the merged settings.

    Returns:
        Its estimate and interval as text; empty if there is no such contrast.
    """
    answers = {name: arm.answers for name, arm in read_arms(config).items() if arm.shots}
    same = contrasts[
        contrasts["beyond"].isna()
        & (contrasts["against_model"] == contrasts["model"])
        & (contrasts["against_language"] == contrasts["language"])
    ]
    for row in same.itertuples():
        if answers.get(row.arm) == "own" and answers.get(row.against) == "other":
            level = f"{100 * config['scoring']['level']:g} % interval"
            interval = "" if pd.isna(row.low) else f" ({level} {row.low:+.2f} to {row.high:+.2f})"
            return f"own minus other country {row.estimate:+.2f}{interval}"
    return ""


def shorten(citation: str) -> str:
    """A citation with only the first of many authors, and without a full stop at its end."""
    parts = re.match(r"(?P<first>[^,]+, [^,]+),(?P<others>.*?)(?P<rest>(?: \([^()]*\))? \(\d{4}\).*)", citation)
    if parts and len(parts["others"]) > _AUTHORS:
        citation = f"{parts['first']} et al.{parts['rest']}"
    return citation.rstrip().removesuffix(".")
