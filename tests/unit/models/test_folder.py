"""Folders of models that hold something else than one model: each error names the folder or file to give."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from selfalign.config.sections import Model
from selfalign.errors import InputError
from selfalign.models.folder import Header, list_inputs, list_model, read_headers
from selfalign.plan.models import find_size, find_tokenizer

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"


@pytest.mark.parametrize(
    ("files", "given", "tells"),
    [
        pytest.param(
            {"config.json": "{}", "model.safetensors": POINTER},
            "",
            r"model\.safetensors is a pointer of Git LFS, not the file\. Run git lfs pull",
            id="pointer",
        ),
        pytest.param({"model.gguf": POINTER}, "", r"model\.gguf is a pointer of Git LFS", id="pointer to a GGUF"),
        pytest.param(
            {"a.gguf": "", "mmproj.gguf": ""}, "", "holds 2 GGUF files, a.gguf, mmproj.gguf; expected one", id="GGUFs"
        ),
        pytest.param(
            {"snapshots/1f/config.json": "{}", "refs/main": "1f"},
            "",
            "holds no file. Give the folder of the model itself: .*snapshots/1f",
            id="cache of the hub",
        ),
        pytest.param({"model.gguf": ""}, "model.gguf", r"model\.gguf is a file\. Give its folder, .*/m\.", id="file"),
        pytest.param({}, "", "holds no file; expected config.json and", id="empty"),
    ],
)
def test_folder_that_is_not_one_model_is_refused(files: dict[str, str], given: str, tells: str, tmp_path: Path) -> None:
    folder = tmp_path / "m"
    folder.mkdir()
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    with pytest.raises(InputError, match=tells):
        list_model(str(folder / given), "models/m/source/folder")


@pytest.mark.parametrize("given", ["~/m", "/m", "m"])
def test_inputs_of_a_model_are_the_files_that_are_taken(
    given: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A README or a log may change: this must not fetch the model again. A replaced file must."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m").mkdir()
    for name in ("config.json", "model.safetensors", "tokenizer.json", "README.md", "training.log"):
        (tmp_path / "m" / name).write_text("{}")
    folder = str(tmp_path / "m") if given == "/m" else given
    start = "m" if given == "m" else f"{tmp_path}/m"
    model = Model.read({"label": "", "source": {"folder": folder}}, "mine")
    assert list_inputs(model.folder) == list_inputs(folder)
    assert list_inputs(folder) == [f"{start}/{name}" for name in ("config.json", "model.safetensors", "tokenizer.json")]
    assert find_tokenizer(model, tmp_path) == Path(start)


def test_folder_that_is_not_one_model_has_no_inputs(tmp_path: Path) -> None:
    assert list_inputs(str(tmp_path / "none")) == [] == list_inputs(str(tmp_path))


def test_headers_have_the_tensors_of_all_files_that_are_taken(tmp_path: Path) -> None:
    """`consolidated.safetensors` has the same weights again. It is not taken, so the plan must not count it."""
    tensors = {"model.layers.0.weight": np.zeros((2, 3), np.float16), "lm_head.weight": np.zeros(5, np.float32)}
    for place, (name, tensor) in enumerate(tensors.items(), start=1):
        save_file({name: tensor}, tmp_path / f"model-0000{place}-of-00002.safetensors")
    save_file(tensors, tmp_path / "consolidated.safetensors")
    expected = {"model.layers.0.weight": Header((2, 3), "F16"), "lm_head.weight": Header((5,), "F32")}
    assert read_headers(tmp_path) == expected
    found = find_size(Model.read({"label": "", "source": {"folder": str(tmp_path)}}, "mine"), tmp_path / "no card")
    assert found is not None and (found.parameters, found.source) == (2 * 3 + 5, "weights")


def test_damaged_weights_are_named(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"x" * 20)
    with pytest.raises(InputError, match=r"model\.safetensors: cannot be read as safetensors .* Fetch the model again"):
        read_headers(tmp_path)


@pytest.mark.slow
def test_the_plan_reads_headers_without_pytorch() -> None:
    """PyTorch takes seconds to import."""
    program = "import sys, selfalign.plan.models; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    assert done.stdout == "False\n"
