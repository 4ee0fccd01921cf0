"""Step design_prompts: the cells of the experiment in one language, and the distinct prompts that they need."""

import hashlib
import json
from pathlib import Path
from typing import Any

import click
import pandas as pd

from selfalign.demonstrations.pick import SET, pick_demonstrations
from selfalign.demonstrations.tables import Ranking
from selfalign.errors import InputError
from selfalign.options import Json, Words, readable, writable
from selfalign.probes.bank import read_bank, read_texts
from selfalign.probes.tables import Poles
from selfalign.prompts.tables import CELL, CONTENT, Design, Prompts
from selfalign.prompts.templates import Template, read_template
from selfalign.tables import read_table, write_table

_OTHER_POLE = {"A": "B", "B": "A"}


def write_demonstrations(shown: pd.DataFrame, texts: pd.DataFrame, template: Template) -> pd.DataFrame:
    """Demonstrations in words: columns source, probe, seed, shown (JSON list of pairs of question and answer) and
    demonstrations (such as `Q4=A`).

    Which option a demonstration names first is drawn from the names of probe and candidate, so it is the same
    whoever answers, and neither order is favoured.
    """
    pairs = [
        _show(texts.loc[row.candidate], row.answer, _drawn_order(row.probe, row.candidate), template)
        for row in shown.itertuples()
    ]
    sets = shown.assign(shown=pairs, demonstrations=shown["candidate"] + "=" + shown["answer"]).groupby(SET, sort=False)
    return sets.agg({"shown": _as_json, "demonstrations": " ".join}).reset_index()


def _as_json(pairs: pd.Series) -> str:
    return json.dumps(list(pairs), ensure_ascii=False)


def _show(text: pd.Series, answer: str, order: str, template: Template) -> tuple[str, str]:
    options = _options(text, order)
    return template.ask(text["statement"], *options), template.answers(*options)[order.index(answer)]


def _options(text: pd.Series, order: str) -> list[str]:
    return [text[f"option_{pole.lower()}"] for pole in order]


def _drawn_order(probe: str, candidate: str) -> str:
    return ("AB", "BA")[hashlib.sha256(f"{probe}/{candidate}".encode()).digest()[0] % 2]


def lay_out(
    arms: dict[str, dict[str, Any]],
    countries: list[str],
    poles: pd.DataFrame,
    rankings: dict[str, pd.DataFrame],
    texts: pd.DataFrame,
    templates: list[Template],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Cells of the experiment, and the distinct prompts behind them.

    A test probe is used for a country when its people have a majority answer to it. An arm whose answers are
    `other` takes every other country of the language in turn.

    Args:
        arms: settings by name: shots, strategy, seeds, answers (own, other, inverted), exclude.
        countries: of this language.
        poles: a `Poles` table.
        rankings: `Ranking` tables by strategy.
        texts: a `Texts` table indexed by probe.
        templates: frames of the prompt.

    Returns:
        A `Design` table and a `Prompts` table.
    """
    majority = poles[poles["country"].isin(countries) & (poles["majority"] != "tie")]
    answers = majority.rename(columns={"country": "source", "probe": "candidate", "majority": "answer"})
    answers = answers[["source", "candidate", "answer"]]
    cells = []
    for template in templates:
        for name, arm in arms.items():
            treated = majority[["country", "probe"]].assign(arm=name, template=template.name)
            if arm["shots"] == 0:
                cells.append(treated.assign(source="", seed=0, shown="[]", demonstrations=""))
                continue
            treated = treated.merge(_sources(countries, arm))
            needed = treated[["source", "probe"]].drop_duplicates()
            shown = pick_demonstrations(rankings[arm["strategy"]], answers, needed, name, arm)
            if arm["answers"] == "inverted":
                shown = shown.assign(answer=shown["answer"].map(_OTHER_POLE))
            cells.append(treated.merge(write_demonstrations(shown, texts, template)))
    if all(table.empty for table in cells):
        raise InputError(
            "config: languages",
            f"no arm has a cell to run for the countries {', '.join(countries)}",
            "An arm answered by other countries needs two countries at least",
        )
    frames = {template.name: template for template in templates}
    return _write_prompts(pd.concat(cells, ignore_index=True), texts, frames)


def _sources(countries: list[str], arm: dict[str, Any]) -> pd.DataFrame:
    """Whose answers the demonstrations for each country carry: columns country, source."""
    pairs = pd.MultiIndex.from_product([countries, countries], names=["country", "source"]).to_frame(index=False)
    same = pairs["country"] == pairs["source"]
    return pairs[~same if arm["answers"] == "other" else same]


def _write_prompts(
    cells: pd.DataFrame, texts: pd.DataFrame, frames: dict[str, Template]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    table = cells.merge(pd.DataFrame({"order": ["AB", "BA"]}), how="cross")
    questions = [
        _question(frame, probe, text, order)
        for frame in frames.values()
        for probe, text in texts.iterrows()
        for order in ("AB", "BA")
    ]
    table = table.merge(pd.DataFrame(questions), on=["template", "probe", "order"])
    table["prompt"] = _identify(table)
    premises = table.assign(
        shown="[]", asked="", labels="[]", demonstrations="", options=table["options"].map(_in_order)
    )
    table["premise"] = premises["prompt"] = _identify(premises)
    prompts = pd.concat([table, premises.assign(premise="")])[["prompt", *CONTENT, "premise", "demonstrations"]]
    prompts = prompts.drop_duplicates(["prompt", *CONTENT]).sort_values("prompt")
    return table.sort_values([*CELL, "order"])[list(Design.to_schema().columns)], prompts


def _question(frame: Template, probe: str, text: pd.Series, order: str) -> dict[str, object]:
    options = _options(text, order)
    return {
        "template": frame.name,
        "probe": probe,
        "order": order,
        "system": frame.system,
        "asked": frame.ask(text["statement"], *options),
        "cue": frame.cue,
        "options": json.dumps(options, ensure_ascii=False),
        "labels": json.dumps(frame.labels or [], ensure_ascii=False),
    }


def _in_order(options: str) -> str:
    """A premise shows no options, so it is the same whichever comes first."""
    return json.dumps(sorted(json.loads(options)), ensure_ascii=False)


def _identify(table: pd.DataFrame) -> list[str]:
    """Ids of prompts: hashes of their content."""
    rows = list(table[CONTENT].itertuples(index=False, name=None))
    ids = {row: hashlib.sha256("\x1f".join(row).encode()).hexdigest()[:16] for row in set(rows)}
    return [ids[row] for row in rows]


@click.command()
@click.argument("rankings", type=readable, nargs=-1)
@click.option("--arms", type=Json(), required=True, help="Settings of the arms, by name (JSON).")
@click.option("--countries", type=Words(), required=True, help="Countries of the language.")
@click.option("--frames", type=Words(), required=True, help="Frames of the prompt, by name.")
@click.option("--bank", type=readable, required=True, help="Probe bank (CSV).")
@click.option("--texts", type=readable, required=True, help="Wording of the probes in this language (CSV).")
@click.option("--templates", type=readable, required=True, help="Frames of the prompt in this language (YAML).")
@click.option("--poles", type=readable, required=True, help="What the countries' people answer (Parquet).")
@click.option("--design", type=writable, required=True, help="Cells of the experiment (Parquet).")
@click.option("--prompts", type=writable, required=True, help="Distinct prompts (Parquet).")
def command(
    rankings: tuple[Path, ...],
    arms: dict[str, dict[str, Any]],
    countries: list[str],
    frames: list[str],
    bank: Path,
    texts: Path,
    templates: Path,
    poles: Path,
    design: Path,
    prompts: Path,
) -> None:
    """Lay out the cells of the experiment in one language, and write the distinct prompts that they need.

    RANKINGS are the rankings of the strategies that the arms use, named STRATEGY.parquet.
    """
    cells, distinct = lay_out(
        arms,
        countries,
        read_table(poles, Poles),
        {path.stem: read_table(path, Ranking) for path in rankings},
        read_texts(texts, read_bank(bank)),
        [read_template(templates, name) for name in frames],
    )
    write_table(cells, design, Design)
    write_table(distinct, prompts, Prompts)
    asked = int((distinct["premise"] != "").sum())
    click.echo(f"{len(cells)} cells, {asked} distinct prompts, {len(distinct) - asked} premises", err=True)
