"""Folders of models that hold something else than one model: each error names the folder or file to give."""

from pathlib import Path

import pytest
from selfalign.errors import InputError
from selfalign.models.folder import list_model

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
