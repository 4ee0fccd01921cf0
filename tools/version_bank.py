"""Give the shipped probe bank a new version: `python tools/version_bank.py 2.1.0`.

Writes resources/probes/bank.yaml: the version, today's date, and the SHA-256 of every file of the release.
Add a line to the list of changes in docs/own_bank.md, which also says when to raise which number.
"""

import datetime
import re
import sys
from pathlib import Path

from selfalign.digests import digest_file
from selfalign.probes.versions import VERSION_FILE, read_version

ROOT = Path(__file__).parent.parent / "resources"
PARTS = (
    *("probes/probes.csv", "probes/texts/*.csv", "templates/*.yaml", "personas/*.csv", "neutral/*.csv"),
    *("survey/questions/*.csv", "survey/labels/*.csv", "survey/scales.csv", "countries.csv"),
)
"""Everything that decides what a prompt of the shipped bank says."""

HEAD = "# Version of the probe bank. Written by tools/version_bank.py; docs/own_bank.md lists what changed.\n"


def digest_release(root: Path = ROOT) -> dict[str, str]:
    """SHA-256 of every file of the release, by its path from `resources/`."""
    paths = sorted(path for part in PARTS for path in root.glob(part))
    return {path.relative_to(root).as_posix(): digest_file(path) for path in paths}


def number(version: str) -> tuple[int, ...]:
    """A version as numbers that can be compared."""
    return tuple(int(part) for part in version.split("."))


def main(version: str) -> None:
    """Write the version file; refuse a version that is not above the present one."""
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        sys.exit(f"{version!r} is not a version such as 2.1.0.")
    path = ROOT / "probes" / VERSION_FILE
    present = read_version(path)["version"] if path.exists() else "1.0.0"
    if number(version) <= number(present):
        sys.exit(f"The bank has version {present}. Give a higher one.")
    lines = [f"version: {version}", f"date: {datetime.date.today().isoformat()}", "files:"]
    lines += [f"  {name}: {digest}" for name, digest in digest_release().items()]
    path.write_text(HEAD + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
