"""Step infer: the log-probabilities that one model gives to the labels and options of each prompt of one language."""

import json
import resource
import sys
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import click
import torch
import transformers
from tqdm import tqdm
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from selfalign.inference.choices import ATTENTIONS, DTYPES, ENGINES, FORMATS, LONGEST_REPLY, SHOWN
from selfalign.inference.local.check import check_during, check_engine, check_first_layers, check_replies
from selfalign.inference.local.collect import collect, entry_of_scores
from selfalign.inference.local.devices import find_devices, kind_of, lease, load_model, read_model_config
from selfalign.inference.local.engine import Batch, score
from selfalign.inference.local.generate import ReplyBatch, reply
from selfalign.inference.local.greedy import ReplyPlan, add_replies, entry_of_reply, plan_replies
from selfalign.inference.local.render import PromptFormat, Rendered, render
from selfalign.inference.local.setup import Setup, fill_date
from selfalign.inference.messages import place_demonstrations
from selfalign.inference.schemas import Answers
from selfalign.ledger.rows import Entry, fingerprint_of
from selfalign.ledger.storage import JobRecord, Ledger
from selfalign.models.tokenizer_files import load_exact_tokenizer
from selfalign.options import Json, readable, writable
from selfalign.prompts.schemas import Prompts
from selfalign.tables import read_table, write_table


def load_tokenizer(weights: Path) -> PreTrainedTokenizerBase:
    """Tokenizer of a local folder of a model that continues text.

    Raises:
        InputError: the model is an encoder-decoder.
    """
    read_model_config(weights)
    return load_exact_tokenizer(weights)


AnyBatch = TypeVar("AnyBatch", Batch, ReplyBatch)


@dataclass(frozen=True)
class Work:
    """The prompts of a job, and which of them it has to compute.

    Attributes:
        prompts: as the model reads them.
        replies: which of them get a reply.
        answered: keys of the answers and replies that the ledger has.
    """

    prompts: list[Rendered]
    replies: ReplyPlan
    answered: set[str]

    @cached_property
    def keys(self) -> set[str]:
        """Keys of the prompts; prompts of the same tokens share one."""
        return {prompt.key for prompt in self.prompts}

    @cached_property
    def done(self) -> set[str]:
        """Keys of the prompts whose answer the ledger has."""
        return self.keys & self.answered

    @cached_property
    def unsaid(self) -> set[str]:
        """Keys of the replies that the ledger lacks."""
        return self.replies.missing(self.answered)

    @cached_property
    def missing(self) -> list[Rendered]:
        """The prompts without an answer, then those without a reply."""
        unanswered = [prompt for prompt in self.prompts if prompt.key not in self.done]
        return unanswered + [self.replies.prompts[key] for key in self.unsaid]

    def describe(self) -> Iterator[str]:
        """How many answers and replies there are to compute, a line each."""
        done, unsaid, replies = len(self.done), len(self.unsaid), len(self.replies.prompts)
        yield f"{len(self.keys)} prompts: {len(self.keys) - done} to answer, {done} in the ledger"
        if self.replies.new_tokens:
            yield f"{replies} replies: {unsaid} to give, {replies - unsaid} in the ledger"


def compute(
    work: Work, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, engine: str, row_tokens: int, run: JobRecord
) -> None:
    """Compute the answers and the replies that the ledger lacks."""
    if work.keys - work.done:
        answer(model, work.prompts, engine, row_tokens, work.done, run)
    if work.unsaid:
        answer_in_words(model, work.replies, tokenizer, engine, row_tokens, work.answered, run)


def answer(
    model: PreTrainedModel, prompts: list[Rendered], engine: str, row_tokens: int, done: set[str], run: JobRecord
) -> None:
    """Answer the prompts that are not done, and record each batch when it is computed."""
    distinct = list({prompt.key: prompt for prompt in prompts}.values())
    if engine == "packed":
        delta = check_engine(model, [prompt for prompt in distinct if prompt.key not in done], row_tokens)
        run.note_difference(delta)
        click.echo(f"the packed engine is {delta:.1e} nats from the naive one", err=True)
    with tqdm(total=len(distinct), initial=len(done), unit="prompt", mininterval=5, desc="infer") as progress:
        batches = score(model, distinct, engine, row_tokens, done)
        checked = check_during(model, batches) if engine == "packed" else _unchecked(batches)
        _record(checked, _list_answers, model, run, progress)
    click.echo(f"peak memory {measure_memory(model) / 1e9:.2f} GB", err=True)


def _list_answers(batch: Batch) -> list[Entry]:
    return [entry_of_scores(prompt, scores) for prompt, scores in batch.answers]


def answer_in_words(
    model: PreTrainedModel,
    plan: ReplyPlan,
    tokenizer: PreTrainedTokenizerBase,
    engine: str,
    row_tokens: int,
    answered: Collection[str],
    run: JobRecord,
) -> None:
    """Compute the replies that the ledger lacks, and record each batch when it is computed."""
    missing, keys = plan.missing(answered), {prompt.key: key for key, prompt in plan.prompts.items()}
    if engine == "packed":
        run.note_difference(check_engine(model, [plan.prompts[key] for key in missing], row_tokens))
    prompts = list(plan.prompts.values())
    initial = len(prompts) - len(missing)
    with tqdm(total=len(prompts), initial=initial, unit="reply", mininterval=5, desc="reply") as progress:
        batches = reply(model, prompts, plan.stops, plan.new_tokens, row_tokens, engine, plan.done(answered))
        checked = check_replies(model, batches, plan.stops) if engine == "packed" else _unchecked(batches)

        def list_replies(batch: ReplyBatch) -> list[Entry]:
            return [entry_of_reply(one, keys[one.prompt.key], tokenizer) for one in batch.replies]

        _record(checked, list_replies, model, run, progress)


def _unchecked(batches: Iterable[AnyBatch]) -> Iterator[tuple[AnyBatch, None]]:
    """The batches of the naive engine, which is the reference of all checks."""
    return ((batch, None) for batch in batches)


def _record(
    checked: Iterable[tuple[AnyBatch, float | None]],
    list_entries: Callable[[AnyBatch], list[Entry]],
    model: PreTrainedModel,
    run: JobRecord,
    progress: "tqdm[Any]",
) -> None:
    """Record each batch when it is computed.

    Args:
        checked: batches, each with its difference from the naive engine if it was compared.
        list_entries: makes entries of the ledger of a batch.
        model: that computes them.
        run: the record of the job.
        progress: counts entries.
    """
    for batch, difference in checked:
        if difference is not None:
            run.note_difference(difference)
        entries = list_entries(batch)
        run.record(entries, tokens=batch.tokens, peak_memory=measure_memory(model))
        progress.update(len(entries))


def measure_memory(model: PreTrainedModel) -> int:
    """Peak memory of this job until now, in bytes: of its GPUs if it has any, otherwise of the process."""
    places = {parameter.device for parameter in model.parameters() if parameter.device.type == "cuda"}
    if places:
        return sum(torch.cuda.max_memory_allocated(place) for place in places)
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


@click.command()
@click.option("--prompts", type=readable, required=True, help="Distinct prompts (Parquet).")
@click.option("--card", type=readable, required=True, help="Card of the model (JSON).")
@click.option("--weights", type=click.Path(path_type=Path), required=True, help="Folder of the model.")
@click.option("--format", "form", type=click.Choice(FORMATS), required=True, help="How a prompt becomes text.")
@click.option("--template", type=Json(dict[str, object]), default="{}", help="Variables for the chat template (JSON).")
@click.option("--language", default="", help="Language of the prompts (ISO 639-1): its letters and full stops.")
@click.option("--dtype", type=click.Choice(DTYPES), required=True, help="Number format of weights and activations.")
@click.option("--device", required=True, help="cpu, cuda, cuda:1, mps, or auto: a GPU where there is one.")
@click.option("--gpus", type=click.IntRange(min=1), default=1, help="Number of GPUs to hold.")
@click.option("--attention", type=click.Choice(ATTENTIONS), default="sdpa", help="How attention is computed.")
@click.option("--engine", type=click.Choice(ENGINES), required=True, help="How prompts are computed.")
@click.option("--row-tokens", type=click.IntRange(min=1), required=True, help="Distinct tokens per forward pass.")
@click.option("--shown", type=click.Choice(SHOWN), default="turns", help="Place of the demonstrations in a chat.")
@click.option(
    "--reply",
    "new_tokens",
    type=click.IntRange(0, LONGEST_REPLY),
    default=0,
    help="Largest number of tokens of a reply; 0: no replies.",
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
    engine: str,
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
    where = kind_of(device)
    setup = Setup(form, dtype, engine, attention, template, shown)
    table = place_demonstrations(read_table(prompts, Prompts), shown, form)
    about = json.loads(card.read_text(encoding="utf-8"))
    facts = setup.facts(about, where)
    fingerprint = fingerprint_of(facts)
    with Ledger(ledger_path) as ledger:
        prompt_format = PromptFormat(load_tokenizer(weights), form, fill_date(template), language)
        rendered = render(table, prompt_format, about["context_length"])
        plan = plan_replies(table, rendered, prompt_format, weights, new_tokens, about["context_length"])
        work = Work(rendered, plan, set(ledger.answered(fingerprint, texts=False)))
        if work.missing:
            find_devices(device)  # refuses an unknown device before anything is reported
        for line in work.describe():
            click.echo(line, err=True)
        if work.missing:
            versions = {"torch": torch.__version__, "transformers": transformers.__version__}
            with (
                lease(device, gpus, str(weights)) as places,
                ledger.run(facts, device=", ".join(map(str, places)), threads=threads, versions=versions) as run,
            ):
                if engine == "packed" and dtype != "float32":
                    layers, delta = check_first_layers(weights, places[0], attention, work.missing, row_tokens)
                    click.echo(f"its first {layers} layers, in float32: {delta:.1e} nats from the naive one", err=True)
                model = load_model(weights, dtype, places, attention)
                compute(work, model, prompt_format.tokenizer, engine, row_tokens, run)
        recorded = ledger.answered(fingerprint, texts=False)
        answers = collect(table, rendered, recorded, fingerprint)
        answers = add_replies(answers, table, plan, recorded, language, prompt_format.tokenizer)
        write_table(answers, output, Answers)
