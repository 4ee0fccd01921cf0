"""The parts of the GPU benchmark. Each yields rows: case, measure, value, unit."""

import multiprocessing
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from selfalign.inference.local import attention, engine
from selfalign.inference.local.devices import lease
from selfalign.inference.local.render import Rendered
from torch.nn.attention import SDPBackend
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, PreTrainedModel

from engines.bundle import Bundle
from engines.contender import SHAPES, Contender, LmEval, Ours, Padded

Row = tuple[str, str, float | str, str]


@dataclass(frozen=True)
class Setup:
    """The settings of a part.

    Attributes:
        bundle: files.
        device: `cuda` or `cpu`.
        shape: a key of `SHAPES_HERE`, the model whose speed is measured.
        rows: distinct tokens per forward pass to try.
        most: prompts of a workload, at most.
    """

    bundle: Bundle
    device: str
    shape: str
    rows: tuple[int, ...]
    most: int


SHAPES_HERE = SHAPES | {
    "tiny": LlamaConfig(
        vocab_size=50_000,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=8192,
    )
}
ROWS = 16_384
"""Distinct tokens per forward pass where they are not what is varied."""
_NAIVE = 100
"""Prompts on which the packed engine is compared with the naive one on the GPU."""
_REPLIES = 400
"""Prompts that are replied to, at most."""
_RUN_OUT = 600
"""Prompts that are answered where memory runs out, at most."""
_REPLY_ROWS = (4096, 32_768, ROWS)
"""Tokens per forward pass to reply with; the replies of the last are compared."""
_REPEATS = 3
"""Times that our engine answers a workload; the median counts."""


def synchronise() -> None:
    """Wait for the GPU, if there is one."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def timed(work: Callable[[], object], repeats: int = 5) -> float:
    """Median seconds of some work, after one run that does not count."""
    work()
    seconds = []
    for _ in range(repeats):
        synchronise()
        start = time.perf_counter()
        work()
        synchronise()
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds))


def matmul_rate(device: str, dtype: torch.dtype, size: int) -> float:
    """Operations a second of a square matrix product on random numbers."""
    left, right = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
    return 2 * size**3 / timed(lambda: left @ right)


def peak_gb(device: str) -> float:
    """Most memory (GB) that tensors held since the last reset; NaN on a CPU."""
    return torch.cuda.max_memory_allocated() / 1e9 if device == "cuda" else float("nan")


def machine(setup: Setup) -> Iterator[Row]:
    """The machine: names, versions, and the rates of matmul and of copies."""
    name = torch.cuda.get_device_name() if setup.device == "cuda" else "CPU"
    yield "device", "name", name, ""
    yield "torch", "version", torch.__version__, ""
    size = 8192 if setup.device == "cuda" else 256
    for dtype in (torch.bfloat16, torch.float32):
        rate = matmul_rate(setup.device, dtype, size)
        yield f"matmul {size} {str(dtype).removeprefix('torch.')}", "rate", rate / 1e12, "TFLOP/s"
    source = torch.empty(2**28 if setup.device == "cuda" else 2**20, device=setup.device)
    target = torch.empty_like(source)
    moved = 2 * source.numel() * source.element_size()
    yield "copy", "rate", moved / timed(lambda: target.copy_(source)) / 1e12, "TB/s"


def load(setup: Setup, dtype: torch.dtype) -> PreTrainedModel:
    """The real model of the bundle on the device."""
    options: dict[str, object] = {"dtype": dtype, "local_files_only": True}
    gguf = setup.bundle.gguf()
    if gguf is None:
        config = setup.bundle.tokenizer / "config.json"
        with TemporaryDirectory() as folder:
            for file in (config, setup.bundle.folder / "model.safetensors"):
                Path(folder, file.name).symlink_to(file.resolve())
            model = AutoModelForCausalLM.from_pretrained(folder, **options)
    else:
        from transformers import GgufConfig

        options |= {"gguf_file": gguf.name, "quantization_config": GgufConfig(dequantize=True)}
        model = AutoModelForCausalLM.from_pretrained(gguf.parent, **options)
    return model.eval().to(setup.device)


def run_engine(model: PreTrainedModel, prompts: list[Rendered], kind: str, rows: int) -> tuple[np.ndarray, float]:
    """Log-probabilities of the answers to prompts, one after the other, and the seconds that they took."""
    synchronise()
    start = time.perf_counter()
    answered = {one.key: p for batch in engine.score(model, prompts, kind, rows) for one, p in batch.answers}
    synchronise()
    seconds = time.perf_counter() - start
    return np.concatenate([answered[prompt.key] for prompt in prompts]), seconds


def exactness(setup: Setup) -> Iterator[Row]:
    """The default's English prompts with real weights: what the GPU answers, and what the CPU answered."""
    prompts, answers = setup.bundle.prompts()
    truth = np.concatenate(answers)
    for dtype in (torch.float32, torch.bfloat16):
        case = f"default's English prompts, {str(dtype).removeprefix('torch.')}"
        model = load(setup, dtype)
        run_engine(model, prompts[:20], "packed", ROWS)
        yield case, "prompts", len(prompts), ""
        for rows in sorted({*setup.rows, ROWS} - {1024, 2048}):
            found, seconds = run_engine(model, prompts, "packed", rows)
            yield case, f"rate, rows of {rows}", len(prompts) / seconds, "prompts/s"
        delta = np.abs(found - truth)
        chosen, expected = (_choices(values, answers) for values in (found, truth))
        yield case, "largest difference from the CPU", delta.max(), "nats"
        yield case, "median difference from the CPU", np.median(delta), "nats"
        yield case, "choices that differ from the CPU's", float((chosen != expected).mean() * 100), "%"
        some = prompts[:: max(1, len(prompts) // _NAIVE)]
        packed = np.concatenate([_of(prompts, found, one) for one in some])
        naive, _ = run_engine(model, some, "naive", ROWS)
        yield case, "largest difference from the naive engine on this device", np.abs(packed - naive).max(), "nats"
        yield case, "peak memory", peak_gb(setup.device), "GB"
        del model
        if setup.device == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()


def _choices(values: np.ndarray, answers: list[list[float]]) -> np.ndarray:
    """Place of the likeliest answer to each prompt."""
    ends = np.cumsum([len(each) for each in answers])
    return np.array([part.argmax() for part in np.split(values, ends[:-1])])


def _of(prompts: list[Rendered], values: np.ndarray, prompt: Rendered) -> np.ndarray:
    """The values of one prompt."""
    place = prompts.index(prompt)
    start = sum(len(one.answers) for one in prompts[:place])
    return values[start : start + len(prompt.answers)]


def large_model(setup: Setup) -> tuple[PreTrainedModel, int]:
    """A model of the large shape in bfloat16, with random weights, and its parameters outside the embeddings."""
    torch.manual_seed(1)
    with torch.device(setup.device):
        model = AutoModelForCausalLM.from_config(SHAPES_HERE[setup.shape], dtype=torch.bfloat16).eval()
    tables = model.get_input_embeddings().weight.numel() + model.get_output_embeddings().weight.numel()
    return model, model.num_parameters() - tables


def speed(setup: Setup) -> Iterator[Row]:
    """A model of a large shape in bfloat16: rows of several lengths, and the rates of others."""
    rate = matmul_rate(setup.device, torch.bfloat16, 8192 if setup.device == "cuda" else 256)
    model, dense = large_model(setup)
    cases = setup.bundle.read("cases")
    yield setup.shape, "parameters outside the embeddings", dense / 1e9, "billion"
    yield setup.shape, "matmul", rate / 1e12, "TFLOP/s"
    order = ["per_probe/option", "fixed/option", "zero_shot/option"]
    for rows in setup.rows:
        for case in order if rows == ROWS else order[:1]:
            result = _race(setup, model, Ours, cases[case], rows)
            yield from _report(f"{case}, selfalign, rows of {rows}", result, cases[case], dense, rate)
    for contender, batches in ((LmEval, (32, 128)), (Padded, (32,))):
        for batch in batches:
            name = f"{order[0]}, {contender.__name__}, batches of {batch}"
            try:
                yield from _report(
                    name, _race(setup, model, contender, cases[order[0]], batch), cases[order[0]], dense, rate
                )
            except ImportError as error:
                yield name, "not measured", f"no {error.name}", ""
            except torch.OutOfMemoryError:
                yield name, "not measured", "out of memory", ""


@dataclass(frozen=True)
class Result:
    """One contender on one workload.

    Attributes:
        seconds: from texts to log-probabilities.
        computing: from tokens to log-probabilities; NaN where a contender does both at once.
        scores: log-probabilities.
        peak: most memory (GB).
        prompts: how many it answered.
    """

    seconds: float
    computing: float
    scores: np.ndarray
    peak: float
    prompts: int


def _race(setup: Setup, model: PreTrainedModel, kind: type[Contender], case: dict, size: int) -> Result:
    settings = {
        "device": setup.device,
        "threads": os.cpu_count(),
        "model": str(setup.bundle.tokenizer),
        "special": False,
        "row_tokens": size,
    }
    contender = type(kind.__name__, (kind,), {"load": lambda _: model})(settings)
    requests = [(name, text, answers) for name, text, answers in case["requests"][: setup.most]]
    contender.score(requests[:8], size)
    if setup.device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    computing = float("nan")
    if kind is Ours:
        prompts = contender.encode(requests)
        computing = float(np.median([run_engine(model, prompts, "packed", size)[1] for _ in range(_REPEATS)]))
    seconds, scores = contender.time(requests, size)
    return Result(seconds, computing, np.concatenate(scores), peak_gb(setup.device), len(requests))


def _report(name: str, result: Result, case: dict, dense: int, rate: float) -> Iterator[Row]:
    yield name, "rate", result.prompts / result.seconds, "prompts/s"
    distinct = case["distinct"] if result.prompts == len(case["requests"]) else float("nan")
    limit = distinct * 2 * dense / rate
    yield name, "share of the limit, from texts", limit / result.seconds * 100, "%"
    if not np.isnan(result.computing):
        yield name, "rate, from tokens", result.prompts / result.computing, "prompts/s"
        yield name, "share of the limit, from tokens", limit / result.computing * 100, "%"
    yield name, "peak memory", result.peak, "GB"


def attentions(setup: Setup) -> Iterator[Row]:
    """Other ways to compute attention in the packed engine: other chunks, flex attention, and cuDNN's kernels."""
    from engines.flex import flex

    rate = matmul_rate(setup.device, torch.bfloat16, 8192 if setup.device == "cuda" else 256)
    model, dense = large_model(setup)
    case = setup.bundle.read("cases")["per_probe/option"]
    usual, kernels, base = attention._CHUNK, attention.KERNELS, None
    for size in (usual, 256, 128, 1024):
        attention._CHUNK = size
        result = _race(setup, model, Ours, case, ROWS)
        base = result.scores if base is None else base
        yield from _report(f"per_probe/option, chunks of {size}", result, case, dense, rate)
    attention._CHUNK = usual
    for rows in (4096, ROWS):
        with flex():
            result = _race(setup, model, Ours, case, rows)
        name = f"per_probe/option, flex attention, rows of {rows}"
        yield from _report(name, result, case, dense, rate)
        yield name, "median difference from chunks", float(np.median(np.abs(result.scores - base))), "nats"
    attention.KERNELS = [SDPBackend.CUDNN_ATTENTION, *kernels]
    result = _race(setup, model, Ours, case, ROWS)
    attention.KERNELS = kernels
    yield from _report(f"per_probe/option, cuDNN's kernels, chunks of {usual}", result, case, dense, rate)


def devices(setup: Setup) -> Iterator[Row]:
    """A real lease by UUID, two jobs on one GPU, and memory that runs out."""
    if setup.device == "cuda":
        yield from _lease_twice()
    yield from _run_out(setup)


def hold_and_compute(seconds: float, visible: str | None, held: multiprocessing.Queue) -> None:
    """A job: hold a GPU for some seconds, and put the times and the GPU into a queue."""
    if visible is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = visible
    with lease("cuda", 1, "benchmarks/gpu.py") as places:
        start = time.time()
        properties = torch.cuda.get_device_properties(places[0])
        while time.time() < start + seconds:
            torch.randn(512, 512, device=places[0]).sum().item()
        held.put((start, time.time(), str(properties.uuid)))


def _lease_twice() -> Iterator[Row]:
    listed = subprocess.run(
        ["nvidia-smi", "--query-gpu=uuid", "--format=csv,noheader"], capture_output=True, text=True, check=True
    ).stdout.split()
    context = multiprocessing.get_context("spawn")
    held = context.Queue()
    # One job sees the GPU under its number, the other under its UUID: the lease must know that it is the same.
    jobs = [context.Process(target=hold_and_compute, args=(3.0, visible, held)) for visible in (None, listed[0])]
    for job in jobs:
        job.start()
    (first, last), identities = zip(*[(one[:2], one[2]) for one in (held.get(), held.get())], strict=True)
    for job in jobs:
        job.join()
    yield "lease", "UUID is nvidia-smi's", str(all(f"GPU-{one}" == listed[0] for one in identities)), ""
    yield "lease", "gap between the two jobs", last[0] - first[1], "s"
    yield "lease", "files", ", ".join(sorted(path.name for path in Path("/tmp/selfalign-devices").iterdir())), ""


def _run_out(setup: Setup) -> Iterator[Row]:
    """Rows that do not fit are halved; the answers are those of rows that fit."""
    config = LlamaConfig.from_dict(SHAPES_HERE[setup.shape].to_dict() | {"num_hidden_layers": 4})
    torch.manual_seed(1)
    with torch.device(setup.device):
        model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16).eval()
    prompts = setup.bundle.prompts()[0][: min(_RUN_OUT, setup.most)]
    expected, _ = run_engine(model, prompts, "packed", 1024)
    halvings = 0
    usual = engine.halve

    def halve(*arguments: object) -> list[tuple[int, int]]:
        nonlocal halvings
        halvings += 1
        return usual(*arguments)

    engine.halve = halve
    try:
        if setup.device == "cuda":
            torch.cuda.empty_cache()
            whole = torch.cuda.get_device_properties(0).total_memory
            room = torch.cuda.memory_allocated() + 1.5e9
            torch.cuda.set_per_process_memory_fraction(room / whole)
        found, _ = run_engine(model, prompts, "packed", ROWS)
    finally:
        engine.halve = usual
        if setup.device == "cuda":
            torch.cuda.set_per_process_memory_fraction(1.0)
    yield "out of memory", "times that rows were halved", halvings, ""
    yield "out of memory", "median difference from rows of 1024", float(np.median(np.abs(found - expected))), "nats"
    yield "out of memory", "largest difference from rows of 1024", float(np.abs(found - expected).max()), "nats"


def replies(setup: Setup) -> Iterator[Row]:
    """Greedy replies of the real model: ours, and a plain loop over `generate`."""
    from selfalign.inference.local.generate import reply

    tokenizer = AutoTokenizer.from_pretrained(setup.bundle.tokenizer, local_files_only=True)
    prompts = setup.bundle.prompts()[0]
    prompts = prompts[:: max(1, len(prompts) // min(_REPLIES, setup.most))]
    stop = tokenizer.eos_token_id
    for dtype in (torch.float32, torch.bfloat16):
        case = f"replies, {str(dtype).removeprefix('torch.')}"
        model = load(setup, dtype)
        list(reply(model, prompts[:8], [stop], 16, ROWS))
        for rows in _REPLY_ROWS:
            synchronise()
            start = time.perf_counter()
            batches = list(reply(model, prompts, [stop], 16, rows))
            synchronise()
            yield case, f"rate, selfalign, rows of {rows}", len(prompts) / (time.perf_counter() - start), "prompts/s"
        ours = {one.prompt.key: one.tokens for batch in batches for one in batch.replies}
        for batch in (32, 128):
            seconds, theirs = _generate(model, prompts, stop, batch)
            yield case, f"rate, generate in batches of {batch}", len(prompts) / seconds, "prompts/s"
        same = np.mean([ours[one.key] == theirs[one.key] for one in prompts])
        yield case, "replies that are the same", float(same * 100), "%"
        del model


@torch.inference_mode()
def _generate(
    model: PreTrainedModel, prompts: list[Rendered], stop: int, batch: int
) -> tuple[float, dict[str, tuple[int, ...]]]:
    """What one writes first: batches padded on the left, in the order given."""
    found = {}
    synchronise()
    start = time.perf_counter()
    for first in range(0, len(prompts), batch):
        some = prompts[first : first + batch]
        width = max(len(one.tokens) for one in some)
        ids = torch.full((len(some), width), stop)
        mask = torch.zeros_like(ids)
        for row, one in enumerate(some):
            ids[row, width - len(one.tokens) :] = torch.tensor(one.tokens)
            mask[row, width - len(one.tokens) :] = 1
        ids, mask = ids.to(model.device), mask.to(model.device)
        options = {"do_sample": False, "max_new_tokens": 16, "eos_token_id": stop, "pad_token_id": stop}
        made = model.generate(ids, attention_mask=mask, **options)[:, width:].tolist()
        for one, row in zip(some, made, strict=True):
            found[one.key] = tuple(row[: row.index(stop)] if stop in row else row)
    synchronise()
    return time.perf_counter() - start, found


PARTS: dict[str, tuple[Callable[[Setup], Iterator[Row]], int]] = {
    "machine": (machine, 40),
    "exactness": (exactness, 130),
    "devices": (devices, 70),
    "replies": (replies, 70),
    "attentions": (attentions, 130),
    "speed": (speed, 180),
}
"""Parts in the order in which they run, with their limits in seconds."""
