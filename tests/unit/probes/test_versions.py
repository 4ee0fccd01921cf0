"""The version of the probe bank: what ships has one, and results record what they used."""

import csv
import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from places import ROOT
from selfalign.audit.trace.origins import describe_recorded_bank
from selfalign.cli import program
from selfalign.digests import digest_file
from selfalign.errors import InputError
from selfalign.probes.versions import bank_in_words, digest_all, read_version
from version_bank import digest_release, number


@pytest.fixture
def resources(tmp_path: Path) -> Path:
    """A copy of what ships, to edit."""
    return Path(shutil.copytree(ROOT / "resources", tmp_path / "resources"))


def record(bank: Path, *texts: Path, version: Path | None = None) -> dict:
    """What the step records of a bank."""
    output = bank.parent / "people" / "bank.json"
    options = ["--version", version] if version else []
    arguments = ["record-bank", "--bank", bank, *options, "--output", output, *texts]
    CliRunner().invoke(program, list(map(str, arguments)), catch_exceptions=False, standalone_mode=False)
    return json.loads(output.read_text(encoding="utf-8"))


def test_no_shipped_text_changes_without_a_new_version() -> None:
    release, present = read_version(ROOT / "resources/probes/bank.yaml")["files"], digest_release()
    changed = sorted(name for name in release.keys() | present.keys() if release.get(name) != present.get(name))
    assert not changed, (
        f"The probe bank changed: {', '.join(changed)}. Run `python tools/version_bank.py VERSION` with a higher "
        "version, and add a line to the changes in docs/own_bank.md, which says which number to raise."
    )


def test_version_is_in_the_list_of_changes() -> None:
    release = read_version(ROOT / "resources/probes/bank.yaml")
    assert f"| {release['version']} | {release['date']} |" in (ROOT / "docs/own_bank.md").read_text(encoding="utf-8")
    assert number("2.10.0") > number("2.9.1")


def test_every_text_of_a_prompt_is_part_of_the_version() -> None:
    folders = ("probes/texts", "templates", "personas", "neutral", "survey/questions", "survey/labels")
    shipped = {f"{folder}/{path.name}" for folder in folders for path in (ROOT / "resources" / folder).iterdir()}
    assert len(shipped) == 6 * 17
    assert set(digest_release()) == shipped | {"probes/probes.csv", "survey/scales.csv", "countries.csv"}


def test_unchanged_bank_is_recorded_with_its_version(resources: Path) -> None:
    bank, version = resources / "probes/probes.csv", resources / "probes/bank.yaml"
    found = record(bank, resources / "probes/texts/en.csv", version=version)
    release = read_version(version)
    assert (found["version"], found["date"]) == (release["version"], release["date"])
    assert found["unchanged"] is True and found["changed"] == []
    files = {str(path): digest_file(path) for path in (bank, resources / "probes/texts/en.csv")}
    assert found["files"] == files and found["digest"] == digest_all(files)
    assert bank_in_words(found).startswith(
        f"Probe bank: version {release['version']} of {release['date']}, as released;"
    )


def test_edited_text_is_recorded_as_changed(resources: Path) -> None:
    bank, version = resources / "probes/probes.csv", resources / "probes/bank.yaml"
    english, german = resources / "probes/texts/en.csv", resources / "probes/texts/de.csv"
    before = record(bank, english, german, version=version)
    text = german.read_text(encoding="utf-8")
    german.write_text(text.replace("Streitkräfte", "Armee"), encoding="utf-8")
    after = record(bank, english, german, version=version)
    assert after["unchanged"] is False and after["changed"] == [str(german)]
    assert after["digest"] != before["digest"]
    assert "not as released (changed files: 1);" in bank_in_words(after)


def test_own_bank_needs_no_version(tmp_path: Path) -> None:
    for name in ("probes.csv", "en.csv"):
        (tmp_path / name).write_text(name, encoding="utf-8")
    found = record(tmp_path / "probes.csv", tmp_path / "en.csv")
    assert (found["version"], found["unchanged"]) == (None, None) and len(found["files"]) == 2
    assert bank_in_words(found).startswith("Probe bank: without a version; digest of its 2 files ")


def test_own_texts_are_not_of_the_release(resources: Path, tmp_path: Path) -> None:
    own = tmp_path / "mine.csv"
    shutil.copy(resources / "probes/texts/en.csv", own)
    found = record(resources / "probes/probes.csv", own, version=resources / "probes/bank.yaml")
    assert found["changed"] == [str(own)]


def test_trace_names_the_bank_of_the_results_and_later_changes(resources: Path) -> None:
    bank, text = resources / "probes/probes.csv", resources / "probes/texts/en.csv"
    recorded = bank.parent / "people/bank.json"
    assert "not recorded" in describe_recorded_bank(recorded, [bank])
    found = record(bank, text, version=resources / "probes/bank.yaml")
    assert describe_recorded_bank(recorded, [bank, text]) == bank_in_words(found)
    text.write_text("other", encoding="utf-8")
    assert describe_recorded_bank(recorded, [bank, text]).endswith(f"Not the files of the results: {text}.")
    recorded.write_text("[]", encoding="utf-8")
    with pytest.raises(InputError, match="not a record of a probe bank"):
        describe_recorded_bank(recorded, [bank])


@pytest.mark.parametrize("text", ["", "version: 1", "version: 1\ndate: x\nfiles: y", "{"])
def test_damaged_version_file_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "bank.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"bank\.yaml"):
        read_version(tmp_path / "bank.yaml")


def rows(name: str) -> list[dict[str, str]]:
    with (ROOT / "docs" / "translations" / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_second_review_is_counted_as_its_decisions_and_edits() -> None:
    document = (ROOT / "docs/translation_review.md").read_text(encoding="utf-8")
    decisions, edits = rows("decisions.csv"), rows("edits.csv")
    for language in {row["language"] for row in edits}:
        made = [row["decision"] for row in decisions if row["language"] == language]
        counts = [len(made), *(made.count(kind) for kind in ("fixed", "noted", "disagreed"))]
        changed = sum(row["language"] == language for row in edits)
        assert f"(`{language}`) | {' | '.join(map(str, counts))} | {changed} |" in document, language
    kinds = [row["decision"] for row in decisions]
    totals = [len(kinds), *(kinds.count(kind) for kind in ("fixed", "noted", "disagreed"))]
    assert f"| all | {' | '.join(map(str, totals))} | {len(edits):,} |" in document
    assert all(row["reason"] for row in decisions)
