"""From a cell to its evidence: people, demonstrations, prompts, the model's answers and the score."""

import json
from typing import Protocol

import pandas as pd

from selfalign.audit.trace.names import RunNames
from selfalign.audit.trace.results import Results
from selfalign.audit.trace.show import paragraph, percent, section, table
from selfalign.inference.choices import READOUTS
from selfalign.probes.bank import list_codes, parse_codes
from selfalign.probes.cultures import WORLD
from selfalign.prompts.schemas import CELL
from selfalign.scoring.schemas import ALL
from selfalign.scoring.score_answers import log_odds_of_first, share_of_first

_POLES = {"pole_a": "pole A", "pole_b": "pole B", "neither": "neither pole"}


# People


def describe_people(results: Results, names: RunNames, country: str, probe: str, language: str) -> str:
    """The probe's statement, and how many people of a country gave each answer to its question.

    Args:
        country: alpha-3 code.
        probe: id.
        language: of the statement.
    """
    entry, text = results.probes.loc[probe], results.texts(language).loc[probe]
    where = pd.Series({"country": country, "question": entry["question"]})
    counts = results.distributions[(results.distributions[list(where.index)] == where).all(axis=1)]
    missing = results.missing[(results.missing[list(where.index)] == where).all(axis=1)]
    sides = {code: words for column, words in _POLES.items() for code in parse_codes(entry[column])}
    rows = [[_codes(row), _number(row.n), percent(row.share), sides[row.code]] for row in counts.itertuples()]
    rows += [["-", str(row.n), "", f"missing: {row.kind}"] for row in missing.itertuples()]
    return section(
        f"What the people of {names.title_of_country(country)} answer to {entry['question']}",
        paragraph(text["statement"]),
        paragraph(f"pole A: {text['option_a']} (codes {entry['pole_a']})"),
        paragraph(f"pole B: {text['option_b']} (codes {entry['pole_b']})"),
        table(rows, ["code", "people", "weighted share", "counts as"], left=(3,)) if rows else "Nobody answered.",
        paragraph(describe_pole(results, country, probe)),
    )


def statement(texts: pd.DataFrame, probe: str) -> str:
    """A probe's statement with its two options."""
    text = texts.loc[probe]
    return f"{text['statement']} ({text['option_a']} / {text['option_b']})"


def describe_pole(results: Results, country: str, probe: str) -> str:
    """The share of pole A among the people of a country who chose a pole, and the majority."""
    if (country, probe) not in results.people.index:
        return "Nobody chose a pole."
    pole = results.people.loc[(country, probe)]
    if pd.isna(pole["n"]):
        return f"Pole A: {pole['share_a']:.1%}. The number of people is not published. Majority: {pole['majority']}."
    return (
        f"Pole A: {pole['share_a']:.1%} of the {pole['n']:,} who chose a pole, standard error "
        f"{pole['standard_error']:.1%}. Neither pole: {pole['neither']:,}. Majority: {pole['majority']}."
    )


class _Codes(Protocol):
    """The answer codes that a row of `Distributions` counts together."""

    code: int
    last_code: int


def _codes(row: _Codes) -> str:
    return str(row.code) if row.code == row.last_code else f"{row.code}-{row.last_code}"


def _number(n: object) -> str:
    return "-" if pd.isna(n) else str(n)


# Demonstrations


def whose_answers(results: Results, names: RunNames, arm: str, sources: list[str], country: str) -> str:
    """Whose answers the demonstrations of an arm carry, in one sentence.

    Args:
        arm: its name.
        sources: codes that its cells name; empty texts where the answers are nobody's.
        country: whom the model's answers are compared with, or `all`.
    """
    shown, title = results.config.arms[arm], names.title_of_arm(arm)
    people = "the country" if country == ALL else names.title_of_country(country)
    of = "each other country in turn" if shown.named == "other" else people
    persona = f" {title} tells the model to be a person of {of}." if shown.persona else ""
    if not shown.shots:
        return f"{title} shows no demonstrations.{persona}"
    count = f"{title} shows {shown.shots} demonstrations"
    named = ", ".join(names.title_of_country(source) if source != WORLD else "the world" for source in sources)
    others = "another country" if len(sources) == 1 else "other countries, one at a time"
    ways = {
        "own": f"{count} with the majority answers of {people}.",
        "other": f"{count} with the majority answers of {others}: {named}. None has the answers of {people}.",
        "other_group": f"{count} with the majority answers of other groups of the same country: {named}.",
        "country": f"{count} with the majority answers of the whole country of {people}.",
        "nearest": f"{count} with the majority answers of another country, the one that answers most like {people}: "
        f"{named}.",
        "farthest": f"{count} with the majority answers of another country, the one that answers least like {people}: "
        f"{named}.",
        "world": f"{count} with the majority answers of the pooled world, in which each country weighs the same.",
        "inverted": f"{count} with the opposite of the majority answers of {people}.",
        "shuffled": f"{count} with the majority answers of {people}, dealt to other probes at random.",
        "neutral": f"{count} about matters of fact, with right answers that are nobody's opinion.",
    }
    return ways[shown.answers] + persona


def list_demonstrations(results: Results, names: RunNames, cell: pd.Series, prompts: list[str]) -> str:
    """The demonstrations of a cell in the order shown, each with the answers of the people whose answer it carries.

    Args:
        cell: a row of `Scores`.
        prompts: ids of its prompts; all show the same demonstrations.
    """
    row = results.prompts(cell["language"]).loc[prompts[0]]
    shown = list(zip(row["demonstrations"].split(), json.loads(row["shown"]), strict=True))
    title = f"Demonstrations of {cell['arm']}"
    if not shown:
        return section(f"{title}: none")
    whose = f"with the answers of {_source(names, cell['source'])}" if cell["source"] else "which are nobody's answers"
    similar = results.similarity(cell["language"])
    of_shares = " of 100 for A" if cell["asks"] == "share" else ""
    blocks = []
    for place, (demonstration, (question, answer)) in enumerate(shown, start=1):
        candidate, given = demonstration.split("=")
        asked = " ".join(question.split())
        about = [
            f"{place}. {candidate} answered {given}{of_shares}: {asked} -> {answer}",
            f"   {_answers_of_source(results, cell['source'], candidate, '' if of_shares else given)}",
            f"   {_likeness(results, cell['probe'], candidate, similar)}",
        ]
        blocks += [paragraph(text, later="   ") for text in about if text.strip()]
    return section(f"{title}, {whose}, in the order shown", *blocks)


def _source(names: RunNames, code: str) -> str:
    return "the pooled world" if code == WORLD else f"{names.title_of_country(code)} ({code})"


def _answers_of_source(results: Results, source: str, candidate: str, given: str) -> str:
    """What the people whose answer is shown answer to a candidate, in numbers of people and as a majority.

    `given` is empty if the demonstration shows a share.
    """
    if candidate not in results.probes.index:
        return "A neutral item, about no values."
    pole = results.people.loc[(source, candidate)]
    majority = f"majority {pole['majority']}"
    if source == WORLD:
        return f"{pole['share_a']:.1%} of the world chose A, each country weighing the same; {majority}"
    people = _count_poles(results, source, candidate)
    counted = f"{source}: {people['A']:,} people chose A, {people['B']:,} chose B; " if people is not None else ""
    shares = f"{counted}weighted, {pole['share_a']:.1%} of {source} chose A; {majority}"
    if not given:
        return shares
    if given in ("A", "B"):
        turned = "" if given == pole["majority"] else " (the demonstration shows another answer)"
        return shares + turned
    question = results.probes.loc[candidate, "question"]
    answers = results.distributions
    row = answers[(answers["country"] == source) & (answers["question"] == question) & (answers["code"] == int(given))]
    chose = f"; {_number(row['n'].iloc[0])} people, {row['share'].iloc[0]:.1%}, gave code {given}" if len(row) else ""
    return shares + chose


def _count_poles(results: Results, country: str, probe: str) -> pd.Series | None:
    """Numbers of people of a country who chose each pole; None where they are not published."""
    codes = list_codes(results.bank[results.bank["probe"] == probe])
    answers = results.distributions[results.distributions["country"] == country].merge(codes, on=["question", "code"])
    if answers.empty or answers["n"].isna().any():
        return None
    return answers.groupby("pole")["n"].sum().reindex(["A", "B", "neither"], fill_value=0)


def _likeness(results: Results, probe: str, candidate: str, similar: dict[str, pd.Series]) -> str:
    """How a candidate is like the test probe: similarity, battery and category."""
    if candidate not in results.probes.index:
        return ""
    values = [f"{name} {pairs[probe, candidate]:.1f}" for name, pairs in similar.items() if (probe, candidate) in pairs]
    same = results.probes.loc[candidate] == results.probes.loc[probe]
    return (
        f"similarity with the test probe: {', '.join(values) or 'not measured'}; "
        f"same battery: {_yes(same['battery'])}; same category: {_yes(same['category'])}"
    )


def _yes(value: bool) -> str:
    return "yes" if value else "no"


# Prompts


def orders_of(results: Results, cell: pd.Series) -> pd.DataFrame:
    """The rows of `Design` that a cell averages: its two option orders."""
    design = results.design(cell["language"])
    return design.merge(cell[CELL].to_frame().T.astype(design[CELL].dtypes), on=CELL)


class _Asked(Protocol):
    """A row of `Design`: its prompt, the order of the options, and whether it asks with the whole scale."""

    prompt: str
    order: str
    asks: str


def describe_prompt(answers: pd.DataFrame, row: _Asked) -> str:
    """A prompt exactly as the model got it, and the model's answer in each readout.

    Args:
        answers: an `Answers` table.
        row: of `Design`.
    """
    answers = answers[answers["prompt"] == row.prompt].sort_values("place")
    sent = answers.iloc[0]
    length = "" if pd.isna(sent["tokens"]) else f", {sent['tokens']} tokens"
    drawn = ""
    if pd.notna(sent["samples"]):
        count = "1 reply" if sent["samples"] == 1 else f"{sent['samples']} replies"
        drawn = f"{count} drawn; standard error of a share {sent['standard_error']:.4f}"
        if row.asks != "share":
            drawn += "\np(A) adds half a reply to each option, so that no share is 0 or 1"
    return section(
        f"Prompt {row.prompt}, order {row.order}: exactly what was sent{length}",
        f"{sent['text']}<<< the model answers here\n",
        *(_poles(answers, row.order) if row.asks == "poles" else _options(answers)),
        *(
            f"mass outside the {what}: {sent[f'mass_outside_{what}']:.4f}"
            for what in ("labels", "options")
            if pd.notna(sent[f"mass_outside_{what}"])
        ),
        f"greedy reply: {sent['reply']!r}" if pd.notna(sent["reply"]) else "",
        f"answered under fingerprint {sent['fingerprint']}",
        drawn,
    )


def _poles(answers: pd.DataFrame, order: str) -> list[str]:
    """A line per readout of two options."""
    poles = [f"{answer!r} ({pole})" for answer, pole in zip(answers["answer"], order, strict=True)]
    return [
        f"{'readout, nats':15}  {'  '.join(f'{pole:>20}' for pole in poles)}     p(A)",
        *(_readout(name, answers, order) for name in READOUTS if answers[name].notna().any()),
    ]


def _options(answers: pd.DataFrame) -> list[str]:
    """A line per option of a whole scale."""
    known = [name for name in READOUTS if answers[name].notna().any()]
    return [
        f"{'option':30}  {'  '.join(f'{name:>12}' for name in known)}   (nats)",
        *(
            f"{row['answer']!r:30}  {'  '.join(f'{row[name]:12.4f}' for name in known)}"
            for _, row in answers.iterrows()
        ),
    ]


def _readout(name: str, answers: pd.DataFrame, order: str) -> str:
    scores = list(answers[name])
    first, second = (answers[name].iloc[[place]].reset_index(drop=True) for place in (0, 1))
    log_odds = log_odds_of_first(first, second, answers["samples"].iloc[[0]].reset_index(drop=True)).item()
    p_a = share_of_first(log_odds if order == "AB" else -log_odds)
    return f"{name:15}  {'  '.join(f'{score:20.4f}' for score in scores)}   {p_a:.4f}"


# Score


def describe_score(cell: pd.Series) -> str:
    """The score of a cell, from both orders."""
    people = f"people's share of A = {cell['share_a']:.4f}   majority {cell['majority']}"
    if not cell["answered"]:
        counted = "left out" if pd.isna(cell["agreement"]) else f"{cell['agreement']:g}"
        return section("Score of the cell", f"no answer in one of the orders   {people}   agreement {counted}")
    bound = " (a bound)" if cell["bound"] else ""
    return section(
        f"Score of the cell, from the {'stated shares' if cell['asks'] == 'share' else 'mean log-odds'} of both orders",
        f"readout {cell['readout']}   model p(A) = {cell['p_a']:.4f}{bound}   {people}",
        f"agreement {cell['agreement']:g}   alignment {cell['alignment']:.4f}   order gap {cell['order_gap']:.4f}",
    )
