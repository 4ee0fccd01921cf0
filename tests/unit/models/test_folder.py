"""Folders of models that hold something else than one model: each error names the folder or file to give."""

from pathlib import Path

import pytest
from selfalign.config.sections import Model
from selfalign.errors import InputError
from selfalign.models.folder import list_inputs, list_model
from selfalign.plan.models import find_tokenizer

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
