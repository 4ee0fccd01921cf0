"""Checks of the CUDA path on a real GPU: exactness, speed, leases, exhausted memory, and replies.

It takes at most eight minutes on one data-centre GPU. It needs no network, no Snakemake and no survey: only a bundle of
files, which `pack` writes on a machine with a finished default run.

    python benchmarks/gpu.py pack BUNDLE
    python benchmarks/gpu.py run BUNDLE --output FOLDER

Each part is a process with a time limit. A part that fails or takes too long does not stop the next one, and its
measurements until then count. docs/gpu.md and docs/devices.md have the results.
"""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "benchmarks"), str(ROOT / "workflow")]
COLUMNS = ["part", "case", "measure", "value", "unit"]
LIMIT = 480
"""Seconds for all parts together."""
RESULTS = ROOT / "results"
DEFAULT = RESULTS / "shared" / "models" / "smollm2-135m"


FOLDER = click.Path(path_type=Path)

HOW = [
    click.argument("bundle", type=FOLDER),
    click.option("--device", type=click.Choice(["cuda", "cpu"]), default="cuda", show_default=True),
    click.option("--shape", default="llama3-8b", show_default=True, help="Of the large model; tiny: for a CPU."),
    click.option("--rows", default="16384,1024,2048,4096,8192", show_default=True, help="Tokens per forward pass."),
    click.option("--most", type=int, default=10**6, help="Prompts of a workload, at most."),
]
"""Arguments of a part."""


@click.group(help=__doc__.split("\n\n", maxsplit=1)[0])
def main() -> None:
    """Read the command line, and do what it says."""


@main.command()
@click.argument("bundle", type=FOLDER)
@click.option("--weights", type=FOLDER, default=DEFAULT / "weights", help="Folder of the model.")
@click.option("--source", type=FOLDER, default=DEFAULT / "source", help="Folder of its GGUF file.")
@click.option("--safetensors", is_flag=True, help="Take model.safetensors, not the GGUF file.")
@click.option("--prompts", type=FOLDER, default=RESULTS / "default" / "prompts" / "en.parquet")
@click.option("--answers", type=FOLDER, default=RESULTS / "default" / "answers" / "smollm2-135m" / "en.parquet")
@click.option("--size", default="gpu", help="Of the workloads: gpu, full or quick.")
def pack(bundle: Path, weights: Path, source: Path, safetensors: bool, prompts: Path, answers: Path, size: str) -> None:
    """Write the bundle."""
    from engines.bundle import pack as write

    gguf = None if safetensors else next(source.glob("*.gguf"))
    write(bundle, weights, gguf, prompts, answers, size)
    total = sum(path.stat().st_size for path in bundle.rglob("*") if path.is_file())
    click.echo(f"{bundle}: {total / 1e6:.0f} MB")


def taken(command: Callable) -> Callable:
    """A command with the arguments of `HOW`."""
    for argument in reversed(HOW):
        command = argument(command)
    return command


@main.command()
@click.argument("name")
@click.option("--records", type=FOLDER, required=True, help="File to write rows to.")
@taken
def part(name: str, records: Path, bundle: Path, device: str, shape: str, rows: str, most: int) -> None:
    """Run one part, and write each row as soon as it is measured."""
    from engines.bundle import Bundle
    from engines.gpu_parts import PARTS, Setup
    from selfalign.warmup import warm_up

    warm_up()
    setup = Setup(Bundle(bundle), device, shape, tuple(map(int, rows.split(","))), most)
    with records.open("a", encoding="utf-8") as file:
        for case, measure, value, unit in PARTS[name][0](setup):
            plain = value.item() if hasattr(value, "item") else value
            file.write(json.dumps([name, case, measure, plain, unit]) + "\n")
            file.flush()


@main.command()
@click.option("--output", type=FOLDER, default=RESULTS / "performance", help="Folder to write to.")
@click.option("--parts", help="Some parts, separated by commas.")
@click.option("--limit", type=float, default=LIMIT, show_default=True, help="Seconds for all parts.")
@taken
def run(
    output: Path, parts: str | None, limit: float, bundle: Path, device: str, shape: str, rows: str, most: int
) -> None:
    """Run the parts, and write and print the table."""
    from engines.gpu_parts import PARTS

    output.mkdir(parents=True, exist_ok=True)
    records = output / "gpu.jsonl"
    records.unlink(missing_ok=True)
    how = [bundle, "--device", device, "--shape", shape, "--rows", rows, "--most", most, "--records", records]
    end = time.monotonic() + limit
    for name in parts.split(",") if parts else PARTS:
        ended = _run_part(name, min(PARTS[name][1], end - time.monotonic()), list(map(str, how)))
        click.echo(f"{name}: {ended}")
        with records.open("a", encoding="utf-8") as file:
            file.write(json.dumps([name, "", "ended", ended, ""]) + "\n")
    table = [json.loads(line) for line in records.read_text(encoding="utf-8").splitlines()]
    with (output / "gpu.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([COLUMNS, *table])
    click.echo(write_table(table))


def _run_part(name: str, seconds: float, how: list[str]) -> str:
    """How a part ended: within its limit, by an error, or at its limit."""
    if seconds < 1:
        return "not started: no time was left"
    process = subprocess.Popen([sys.executable, __file__, "part", name, *how], start_new_session=True)
    start = time.monotonic()
    try:
        code = process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return f"stopped after {seconds:.0f} s, its limit"
    return f"{'done' if code == 0 else f'failed with exit code {code}'} after {time.monotonic() - start:.0f} s"


def write_table(rows: list[list]) -> str:
    """The rows as a Markdown table."""
    lines = ["| part | case | measure | value |", "|---|---|---|---|"]
    for name, case, measure, value, unit in rows:
        shown = f"{value:.4g}" if isinstance(value, float) else str(value)
        lines.append(f"| {name} | {case} | {measure} | {shown} {unit} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
