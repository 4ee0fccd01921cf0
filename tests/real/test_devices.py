"""The devices of a job: a lease that no two jobs share, and models that fit or are refused."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from families import tiny_model
from refusal import assert_one_paragraph
from selfalign.errors import InputError
from selfalign.inference.choices import ATTENTIONS
from selfalign.inference.local.devices import find_devices, lease, load_model, model_bytes, too_large
from selfalign.inference.local.leases import hold
from transformers import (
    AutoModelForCausalLM,
    BartConfig,
    LlamaConfig,
    MT5Config,
    PreTrainedConfig,
    PreTrainedModel,
    T5Config,
)
from warm import BIN, warm_programs

CPU = torch.device("cpu")
WITHOUT_CUDA = pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
NOBODY = "65534"

JOB = """
import os, sys, time
from pathlib import Path
from selfalign.inference.local.leases import hold

folder, diary, names, number, rounds, seconds, user = sys.argv[1:]
diary = os.open(diary, os.O_WRONLY | os.O_APPEND)
if user != "me":
    os.setgid(int(user))
    os.setuid(int(user))
os.umask(0o077)
for _ in range(int(rounds)):
    with hold(names.split(","), int(number), "test model", Path(folder), pause=0.02) as held:
        os.write(diary, f"{os.getpid()} takes {','.join(held)}\\n".encode())
        time.sleep(float(seconds))
        os.write(diary, f"{os.getpid()} leaves {','.join(held)}\\n".encode())
"""
"""A job that only holds devices: folder of the leases, diary, devices, how many, how often, how long, as which user."""


class Machine:
    """Invented devices, and real processes that contend for them."""

    def __init__(self, folder: Path, names: str) -> None:
        self.folder, self.names = folder / "leases", names.split(",")
        self.diary = folder / "diary"
        self.diary.touch()
        self.jobs: list[subprocess.Popen[str]] = []

    def start(self, number: int, rounds: int = 1, seconds: float = 0.0, user: str = "me") -> subprocess.Popen[str]:
        """A job that holds `number` devices."""
        line = [sys.executable, "-c", JOB, self.folder, self.diary, ",".join(self.names), number, rounds, seconds, user]
        self.jobs.append(subprocess.Popen(list(map(str, line)), stderr=subprocess.PIPE, text=True))
        return self.jobs[-1]

    def lines(self) -> list[tuple[int, str, list[str]]]:
        """What has happened so far: process, takes or leaves, devices."""
        split = [line.split() for line in self.diary.read_text().splitlines()]
        return [(int(process), does, names.split(",")) for process, does, names in split]

    def wait_for(self, job: subprocess.Popen[str], does: str, seconds: float = 60) -> None:
        """Wait until a job takes or leaves devices."""
        end = time.monotonic() + seconds
        while not any(line[:2] == (job.pid, does) for line in self.lines()):
            assert time.monotonic() < end, f"process {job.pid} never {does}: {self.lines()}"
            assert job.poll() in (None, 0), job.stderr.read()
            time.sleep(0.02)

    def finish(self) -> list[str]:
        """Wait until every job has ended well, in time; what each said."""
        said = [job.communicate(timeout=60)[1] for job in self.jobs]
        assert [job.returncode for job in self.jobs] == [0] * len(self.jobs), said
        return said

    def kill(self) -> None:
        """End every job that still runs."""
        for job in self.jobs:
            job.kill()
            job.wait()
            job.stderr.close()

    def most_at_once(self) -> dict[str, int]:
        """By device, how many jobs held it at once, at most."""
        now, most = dict.fromkeys(self.names, 0), dict.fromkeys(self.names, 0)
        for _, does, names in self.lines():
            for name in names:
                now[name] += 1 if does == "takes" else -1
                most[name] = max(most[name], now[name])
        return most


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Callable[[str], Machine]]:
    """A function that makes a machine of named devices; what still runs on it at the end is killed."""
    made: list[Machine] = []

    def make(names: str) -> Machine:
        made.append(Machine(tmp_path, names))
        return made[-1]

    yield make
    for machine in made:
        machine.kill()


def test_second_job_waits_and_names_the_first(machine: Callable[[str], Machine]) -> None:
    one = machine("GPU-a")
    first = one.start(1, seconds=1.5)
    one.wait_for(first, "takes")
    second = one.start(1)
    said = one.finish()
    assert [line[:2] for line in one.lines()] == [
        (first.pid, "takes"),
        (first.pid, "leaves"),
        (second.pid, "takes"),
        (second.pid, "leaves"),
    ]
    assert said[0] == ""
    assert re.fullmatch(
        rf"waiting for 1 of 1 devices, 0 free\. Held are GPU-a by process {first.pid} of \S+, test model\n", said[1]
    )


def test_killed_job_frees_its_device(machine: Callable[[str], Machine]) -> None:
    one = machine("GPU-a")
    first = one.start(1, seconds=600)
    one.wait_for(first, "takes")
    second = one.start(1)
    time.sleep(0.5)
    assert (second.pid, "takes", ["GPU-a"]) not in one.lines()
    first.send_signal(signal.SIGKILL)
    one.wait_for(second, "leaves")


def test_more_jobs_than_devices_get_one_each_and_never_share(machine: Callable[[str], Machine]) -> None:
    two = machine("GPU-a,GPU-b")
    jobs = [two.start(1, rounds=5, seconds=0.05) for _ in range(6)]
    two.finish()
    assert two.most_at_once() == {"GPU-a": 1, "GPU-b": 1}
    takes = [process for process, does, names in two.lines() if does == "takes" and len(names) == 1]
    assert sorted(takes) == sorted(5 * [job.pid for job in jobs])


def test_jobs_that_need_two_of_three_never_block_each_other(machine: Callable[[str], Machine]) -> None:
    three = machine("GPU-a,GPU-b,GPU-c")
    for number in (2, 2, 2, 1):
        three.start(number, rounds=20, seconds=0.01)
    three.finish()
    assert max(three.most_at_once().values()) == 1
    assert sum(does == "takes" for _, does, _ in three.lines()) == 80


def test_job_that_waits_for_two_holds_none(machine: Callable[[str], Machine]) -> None:
    two = machine("GPU-a,GPU-b")
    first = two.start(1, seconds=600)
    two.wait_for(first, "takes")
    large = two.start(2)
    time.sleep(0.5)  # by now it has found one device free and let it go
    small = two.start(1)
    two.wait_for(small, "leaves")
    first.kill()
    two.wait_for(large, "leaves")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act for two users")
@pytest.mark.parametrize("users", [(NOBODY, "me"), ("me", NOBODY)])
def test_users_of_a_machine_share_its_leases(users: tuple[str, str]) -> None:
    with tempfile.TemporaryDirectory() as folder:  # pytest's own is closed to other users
        Path(folder).chmod(0o1777)
        shared = Machine(Path(folder), "GPU-a")
        try:
            first = shared.start(1, seconds=600, user=users[0])
            shared.wait_for(first, "takes")
            second = shared.start(1, user=users[1])
            time.sleep(0.5)
            assert second.poll() is None, second.stderr.read()
            first.kill()
            shared.wait_for(second, "leaves")
        finally:
            shared.kill()


def test_more_devices_than_there_are_is_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(InputError, match=r"--gpus, value 3: there are 2 to choose from\. Ask for fewer"),
        hold(["GPU-a", "GPU-b"], 3, "mine", tmp_path / "leases"),
    ):
        pytest.fail("it holds something")
    assert not list(tmp_path.iterdir())


def test_folder_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    (tmp_path / "leases").write_text("not a folder")
    with (
        pytest.raises(InputError, match=r"leases: no device can be leased \(.+\)\. Let every user"),
        hold(["GPU-a"], 1, "mine", tmp_path / "leases"),
    ):
        pytest.fail("it holds something")


def test_link_that_another_user_laid_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "leases").mkdir()
    (tmp_path / "mine").write_text("precious")
    (tmp_path / "leases" / "GPU-a").symlink_to(tmp_path / "mine")
    with (
        pytest.raises(InputError, match="GPU-a: no device can be leased"),
        hold(["GPU-a"], 1, "mine", tmp_path / "leases"),
    ):
        pytest.fail("it holds something")
    assert (tmp_path / "mine").read_text() == "precious"


def test_cpu_needs_no_lease() -> None:
    with lease("cpu", 1, "one") as one, lease("cpu", 4, "other") as other:
        assert one == other == [CPU]


@WITHOUT_CUDA
def test_auto_is_the_cpu_without_a_gpu() -> None:
    assert find_devices("auto") == [CPU]


@WITHOUT_CUDA
@pytest.mark.parametrize("device", ["cuda", "cuda:1", "mps", "xpu", "tpu7"])
def test_device_that_is_not_there_is_refused(device: str) -> None:
    with pytest.raises(InputError, match=rf"--device, value \'{device}\': .+\. Use auto\."):
        find_devices(device)


def saved(model: PreTrainedModel, folder: Path) -> Path:
    """A folder with a model's safetensors."""
    model.save_pretrained(folder)
    return folder


@pytest.mark.parametrize("family", ["llama", "bloom", "gemma2"])
@pytest.mark.parametrize("attention", ATTENTIONS)
def test_model_is_loaded_as_it_was_saved(family: str, attention: str, tmp_path: Path) -> None:
    model = tiny_model(family)
    loaded = load_model(saved(model, tmp_path), "float32", [CPU], attention)
    tokens = torch.arange(3, 40)[None]
    with torch.inference_mode():
        assert (model(tokens).logits - loaded(tokens).logits).abs().max() <= 1e-5
    assert not loaded.training
    assert loaded.dtype == torch.float32
    fused = family == "llama" and attention == "sdpa"  # of these, only Llama has it
    assert loaded.config._attn_implementation == ("sdpa" if fused else "eager")


@pytest.mark.parametrize("family", ["llama", "gemma", "gpt2"])
def test_bytes_of_a_model_are_those_of_its_parameters(family: str, tmp_path: Path) -> None:
    model = tiny_model(family)
    numbers = sum(parameter.numel() for parameter in model.parameters())
    assert model_bytes(saved(model, tmp_path), "float32") == 4 * numbers
    assert model_bytes(tmp_path, "bfloat16") == 2 * numbers


@pytest.mark.parametrize("kind", [T5Config, MT5Config, BartConfig])
def test_encoder_decoder_is_refused_before_its_weights_are_read(kind: type[PreTrainedConfig], tmp_path: Path) -> None:
    kind().save_pretrained(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"not read")
    with pytest.raises(InputError, match=r"the model \(.*\) is an encoder-decoder"):
        load_model(tmp_path, "float32", [CPU])


def claim(weights: Path, terabytes: int) -> None:
    """Let a model's file of weights claim to be huge; it takes no room on the disk."""
    size = terabytes * 10**12
    header = json.dumps({"huge": {"dtype": "F32", "shape": [size // 4], "data_offsets": [0, size]}})
    file = weights / "model.safetensors"
    file.write_bytes(len(header).to_bytes(8, "little") + header.encode())
    os.truncate(file, 8 + len(header) + size)


def test_model_larger_than_the_machine_is_refused_before_it_is_read(tmp_path: Path) -> None:
    claim(saved(tiny_model("llama"), tmp_path), terabytes=10)
    with pytest.raises(InputError) as refused:
        load_model(tmp_path, "float32", [CPU])
    assert re.fullmatch(
        rf"{tmp_path}: does not fit: needs 1e\+04 GB in float32; cpu has \S+ GB in all\."
        r" Set dtype: bfloat16, which halves it\.",
        str(refused.value),
    )


LIMITED = """
import resource, sys
from pathlib import Path
import torch
from selfalign.errors import exit_on_mistake
from selfalign.inference.local.devices import load_model

used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + int(sys.argv[2]),) * 2)
with exit_on_mistake():
    load_model(Path(sys.argv[1]), "float32", [torch.device("cpu")])
"""
"""Loads a model in a process that may take so many bytes more, and no more."""


def test_memory_that_runs_out_while_a_model_is_loaded_is_reported(tmp_path: Path) -> None:
    sizes = {"hidden_size": 512, "intermediate_size": 2048, "num_hidden_layers": 16, "vocab_size": 8000}
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(LlamaConfig(**sizes, num_attention_heads=8), dtype=torch.bfloat16)
    folder = saved(model.to_empty(device="cpu"), tmp_path)  # 150 MB, to be mapped; 300 MB more as float32
    (tmp_path / "limited.py").write_text(LIMITED)
    line = [(warm_programs() or BIN) / "python", tmp_path / "limited.py", folder, str(250 * 10**6)]
    run = subprocess.run(line, capture_output=True, text=True)
    assert run.returncode == 1, run.stderr
    assert_one_paragraph(run.stderr.splitlines(keepends=True)[-1], tells=["does not fit: needs 0.301 GB in float32"])


@pytest.mark.parametrize(
    ("dtype", "gigabytes", "gpus", "remedy"),
    [
        ("bfloat16", 140, [80], "Set gpus: 2, which spreads it over as many."),
        ("bfloat16", 810, [80, 80, 80, 80], "Set gpus: 12, which spreads it over as many."),
        ("float32", 32, [24], "Set dtype: bfloat16, which halves it, or gpus: 2, which spreads it over as many."),
    ],
)
def test_model_larger_than_its_gpus_is_reported_with_a_remedy(
    dtype: str, gigabytes: int, gpus: list[int], remedy: str
) -> None:
    room = {torch.device("cuda", place): size * 10**9 for place, size in enumerate(gpus)}
    said = str(too_large(Path("weights"), dtype, gigabytes * 10**9, room))
    assert said.startswith(f"weights: does not fit: needs {gigabytes} GB in {dtype}; cuda:0 has {gpus[0]} GB free")
    assert said.endswith(remedy)


SNAKEFILE = """
rule all:
    input: expand("{job}.done", job=range(6))

rule compute:
    output: "{job}.done"
    resources: gpu=1
    shell: "python job.py leases diary GPU-a,GPU-b 1 1 0.5 me 2> {wildcards.job}.log && touch {output}"
"""


@pytest.mark.parametrize(("limit", "wait"), [(["--resources", "gpu=2"], False), ([], True)])
def test_jobs_of_snakemake_never_share_a_device(limit: list[str], wait: bool, tmp_path: Path) -> None:
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    (tmp_path / "job.py").write_text(JOB)
    two = Machine(tmp_path, "GPU-a,GPU-b")
    programs = warm_programs() or BIN
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    line = [programs / "snakemake", "--cores", "6", *limit]
    subprocess.run(line, cwd=tmp_path, env={**os.environ, "PATH": path}, check=True, capture_output=True)
    assert len(two.lines()) == 12
    assert two.most_at_once() == {"GPU-a": 1, "GPU-b": 1}
    # Told how many GPUs there are, Snakemake starts no more jobs than that; else they start and wait.
    assert any("waiting" in log.read_text() for log in tmp_path.glob("*.log")) == wait


ANSWER = """
import hashlib, sys
from pathlib import Path
import torch
from selfalign.inference.local.devices import lease, load_model

torch.set_num_threads(1)
tokens = torch.randint(3, 300, (8, 200), generator=torch.Generator().manual_seed(1))
with lease("cpu", 1, "test"), torch.inference_mode():
    model = load_model(Path(sys.argv[1]), "float32", [torch.device("cpu")])
    print("loaded", flush=True)
    input()
    digest = hashlib.sha256()
    for _ in range(10):
        digest.update(model(tokens).logits.log_softmax(-1).numpy().tobytes())
print(digest.hexdigest(), torch.get_num_threads())
"""
"""Loads a model, waits for a line, and prints a digest of 10 forward passes, by one thread."""


def answer_together(weights: Path, jobs: int) -> list[str]:
    """What so many jobs print that compute at the same time."""
    (weights / "answer.py").write_text(ANSWER)
    line = [(warm_programs() or BIN) / "python", weights / "answer.py", weights]
    running = [
        subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for _ in range(jobs)
    ]
    assert [job.stdout.readline() for job in running] == ["loaded\n"] * jobs
    for job in running:
        job.stdin.write("\n")
        job.stdin.flush()
    said = [job.communicate(timeout=120)[0] for job in running]
    assert [job.returncode for job in running] == [0] * jobs
    return said


def test_two_jobs_on_the_cpu_answer_as_one_alone(tmp_path: Path) -> None:
    saved(tiny_model("llama"), tmp_path)
    (alone,) = answer_together(tmp_path, 1)
    assert re.fullmatch(r"[0-9a-f]{64} 1\n", alone)
    assert answer_together(tmp_path, 2) == [alone, alone]
