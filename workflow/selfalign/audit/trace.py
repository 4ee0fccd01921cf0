"""`selfalign trace`: from one cell of the results back to its prompt, its demonstrations and the people's answers."""

import json
from pathlib import Path

import click
import pandas as pd

from selfalign.demonstrations.tables import Similarity
from selfalign.errors import InputError, did_you_mean
from selfalign.inference.tables import READOUTS, Answers
from selfalign.options import readable
from selfalign.probes.bank import parse_codes, read_bank, read_texts
from selfalign.probes.cultures import pool_world
from selfalign.probes.tables import Poles
from selfalign.probes.versions import digest_file, tell_bank
from selfalign.prompts.tables import CELL, Design, Prompts
from selfalign.runs import SHARED
from selfalign.scoring.score_answers import log_odds_of_first, share_of_first
from selfalign.scoring.tables import Scores
from selfalign.survey.tables import Distributions, Missing
from selfalign.tables import read_table

_PAIR = ["probe", "candidate"]
_NOT_COUNTED = pd.DataFrame(columns=list(Missing.to_schema().columns))


class Results:
    """The tables behind the cells of one model and language."""

    def __init__(self, folder: Path, survey: str, model: str, language: str, bank: Path, texts: Path) -> None:
        self.scores = read_table(folder / "scores" / model / f"{language}.parquet", Scores)
        self.answers = read_table(folder / "answers" / model / f"{language}.parquet", Answers)
        self.design = read_table(folder / "design" / f"{language}.parquet", Design)
        self.prompts = read_table(folder / "prompts" / f"{language}.parquet", Prompts).set_index("prompt")
        poles = read_table(folder / "human" / "poles.parquet", Poles)
        self.poles = poles.set_index(["country", "probe"])
        self.shares = pd.concat([poles, pool_world(poles)]).set_index(["country", "probe"])["share_a"]
        self.distributions = read_table(
            folder.parent / SHARED / "survey" / survey / "distributions.parquet", Distributions
        )
        missing = folder.parent / SHARED / "survey" / survey / "missing.csv"
        self.missing = read_table(missing, Missing) if missing.exists() else _NOT_COUNTED
        self.bank = read_bank(bank).set_index("probe")
        self.texts = read_texts(texts / f"{language}.csv", self.bank.reset_index())
        files = sorted((folder / "similarity" / language).glob("*.parquet"))
        self.similarity = {file.stem: read_table(file, Similarity).set_index(_PAIR)["similarity"] for file in files}


def tell_recorded_bank(folder: Path, files: list[Path]) -> str:
    """Which bank the results were made with, and which of its files have changed since.

    Args:
        folder: of the results.
        files: the bank and the wordings that the cell is traced with.
    """
    path = folder / "human" / "bank.json"
    if not path.exists():
        return "Probe bank: not recorded. Let snakemake make results/{run}/human/bank.json."
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        told, known = tell_bank(record), record["files"].values()
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(path, "not a record of a probe bank", "Let snakemake make it again") from error
    others = [str(file) for file in files if digest_file(file) not in known]
    return f"{told} Not the files of the results: {', '.join(others)}." if others else told


def find_cells(scores: pd.DataFrame, wanted: dict[str, object]) -> pd.DataFrame:
    """Scored cells with the wanted names.

    Args:
        scores: a `Scores` table.
        wanted: a value for some of its columns; None is any.

    Raises:
        InputError: there is none; names the first value that excludes all others, and those that there are.
    """
    for column, value in wanted.items():
        if value is None:
            continue
        known = sorted(scores[column].astype(str).unique())
        scores = scores[scores[column] == value]
        if scores.empty:
            raise InputError(
                "results",
                f'no cell has {column} "{value}"',
                did_you_mean(str(value), known),
                column=column,
                value=value,
            )
    return scores


def describe(results: Results, cell: pd.Series) -> str:
    """The way back from a scored cell, as text."""
    orders = results.design.merge(cell[CELL].to_frame().T.astype(results.design[CELL].dtypes), on=CELL)
    parts = [_people(results, cell), _demonstrations(results, cell, orders["prompt"].iloc[0])]
    parts += [_prompt(results, row) for row in orders.itertuples()]
    return "\n\n".join([*parts, _score(cell)])


def _heading(text: str) -> str:
    return f"{text}\n{'-' * len(text)}"


def _people(results: Results, cell: pd.Series) -> str:
    probe, pole = results.bank.loc[cell["probe"]], results.poles.loc[(cell["country"], cell["probe"])]
    where = {"country": cell["country"], "question": probe["question"]}
    counts = results.distributions[(results.distributions[list(where)] == pd.Series(where)).all(axis=1)]
    missing = results.missing[(results.missing[list(where)] == pd.Series(where)).all(axis=1)]
    sides = {code: side for side in ("pole_a", "pole_b", "neither") for code in parse_codes(probe[side])}
    text = results.texts.loc[cell["probe"]]
    lines = [
        _heading(f"What the people of {cell['country']} answer to {probe['question']}"),
        f"{text['statement']}  pole A: {text['option_a']} (codes {probe['pole_a']}); "
        f"pole B: {text['option_b']} (codes {probe['pole_b']})",
        " code       n   weighted share   counts as",
        *(
            f"{_codes(row):>5}  {_number(row.n):>6}  {row.share:14.1%}   {sides[row.code]}"
            for row in counts.itertuples()
        ),
        *(f"    -  {row.n:6d}  {'':14}   missing: {row.kind}" for row in missing.itertuples()),
        _pole(pole),
    ]
    return "\n".join(lines)


def _codes(row: tuple) -> str:
    return str(row.code) if row.code == row.last_code else f"{row.code}-{row.last_code}"


def _number(n: object) -> str:
    return "-" if pd.isna(n) else str(n)


def _pole(pole: pd.Series) -> str:
    if pd.isna(pole["n"]):
        return (
            f"Pole A: {pole['share_a']:.1%}, of a number of people that is not published. Majority: {pole['majority']}."
        )
    return (
        f"Pole A: {pole['share_a']:.1%} of the {pole['n']} who chose a pole, standard error "
        f"{pole['standard_error']:.1%}. Neither pole: {pole['neither']}. Majority: {pole['majority']}."
    )


def _demonstrations(results: Results, cell: pd.Series, prompt: str) -> str:
    row = results.prompts.loc[prompt]
    shown = list(zip(row["demonstrations"].split(), json.loads(row["shown"]), strict=True))
    if not shown:
        return _heading("Demonstrations: none")
    whose = f"with the answers of {cell['source']}" if cell["source"] else "with answers that are nobody's"
    lines = [_heading(f"Demonstrations, {whose}, in the order shown")]
    for place, (demonstration, (question, told)) in enumerate(shown, start=1):
        candidate, answer = demonstration.split("=")
        asked = " ".join(question.split())
        lines.append(
            f"{place}. {candidate} answered {answer}: {asked} -> {told}\n   {_about(results, cell, candidate)}"
        )
    return "\n".join(lines)


def _about(results: Results, cell: pd.Series, candidate: str) -> str:
    """What is known of a candidate, as one that its source answered and as one like the test probe."""
    if candidate not in results.bank.index:
        return "a neutral item, about no values"
    pair = (cell["probe"], candidate)
    similarity = [f"{name} {pairs[pair]:.1f}" for name, pairs in results.similarity.items() if pair in pairs.index]
    same = results.bank.loc[candidate] == results.bank.loc[cell["probe"]]
    return (
        f"{results.shares[cell['source'], candidate]:.1%} of {cell['source']} chose A; "
        f"similarity with the test probe: {', '.join(similarity)}; "
        f"same battery: {_yes(same['battery'])}; same category: {_yes(same['category'])}"
    )


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _prompt(results: Results, row: tuple) -> str:
    answers = results.answers[results.answers["prompt"] == row.prompt].sort_values("place")
    sent = answers.iloc[0]
    length = "" if pd.isna(sent["tokens"]) else f", {sent['tokens']} tokens"
    lines = [
        _heading(f"Prompt {row.prompt}, order {row.order}: exactly what was sent{length}"),
        f"{sent['text']}<<< the model answers here\n",
        *(_options(answers) if row.asks == "scale" else _poles(answers, row.order)),
        *(
            f"mass outside the {what}: {sent[f'mass_outside_{what}']:.4f}"
            for what in ("labels", "options")
            if pd.notna(sent[f"mass_outside_{what}"])
        ),
        f"answered under fingerprint {sent['fingerprint']}",
    ]
    if pd.notna(sent["samples"]):
        lines.append(f"{sent['samples']} replies drawn; standard error of a share {sent['standard_error']:.4f}")
    return "\n".join(lines)


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


def _score(cell: pd.Series) -> str:
    people = f"people's share of A = {cell['share_a']:.4f}   majority {cell['majority']}"
    if not cell["answered"]:
        counted = "left out" if pd.isna(cell["agreement"]) else f"{cell['agreement']:g}"
        return f"{_heading('Score of the cell')}\nno answer in one of the orders   {people}   agreement {counted}"
    bound = " (a bound)" if cell["bound"] else ""
    return (
        f"{_heading('Score of the cell, from the mean log-odds of both orders')}\n"
        f"readout {cell['readout']}   model p(A) = {cell['p_a']:.4f}{bound}   {people}   "
        f"agreement {cell['agreement']:g}   alignment {cell['alignment']:.4f}   order gap {cell['order_gap']:.4f}"
    )


@click.command()
@click.option("--model", required=True, help="Name of the model, as in the config.")
@click.option("--language", required=True, help="ISO 639-1 code.")
@click.option("--country", required=True, help="ISO 3166 alpha-3 code.")
@click.option("--arm", required=True, help="Name of the arm, as in the config.")
@click.option("--probe", required=True, help="Test probe, such as Q164.")
@click.option("--source", help="Whose answers the demonstrations carry, where an arm has several.")
@click.option("--seed", type=int, help="Seed of the draw, where an arm has several.")
@click.option("--template", help="Frame of the prompt, where there are several.")
@click.option("--results", type=click.Path(path_type=Path), default=Path("results/default"), help="Folder of the run.")
@click.option("--survey", default="example", help="Name of the survey, as in the config.")
@click.option("--bank", type=readable, default=Path("resources/probes/probes.csv"), help="Probe bank (CSV).")
@click.option("--texts", type=click.Path(path_type=Path), default=Path("resources/probes/texts"), help="Wordings.")
def command(
    model: str,
    language: str,
    country: str,
    arm: str,
    probe: str,
    source: str | None,
    seed: int | None,
    template: str | None,
    results: Path,
    survey: str,
    bank: Path,
    texts: Path,
) -> None:
    """Show the prompt, the demonstrations, the log-probabilities and the survey answers behind one cell."""
    tables = Results(results, survey, model, language, bank, texts)
    wanted = {"arm": arm, "country": country, "probe": probe, "source": source, "seed": seed, "template": template}
    cells = find_cells(tables.scores, wanted)
    cell = cells.iloc[0]
    click.echo(f"{model} asked in {language}: country {country}, arm {arm}, probe {probe}", nl=False)
    click.echo(f", source {cell['source'] or 'none'}, seed {cell['seed']}, template {cell['template']}\n")
    click.echo(f"{tell_recorded_bank(results, [bank, texts / f'{language}.csv'])}\n")
    click.echo(describe(tables, cell))
    if len(cells) > 1:
        others = cells.iloc[1:][["source", "seed", "template"]].to_string(index=False)
        click.echo(f"\n{len(cells) - 1} more such cells; choose one with --source, --seed or --template:\n{others}")
