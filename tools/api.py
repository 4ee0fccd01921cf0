"""Write the API reference into build/api/ from the docstrings: `make docs`. A warning of pdoc is an error."""

import sys
import warnings
from pathlib import Path

import pdoc

ROOT = Path(__file__).resolve().parent.parent


def main(folder: Path = ROOT / "build" / "api") -> int:
    """Write one page per module of the library, and return the number of warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        pdoc.render.configure(docformat="google", search=True)
        pdoc.pdoc("selfalign", output_directory=folder)
    own = [str(one.message) for one in caught if "pdoc" in one.filename]
    print(*own, sep="\n", file=sys.stderr, end="\n" if own else "")
    print(f"{len(list(folder.rglob('*.html')))} pages in {folder}, {len(own)} warnings")
    return len(own)


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
