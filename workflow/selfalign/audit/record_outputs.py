"""Step record_outputs: the manifest of a run, and the jobs that made its files."""

from pathlib import Path

import click
import pandas as pd

from selfalign.audit.jobs import SNAKEMAKE, Job, Records, read_jobs, write_jobs
from selfalign.audit.manifest import Manifest, find_changed, make_manifest, refuse, remove_old_files
from selfalign.errors import listed, show
from selfalign.options import readable, writable
from selfalign.tables import read_table, write_table, written_aside


@click.command()
@click.argument("targets", type=readable, nargs=-1, required=True)
@click.option("--manifest", type=writable, required=True, help="Files of the run (CSV).")
@click.option("--jobs", "jobs_file", type=writable, required=True, help="Jobs that made them (JSON).")
def command(targets: tuple[Path, ...], manifest: Path, jobs_file: Path) -> None:
    """List the files of a run with their checksums, and the jobs that made them; TARGETS are its last files.

    A file that was changed after its step made it is refused. Files that the run no longer makes are removed. Files
    without a record of Snakemake are listed as before.
    """
    records = Records()
    jobs = [*_jobs_without_records(jobs_file, records), *records.jobs_behind(map(str, targets))]
    former = read_table(manifest, Manifest) if manifest.is_file() else pd.DataFrame(columns=Manifest.names(), dtype=str)
    made = [path for job in jobs for path in job.outputs]
    refuse(find_changed(made, former, records))
    known = former["file"].isin(records.files)
    if old := remove_old_files(former[known], [*made, str(jobs_file)], manifest.parent):
        show(f"removed {len(old)} files that the run no longer makes: {listed(old)}")
    others = dict(zip(former.loc[~known, "file"], former.loc[~known, "step"], strict=True))
    if lost := [path for path in others if Path(path).is_file() and path != str(jobs_file)]:
        show(
            f"Snakemake has no records of {len(lost)} files of this run ({listed(lost, 3)}): its folder {SNAKEMAKE} was"
            " deleted, or stayed elsewhere. So a changed setting did not change these files. To make all again, run"
            " snakemake --forceall; recorded answers are used."
        )
    with written_aside(jobs_file) as aside:
        aside.write_text(write_jobs(jobs), encoding="utf-8")
    write_table(make_manifest(jobs, others | {str(jobs_file): "record_outputs"}), manifest, Manifest)


def _jobs_without_records(jobs_file: Path, records: Records) -> list[Job]:
    """The jobs that an earlier end of the run listed, and whose files Snakemake does not know any more."""
    former = read_jobs(jobs_file) if jobs_file.is_file() else []
    lost = [job for job in former if not records.files.keys() & set(job.outputs)]
    return [job for job in lost if all(Path(path).exists() for path in job.outputs)]
