"""A question with a known answer: the test probe and its answer are among the demonstrations.

A model that reads its demonstrations then agrees with the country nearly always, and nearly never if the answers are
inverted. If it does not, no other result about this model can be trusted. All tables are made by steps of the workflow.
docs/planted_readers.md has the results.

    python benchmarks/known_answers.py [NAME=FOLDER ...] [--probes 60] [--frames words,letters]
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import click
import pandas as pd
from engines.workloads import COUNTRIES, RESOURCES, choose_probes, read_poles
from inference import DEFAULT, default_model
from selfalign.demonstrations.measure_similarity import chrf_similarity, list_pairs
from selfalign.demonstrations.rank_demonstrations import pair_probes, rank
from selfalign.demonstrations.schemas import Ranking
from selfalign.probes.bank import read_bank, read_texts
from selfalign.probes.schemas import Poles
from selfalign.tables import write_table
from transformers import AutoTokenizer

ARMS = {"zero_shot": {"shots": 0}} | {
    f"itself_{answers}": {"shots": 5, "strategy": "itself", "seeds": [1], "answers": answers, "exclude": []}
    for answers in ("own", "inverted")
}
READOUTS = {"words": "option", "letters": "label"}


def rank_itself(bank: pd.DataFrame, texts: pd.DataFrame) -> pd.DataFrame:
    """A `Ranking` table by chrF++ in which each test probe is its own third candidate, so not the last thing read."""
    ranked = rank(pair_probes(bank, list_pairs(chrf_similarity(texts))), "chrf", [])
    itself = pd.DataFrame({"probe": bank["probe"], "candidate": bank["probe"], "rank": 2.5, "similarity": 100.0})
    itself = itself.assign(seed=0, sibling=True, same_battery=True, same_category=True)
    table = pd.concat([ranked, itself]).sort_values(["probe", "rank"])
    table["rank"] = table.groupby("probe").cumcount() + 1
    return table[Ranking.names()]


def run(*arguments: object) -> None:
    """A step of the workflow."""
    subprocess.run([sys.executable, "-m", "selfalign", *map(str, arguments)], check=True, stderr=subprocess.DEVNULL)


def measure(weights: Path, frames: list[str], probes: int, country: str, folder: Path) -> pd.DataFrame:
    """Mean agreement, and its number of probes, of each arm and frame."""
    bank_file, texts_file = RESOURCES / "probes" / "probes.csv", RESOURCES / "probes" / "texts" / "en.csv"
    bank = read_bank(bank_file)
    texts, poles = read_texts(texts_file, bank), read_poles(bank)
    asked = choose_probes(bank, poles)[1]
    asked = [asked[place * len(asked) // probes] for place in range(min(probes, len(asked)))]
    write_table(rank_itself(bank, texts), folder / "itself.parquet", Ranking)
    write_table(poles[(poles["country"] == country)], folder / "poles.parquet", Poles)
    few = poles[(poles["country"] == country) & poles["probe"].isin(asked)]
    design, prompts, answers = (folder / f"{name}.parquet" for name in ("design", "prompts", "answers"))
    files = [f"--texts=en={texts_file}", f"--templates=en={RESOURCES / 'templates' / 'en.yaml'}"]
    what = ["--language", "en", "--arms", json.dumps(ARMS), "--countries", country, "--frames", " ".join(frames)]
    tables = ["--poles", folder / "poles.parquet", "--design", design, "--prompts", prompts]
    run("design-prompts", folder / "itself.parquet", *what, "--bank", bank_file, *files, *tables)
    keep_asked(design, prompts, set(few["probe"]))
    form = "chat" if AutoTokenizer.from_pretrained(weights, local_files_only=True).chat_template else "plain"
    model = ["--card", weights.parent / "model.json", "--weights", weights, "--format", form, "--dtype", "float32"]
    how = ["--device", "cpu", "--engine", "packed", "--row-tokens", 2048, "--threads", 2]
    run("infer", "--prompts", prompts, *model, *how, "--ledger", folder / "ledger.sqlite", "--output", answers)
    names = ["--model", "known", "--language", "en", "--readouts", json.dumps(READOUTS)]
    outputs = ["--rule", "half", "--unanswered", folder / "unanswered.csv", "--output", folder / "scores.parquet"]
    inputs = ["--design", design, "--answers", answers, "--poles", folder / "poles.parquet", "--bank", bank_file]
    run("score-answers", *names, *inputs, *outputs)
    scores = pd.read_parquet(folder / "scores.parquet")
    return scores.groupby(["template", "arm"])["agreement"].agg(["mean", "size"])


def keep_asked(design: Path, prompts: Path, asked: set[str]) -> None:
    """Cut a design, and its prompts, down to some test probes; the others are shown, and not asked."""
    cells, words = pd.read_parquet(design), pd.read_parquet(prompts)
    cells = cells[cells["probe"].isin(asked)]
    used = words[words["prompt"].isin(cells["prompt"])]
    cells.to_parquet(design)
    words[words["prompt"].isin({*used["prompt"], *used["premise"]})].to_parquet(prompts)


@click.command()
@click.argument("models", nargs=-1, metavar="[NAME=FOLDER]...")
@click.option("--probes", default=60, show_default=True, help="Test probes, at most.")
@click.option("--frames", default="words,letters", show_default=True, help="Frames of the prompt.")
@click.option("--country", default="DEU", show_default=True, type=click.Choice(COUNTRIES), help="Whose answers.")
def main(models: tuple[str, ...], probes: int, frames: str, country: str) -> None:
    """Print the agreement of each model and frame: without demonstrations, with the answer, and with its opposite."""
    folders = dict(model.split("=", 1) for model in models) or {DEFAULT: str(default_model())}
    print("| model | frame | zero-shot | itself, answered | itself, inverted | probes |\n|---|---|---|---|---|---|")
    for name, weights in folders.items():
        with tempfile.TemporaryDirectory() as folder:
            found = measure(Path(weights), frames.split(","), probes, country, Path(folder))
        for frame in frames.split(","):
            rows = found.loc[frame]
            shares = [f"{rows.loc[arm, 'mean']:.0%}" for arm in ARMS]
            print(f"| {name} | {frame} | {' | '.join(shares)} | {rows['size'].iloc[0]} |", flush=True)


if __name__ == "__main__":
    main()
