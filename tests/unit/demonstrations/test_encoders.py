"""Folders of encoders: a damaged one is refused before a run, without a traceback."""

import json
from pathlib import Path

import pytest
from selfalign.demonstrations.encoders import check_encoder
from selfalign.errors import InputError

POOLING = {"type": "sentence_transformers.models.Pooling", "path": "1_Pooling"}


@pytest.mark.parametrize(
    ("modules", "pooling", "tells"),
    [
        ([POOLING], "{", "modules.json that cannot be read .JSONDecodeError"),
        ([POOLING], None, "modules.json that cannot be read .FileNotFoundError"),
        ([{"type": "x.Pooling"}], None, "modules.json that cannot be read .KeyError: 'path'"),
        ({"a": 1}, None, "modules.json that cannot be read .TypeError"),
    ],
    ids=["damaged", "missing", "no path", "no list"],
)
def test_encoder_with_a_damaged_list_of_modules_is_refused(
    modules: object, pooling: object, tells: str, tmp_path: Path
) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"")
    (tmp_path / "modules.json").write_text(json.dumps(modules))
    if pooling is not None:
        (tmp_path / "1_Pooling").mkdir()
        text = pooling if isinstance(pooling, str) else json.dumps(pooling)
        (tmp_path / "1_Pooling/config.json").write_text(text)
    with pytest.raises(InputError, match=tells):
        check_encoder(str(tmp_path), "en")
