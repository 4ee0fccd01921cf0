"""Step infer: the log-probabilities that one model gives to the labels and options of each prompt of one language."""

import json
import resource
import sys
from collections.abc import Collection, Mapping
from itertools import islice
from pathlib import Path

import click
import numpy as np
import pandas as pd
import torch
import transformers
from tqdm import tqdm
from transformers import AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from selfalign.inference import engine
from selfalign.inference.chat import DATE
from selfalign.inference.check import check_during, check_engine, check_first_layers, check_replies
from selfalign.inference.devices import ATTENTIONS, find_devices, lease, load_model, require_decoder
from selfalign.inference.generate import LONGEST, reply
from selfalign.inference.greedy import Plan, add_replies, entry_of, plan_replies
from selfalign.inference.ledger import Entry, Ledger, Run, fingerprint
from selfalign.inference.messages import SHOWN, place_demonstrations
from selfalign.inference.openings import log_p_open
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
                Entry(prompt.key, prompt.prompt, prompt.text, len(prompt.tokens), _keep(prompt, scores))
                for prompt, scores in batch.answers
            ]
            run.record(entries, tokens=batch.tokens, peak_memory=measure_memory(model))
            progress.update(len(entries))
    click.echo(f"peak memory {measure_memory(model) / 1e9:.2f} GB", err=True)


def _keep(prompt: Rendered, scores: tuple[float, ...]) -> dict[str, list[float]]:
    """What the ledger keeps: the log-probabilities of the answers, and of the openings of all options."""
    count = len(prompt.answers)
    return {"log_p": list(scores[:count]), "open": list(scores[count:])}


def answer_in_words(
    model: PreTrainedModel,
    plan: Plan,
    tokenizer: PreTrainedTokenizerBase,
    kind: str,
    row_tokens: int,
    answered: Collection[str],
    run: Run,
) -> None:
    """Let the model reply to the prompts whose reply the ledger lacks, and record each batch at once."""
    missing, keys = plan.missing(answered), {prompt.key: key for key, prompt in plan.prompts.items()}
    if kind == "packed":
        run.note_difference(check_engine(model, [plan.prompts[key] for key in missing], row_tokens))
    prompts, how = list(plan.prompts.values()), (plan.stops, plan.new_tokens, row_tokens, kind, plan.done(answered))
    initial = len(prompts) - len(missing)
    with tqdm(total=len(prompts), initial=initial, unit="reply", mininterval=5, desc="reply") as progress:
        batches = reply(model, prompts, *how)
        checked = (
            check_replies(model, batches, plan.stops) if kind == "packed" else ((batch, None) for batch in batches)
        )
        for batch, difference in checked:
            if difference is not None:
                run.note_difference(difference)
            entries = [entry_of(one, keys[one.prompt.key], tokenizer) for one in batch.replies]
            run.record(entries, tokens=batch.tokens, peak_memory=measure_memory(model))
            progress.update(len(entries))


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
    columns = ["prompt", "place", "tokens", "answer_tokens", "label", "option", "open"]
    rows = [
        row
        for prompt, options in zip(rendered, prompts["options"].map(json.loads), strict=True)
        for row in _read_entry(prompt, len(options), answered[prompt.key].scores)
    ]
    table = list_options(prompts).merge(pd.DataFrame(rows, columns=columns), on=["prompt", "place"])
    answers = read_out(table.assign(fingerprint=mark, text="", samples=pd.NA, standard_error=np.nan))
    texts = {prompt.prompt: prompt.text for prompt in rendered}  # joined last: they take most of the memory
    return answers.assign(text=[texts[prompt] for prompt in answers["prompt"]])


def _read_entry(prompt: Rendered, options: int, scores: Mapping[str, list[float]]) -> list[tuple[object, ...]]:
    """A row of `collect` for each option of a prompt. The answers of labels, if any, come before those of options."""
    log_p, given = scores["log_p"], iter(scores["open"])
    labels = log_p[:-options] or [np.nan] * options
    lengths = [len(answer) for answer in prompt.answers[-options:]]
    opens = log_p_open(prompt.openings, [list(islice(given, len(openings))) for openings in prompt.openings])
    opens = np.maximum(opens, log_p[-options:])  # an option is one of the replies that begin with its words
    both = zip(lengths, labels, log_p[-options:], opens, strict=True)
    return [(prompt.prompt, place, len(prompt.tokens), *rest) for place, rest in enumerate(both, start=1)]


@click.command()
@click.option("--prompts", type=readable, required=True, help="Distinct prompts (Parquet).")
@click.option("--card", type=readable, required=True, help="Card of the model (JSON).")
@click.option("--weights", type=click.Path(path_type=Path), required=True, help="Folder of the model.")
@click.option("--format", "form", type=click.Choice(FORMATS), required=True, help="How a prompt becomes text.")
@click.option("--template", type=Json(), default="{}", help="What the chat template gets besides messages (JSON).")
@click.option("--language", default="", help="Language of the prompts (ISO 639-1): its letters and full stops.")
@click.option("--dtype", type=click.Choice(DTYPES), required=True, help="Number format of weights and activations.")
@click.option("--device", required=True, help="cpu, cuda, cuda:1, mps, or auto: a GPU where there is one.")
@click.option("--gpus", type=click.IntRange(min=1), default=1, help="GPUs to hold, where it runs on GPUs.")
@click.option("--attention", type=click.Choice(ATTENTIONS), default="sdpa", help="How attention is computed.")
@click.option("--engine", "kind", type=click.Choice(engine.ENGINES), required=True, help="How prompts are computed.")
@click.option("--row-tokens", type=click.IntRange(min=1), required=True, help="Distinct tokens per forward pass.")
@click.option("--shown", type=click.Choice(SHOWN), default="turns", help="Where demonstrations are in a chat.")
@click.option(
    "--reply", "new_tokens", type=click.IntRange(0, LONGEST), default=0, help="Most tokens of a reply; 0: no replies."
)
@click.option("--threads", type=click.IntRange(min=1), required=True, help="CPU threads.")
@click.option("--ledger", "ledger_path", type=writable, required=True, help="Ledger of answers (SQLite), kept.")
@click.option("--output", type=writable, required=True, help="Answers (Parquet).")
def command(
    prompts: Path,
    card: Path,
    weights: Path,
    form: str,
    template: dict[str, object],
    language: str,
    dtype: str,
    device: str,
    gpus: int,
    attention: str,
    kind: str,
    row_tokens: int,
    shown: str,
    new_tokens: int,
    threads: int,
    ledger_path: Path,
    output: Path,
) -> None:
    """Answer the prompts that the ledger lacks, and write the answers to all of them."""
    torch.set_num_threads(threads)
    transformers.utils.logging.disable_progress_bar()
    where = find_devices(device)[0].type
    table = place_demonstrations(read_table(prompts, Prompts), shown, form)
    about = json.loads(card.read_text(encoding="utf-8"))
    template = {"date": DATE} | template
    how = {
        "format": form,
        "dtype": dtype,
        "device": where,
        "engine": kind,
        "attention": attention,
        "template": template,
        "shown": shown,
    }
    facts = gather_facts(about, how)
    mark = fingerprint(facts)
    with Ledger(ledger_path) as ledger:
        speech = Speech(load_tokenizer(weights), form, template, language)
        rendered = render(table, speech, about["context_length"])
        plan = plan_replies(table, rendered, speech, weights, new_tokens, about["context_length"])
        keys, answered = {prompt.key for prompt in rendered}, set(ledger.answered(mark, texts=False))
        done, unsaid = keys & answered, plan.missing(answered)
        click.echo(f"{len(keys)} prompts: {len(keys) - len(done)} to answer, {len(done)} in the ledger", err=True)
        if new_tokens:
            said = len(plan.prompts) - len(unsaid)
            click.echo(f"{len(plan.prompts)} replies: {len(unsaid)} to give, {said} in the ledger", err=True)
        if keys - done or unsaid:
            versions = {"torch": torch.__version__, "transformers": transformers.__version__}
            with (
                lease(device, gpus, str(weights)) as places,
                ledger.run(facts, device=", ".join(map(str, places)), threads=threads, versions=versions) as run,
            ):
                missing = [prompt for prompt in rendered if prompt.key not in done]
                missing += [plan.prompts[key] for key in unsaid]
                if kind == "packed" and dtype != "float32":
                    layers, delta = check_first_layers(weights, places[0], attention, missing, row_tokens)
                    click.echo(f"its first {layers} layers, in float32: {delta:.1e} nats from the naive one", err=True)
                model = load_model(weights, dtype, places, attention)
                if keys - done:
                    answer(model, rendered, kind, row_tokens, done, run)
                if unsaid:
                    answer_in_words(model, plan, speech.tokenizer, kind, row_tokens, answered, run)
        recorded = ledger.answered(mark, texts=False)
        answers = add_replies(collect(table, rendered, recorded, mark), table, plan, recorded, language)
        write_table(answers, output, Answers)
