"""Records of Snakemake, and the folder that it keeps them in."""

import os
from pathlib import Path

import pytest
from selfalign.audit.jobs import SNAKEMAKE, refuse_read_only
from selfalign.errors import InputError


@pytest.mark.parametrize("place", [Path(), SNAKEMAKE])
def test_folder_that_snakemake_cannot_write_to_is_refused(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / place).mkdir(exist_ok=True)
    refuse_read_only(tmp_path)
    # The permissions of a folder do not stop an administrator, who may run this test.
    monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path / place)
    with pytest.raises(InputError) as refused:
        refuse_read_only(tmp_path)
    assert str(refused.value).startswith(f"{tmp_path / place}: cannot be written, and Snakemake writes")
