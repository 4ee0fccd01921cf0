"""`selfalign verify`: whether the inputs, settings and models of a run give its files again."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from selfalign.audit.jobs import Job, read_jobs
from selfalign.audit.verify.findings import Difference, Findings, describe_findings
from selfalign.errors import InputError


def verify(folder: Path, size: int, seed: int, tolerance: float) -> Findings:
    """Check a finished run: its files, its inputs, its models, every step, and a sample of cells by the naive engine.

    Args:
        folder: of the run.
        size: number of cells to compute by the naive engine; 0: none.
        seed: of the draw of these cells.
        tolerance: largest difference of two numbers that counts as rounding.

    Raises:
        InputError: the run has no manifest.
    """
    from selfalign.audit.manifest import JOBS, MANIFEST, Manifest
    from selfalign.audit.verify.files import check_manifest
    from selfalign.audit.verify.rerun import Rerun
    from selfalign.audit.verify.sample import check_sample
    from selfalign.runs import RECORD
    from selfalign.tables import read_table

    if not (folder / MANIFEST).is_file():
        raise InputError(
            folder / MANIFEST, "the run has no manifest, because it did not end", "Run snakemake to its end"
        )
    findings = Findings()
    manifest = read_table(folder / MANIFEST, Manifest)
    findings.differences += check_manifest(folder, manifest)
    findings.checked["files compared with the manifest"] += len(manifest)
    check_record(folder / RECORD, findings)
    known = set(manifest["file"])
    changed = {one.file for one in findings.differences}
    jobs_file = folder / JOBS
    if str(jobs_file) not in known or str(jobs_file) in changed:
        findings.skipped.append(f"every number: not made again, because {jobs_file} is not the file of the run")
        return findings
    jobs = read_jobs(jobs_file)
    check_models(jobs, findings)
    with _scratch(folder) as scratch:
        rerun = Rerun(jobs, scratch, tolerance)
        rerun.run(findings)
        check_sample(rerun, size, seed, findings)
    return findings


@contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    """A folder for files that are made again. It is in the folder of the run, because microdata must stay in results/.

    Raises:
        InputError: it cannot be made.
    """
    try:
        scratch = TemporaryDirectory(prefix=".verify-", dir=folder)
    except OSError as error:
        remedy = "Verify a copy of the folder that you may write to"
        raise InputError(folder, f"no scratch folder can be made in it ({error.strerror})", remedy) from None
    with scratch as name:
        yield Path(name)


def check_record(path: Path, findings: Findings) -> None:
    """Compare the inputs, code and versions in run.json with those of now."""
    from selfalign.audit.compare.changes import find_changed_values
    from selfalign.audit.record_run import describe_environment
    from selfalign.audit.verify.files import compare_facts
    from selfalign.provenance import code_digests

    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        inputs = [(file, dict(facts)) for file, facts in record["inputs"].items()]
        code, environment = dict(record["code"]), {key: record[key] for key in ("python", "machine", "packages")}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        findings.differences.append(Difference(str(path), problem="the record of the run cannot be read"))
        return
    for file, facts in inputs:
        if not Path(file).is_file():
            findings.skipped.append(f"{file}: an input that is not there any more")
            continue
        findings.differences += compare_facts(file, facts)
        findings.checked["inputs compared with run.json"] += 1
    steps = sorted(step for step, digest in code_digests().items() if code.get(step) != digest)
    if steps:
        findings.notes.append(f"the code of these steps has changed since the run: {', '.join(steps)}")
    findings.notes += [
        f"{key.removeprefix('packages.')} was {_short(before)}, and is {_short(now)}"
        for key, (before, now) in find_changed_values(environment, describe_environment()).items()
    ]


def _short(value: object) -> str:
    return "absent" if value is None else str(value)


def check_models(jobs: list[Job], findings: Findings) -> None:
    """Compare the weights, configuration and tokenizer of each model with the digests in its card."""
    from selfalign.audit.verify.differences import compare_json
    from selfalign.audit.verify.rerun import read_options
    from selfalign.models.convert_model import make_card
    from selfalign.weight_checks import quiet

    for job in jobs:
        if job.step != "convert_model":
            continue
        options = read_options(job.step, list(job.arguments[1:]))
        folder, card = Path(options["output"]), Path(options["card"])
        if not any(path.exists() for path in folder.glob("*.safetensors")):
            findings.skipped.append(f"{options['model']}: its weights are not in {folder} any more")
            continue
        if not card.is_file():
            continue  # the check of files reports it
        try:
            recorded = json.loads(card.read_text(encoding="utf-8"))
            with quiet():
                now = make_card(options["model"], folder, Path(options["source"]))
        except (InputError, OSError, ValueError) as error:
            findings.differences.append(Difference(str(card), problem=f"cannot be checked: {error}"))
            continue
        findings.differences += compare_json(str(card), recorded, now)
        findings.checked["models compared with their cards"] += 1


@click.command()
@click.argument("run")
@click.option(
    "--sample",
    "size",
    type=click.IntRange(min=0),
    default=10,
    show_default=True,
    help="Cells to compute by the naive engine.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Seed of the draw of these cells.")
@click.option(
    "--tolerance",
    type=click.FloatRange(min=0),
    default=2e-6,
    show_default=True,
    help="Largest difference that is rounding.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def command(context: click.Context, run: str, size: int, seed: int, tolerance: float, as_json: bool) -> None:
    """Check every file of RUN, make its numbers again from its inputs, and compare; exit code 1 if anything differs."""
    from selfalign.runs import find_run

    found = find_run(run)
    findings = verify(found.folder, size, seed, tolerance)
    if as_json:
        parts = {"checked": findings.checked, "skipped": findings.skipped, "notes": findings.notes}
        click.echo(json.dumps({**parts, "differences": [one.as_dict() for one in findings.differences]}, indent=1))
    else:
        click.echo(describe_findings(found.name, findings))
    context.exit(1 if findings.differences else 0)
