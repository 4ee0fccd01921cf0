"""Step infer: the log-probabilities that one model gives to the labels and options of each prompt of one language."""

import json
import resource
import sys
from collections.abc import Mapping
from pathlib import Path

import click
import numpy as np
import pandas as pd
import torch
import transformers
from tqdm import tqdm
from transformers import AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from selfalign.inference import engine
from selfalign.inference.check import check_during, check_engine, check_first_layers
from selfalign.inference.devices import ATTENTIONS, find_devices, lease, load_model, require_decoder
from selfalign.inference.ledger import Entry, Ledger, Run, fingerprint
from selfalign.inference.readouts import list_options, read_out
from selfalign.inference.render import FORMATS, Rendered, Speech, render
from selfalign.inference.tables import Answers
from selfalign.options import Json, readable, writable
from selfalign.prompts.tables import Prompts
from selfalign.tables import read_table, write_table

DTYPES = ("float32", "bfloat16", "float16")


def gather_facts(card: Mapping[str, object], how: Mapping[str, object]) -> dict[str, object]:
    """All that decides an answer beside what the model is given: the digests of its files, and how it is computed."""
    return {key: value for key, value in card.items() if key.endswith("_sha256")} | dict(how, version=engine.VERSION)


def load_tokenizer(weights: Path) -> PreTrainedTokenizerBase:
    """Tokenizer of a local folder of a model that continues text.

    Raises:
        InputError: the model is an encoder-decoder.
    """
    require_decoder(weights)
    return AutoTokenizer.from_pretrained(weights, local_files_only=True, trust_remote_code=False)


def answer(
    model: PreTrainedModel, prompts: list[Rendered], kind: str, row_tokens: int, done: set[str], run: Run
) -> None:
    """Answer the prompts that are not done, and record each batch at once."""
    distinct = list({prompt.key: prompt for prompt in prompts}.values())
    if kind == "packed":
        delta = check_engine(model, [prompt for prompt in distinct if prompt.key not in done], row_tokens)
        run.note_difference(delta)
        click.echo(f"the packed engine is {delta:.1e} nats from the naive one", err=True)
    with tqdm(total=len(distinct), initial=len(done), unit="prompt", mininterval=5, desc="infer") as progress:
        batches = engine.score(model, distinct, kind, row_tokens, done)
        checked = check_during(model, batches) if kind == "packed" else ((batch, None) for batch in batches)
        for batch, difference in checked:
            if difference is not None:
                run.note_difference(difference)
            entries = [
                Entry(prompt.key, prompt.prompt, prompt.text, len(prompt.tokens), {"log_p": list(scores)})
                for prompt, scores in batch.answers
            ]
            run.record(entries, tokens=batch.tokens, peak_memory=measure_memory(model))
            progress.update(len(entries))
    click.echo(f"peak memory {measure_memory(model) / 1e9:.2f} GB", err=True)


def measure_memory(model: PreTrainedModel) -> int:
    """Peak memory of this job so far in bytes: of its GPUs where it has any, else of the process."""
    places = {parameter.device for parameter in model.parameters() if parameter.device.type == "cuda"}
    if places:
        return sum(torch.cuda.max_memory_allocated(place) for place in places)
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def collect(prompts: pd.DataFrame, rendered: list[Rendered], answered: Mapping[str, Entry], mark: str) -> pd.DataFrame:
    """Answers of a language's prompts, cut from the ledger: an `Answers` table in the order of `prompts`.

    Args:
        prompts: a `Prompts` table.
        rendered: its prompts as the model got them.
        answered: what the ledger has, by key.
        mark: the fingerprint that it has them under.
    """
    columns = ["prompt", "place", "text", "tokens", "answer_tokens", "label", "option"]
    rows = [
        row
        for prompt, options in zip(rendered, prompts["options"].map(json.loads), strict=True)
        for row in _read_entry(prompt, len(options), answered[prompt.key].scores["log_p"])
    ]
    table = list_options(prompts).merge(pd.DataFrame(rows, columns=columns), on=["prompt", "place"])
    return read_out(table.assign(fingerprint=mark, samples=pd.NA, standard_error=np.nan))


def _read_entry(prompt: Rendered, options: int, log_p: list[float]) -> list[tuple[object, ...]]:
    """A row of `collect` for each option of a prompt: its labels' answers, if any, stand before its options'."""
    labels = log_p[:-options] or [np.nan] * options
    lengths = [len(answer) for answer in prompt.answers[-options:]]
    both = zip(lengths, labels, log_p[-options:], strict=True)
    return [(prompt.prompt, place, prompt.text, len(prompt.tokens), *rest) for place, rest in enumerate(both, start=1)]


@click.command()
@click.option("--prompts", type=readable, required=True, help="Distinct prompts (Parquet).")
@click.option("--card", type=readable, required=True, help="Card of the model (JSON).")
@click.option("--weights", type=click.Path(path_type=Path), required=True, help="Folder of the model.")
@click.option("--format", "form", type=click.Choice(FORMATS), required=True, help="How a prompt becomes text.")
@click.option("--template", type=Json(), default="{}", help="What the chat template is given beside messages (JSON).")
@click.option("--dtype", type=click.Choice(DTYPES), required=True, help="Number format of weights and activations.")
@click.option("--device", required=True, help="cpu, cuda, cuda:1, mps, or auto: a GPU where there is one.")
@click.option("--gpus", type=click.IntRange(min=1), default=1, help="GPUs to hold, where it runs on GPUs.")
@click.option("--attention", type=click.Choice(ATTENTIONS), default="sdpa", help="How attention is computed.")
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
    template: dict[str, object],
    dtype: str,
    device: str,
    gpus: int,
    attention: str,
    kind: str,
    row_tokens: int,
    threads: int,
    ledger_path: Path,
    output: Path,
) -> None:
    """Answer the prompts that the ledger lacks, and write the answers to all of them."""
    torch.set_num_threads(threads)
    transformers.utils.logging.disable_progress_bar()
    where = find_devices(device)[0].type
    table, about = read_table(prompts, Prompts), json.loads(card.read_text(encoding="utf-8"))
    how = {
        "format": form,
        "dtype": dtype,
        "device": where,
        "engine": kind,
        "attention": attention,
        "template": template,
    }
    facts = gather_facts(about, how)
    mark = fingerprint(facts)
    with Ledger(ledger_path) as ledger:
        rendered = render(table, Speech(load_tokenizer(weights), form, template), about["context_length"])
        keys = {prompt.key for prompt in rendered}
        done = keys & set(ledger.answered(mark))
        click.echo(f"{len(keys)} prompts: {len(keys) - len(done)} to answer, {len(done)} in the ledger", err=True)
        if keys - done:
            versions = {"torch": torch.__version__, "transformers": transformers.__version__}
            with (
                lease(device, gpus, str(weights)) as places,
                ledger.run(facts, device=", ".join(map(str, places)), threads=threads, versions=versions) as run,
            ):
                if kind == "packed" and dtype != "float32":
                    missing = [prompt for prompt in rendered if prompt.key not in done]
                    layers, delta = check_first_layers(weights, places[0], attention, missing, row_tokens)
                    click.echo(f"its first {layers} layers, in float32: {delta:.1e} nats from the naive one", err=True)
                answer(load_model(weights, dtype, places, attention), rendered, kind, row_tokens, done, run)
        write_table(collect(table, rendered, ledger.answered(mark), mark), output, Answers)
