"""Pages of the documentation."""

from places import ROOT


def read_page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")
