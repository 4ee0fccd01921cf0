"""Step record_bank: the version of the probe bank and the digests of the files that a run uses."""

import json
from pathlib import Path

import click

from selfalign.options import readable, writable
from selfalign.probes.versions import describe_bank
from selfalign.tables import written_aside


@click.command()
@click.argument("texts", type=readable, nargs=-1, required=True)
@click.option("--bank", type=readable, required=True, help="Probe bank (CSV).")
@click.option("--version", type=readable, help="Version file of the bank (YAML); leave out where there is none.")
@click.option("--output", type=writable, required=True, help="Record of the bank (JSON).")
def command(texts: tuple[Path, ...], bank: Path, version: Path | None, output: Path) -> None:
    """Record the version of the bank, and the digests of the bank and of the files of TEXTS."""
    record = describe_bank(bank, texts, version)
    with written_aside(output) as aside:
        aside.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
