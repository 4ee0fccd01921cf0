"""Step infer: the log-probabilities that one model gives to the two answers to each prompt of one language."""

import hashlib
import json
from pathlib import Path

import click
import numpy as np
import pandas as pd
import torch
from tqdm import tqdm
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel
from transformers.utils import logging

from selfalign.errors import InputError
from selfalign.inference import engine
from selfalign.inference.ledger import Ledger
from selfalign.inference.render import FORMATS, Rendered, render
from selfalign.inference.tables import Answers
from selfalign.options import readable, writable
from selfalign.prompts.tables import Prompts
from selfalign.tables import read_table, write_table

DTYPES = ("float32", "bfloat16", "float16")
_CHECKED = 2
_TOLERANCE = {"float32": 1e-3, "bfloat16": 0.5, "float16": 0.1}


def fingerprint(card: dict[str, object], form: str, dtype: str, device: str, kind: str) -> str:
    """Hash of all that decides an answer beside the prompt: 16 hexadecimal digits."""
    facts = {key: value for key, value in card.items() if key.endswith("_sha256")}
    facts |= {"format": form, "dtype": dtype, "device": device, "engine": kind, "version": engine.VERSION}
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def find_device(device: str) -> str:
    """The device of a setting: `auto` is a GPU where there is one, else the CPU.

    Raises:
        InputError: this machine has no such device.
    """
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).partition("\n")[0]
        raise InputError("--device", f"PyTorch cannot use it here ({reason})", "Use auto", value=device) from None
    return device


def load_model(weights: Path, dtype: str, device: str) -> PreTrainedModel:
    """Causal language model of a local folder of safetensors, ready for inference."""
    model = AutoModelForCausalLM.from_pretrained(
        weights, dtype=getattr(torch, dtype), use_safetensors=True, local_files_only=True, trust_remote_code=False
    )
    return model.eval().to(device)


def check_engine(model: PreTrainedModel, prompts: list[Rendered], dtype: str) -> None:
    """Compare the packed engine with the naive one on a few prompts of this very job.

    Raises:
        InputError: they differ by more than rounding: the model needs the naive engine.
    """
    longest = sorted(prompts, key=lambda prompt: len(prompt.tokens))[-_CHECKED:]
    some = longest + sorted(prompts, key=lambda prompt: prompt.tokens)[:: max(1, len(prompts) // _CHECKED)]
    delta = np.abs(np.subtract(engine.score_packed(model, some), engine.score_naive(model, some))).max()
    if not delta <= _TOLERANCE[dtype]:
        raise InputError(
            model.name_or_path,
            f"the packed engine is {delta:.3g} nats from the naive one",
            "Set engine: naive for this model",
        )


def answer(
    model: PreTrainedModel, prompts: list[Rendered], kind: str, budget: int, ledger: Ledger, mark: str, dtype: str
) -> None:
    """Answer the prompts that the ledger lacks, row by row, and record each row at once."""
    done = set(ledger.answered(mark))
    missing = [prompt for prompt in prompts if prompt.prompt not in done]
    if kind == "packed":
        check_engine(model, missing, dtype)
    score = engine.score_packed if kind == "packed" else engine.score_naive
    with tqdm(total=len(missing), unit="prompt", mininterval=5, desc="infer") as progress:
        # Rows are planned over all prompts, answered or not, so that a resumed job computes what it would have.
        for row in engine.plan_rows(prompts, budget):
            new = [prompt for prompt in row if prompt.prompt not in done]
            if new:
                scores = score(model, new)
                ledger.record(mark, [(p.prompt, p.text, len(p.tokens), *s) for p, s in zip(new, scores, strict=True)])
                progress.update(len(new))


def collect(prompts: pd.DataFrame, ledger: Ledger, mark: str) -> pd.DataFrame:
    """Answers of a language's prompts, cut from the ledger: an `Answers` table in the order of `prompts`."""
    answered = ledger.answered(mark)
    table = pd.DataFrame(
        [answered[prompt] for prompt in prompts["prompt"]],
        columns=["prompt", "text", "tokens", "log_p_first", "log_p_second"],
    )
    table.insert(1, "fingerprint", mark)
    inside = np.exp(table["log_p_first"]) + np.exp(table["log_p_second"])
    return table.assign(mass_outside=(1 - inside).clip(lower=0))


@click.command()
@click.option("--prompts", type=readable, required=True, help="Distinct prompts (Parquet).")
@click.option("--card", type=readable, required=True, help="Card of the model (JSON).")
@click.option("--weights", type=click.Path(path_type=Path), required=True, help="Folder of the model.")
@click.option("--format", "form", type=click.Choice(FORMATS), required=True, help="How a prompt becomes text.")
@click.option("--dtype", type=click.Choice(DTYPES), required=True, help="Number format of weights and activations.")
@click.option("--device", required=True, help="cpu, cuda, mps, or auto: a GPU where there is one.")
@click.option("--engine", "kind", type=click.Choice(engine.ENGINES), required=True, help="How prompts are computed.")
@click.option("--row-tokens", type=click.IntRange(min=1), required=True, help="Distinct tokens per forward pass.")
@click.option("--threads", type=click.IntRange(min=1), required=True, help="CPU threads.")
@click.option("--ledger", "ledger_path", type=writable, required=True, help="Ledger of answers (SQLite), kept.")
@click.option("--output", type=writable, required=True, help="Answers (Parquet).")
def command(
    prompts: Path,
    card: Path,
    weights: Path,
    form: str,
    dtype: str,
    device: str,
    kind: str,
    row_tokens: int,
    threads: int,
    ledger_path: Path,
    output: Path,
) -> None:
    """Answer the prompts that the ledger lacks, and write the answers to all of them."""
    torch.set_num_threads(threads)
    logging.disable_progress_bar()
    device = find_device(device)
    table, facts = read_table(prompts, Prompts), json.loads(card.read_text(encoding="utf-8"))
    mark = fingerprint(facts, form, dtype, device.partition(":")[0], kind)
    with Ledger(ledger_path) as ledger:
        new = len(set(table["prompt"]) - set(ledger.answered(mark)))
        click.echo(f"{len(table)} prompts: {new} to answer, {len(table) - new} in the ledger", err=True)
        if new:
            tokenizer = AutoTokenizer.from_pretrained(weights, local_files_only=True, trust_remote_code=False)
            rendered = render(table, tokenizer, form, facts["context_length"])
            answer(load_model(weights, dtype, device), rendered, kind, row_tokens, ledger, mark, dtype)
        write_table(collect(table, ledger, mark), output, Answers)
