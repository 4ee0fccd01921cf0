"""Digests of files and rows, by which a step notices that an input is another one."""

import os
from pathlib import Path

import pytest
from configs import altered
from places import ROOT
from selfalign.config import row_digests
from selfalign.config.row_digests import digest_bank, digest_compared, digest_given, digest_wording


def rewrite(path: Path, content: bytes) -> None:
    """Put other content into a file and keep its time; forget what this process read, as the next run does."""
    path.write_bytes(content)
    os.utime(path, (1_000_000_000, 1_000_000_000))
    row_digests._digest_content.cache_clear()


def test_content_counts_and_time_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "counts.csv"
    file.write_bytes(b"a" * 1000)
    first = digest_given([str(file)])
    rewrite(file, b"a" * 1000)
    assert digest_given([[str(file)]]) == first
    rewrite(file, b"b" * 1000)
    assert digest_given([str(file)]) != first
    monkeypatch.setattr(row_digests, "_WHOLE", 100)
    monkeypatch.setattr(row_digests, "_PART", 10)
    rewrite(file, b"b" * 1000)
    large = digest_given([str(tmp_path / "nothing"), str(file)])
    for content in (b"b" * 999, b"b" * 999 + b"c", b"c" + b"b" * 999, b"b" * 1000):
        rewrite(file, content)
        assert (digest_given([str(file)]) == large) == (content == b"b" * 1000)


def test_files_that_steps_make_or_read_in_part_do_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results").mkdir()
    for name in ("results/made.csv", "part.csv"):
        (tmp_path / name).write_text("a", encoding="utf-8")
    assert digest_given([["results/made.csv"], "part.csv", lambda _: "nothing.csv"], None, {"part.csv"}) == ""
    assert digest_given([lambda name: [name]], "part.csv") != ""


def test_own_wording_counts_where_the_bank_is_in_the_results(tmp_path: Path) -> None:
    """The rows of such a bank are not known before the run, so all wordings count."""
    config = altered("minimal", probes={"bank": "results/mine/probes.csv"})
    texts = tmp_path / "en.csv"
    texts.write_bytes((ROOT / "resources/probes/texts/en.csv").read_bytes())
    assert digest_bank(config) == "" == digest_wording(config, "results/mine/en.csv")
    before = digest_wording(config, str(texts))
    assert before == digest_compared(config, str(texts), "chrf") != ""
    texts.write_text(
        texts.read_text(encoding="utf-8").replace("God counts for", "God truly counts for"), encoding="utf-8"
    )
    assert digest_wording(config, str(texts)) != before


def test_kinds_count_where_they_select_probes_of_a_bank_in_the_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = altered("minimal", probes={"bank": "results/shared/arora/probes.csv", "kinds": ["behaviour"]})
    kinds = tmp_path / "kinds.csv"
    kinds.write_text("probe,kind\n")
    monkeypatch.setattr(row_digests, "kinds_file", lambda config: kinds)
    before = digest_bank(made)
    rewrite(kinds, b"probe,kind\nQ1,value\n")
    assert digest_bank(made) != before != ""
