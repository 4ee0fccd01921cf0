"""Prepare the study with test probes from Pew (config/study_pew.yaml): its table of opinions, and its reviewed probes.

    python tools/pew.py opinions ROWS.json resources/survey/private/global_opinions.csv
    python tools/pew.py review results/study_pew/probes/draft.csv resources/survey/private/pew.csv

The first command is needed only for a copy of GlobalOpinionQA that has a row per country and question. The second one
adds the review in `resources/probes/pew_review.csv` to the workflow's draft. The review has no texts of the survey,
whose licence is CC BY-NC-SA 4.0; the draft has them.
"""

import json
import re
from pathlib import Path

import click
import pandas as pd
from selfalign.errors import exit_on_mistake
from selfalign.options import readable, writable

ROOT = Path(__file__).resolve().parent.parent
REVIEW = ROOT / "resources" / "probes" / "pew_review.csv"

_OF_WVS = re.compile(r"EVS|no answer|not asked|missing|don.t -9", re.IGNORECASE)
"""Missing answers that only the World Values Survey names so; the rows do not say whose questions they are."""


def join_rows(rows: list[dict]) -> pd.DataFrame:
    """Questions with the shares of all countries: columns question, selections, options, source.

    Args:
        rows: each with country, question, options and distribution (a share per option).
    """
    shares: dict[tuple[str, tuple[str, ...]], dict[str, list[float]]] = {}
    for row in rows:
        options = tuple(str(option) for option in row["options"])
        shares.setdefault((row["question"], options), {})[row["country"]] = row["distribution"]
    return pd.DataFrame(
        {
            "question": question,
            "selections": repr(of_countries),
            "options": repr(list(options)),
            "source": "WVS" if any(map(_OF_WVS.search, options)) else "GAS",
        }
        for (question, options), of_countries in shares.items()
    )


def review(draft: pd.DataFrame, reviewed: pd.DataFrame) -> pd.DataFrame:
    """The rows of a draft that were reviewed and kept, with their siblings, batteries and categories.

    Args:
        draft: the workflow's `DraftedProbes` table, as text.
        reviewed: columns question, siblings, category, battery, value, keep (yes, or why not).
    """
    kept = reviewed[reviewed["keep"] == "yes"].set_index("question")
    table = draft[draft["question"].isin(kept.index)]
    facts = kept.loc[table["question"]].reset_index(drop=True).set_axis(table.index)
    siblings = facts["siblings"].where(facts["siblings"] != "", table["question"])
    return table.assign(
        siblings=siblings,
        category=facts["category"],
        battery=facts["battery"],
        status="reviewed",
        note_value=facts["value"],
    )


def read_text(path: Path) -> pd.DataFrame:
    """A CSV whose cells are text."""
    return pd.read_csv(path, dtype=str, keep_default_na=False)


@click.group(help=__doc__)
def program() -> None:
    """See the module."""


@program.command("opinions")
@click.argument("rows", type=readable)
@click.argument("output", type=writable)
def write_opinions(rows: Path, output: Path) -> None:
    """Write the table of opinions."""
    table = join_rows(json.loads(rows.read_text(encoding="utf-8")))
    table.to_csv(output, index=False, lineterminator="\n")
    click.echo(f"{len(table)} questions in {output}", err=True)


@program.command("review")
@click.argument("draft", type=readable)
@click.argument("output", type=writable)
@click.option("--only", type=click.Choice(["values"]), help="Leave out questions about states, leaders and events.")
def write_review(draft: Path, output: Path, only: str | None) -> None:
    """Write the reviewed test probes."""
    table = review(read_text(draft), read_text(REVIEW))
    if only:
        table = table[table["note_value"] == "yes"]
    table.to_csv(output, index=False, lineterminator="\n")
    click.echo(f"{len(table)} test probes in {output}", err=True)


if __name__ == "__main__":
    with exit_on_mistake():
        program()
