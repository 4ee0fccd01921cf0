"""Where the numbers come from: the survey's file, the probe bank, the model's files and its ledger."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from selfalign.audit.trace.results import Results
from selfalign.audit.trace.show import paragraph, section
from selfalign.errors import InputError
from selfalign.probes.versions import digest_file, tell_bank

_FACTS = ("version", "engine", "dtype", "device", "attention", "format", "shown", "model", "url")


def describe_origins(results: Results, model: str, language: str, fingerprint: str) -> str:
    """Survey, bank and model of a cell.

    Args:
        results: of the run.
        model: its name.
        language: that the cell is asked in.
        fingerprint: under which the answer was given.
    """
    files = [results.bank_file, results.text_file(language)]
    lines = [
        describe_survey(results),
        tell_recorded_bank(results.run.folder, files),
        describe_model(results, model),
        describe_fingerprint(results.run.shared / "ledger" / model / f"{language}.sqlite", fingerprint),
    ]
    return section("Where this comes from", *map(paragraph, lines))


def describe_survey(results: Results) -> str:
    """The survey's source file with its checksum, and what became of it."""
    name = results.config["run"]["survey"]
    survey = results.config["surveys"][name]
    source, file = survey["source"], _survey_file(results)
    place = f"{source['hub']}, revision {source.get('revision', 'not given')}, " if "hub" in source else ""
    place += f"{source['url']}, " if "url" in source else ""
    text = f"Survey: {name} (form {survey['form']}), {place}file {file}, {_checksum(file)}."
    recorded = find_checksum(read_record(results.run.folder), file)
    if recorded is not None and file.is_file():
        same = recorded == digest_file(file)
        text += " The run recorded the same checksum." if same else f" CHANGED: the run recorded {recorded}."
    if survey["form"] == "counts":
        text += f" Respondents are simulated from its counts with seed {survey.get('seed')}; the counts are real."
    return text


def _survey_file(results: Results) -> Path:
    """The file of the survey: the user's own, or the one that was fetched."""
    source = results.config["surveys"][results.config["run"]["survey"]]["source"]
    if "file" in source:
        return Path(source["file"])
    fetched = sorted(path for path in (results.survey / "download").glob("*") if path.is_file())
    return fetched[0] if fetched else results.survey / "download"


def _checksum(file: Path) -> str:
    return f"SHA-256 {digest_file(file)}" if file.is_file() else "which is not there now"


def read_record(folder: Path) -> Mapping[str, Any]:
    """What a run recorded of itself (run.json); empty where there is nothing."""
    path = folder / "run.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def find_checksum(record: object, file: Path) -> str | None:
    """The SHA-256 that a record has of a file; None where it has none."""
    if not isinstance(record, Mapping):
        return None
    found = record.get(str(file))
    if isinstance(found, Mapping):
        found = found.get("sha256")
    if isinstance(found, str) and len(found) == 64:
        return found
    return next((each for value in record.values() if (each := find_checksum(value, file)) is not None), None)


def tell_recorded_bank(folder: Path, files: list[Path]) -> str:
    """Which bank the results were made with, and which of its files have changed since.

    Args:
        folder: of the run.
        files: the bank and the wordings that the cell is traced with.
    """
    path = folder / "human" / "bank.json"
    if not path.exists():
        return f"Probe bank: not recorded. Let snakemake make {path}."
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        told, known = tell_bank(record), record["files"].values()
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(path, "not a record of a probe bank", "Let snakemake make it again") from error
    others = [str(file) for file in files if digest_file(file) not in known]
    return f"{told} Not the files of the results: {', '.join(others)}." if others else told


def describe_model(results: Results, model: str) -> str:
    """The model's source with its revision, and the checksums of its files."""
    settings = results.config["models"][model]
    text = f"Model: {settings['label']} ({model}), {_source(settings)}"
    card = results.card(model)
    if card is None:
        return f"{text}. No files of it are recorded."
    digests = [f"{key.removesuffix('_sha256')} {value}" for key, value in card.items() if key.endswith("_sha256")]
    count = f"{card['parameters']:,} parameters" if card.get("parameters") else "parameters not counted"
    return f"{text}; {card.get('architecture', 'architecture not recorded')}, {count}. SHA-256: {', '.join(digests)}."


def _source(settings: Mapping[str, Any]) -> str:
    if "endpoint" in settings:
        endpoint = settings["endpoint"]
        return f"endpoint {endpoint.get('url')}, model {endpoint.get('model')}"
    source = settings["source"]
    if "hub" in source:
        return f"{source['hub']}, revision {source.get('revision', 'not given')}"
    if "package" in source:
        file = f", file {source['file']} with SHA-256 {source['sha256']}" if "sha256" in source else ""
        return f"package {source['package']}{file}"
    return f"folder {source.get('folder')}"


def describe_fingerprint(ledger: Path, fingerprint: str) -> str:
    """What the fingerprint of an answer stands for, as the ledger recorded it."""
    from selfalign.audit.ledger import describe  # it imports SQLite and the ledger's code

    start = f"Fingerprint {fingerprint}"
    try:
        known = {entry["fingerprint"]: entry for entry in describe(ledger)["models"]}
    except InputError as error:
        return f"{start}: the ledger cannot be read now. {error}"
    if not isinstance(known.get(fingerprint, {}).get("facts"), dict):
        return f"{start}: not in {ledger}."
    entry = known[fingerprint]
    facts = [f"{key} {entry['facts'][key]}" for key in _FACTS if key in entry["facts"]]
    versions = entry["runs"][-1]["versions"] if entry["runs"] else None
    software = "; " + ", ".join(f"{name} {value}" for name, value in versions.items()) if versions else ""
    return f"{start}: {', '.join(facts)}{software} ({ledger})."
