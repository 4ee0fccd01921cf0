"""Where the numbers come from: the survey's file, the probe bank, the model's files and its ledger."""

import json
from pathlib import Path

from selfalign.audit.trace.results import Results
from selfalign.audit.trace.show import paragraph, section
from selfalign.config.sections import Model
from selfalign.digests import digest_input
from selfalign.errors import InputError
from selfalign.probes.versions import bank_in_words

_FACTS = ("version", "engine", "dtype", "device", "attention", "format", "shown", "model", "url")


Line = tuple[str, str]
"""The label of a line, and its text."""


def describe_origins(results: Results, model: str, language: str, fingerprint: str) -> str:
    """Survey, bank and model of a cell.

    Args:
        model: its name.
        language: that the cell is asked in.
        fingerprint: under which the answer was given.
    """
    files, tests = results.word_files(language), results.config.test_probes
    lines = [
        *describe_survey(results, results.config.run.survey),
        *(describe_survey(results, tests.survey, "test probes") if tests else []),
        ("probe bank", describe_recorded_bank(results.run.people("bank.json"), files).removeprefix("Probe bank: ")),
        *describe_model(results, model),
        *describe_fingerprint(results.run.ledger(model, language), fingerprint),
    ]
    width = max(len(name) for name, _ in lines) + 2
    lines_of_text = [paragraph(text, first=f"{name:{width}}", later=" " * width) for name, text in lines]
    return section("Where this comes from", *lines_of_text)


def describe_survey(results: Results, name: str, label: str = "survey") -> list[Line]:
    """A survey's source file with its checksum, and what became of it.

    Args:
        name: of the survey.
        label: of the line with its name.
    """
    survey, file = results.config.surveys[name], _survey_file(results, name)
    source = survey.source.given
    lines = [(label, f"{name} (form {survey.form})")]
    if "hub" in source:
        lines.append(("hub", f"{source['hub']}, revision {source.get('revision', 'not given')}"))
    if "url" in source:
        lines.append(("address", source["url"]))
    lines.append(("file", str(file)))
    if survey.form == "counts":
        lines.append(("people", f"simulated from the counts of this file with seed {survey.seed}; the counts are real"))
    if not file.is_file():
        return [*lines, ("SHA-256", "not known: the file is not there now")]
    inputs = results.run.read_record().get("inputs", {})
    found, recorded = digest_input(file), inputs.get(source.get("file", str(file)), {}).get("sha256")
    verdict = ""
    if recorded is not None:
        verdict = " (as the run recorded it)" if recorded == found else f" CHANGED: the run recorded {recorded}"
    return [*lines, ("SHA-256", found + verdict)]


def _survey_file(results: Results, survey: str) -> Path:
    """The file of a survey: the user's own, or the one that was fetched."""
    settings = results.config.surveys[survey]
    if settings.own_file:
        return results.locate(settings.own_file)
    return Path(settings.file.replace("<shared>", str(results.run.shared)))


def describe_recorded_bank(path: Path, files: list[Path]) -> str:
    """Which bank the results were made with, and which of its files have changed since.

    Args:
        path: the record of the bank.
        files: the bank and the wordings that the cell is traced with.
    """
    if not path.exists():
        return f"Probe bank: not recorded. Let snakemake make {path}."
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        text, known = bank_in_words(record), record["files"].values()
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(path, "not a record of a probe bank", "Let snakemake make it again") from error
    others = [str(file) for file in files if digest_input(file) not in known]
    return f"{text} Not the files of the results: {', '.join(others)}." if others else text


def describe_model(results: Results, model: str) -> list[Line]:
    """The model's source with its revision, and the checksums of its files."""
    settings, card = results.config.models[model], results.card(model)
    lines = [("model", f"{settings.label} ({model})"), ("source", _source(settings))]
    if card is None:
        return [*lines, ("files", "none of this model are recorded")]
    if card.get("parameters"):
        lines.append(("architecture", f"{card.get('architecture')}, {card['parameters']:,} parameters"))
    digests = {key: value for key, value in card.items() if key.endswith("_sha256") and value}
    return [*lines, *((f"SHA-256 of {key.removesuffix('_sha256')}", value) for key, value in digests.items())]


def _source(model: Model) -> str:
    if model.endpoint:
        return f"endpoint {model.endpoint.url}, model {model.endpoint.model}"
    source = model.source.given if model.source else {}
    if "hub" in source:
        return f"{source['hub']}, revision {source.get('revision', 'not given')}"
    if "package" in source:
        file = f", file {source['file']} with SHA-256 {source['sha256']}" if "sha256" in source else ""
        return f"package {source['package']}{file}"
    return f"folder {source.get('folder')}"


def describe_fingerprint(ledger: Path, fingerprint: str) -> list[Line]:
    """The facts behind the fingerprint of an answer, as the ledger recorded them."""
    from selfalign.ledger.reading import describe_ledger  # SQLite takes time to import

    lines = [("fingerprint", fingerprint), ("ledger", str(ledger))]
    try:
        known = {entry["fingerprint"]: entry for entry in describe_ledger(ledger)["models"]}
    except InputError as error:
        return [*lines, ("computed", f"not known now. {error}")]
    entry = known.get(fingerprint, {})
    if not isinstance(entry.get("facts"), dict):
        return [*lines, ("computed", "not known: the ledger does not have this fingerprint")]
    facts = [f"{key} {entry['facts'][key]}" for key in _FACTS if key in entry["facts"]]
    versions = entry["runs"][-1]["versions"] if entry["runs"] else None
    facts += [f"{name} {value}" for name, value in (versions or {}).items()]
    return [*lines, ("computed", ", ".join(facts))]
