"""Variance components of agreement: how much an arm or a contrast differs between probes and between batteries.

The values of two cells (a probe in a country) of a series are alike for two reasons. The model may have one stance in
all countries: then the values are alike where the majorities are the same, and opposite where they differ. Or an arm
may help alike everywhere, whatever the majority is. So the product of two cells' deviations is, in expectation,
`level` + `stance` x (1 where both majorities are the same pole, else -1). Both are measured for cells of one probe in
two countries, of two probes of a battery in one country, and of two probes of a battery in two countries. A plan knows
the majorities of its countries, so these components give the variance of any mean over its cells.
docs/study_size.md has the limits.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import optimize, stats

from selfalign.arms import Arm
from selfalign.contrasts import Contrast, split_beyond
from selfalign.scoring.bootstrap import freedom_of_sizes, widen_batteries
from selfalign.scoring.panels import Panel, build_panels, contrast_panels

MEASURE = "agreement"

PARTS = ["variance", "probe_level", "probe_stance", "battery_level", "battery_stance", "both_level", "both_stance"]
"""Columns of components: the variance of a cell; then `level` and `stance` of two cells of one probe in two countries,
of two probes of one battery in one country, and of two probes of one battery in two countries."""

RATIO = "category_ratio"
"""Column of components: the standard error by category over the one by battery, in the finished study. Null for an arm,
which has intervals by battery only."""

POWER = 0.8
"""How often a study of the planned size finds the difference that `reach` returns."""

_ALIKE = {"label", "shots", "seeds", "sources", "countries", "shown_in", "diversity", "sequence"}
"""Settings that leave an arm of the same kind: they change the variances little."""

_DESCRIBED = {"strategy", "answers", "persona", "exclude", "ceiling"}
"""Settings that `describe_arm` puts into words."""

_ANSWERED_BY_OTHERS = {"other", "nearest", "farthest", "world"}


def describe_arm(arm: Arm) -> str:
    """The demonstrations of an arm in words, without its name: how they are chosen, and whose answers they carry."""
    fields = {name: field for name, field in Arm.model_fields.items() if name not in _ALIKE | _DESCRIBED}
    words = [name for name, field in fields.items() if getattr(arm, name) != field.get_default()]
    words += ["persona"] if arm.persona else []
    if not arm.shots:
        return ", ".join(words or ["nothing"])
    if arm.answers == "neutral":
        return ", ".join([*words, "neutral"])
    chosen = arm.strategy if arm.draws or arm.strategy == "category" else "similar"
    apart = ["other batteries"] if {"battery", "category"} & set(arm.exclude) or arm.ceiling is not None else []
    return ", ".join([*words, str(chosen), *apart, arm.answers])


def find_family(arm: Arm, against: Arm, beyond: bool = False, languages: bool = False) -> str:
    """What distinguishes the two sides of a contrast, in a word.

    Args:
        arm: one side.
        against: the other.
        beyond: whether it is a difference of differences.
        languages: whether the two sides are asked in different languages.

    Returns:
        `beyond`; `demonstrations`: one side has none, or they have different languages; `instructions`: neither side
        has any; `country`: the same, answered by others; `answers`: the same, with false answers; `selection`: others.
    """
    if beyond:
        return "beyond"
    if languages or bool(arm.shots) != bool(against.shots):
        return "demonstrations"
    if not arm.shots:
        return "instructions"
    kept = [key for key in Arm.model_fields if key not in {*Arm.FREE, "seeds"}]
    if any(getattr(arm, key) != getattr(against, key) for key in kept):
        return "selection"
    return "country" if {arm.answers, against.answers} & _ANSWERED_BY_OTHERS else "answers"


def measure(scores: pd.DataFrame, contrasts: Sequence[Contrast], arms: Mapping[str, Arm]) -> pd.DataFrame:
    """Variance components of the agreement of each arm and each contrast of a finished run.

    Args:
        scores: `Scores` tables, stacked.
        contrasts: that the run compares, within models.
        arms: of the run, by name.

    Returns:
        A row per model, language and series: model, language, name, kind, family, countries, probes, batteries, and
        `PARTS`. Components of two countries are 0 in a run with one country.
    """
    panels = build_panels(scores, [MEASURE])
    parts = [_measure(panels)]
    if contrasts:
        parts.append(_measure(contrast_panels(panels, contrasts)))
    table = pd.concat(parts, ignore_index=True)
    named = [_name(row, arms) for row in table.to_dict("records")]
    return pd.concat([table[["model", "language"]], pd.DataFrame(named), table[_NUMBERS]], axis=1)


_NUMBERS = ["countries", "probes", "batteries", *PARTS]


def _name(row: Mapping[str, Any], arms: Mapping[str, Arm]) -> dict[str, str]:
    """Name, kind and family of a series."""
    first = describe_arm(arms[row["arm"]])
    if not isinstance(row.get("against"), str):
        return {"name": row["arm"], "kind": first, "family": "arm"}
    across = row["against_language"] if row["against_language"] != row["language"] else None
    beyond = split_beyond(row["beyond"])
    entry = Contrast(arm=row["arm"], against=row["against"], against_language=across, beyond=beyond)
    return describe_contrast(entry, arms)


def describe_contrast(contrast: Contrast, arms: Mapping[str, Arm]) -> dict[str, str]:
    """Name, kind and family of a contrast.

    Args:
        contrast: whose languages differ if it names `against_language`.
        arms: of the run, by name.
    """
    kind, across = _kind_of(contrast.arm, contrast.against, arms), contrast.against_language is not None
    if across:
        kind = f"{kind} in another language"
    if contrast.beyond:
        kind = f"({kind}) - ({_kind_of(*contrast.beyond, arms)})"
    family = find_family(arms[contrast.arm], arms[contrast.against], contrast.beyond is not None, across)
    return {"name": contrast.name, "kind": kind, "family": family}


def _kind_of(arm: str, against: str, arms: Mapping[str, Arm]) -> str:
    return f"{describe_arm(arms[arm])} - {describe_arm(arms[against])}"


def _measure(panels: Mapping[str, Panel]) -> pd.DataFrame:
    """The columns of all series of some panels, and their variance components."""
    keys = list(next(iter(panels.values())).series.columns)
    long = [
        panel.series.assign(number=range(len(panel.series)))
        .merge(pd.DataFrame({"probe": panel.probes, "battery": panel.batteries, "pole": panel.majority}), how="cross")
        .assign(country=country, value=panel.value.T.ravel())
        for country, panel in panels.items()
    ]
    table = pd.concat(long, ignore_index=True).dropna(subset="value")
    rows = []
    for key, cells in table.groupby(keys, sort=True):
        values = cells.pivot(index="probe", columns="country", values="value")
        poles = 2 * cells.pivot(index="probe", columns="country", values="pole") - 1
        battery_of = pd.factorize(cells.groupby("probe")["battery"].first().loc[values.index])[0]
        numbers = {"countries": values.shape[1], "probes": len(values), "batteries": int(battery_of.max()) + 1}
        parts = find_parts(values.to_numpy(), poles.to_numpy(), battery_of)
        rows.append(dict(zip(keys, key, strict=True)) | numbers | parts)
    return pd.DataFrame(rows, columns=[*keys, *_NUMBERS])


def find_parts(values: np.ndarray, poles: np.ndarray, battery_of: np.ndarray) -> dict[str, float]:
    """Variance components of a series, by moments: a regression of the products of cells on those of their poles.

    Args:
        values: probes x countries; NaN where a country was not asked. The mean of each country is subtracted.
        poles: probes x countries, 1 where pole A is the majority, else -1.
        battery_of: numbers of the probes' batteries.
    """
    known = np.isfinite(values)
    centred = np.where(known, values - np.nanmean(values, axis=0), 0)
    poles = np.where(known, poles, 0)
    products, turned = sum_products(centred, battery_of), sum_products(centred * poles, battery_of)
    number, same = sum_products(known.astype(float), battery_of), sum_products(poles, battery_of)
    found = [products[0] / number[0]]
    for kind in range(1, 4):
        n, q, y, z = number[kind], same[kind], products[kind], turned[kind]
        if n - abs(q) > 1e-9 * n:
            found += [(n * y - q * z) / (n**2 - q**2), (n * z - q * y) / (n**2 - q**2)]
        else:  # all majorities are the same, so stance and level are one
            found += [y / n if n else 0.0, 0.0]
    return dict(zip(PARTS, map(float, found), strict=True))


def sum_products(cells: np.ndarray, battery_of: np.ndarray) -> np.ndarray:
    """Sums of the products of all ordered pairs of cells, by kind of pair.

    Args:
        cells: probes x countries; 0 where there is none.
        battery_of: numbers of the probes' batteries.

    Returns:
        Of each cell with itself, of one probe in two countries, of two probes of one battery in one country, and of two
        probes of one battery in two countries.
    """
    by_battery = np.zeros((battery_of.max() + 1, cells.shape[1]))
    np.add.at(by_battery, battery_of, cells)
    itself = (cells**2).sum()
    of_probe, of_country = (cells.sum(axis=1) ** 2).sum(), (by_battery**2).sum()
    of_battery = (by_battery.sum(axis=1) ** 2).sum()
    return np.array([itself, of_probe - itself, of_country - itself, of_battery - of_probe - of_country + itself])


def read_variances(path: Path) -> pd.DataFrame:
    """The shipped components of finished studies: a row per model and series, as `measure` returns them."""
    return pd.read_csv(path)


def find_rows(table: pd.DataFrame, kind: str, family: str, models: Sequence[str]) -> tuple[pd.DataFrame, str]:
    """The rows of the shipped components that fit a series of a run best.

    Args:
        table: as `read_variances` returns it.
        kind: of the series.
        family: of the series.
        models: of the run, by name.

    Returns:
        The rows and why they were chosen. `same model`: the same kind, by the models of the run; `same contrast`: the
        same kind, by other models; `like contrasts`: of the same family; `all contrasts`: nothing is alike.
    """
    same, alike = table[table["kind"] == kind], table[table["family"] == family]
    if set(models) <= set(same["model"]):
        return same[same["model"].isin(models)], "same model"
    if len(same):
        return same, "same contrast"
    return (alike, "like contrasts") if len(alike) else (table[table["family"] != "arm"], "all contrasts")


def expect_errors(parts: pd.DataFrame, poles: np.ndarray, battery_of: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Standard errors and degrees of freedom of the mean of the countries, for each row of components.

    Args:
        parts: rows with the columns `PARTS`.
        poles: probes x countries of the planned study, 1 where pole A is the majority, else -1; NaN for no cell.
        battery_of: numbers of the probes' batteries.

    Returns:
        The errors, NaN with one battery only; and the degrees.
    """
    between, within = _sum_parts(parts, poles, battery_of)
    sizes = np.bincount(battery_of)
    error = np.sqrt((between + within) * widen_batteries(np.array([len(sizes)]))[0])
    return np.where(len(sizes) > 1, error, np.nan), _find_freedom(between, within, sizes)


def expect_by_category(
    parts: pd.DataFrame, poles: np.ndarray, battery_of: np.ndarray, category_of: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Standard errors by category and their degrees of freedom, for each row of components.

    The ratio to the error by battery is that of a finished study. The rest of the variance, after that of single
    probes, is shared within a category. It decides the degrees of freedom.

    Args:
        parts: rows with the columns `PARTS` and `RATIO`.
        poles: probes x countries of the planned study, 1 where pole A is the majority, else -1; NaN for no cell.
        battery_of: numbers of the probes' batteries.
        category_of: numbers of the probes' categories.
    """
    by_battery, _ = expect_errors(parts, poles, battery_of)
    between, _ = _sum_parts(parts, poles, battery_of)
    sizes = np.bincount(category_of)
    error = by_battery * parts[RATIO].to_numpy()
    within = np.clip(error**2 / widen_batteries(np.array([len(sizes)]))[0] - between, 0, None)
    return error, _find_freedom(between, within, sizes)


def _sum_parts(parts: pd.DataFrame, poles: np.ndarray, battery_of: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What the probes alone add to the variance of the mean of the countries, and what pairs of a battery add."""
    known = np.isfinite(poles)
    weights = known / known.sum(axis=0) / poles.shape[1]
    level, stance = sum_products(weights, battery_of), sum_products(np.where(known, poles, 0) * weights, battery_of)
    numbers = np.array([level[0], *np.column_stack([level[1:], stance[1:]]).ravel()])
    terms = parts[PARTS].to_numpy(float) * numbers
    between = np.maximum(terms[:, :3].sum(axis=1), terms[:, 0] / poles.shape[1])
    return between, np.clip(terms[:, 3:].sum(axis=1), 0, None)


def _find_freedom(between: np.ndarray, within: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Degrees of freedom of a variance between clusters of these sizes, from its parts: see `_sum_parts`."""
    pairs, probes = (sizes * (sizes - 1)).sum(), sizes.sum()
    with np.errstate(invalid="ignore", divide="ignore"):  # 0 / 0 if two arms never differ, or no cluster has a pair
        alike = np.nan_to_num(within / pairs * probes / between)
    return freedom_of_sizes(sizes[:, None], alike)


def reach(error: np.ndarray, freedom: np.ndarray, level: float) -> np.ndarray:
    """The smallest true difference that a two-sided test at 1 - level finds with the probability `POWER`.

    Args:
        error: standard errors.
        freedom: degrees of freedom of each.
        level: coverage of the intervals.
    """
    return np.array(
        [one * _effect(df, level) if np.isfinite(one) else np.nan for one, df in zip(error, freedom, strict=True)]
    )


def _effect(freedom: float, level: float) -> float:
    """The difference of `reach` in standard errors: the noncentrality at which the t-test has the power `POWER`."""
    limit = stats.t.ppf((1 + level) / 2, freedom)

    def missing(effect: float) -> float:
        return stats.nct.sf(limit, freedom, effect) - POWER

    return float(optimize.brentq(missing, 0.0, 20.0 + 2 * limit))
