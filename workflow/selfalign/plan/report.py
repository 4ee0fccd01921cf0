"""A plan as text, at most one screen."""

import math
from collections.abc import Iterable

from selfalign.config.probe_kinds import count_in_words
from selfalign.plan.plans import Plan, PlannedEndpoint, PlannedLanguage, PlannedWeights
from selfalign.plan.precision import HalfWidth
from selfalign.screen_text import about_hours, align, size

_MOST_LANGUAGES, _MOST_MODELS, _MOST_CONTRASTS, _MOST_NOTES = 6, 8, 6, 3
_STUDIES = (
    "from: same model, same contrast, like contrasts: measured in studies of this project (docs/study_size.md); "
    "scores: in this run.\n"
    "In brackets: the range for another model or other probes. To narrow it, run a few probes under this run.name."
)
_SOURCES = {
    "given": "given by --rate",
    "ledger": "measured by this machine's ledgers",
    "scaled": "scaled from another model in this machine's ledgers",
    "table": "from the table of measured rates",
}


def write_report(plan: Plan) -> str:
    """A plan in words and tables, of at most 50 lines.

    Args:
        plan: with the names of the config files.
    """
    parts = [_head(plan), _languages(plan)]
    weights = [one for one in plan.models if isinstance(one, PlannedWeights)]
    asked = [one for one in plan.models if isinstance(one, PlannedEndpoint)]
    parts += [_weights(weights)] if weights else []
    parts += [_endpoints(asked)] if asked else []
    parts += [_widths(plan)]
    if plan.notes:
        some, more = plan.notes[:_MOST_NOTES], len(plan.notes) - _MOST_NOTES
        parts.append(
            "\n".join([f"Note: {note}" for note in some] + ([f"{more} more notes: --json"] if more > 0 else []))
        )
    return "\n\n".join(parts)


def _head(plan: Plan) -> str:
    survey, files = plan.survey, ", ".join(plan.files) or "the default settings"
    counts = survey.left_out_by_kind
    left_out = f"; probes.kinds leaves out {count_in_words(counts)}" if counts else ""
    return (
        f"Plan of the run {plan.run} ({files})\n"
        f"Survey {survey.name}: {survey.countries} countries, {survey.probes} probes in"
        f" {survey.batteries} batteries{left_out}"
    )


def _languages(plan: Plan) -> str:
    rows = [["language", "countries", "arms", "cells", "prompts", "premises"]]
    counts = plan.languages
    shown = list(counts)[: _MOST_LANGUAGES if len(counts) > _MOST_LANGUAGES + 1 else len(counts)]
    for name in shown:
        one = counts[name]
        numbers = (one.countries, one.arms, one.cells, one.prompts, one.premises)
        rows.append([name, *(f"{number:,}" for number in numbers)])
    if len(counts) > len(shown):
        rest = [counts[name] for name in counts if name not in shown]
        rows.append([f"{len(rest)} more", "", "", *_sum_up(rest)])
    if len(counts) > 1:
        rows.append(["all", "", "", *_sum_up(counts.values())])
    return "\n".join(align(rows))


def _sum_up(languages: Iterable[PlannedLanguage]) -> list[str]:
    """Cells, prompts and premises of several languages."""
    numbers = [(one.cells, one.prompts, one.premises) for one in languages]
    return [f"{sum(column):,}" for column in zip(*numbers, strict=True)]


def _weights(parts: list[PlannedWeights]) -> str:
    head = ["model", "prompts", "answered", "new", "tokens", "computed", "saved", "tokens/s", "hours", "memory", "disk"]
    rows = [head, *map(_cost_of_model, parts[:_MOST_MODELS])]
    if len(parts) > _MOST_MODELS:
        rows.append([f"{len(parts) - _MOST_MODELS} more models", *[""] * (len(head) - 1)])
    if len(parts) > 1:
        rows.append(_cost_of_all(parts))
    return "\n".join([*align(rows), *_explain_costs(parts)])


def _cost_of_model(one: PlannedWeights) -> list[str]:
    about, rate = "~" if one.estimated else "", one.rate
    return [
        one.model,
        f"{one.prompts:,}",
        f"{one.answered:,}",
        f"{one.prompts - one.answered:,}",
        about + amount(one.single),
        about + amount(one.new),
        f"{1 - one.computed / one.single:.0%}" if one.single else "-",
        f"{amount(rate.tokens_per_second)} {rate.source[0]}" if rate else "-",
        "-" if one.hours is None else about + about_hours(one.hours),
        "-" if one.memory is None else size(one.memory),
        "-" if one.disk is None else size(one.disk),
    ]


def _cost_of_all(parts: list[PlannedWeights]) -> list[str]:
    """The sums of the models, in the columns of `_cost_of_model`."""
    prompts, answered = sum(one.prompts for one in parts), sum(one.answered for one in parts)
    counts = [f"{prompts:,}", f"{answered:,}", f"{prompts - answered:,}"]
    tokens = [amount(sum(one.single for one in parts)), amount(sum(one.new for one in parts))]
    hours = [one.hours for one in parts if one.hours is not None]
    unknown = "" if len(hours) == len(parts) else " +?"
    disk = sum(one.disk for one in parts if one.disk is not None)
    return ["all", *counts, *tokens, "", "", about_hours(sum(hours)) + unknown, "", size(disk)]


def _explain_costs(parts: list[PlannedWeights]) -> list[str]:
    """Lines below the table: where its rates are from, which are missing, and what its columns count."""
    places = {one.rate.source: one.rate.place for one in parts if one.rate}
    legend = [
        f"{source[0]}: {_SOURCES[source]}" + (f" ({place})" if source in ("scaled", "table") else "")
        for source, place in places.items()
    ]
    if any(one.estimated for one in parts):
        legend.append("~: estimated from the length of the texts, because the tokenizer is not here")
    lines = ["; ".join(legend)] if legend else []
    if without := [one.model for one in parts if one.hours is None]:
        lines.append(f"No rate is known for {', '.join(without)}: give --rate MODEL=TOKENS_PER_SECOND")
    columns = "prompts: with premises; tokens: each prompt alone; computed: each distinct prefix once, new prompts only"
    return [*lines, columns]


def _endpoints(parts: list[PlannedEndpoint]) -> str:
    rows = [["endpoint", "prompts", "requests", "answered", "new", "tokens sent", "received", "hours", "price"]]
    for one in parts[:_MOST_MODELS]:
        rows.append(
            [
                one.model,
                f"{one.prompts:,}",
                f"{one.requests:,}",
                f"{one.requests - one.missing:,}",
                f"{one.missing:,}",
                "~" + amount(one.sent),
                "<" + amount(one.received),
                "-" if one.hours is None else about_hours(one.hours),
                "-" if one.price is None else f"{one.price:,.2f}",
            ]
        )
    text = "\n".join(align(rows))
    if any(one.price is None for one in parts):
        text += "\nFor a price, give --price MODEL=INPUT/OUTPUT per million tokens, or endpoint.price in the config"
    return text


def _widths(plan: Plan) -> str:
    language = plan.main_language
    by_name = {one.name: one for one in plan.widths if one.language == language}
    arms = [one for name, one in by_name.items() if " - " not in name]
    head = f"half width of {plan.level:.0%} intervals in {language}, points"
    rows = [[head, "mean of countries", "one country", "found in 80%", "from"]]
    halves = [_join(one.mean for one in arms), _join(one.country for one in arms)]
    rows.append(["agreement of an arm", *halves, "", " and ".join(sorted({one.source for one in arms}))])
    names = [name for name in plan.contrasts if name in by_name]
    shown = names[:_MOST_CONTRASTS]
    for name in shown:
        one = by_name[name]
        rows.append([name, _span(one.main), _span(one.country), _points(one.found), one.source])
    text = "\n".join(align(rows, left=(0, 4)))
    more = len(names) - len(shown)
    lines = [f"{more} more contrast{'s' * (more > 1)}: --json"] if more > 0 else []
    if names:
        lines += [
            "mean of countries: of a difference, the main interval, the wider of those by battery and by category",
            "agreement of an arm, one country: by battery",
            "found in 80%: the main interval of 80% of such studies excludes 0 if the true difference has this size",
        ]
    if any(by_name[name].source != "scores" for name in shown):
        lines.append(_STUDIES)
    return "\n".join([text, *lines])


def _join(halves: Iterable[HalfWidth]) -> str:
    """Half widths of several arms: the smallest and the largest median."""
    known = [half.median for half in halves if not math.isnan(half.median)]
    if not known:
        return "-"
    low, high = _points(min(known)), _points(max(known))
    return f"±{low}" if low == high else f"±{low} to ±{high}"


def _span(half: HalfWidth) -> str:
    """A half width in percentage points, and its range."""
    if math.isnan(half.median):
        return "-"
    return f"±{_points(half.median)}" + (f" ({_points(half.low)}-{_points(half.high)})" if half.low < half.high else "")


def _points(number: float) -> str:
    return "-" if math.isnan(number) else f"{100 * number:.1f}"


def amount(number: float) -> str:
    """A number of tokens in at most four digits and a unit."""
    for unit, one in (("G", 1e9), ("M", 1e6), ("k", 1e4)):
        if number >= one:
            value = number / (1e3 if unit == "k" else one)
            return f"{value:.3g}{unit}" if value < 1000 else f"{value:.0f}{unit}"
    return f"{number:,.0f}"
