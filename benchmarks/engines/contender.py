"""One contender in a process of its own, so that its peak memory is its own: it loads, then scores on request.

    python -m engines.contender NAME SETTINGS.json

It takes orders as lines of JSON and answers each with a line of JSON. All start from the same texts, which they encode
in the same way; each answers with the log-probability (nats) of every continuation.
"""

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

import torch
from selfalign.inference.local import engine, generate
from selfalign.inference.local.render import Rendered
from selfalign.warmup import warm_up
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    GenerationConfig,
    LlamaConfig,
    PreTrainedModel,
)

from engines.parts import measure_parts

Request = tuple[str, str, list[str]]
"""id, text and continuations of a prompt"""
Scores = list[list[float]]

SHAPES = {
    "llama3-8b": LlamaConfig(
        vocab_size=128_256,
        hidden_size=4096,
        intermediate_size=14_336,
        num_hidden_layers=32,
        num_attention_heads=32,
        num_key_value_heads=8,
        max_position_embeddings=8192,
    )
}
"""Models of random weights, for speed alone."""
SQUARE = {"cpu": 4096, "cuda": 8192}
"""Rows of the square matrices whose product tells the rate of matmul."""
WARM_UP = 4
"""Prompts that are scored before time is taken."""


class Contender:
    """What all contenders have: a model, its tokenizer, and a way to encode.

    Args:
        settings: model (folder), shape (one of `SHAPES`, or empty), dtype, device, threads, special (whether the
            tokenizer adds its special tokens), row_tokens (of our engine), cases (requests by the name of the case),
            stops (ids of the tokens that end a reply), new_tokens (the most tokens of a reply).
    """

    def __init__(self, settings: dict) -> None:
        self.settings, self.device = settings, torch.device(settings["device"])
        torch.set_num_threads(settings["threads"])
        warm_up()
        self.tokenizer = AutoTokenizer.from_pretrained(settings["model"], local_files_only=True)
        self.model = self.load()

    def load(self) -> PreTrainedModel:
        """The model of the folder, or one of the shape, with random weights."""
        if self.settings["shape"]:
            torch.manual_seed(1)
            return empty_model(self.settings, self.device).eval()
        options = {"dtype": getattr(torch, self.settings["dtype"]), "use_safetensors": True, "local_files_only": True}
        return AutoModelForCausalLM.from_pretrained(self.settings["model"], **options).eval().to(self.device)

    def encode(self, requests: list[Request]) -> list[Rendered]:
        """Tokens of texts and continuations: each pair is encoded together, and cut where the text alone ends."""
        texts = [text + ending for _, text, continuations in requests for ending in ("", *continuations)]
        encoded = iter(self.tokenizer(texts, add_special_tokens=self.settings["special"]).input_ids)
        found = []
        for name, text, continuations in requests:
            tokens = tuple(next(encoded))
            answers = tuple(tuple(next(encoded)[len(tokens) :]) for _ in continuations)
            found.append(Rendered(name, text, tokens, answers))
        return found

    def score(self, requests: list[Request], batch: int) -> Scores:
        """Log-probabilities of the continuations of each text."""
        raise NotImplementedError

    def time(self, requests: list[Request], batch: int) -> tuple[float, Scores]:
        """Seconds, and scores."""
        self._wait()
        start = time.perf_counter()
        scores = self.score(requests, batch)
        self._wait()
        return time.perf_counter() - start, scores

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)


class Ours(Contender):
    """The engine of this project."""

    kind = "packed"

    def score(self, requests: list[Request], batch: int) -> Scores:
        prompts = self.encode(requests)
        batches = engine.score(self.model, prompts, self.kind, self.settings["row_tokens"])
        answered = {prompt.key: scores for done in batches for prompt, scores in done.answers}
        return [list(answered[prompt.key]) for prompt in prompts]


class Naive(Ours):
    """The reference: a forward pass of batch 1 for each continuation."""

    kind = "naive"


class Padded(Contender):
    """What one writes first: batches padded on the right, in the order given, all logits."""

    @torch.inference_mode()
    def score(self, requests: list[Request], batch: int) -> Scores:
        pairs = [(prompt.tokens, answer) for prompt in self.encode(requests) for answer in prompt.answers]
        flat = []
        for start in range(0, len(pairs), batch):
            some = pairs[start : start + batch]
            rows = [torch.tensor(tokens + answer) for tokens, answer in some]
            ids = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True).to(self.device)
            lengths = torch.tensor([len(row) for row in rows], device=self.device)
            mask = torch.arange(ids.shape[1], device=self.device) < lengths[:, None]
            log_p = self.model(ids, attention_mask=mask.long()).logits.float().log_softmax(-1)
            for row, (tokens, answer) in zip(log_p, some, strict=True):
                places = range(len(tokens) - 1, len(tokens) + len(answer) - 1)
                flat.append(float(row[list(places), list(answer)].sum()))
        return _regroup(flat, requests)


class OurReplies(Contender):
    """The greedy replies of this project: their token ids take the place of scores."""

    def score(self, requests: list[Request], batch: int) -> Scores:
        prompts, settings = self.encode(requests), self.settings
        how = (settings["stops"], settings["new_tokens"], settings["row_tokens"])
        batches = generate.reply(self.model, list({prompt.key: prompt for prompt in prompts}.values()), *how)
        replies = {one.prompt.key: list(one.tokens) for done in batches for one in done.replies}
        return [replies[prompt.key] for prompt in prompts]


class Generate(Contender):
    """A plain loop over `generate` of transformers: batches padded on the left, in the order given."""

    @torch.inference_mode()
    def score(self, requests: list[Request], batch: int) -> Scores:
        prompts, stops, most = self.encode(requests), self.settings["stops"], self.settings["new_tokens"]
        how = GenerationConfig(do_sample=False, max_new_tokens=most, eos_token_id=stops, pad_token_id=stops[0])
        replies = []
        for start in range(0, len(prompts), batch):
            some = [torch.tensor(prompt.tokens) for prompt in prompts[start : start + batch]]
            pad = {"batch_first": True, "padding_side": "left"}
            ids = torch.nn.utils.rnn.pad_sequence(some, padding_value=stops[0], **pad).to(self.device)
            ones = [torch.ones_like(row) for row in some]
            mask = torch.nn.utils.rnn.pad_sequence(ones, **pad).to(self.device)
            given = self.model.generate(ids, attention_mask=mask, generation_config=how)[:, ids.shape[1] :]
            for row in given.tolist():
                end = next((place for place, token in enumerate(row) if token in stops), len(row))
                replies.append(row[:end])
        return replies


class LmEval(Contender):
    """lm-evaluation-harness, its `hf` backend as it ships, around the model as we load it."""

    def __init__(self, settings: dict) -> None:
        from lm_eval.models.huggingface import HFLM

        class Harness(HFLM):
            def _encode_pair(self, context: str, continuation: str) -> tuple[list[int], list[int]]:
                # As in HFLM, but that moves white space at the end of a chat's text into the continuation.
                both, alone = self.tok_encode(context + continuation), self.tok_encode(context)
                return alone, both[len(alone) :]

        super().__init__(settings)
        self.harness = Harness(self.model, tokenizer=self.tokenizer, add_bos_token=settings["special"])

    def score(self, requests: list[Request], batch: int) -> Scores:
        from lm_eval.api.instance import Instance

        self.harness.batch_size_per_gpu = batch
        pairs = [(text, continuation) for _, text, continuations in requests for continuation in continuations]
        instances = [Instance("loglikelihood", {}, pair, place) for place, pair in enumerate(pairs)]
        answers = self.harness.loglikelihood(instances, disable_tqdm=True)
        return _regroup([float(log_p) for log_p, _ in answers], requests)


def _regroup(flat: list[float], requests: list[Request]) -> Scores:
    scores = iter(flat)
    return [[next(scores) for _ in continuations] for _, _, continuations in requests]


class Matmul(Contender):
    """No engine at all: the rate (operations a second) at which this machine multiplies matrices.

    A large square product; and, when asked, the products of the model's own layers over one row of tokens, each as
    often as the model has it.
    """

    def load(self) -> PreTrainedModel:
        return empty_model(self.settings, torch.device("meta"))

    def score(self, requests: list[Request], batch: int) -> Scores:
        return [[self._rate(*3 * [SQUARE[self.device.type]])]]

    def own_shapes(self) -> float:
        """Rate at the model's own shapes."""
        head = self.model.get_output_embeddings()
        layers = [part for part in self.model.modules() if isinstance(part, torch.nn.Linear) and part is not head]
        shapes = [(self.settings["row_tokens"], layer.in_features, layer.out_features) for layer in layers]
        rates = {shape: self._rate(*shape) for shape in set(shapes)}
        work = [2 * rows * inner * columns for rows, inner, columns in shapes]
        return sum(work) / sum(amount / rates[shape] for amount, shape in zip(work, shapes, strict=True))

    def _rate(self, rows: int, inner: int, columns: int) -> float:
        options = {"dtype": self.model.dtype, "device": self.device}
        left, right = torch.randn(rows, inner, **options), torch.randn(columns, inner, **options)
        repeats, seconds = 1 + int(2e10 / (2 * rows * inner * columns)), []
        for _ in range(4):
            self._wait()
            start = time.perf_counter()
            for _ in range(repeats):
                torch.nn.functional.linear(left, right)
            self._wait()
            seconds.append((time.perf_counter() - start) / repeats)
        return 2 * rows * inner * columns / median(seconds[1:])


CONTENDERS: dict[str, Callable[[dict], Contender]] = {
    "ours": Ours,
    "naive": Naive,
    "lm_eval": LmEval,
    "padded": Padded,
    "replies": OurReplies,
    "generate": Generate,
    "matmul": Matmul,
}


def empty_model(settings: dict, device: torch.device) -> PreTrainedModel:
    """A model of the shape of the settings, or else of their model's, with random weights: on the device meta, none."""
    config = SHAPES.get(settings["shape"]) or AutoConfig.from_pretrained(settings["model"], local_files_only=True)
    with device:
        return AutoModelForCausalLM.from_config(config, dtype=getattr(torch, settings["dtype"]))


def count_parameters(settings: dict) -> tuple[int, int, int]:
    """Parameters, those outside the embedding and the output projection, and the size of the vocabulary."""
    model = empty_model(settings, torch.device("meta"))
    tables = {id(part.weight): part.weight for part in (model.get_input_embeddings(), model.get_output_embeddings())}
    total = model.num_parameters()
    return total, total - sum(table.numel() for table in tables.values()), model.config.get_text_config().vocab_size


def peak_memory(device: torch.device) -> float:
    """Most memory (GB) that this process has held: of the GPU, or of the machine."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 1e9
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e9


def main(name: str, settings_file: str) -> None:
    """Load and warm up, then score each case that is requested."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what libraries print must not come between the answers
    settings = json.loads(Path(settings_file).read_text(encoding="utf-8"))
    contender, warm = CONTENDERS[name](settings), False
    answers.write("{}\n")
    for line in sys.stdin:
        order = json.loads(line)
        if order.get("own_shapes"):
            answers.write(json.dumps({"rate": contender.own_shapes()}) + "\n")
            continue
        requests, batch = settings["cases"][order["case"]][:: order.get("step", 1)], order.get("batch", 1)
        if not warm:
            contender.score(requests[:WARM_UP], batch)
            warm = True
        if order.get("profile"):
            parts = measure_parts(partial(contender.score, requests, batch))
            answers.write(json.dumps({"parts": parts}) + "\n")
            continue
        seconds, scores = contender.time(requests, batch)
        peak = peak_memory(contender.device)
        answers.write(json.dumps({"seconds": seconds, "scores": scores, "peak_gb": peak}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
