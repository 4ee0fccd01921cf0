"""Messages of a run: a warning at its start if it replaces another run, and its main results at its end."""

import re
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from selfalign.audit.compare.changes import find_changed_values
from selfalign.audit.jobs import SNAKEMAKE, Records
from selfalign.config.arms import arms_of_run
from selfalign.config.figures import PAGED
from selfalign.config.sections import Config
from selfalign.contrasts import is_plain
from selfalign.errors import InputError, listed
from selfalign.runs import RECORD, Run
from selfalign.scoring.join_verdicts import read_main_contrasts, with_main
from selfalign.scoring.schemas import ALL, Contrasts, Estimates
from selfalign.tables import read_table

_AUTHORS = 60  # characters; a longer list of authors is cut down to the first


def warn_of_replacement(run: Run, settings: Mapping[str, Any], shown: int = 3) -> str:
    """A warning that a run of the same name was made with other settings; empty if there is none.

    Args:
        run: the run that starts.
        settings: of this run, merged, as the record of a run has them.
        shown: names of settings to list, at most.
    """
    if not (keys := _list_changed(run, settings)):
        return ""
    return (
        f'run "{run.name}" was made with other settings ({listed(keys, shown)}). This run replaces its '
        "results. To keep both, give this run another run.name."
    )


def warn_of_kept_results(run: Run, settings: Mapping[str, Any], records: Records) -> str:
    """A warning that Snakemake keeps the results of other settings, because it has no records; empty if it has.

    Args:
        run: the run that may start.
        settings: as those of `warn_of_replacement`.
        records: of Snakemake.
    """
    if str(run.folder / RECORD) in records.files or not (keys := _list_changed(run, settings)):
        return ""
    return (
        f'run "{run.name}" was made with other settings ({listed(keys, 3)}), and Snakemake has no records of its '
        f"files: its folder {SNAKEMAKE} was deleted, or stayed elsewhere. So it keeps them. Give this run another "
        "run.name, or make all again with snakemake --forceall; recorded answers are used."
    )


def _list_changed(run: Run, settings: Mapping[str, Any]) -> list[str]:
    """The settings in use that differ from those of the run's record; none without a record that can be read."""
    try:
        before = run.config
    except InputError:  # The run is new. Or its record is damaged, and the run writes it again.
        return []
    return list(find_changed_values(_used(before), _used(settings)))


def _used(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings without the surveys, models, languages and arms that the run does not use."""
    config = Config.read(settings)
    surveys = {config.run.survey, *([config.test_probes.survey] if config.test_probes else [])}
    used = {"surveys": surveys, "models": {*config.run.models}, "languages": {*config.run.languages}}
    used["arms"] = {*arms_of_run(config)}
    return {**settings, **{key: {name: settings[key][name] for name in sorted(names)} for key, names in used.items()}}


def summarize(folder: Path, config: Config, made: Collection[str], citation: str) -> list[str]:
    """Five lines on a run that has ended well.

    Args:
        folder: of the run.
        made: all files that this start of Snakemake made or found up to date.
        citation: how to cite the survey; its first line is used.

    Returns:
        Only one line if the table of agreements is not among the files.
    """
    agreement, contrasts, verdicts = map(Run(folder).table, ("agreement", "contrasts", "verdicts"))
    if str(agreement) not in made:
        return [f'Run "{folder.name}": the files that you asked for are there.']
    tables = [path for path in (agreement, contrasts, verdicts) if str(path) in made]
    differences = None
    if verdicts in tables:
        differences = with_main(read_main_contrasts(contrasts, verdicts))
    elif contrasts in tables:
        differences = read_table(contrasts, Contrasts)
    figures = sorted({_figure_of(Path(file).stem) for file in made if Path(file).parent == folder / "figures"})
    label, _, source = citation.partition("\n")[0].partition(": ")
    return [
        f'Run "{folder.name}" is complete: {folder}',
        f"Figures: {folder}/figures/ ({', '.join(figures)})",
        main_numbers(read_table(agreement, Estimates), differences, config),
        f"Look next at {', '.join(map(str, tables))}, and at the evidence: selfalign trace {folder.name} --help",
        f"{label}: {shorten_citation(source)}",
    ]


def _figure_of(name: str) -> str:
    """The figure that a file shows a page of."""
    known = [figure for figure in PAGED if name == figure or name.startswith(f"{figure}_")]
    return max(known, key=len, default=name)


def main_numbers(agreement: pd.DataFrame, contrasts: pd.DataFrame | None, config: Config) -> str:
    """The agreement without demonstrations and of the best arm, and own minus other country, in one line.

    With several models or languages, the line has the lowest and the highest of each number.

    Args:
        agreement: an `Estimates` table.
        contrasts: a `Contrasts` table, also with main intervals (`with_main`); None if the run has none.
    """
    models, languages = config.run.models, config.run.languages
    asked = [(model, language) for model in models for language in languages]
    estimates = [_mean_rows(agreement, *one).set_index("arm")["estimate"] for one in asked]
    differences = [
        None if contrasts is None else find_first_margin(_mean_rows(contrasts, *one), config) for one in asked
    ]
    if len(asked) > 1:
        several = [(len(models), "model"), (len(languages), "language")]
        heading = " in ".join(f"{count} {what}{'s' * (count > 1)}" for count, what in several)
        return "; ".join([f"{heading}: agreement {_ranges(estimates, config)}", *_range_of_margins(differences)])
    heading = f"{config.models[models[0]].label} in {languages[0]}"
    parts = [f"{heading}: agreement {_single(estimates[0], config)}"]
    return "; ".join(parts + [_margin(row, config) for row in differences if row])


def _split(estimates: pd.Series, config: Config) -> tuple[pd.Series, pd.Series]:
    """Estimates of the arms without demonstrations and persona, and of the other arms."""
    arms = [config.arms[name] for name in estimates.index]
    plain = [arm.name for arm in arms if not arm.shots and arm.persona is None]
    return estimates[plain], estimates.drop(plain)


def _single(estimates: pd.Series, config: Config) -> str:
    """The agreement of a model in a language."""
    plain, rest = _split(estimates, config)
    parts = [f"{_share(value)} % {config.arms[arm].label}" for arm, value in plain.items()]
    if len(rest):
        best = rest.idxmax()
        chosen = f" (best of {len(rest)} other arms)" if len(rest) > 1 else ""
        parts.append(f"{_share(rest[best])} % {config.arms[best].label}{chosen}")
    return ", ".join(parts)


def _ranges(estimates: list[pd.Series], config: Config) -> str:
    """The agreement over models and languages: without demonstrations, and of the best other arm of each."""
    split = [_split(one, config) for one in estimates]
    plain = [value for one, _ in split for value in one]
    best = [one.max() for _, one in split if len(one)]
    parts = [f"{_range(plain, _share)} % without demonstrations"] if plain else []
    return ", ".join(parts + ([f"{_range(best, _share)} % with the best other arm of each"] if best else []))


def _range(values: list[float], show: Callable[[float], str]) -> str:
    low, high = map(show, (min(values), max(values)))
    return low if low == high else f"{low} to {high}"


def _share(value: float) -> str:
    return f"{100 * value:.0f}"


def _points(value: float) -> str:
    """A difference in percentage points, with its sign; 0 has none."""
    text = f"{100 * value:+.1f}"
    return "0.0" if float(text) == 0 else text


def _range_of_margins(rows: list[Any]) -> list[str]:
    """Own minus other country over models and languages, and how many intervals are above 0."""
    found = [row for row in rows if row]
    if not found:
        return []
    known = [row for row in found if not pd.isna(row.low)]
    above = f", above 0 in {sum(row.low > 0 for row in known)} of {len(known)} intervals" if known else ""
    return [f"own minus other country {_range([row.estimate for row in found], _points)} points{above}"]


def _mean_rows(table: pd.DataFrame, model: str, language: str) -> pd.DataFrame:
    """Rows on the agreement of a model in a language: the mean of the countries, or the only country."""
    rows = table[(table["model"] == model) & (table["language"] == language) & (table["measure"] == "agreement")]
    return rows[rows["country"] == ALL] if (rows["country"] == ALL).any() else rows


def find_first_margin(contrasts: pd.DataFrame, config: Config) -> Any:
    """The first contrast between an arm with a country's own answers and an arm with those of another country.

    Args:
        contrasts: a `Contrasts` table.

    Returns:
        Its row as a named tuple; None if there is no such contrast.
    """
    answers = {name: arm.answers for name, arm in config.arms.items() if arm.shots}
    rows = contrasts[is_plain(contrasts)].itertuples()
    return next((row for row in rows if answers.get(row.arm) == "own" and answers.get(row.against) == "other"), None)


def _margin(row: Any, config: Config) -> str:
    """Own minus other country with its interval, which is by battery unless the text says by category."""
    level = f"{100 * config.scoring.level:g} % interval{' by category' * (getattr(row, 'main', '') == 'category')}"
    interval = "" if pd.isna(row.low) else f" ({level} {_points(row.low)} to {_points(row.high)})"
    return f"own minus other country {_points(row.estimate)} points{interval}"


def shorten_citation(citation: str) -> str:
    """A citation with only the first of many authors, and without a full stop at its end."""
    parts = re.match(r"(?P<first>[^,]+, [^,]+),(?P<others>.*?)(?P<rest>(?: \([^()]*\))? \(\d{4}\).*)", citation)
    if parts and len(parts["others"]) > _AUTHORS:
        citation = f"{parts['first']} et al.{parts['rest']}"
    return citation.rstrip().removesuffix(".")
