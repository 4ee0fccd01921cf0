"""How fast the engine answers prompts, compared with lm-evaluation-harness, a padded loop and the limit of the machine.

There are three workloads in the shape of the real experiment, each in two readouts. Greedy replies are compared with a
loop over `generate` of transformers. Every contender has its own process and the same texts, and repeats are
interleaved. Writes a table and a figure, and ends with one line of JSON.

    python benchmarks/inference.py --quick                    # under 10 minutes on 2 cores
    python benchmarks/inference.py --model NAME=FOLDER ...    # hours; docs/measurements.md
    python benchmarks/inference.py --device cuda --dtype bfloat16 --shape llama3-8b
    python benchmarks/inference.py --profile                  # where the engine's time goes

lm-evaluation-harness is no dependency of the project: it is installed, once, into an environment of its own in .cache/.
"""

import json
import os
import subprocess
import sys
import sysconfig
import tempfile
from dataclasses import replace
from pathlib import Path

import click
import numpy as np
import pandas as pd
import torch
import yaml
from engines.contender import SHAPES, count_parameters
from engines.report import (
    summarise,
    summarise_replies,
    write,
    write_markdown,
    write_replies,
    write_reply_markdown,
)
from engines.workloads import FRAMES, WORKLOADS, build_workloads
from selfalign.cpu_environment import FAST
from selfalign.inference.choices import LONGEST_REPLY
from selfalign.inference.local.greedy import find_stops
from selfalign.inference.local.render import PromptFormat, Rendered, render
from transformers import AutoTokenizer, PreTrainedTokenizerBase

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "benchmarks"
DEFAULT = "smollm2-135m"
SIZES = (1, 4, 8, 16, 32, 64)
"""Batch sizes to try."""
SAMPLE = {"quick": 8, "full": 32, "gpu": 200}
"""Prompts to try them on, at most, by size of the workloads."""
CHECKED = {"quick": 3, "full": 1, "gpu": 10}
"""Every how many-th prompt is compared with the naive engine."""
LARGE = 2e8
"""Parameters from which a model on a CPU gets the smaller workloads: it would take hours."""
GPU = "no GPU here: measured on the CPU; with one, add --device cuda --dtype bfloat16 --shape llama3-8b"


class Worker:
    """A contender in a process of its own, with the variables of the workflow's jobs, or others."""

    def __init__(self, name: str, settings: Path, variables: dict[str, str] = FAST) -> None:
        python = harness_python() if name == "lm_eval" else sys.executable
        paths = os.pathsep.join([str(ROOT / "benchmarks"), str(ROOT / "workflow")])
        quiet = {"TRANSFORMERS_VERBOSITY": "error", "LMEVAL_LOG_LEVEL": "ERROR", "TQDM_DISABLE": "1"}
        ours = variables | {"HF_HUB_OFFLINE": "1", "PYTHONPATH": paths}
        self.name, self.settings = name, settings
        self.process = subprocess.Popen(
            [python, "-m", "engines.contender", name, str(settings)],
            env=os.environ | quiet | ours,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def answer(self) -> dict:
        """The next answer; the first one says that the contender is ready."""
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{self.name} ended with exit code {self.process.wait()}; its messages are above")
        return json.loads(line)

    def tell(self, **order: object) -> None:
        """Have a case scored, without waiting for the answer."""
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()

    def ask(self, **order: object) -> dict:
        """Have a case scored: seconds, scores and peak memory."""
        self.tell(**order)
        return self.answer()

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.stdin.close()
        self.process.wait()


def harness_python() -> str:
    """Python of an environment that sees ours and also has lm-evaluation-harness, made at the first call."""
    folder = CACHE / "lm-eval"
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", "--without-pip", folder], check=True)
        scheme = {"vars": {"base": folder, "platbase": folder}}
        ours, theirs = sysconfig.get_path("purelib"), Path(sysconfig.get_path("purelib", "venv", **scheme))
        (theirs / "ours.pth").write_text(ours + "\n", encoding="utf-8")
        pip = [python, "-m", "pip", "install", "--quiet", "--requirement", ROOT / "requirements" / "benchmark.txt"]
        if subprocess.run(pip).returncode:
            sys.exit("pip cannot install lm-evaluation-harness; without it: --contenders ours,padded")
        (folder / "ready").touch()
    return str(python)


def default_model() -> Path:
    """Folder of the weights of the default model, from the workflow's results, or fetched and converted once."""
    if (made := ROOT / "results" / "shared" / "models" / DEFAULT / "weights").exists():
        return made
    folder = CACHE / DEFAULT
    if not (folder / "model.json").exists():
        config = yaml.safe_load((ROOT / "config" / "models.yaml").read_text(encoding="utf-8"))
        program, source = [sys.executable, "-m", "selfalign"], json.dumps(config["models"][DEFAULT]["source"])
        model = ["--model", DEFAULT, "--output"]
        subprocess.run([*program, "fetch-model", *model, folder / "source", "--source", source], check=True)
        paths = ["--source", folder / "source", "--card", folder / "model.json"]
        subprocess.run([*program, "convert-model", *model, folder / "weights", *paths], check=True)
    return folder / "weights"


def continuations(prompt: Rendered, tokenizer: PreTrainedTokenizerBase) -> list[str]:
    """Answers of a prompt as text that, encoded behind the prompt's, gives the same tokens again."""
    start, special = len(tokenizer.decode(prompt.tokens)), not tokenizer.chat_template
    texts = [tokenizer.decode(prompt.tokens + answer)[start:] for answer in prompt.answers]
    for text, answer in zip(texts, prompt.answers, strict=True):
        assert tuple(tokenizer(prompt.text + text, add_special_tokens=special).input_ids) == prompt.tokens + answer
    return texts


def make_cases(
    size: str, tokenizer: PreTrainedTokenizerBase
) -> tuple[dict[str, list], dict[str, int], list[tuple[int, ...]]]:
    """Requests of every case; the number of distinct tokens to compute in each (those of the prefix tree of the
    prompts with their answers, except each answer's last); and the token ids of all options.

    Replies have cases of their own: the prompts that show the options' words, without answers.
    """
    options = []
    cases, distinct = {}, {}
    prompt_format = PromptFormat(tokenizer, "chat" if tokenizer.chat_template else "plain")
    for (workload, readout), prompts in build_workloads(size).items():
        rendered = render(prompts, prompt_format, None)
        if readout == "label":  # the labels come before the options
            rendered = [replace(prompt, answers=prompt.answers[:2]) for prompt in rendered]
        else:
            cases[f"{workload}/reply"] = [(prompt.prompt, prompt.text, []) for prompt in rendered]
            options += [answer for prompt in rendered for answer in prompt.answers]
        name = f"{workload}/{readout}"
        cases[name] = [(prompt.prompt, prompt.text, continuations(prompt, tokenizer)) for prompt in rendered]
        computed = {prompt.tokens + answer[:-1] for prompt in rendered for answer in prompt.answers}
        distinct[name] = len({tokens[:end] for tokens in computed for end in range(1, len(tokens) + 1)})
    return cases, distinct, options


def find_batch(settings: Path, case: str, step: int, most: int, name: str = "lm_eval") -> int:
    """Batch size, of `most` at most, at which a contender answers a sample, every `step`-th prompt, fastest.
    Sizes grow until one is clearly slower."""
    fastest: dict[int, float] = {}
    with Worker(name, settings) as worker:
        worker.answer()
        for batch in [size for size in SIZES if size <= most]:
            fastest[batch] = worker.ask(case=case, batch=batch, step=step)["seconds"]
            if fastest[batch] > 1.2 * min(fastest.values()):
                break
    tried = ", ".join(f"{batch}: {seconds:.1f} s" for batch, seconds in fastest.items())
    best = min(fastest, key=fastest.__getitem__)
    print(f"  {name}, {case}: batch size {best} is best ({tried})", flush=True)
    return best


def race(settings: Path, contenders: list[str], workload: str, batch: int, repeats: int, step: int) -> pd.DataFrame:
    """Score both readouts of a workload with every contender in turn, again and again: a row per repeat.

    Columns readout, repeat, contender, batch, seconds, peak_gb, delta (from the naive engine), rate (of matmul then).
    """
    workers = {name: Worker(name, settings) for name in [*contenders, "matmul"]}
    for worker in workers.values():
        worker.answer()
    rows, scores = [], {}
    for repeat in range(repeats):
        rate = workers["matmul"].ask(case=f"{workload}/label")["scores"][0][0]
        for name in contenders:
            for readout in FRAMES:
                answer = workers[name].ask(case=f"{workload}/{readout}", batch=batch)
                scores[name, readout] = answer["scores"]
                row = {"readout": readout, "repeat": repeat, "contender": name, "rate": rate, "batch": batch}
                rows.append(row | {key: answer[key] for key in ("seconds", "peak_gb")})
    for worker in workers.values():
        worker.__exit__()
    with Worker("naive", settings) as naive:
        naive.answer()
        for readout in FRAMES:
            truth = np.array(naive.ask(case=f"{workload}/{readout}", step=step)["scores"])
            for row in [row for row in rows if row["readout"] == readout]:
                row["delta"] = np.abs(np.array(scores[row["contender"], readout])[::step] - truth).max()
    return pd.DataFrame(rows)


def race_replies(settings: Path, workload: str, batch: int, repeats: int) -> pd.DataFrame:
    """Give greedy replies to a workload by our engine and by a loop over `generate`, in turn: a row per repeat."""
    workers = {name: Worker(name, settings) for name in ("replies", "generate")}
    for worker in workers.values():
        worker.answer()
    rows, replies = [], {}
    for repeat in range(repeats):
        for name, worker in workers.items():
            answer = worker.ask(case=f"{workload}/reply", batch=batch)
            replies[name] = answer["scores"]
            tokens = sum(map(len, answer["scores"]))
            row = {"workload": workload, "repeat": repeat, "contender": name, "batch": batch, "tokens": tokens}
            rows.append(row | {key: answer[key] for key in ("seconds", "peak_gb")})
    for worker in workers.values():
        worker.__exit__()
    same = [ours == theirs for ours, theirs in zip(replies["replies"], replies["generate"], strict=True)]
    return pd.DataFrame(rows).assign(prompts=len(same), same=np.mean(same))


def profile(options: dict) -> pd.DataFrame:
    """Share of the time of our engine in each of its parts: a column per case of the small workloads."""
    tokenizer = AutoTokenizer.from_pretrained(options["model"], local_files_only=True)
    cases, *_ = make_cases("quick", tokenizer)
    given = options | {"special": not tokenizer.chat_template, "cases": cases}
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder, "settings.json")
        settings.write_text(json.dumps(given), encoding="utf-8")
        with Worker("ours", settings) as worker:
            worker.answer()
            names = [f"{workload}/{readout}" for workload in WORKLOADS for readout in FRAMES]
            parts = {name: worker.ask(case=name, profile=True)["parts"] for name in names}
    table = pd.DataFrame(parts)
    return table / table.sum()


def measure(
    name: str, options: dict, quick: bool, size: str | None, contenders: list[str], repeats: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """All cases of a model: a row per repeat, as `report.tabulate` and `report.tabulate_replies` take them."""
    total, dense, vocabulary = count_parameters(options)
    if size is None:
        size = "gpu" if options["device"] == "cuda" else "quick" if quick or total > LARGE else "full"
    tokenizer = AutoTokenizer.from_pretrained(options["model"], local_files_only=True)
    cases, distinct, answers = make_cases(size, tokenizer)
    form = "chat" if tokenizer.chat_template else "plain"
    options = options | {"stops": sorted(find_stops(Path(options["model"]), tokenizer, form, answers))}
    tables, replies = [], [pd.DataFrame()]
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder, "settings.json")
        special = not tokenizer.chat_template
        settings.write_text(json.dumps(options | {"special": special, "cases": cases}), encoding="utf-8")
        with Worker("matmul", settings) as worker:
            worker.answer()
            rate = worker.ask(own_shapes=True)["rate"] / 1e9
        print(f"{name}: {total:,} parameters, {dense:,} of them dense; {size} workloads", flush=True)
        print(f"  matmul at the model's own shapes: {rate:,.0f} GFLOP/s", flush=True)
        for workload in WORKLOADS:
            asked = cases[f"{workload}/option"]
            # Logits and their log-softmax, of all tokens of a batch, are to fit into a quarter of the memory.
            longest = max(len(tokenizer(text).input_ids) for _, text, _ in asked)
            most = memory(options["device"]) // 4 // (2 * 4 * vocabulary * longest)
            step = max(1, len(asked) // SAMPLE[size])
            most = min(most, 2 * len(asked[::step]))
            if options["new_tokens"]:
                batch = find_batch(settings, f"{workload}/reply", step, most, "generate")
                replies.append(race_replies(settings, workload, batch, repeats).assign(model=name))
                print(replies[-1].groupby("contender", sort=False)["seconds"].median().to_string(), flush=True)
            if not contenders:
                continue
            batch = find_batch(settings, f"{workload}/option", step, most) if "lm_eval" in contenders else 8
            table = race(settings, contenders, workload, batch, repeats, CHECKED["quick"] if quick else CHECKED[size])
            for fact, of in (("prompts", {case: len(asked) for case, asked in cases.items()}), ("tokens", distinct)):
                table[fact] = [of[f"{workload}/{readout}"] for readout in table["readout"]]
            table["limit"] = table["tokens"] * 2 * dense / table["rate"]
            tables.append(table.assign(workload=workload, model=name))
            print(f"  {workload}: matmul {table['rate'].median() / 1e9:,.0f} GFLOP/s", flush=True)
            print(table.groupby(["contender", "readout"], sort=False)["seconds"].median().to_string(), flush=True)
    return pd.concat([pd.DataFrame(), *tables], ignore_index=True), pd.concat(replies, ignore_index=True)


def memory(device: str) -> int:
    """Bytes of memory of the GPU, or of this machine."""
    if device == "cuda":
        return torch.cuda.mem_get_info()[1]
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


@click.command()
@click.option("--quick", is_flag=True, help="Smaller workloads, fewer repeats, no padded loop.")
@click.option("--model", "models", multiple=True, metavar="NAME=FOLDER", help="Weights as safetensors, with tokenizer.")
@click.option("--shape", type=click.Choice(sorted(SHAPES)), help="Also a model of this shape, with random weights.")
@click.option("--device", type=click.Choice(["cpu", "cuda"]), default="cpu", show_default=True)
@click.option("--dtype", type=click.Choice(["float32", "bfloat16", "float16"]), default="float32", show_default=True)
@click.option("--threads", type=click.IntRange(min=1), default=os.cpu_count(), show_default=True, help="CPU threads.")
@click.option("--row-tokens", type=click.IntRange(min=1), help="2048, or 4096 on a GPU.")
@click.option("--size", type=click.Choice(sorted(SAMPLE)), help="Of the workloads, whatever the model's.")
@click.option("--repeats", type=click.IntRange(min=1), help="3, or 2 with --quick.")
@click.option("--contenders", help="ours,lm_eval,padded by default; none: replies only.")
@click.option(
    "--new-tokens",
    type=click.IntRange(0, LONGEST_REPLY),
    default=8,
    show_default=True,
    help="The most tokens of a reply; 0 measures no replies.",
)
@click.option("--output", type=click.Path(path_type=Path), default=ROOT / "results" / "performance", help="Folder.")
@click.option("--profile", "profiled", is_flag=True, help="Print where the engine's time goes on a CPU, and no more.")
def main(
    quick: bool,
    models: tuple[str, ...],
    shape: str | None,
    device: str,
    dtype: str,
    threads: int,
    row_tokens: int | None,
    size: str | None,
    repeats: int | None,
    contenders: str | None,
    new_tokens: int,
    output: Path,
    profiled: bool,
) -> None:
    """Measure every model, write the table and the figure, and print the summary."""
    if not torch.cuda.is_available():
        if device == "cuda":
            sys.exit(GPU)
        print(GPU)
    names = contenders.split(",") if contenders else ["ours", "lm_eval"] + ["padded"] * (not quick)
    names = [] if contenders == "none" else names
    folders = dict(model.split("=", 1) for model in models) or {DEFAULT: str(default_model())}
    row_tokens = row_tokens or (4096 if device == "cuda" else 2048)
    options = {"device": device, "dtype": dtype, "threads": threads, "row_tokens": row_tokens, "shape": ""}
    options["new_tokens"] = new_tokens
    runs = {name: options | {"model": str(Path(folder).resolve())} for name, folder in folders.items()}
    if shape:  # the tokens are those of the first model
        runs = {shape: next(iter(runs.values())) | {"shape": shape}}
    if profiled:
        for name, chosen in runs.items():
            print(name, profile(chosen | {"device": "cpu"}).round(3).to_markdown(), sep="\n")
        return
    tables = [
        measure(name, chosen, quick, size, names, repeats or (2 if quick else 3)) for name, chosen in runs.items()
    ]
    scored, replied = (pd.concat(parts, ignore_index=True) for parts in zip(*tables, strict=True))
    summary = {}
    if new_tokens:
        table = write_replies(replied, output)
        summary |= summarise_replies(table)
        print(write_reply_markdown(table))
    if names:
        table = write(scored, output)
        summary = summarise(table) | summary
        print(write_markdown(table))
    print(f"tables and figure: {output}", json.dumps(summary), sep="\n")


if __name__ == "__main__":
    main()
