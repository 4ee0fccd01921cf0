"""Invented opinions in the form of GlobalOpinionQA."""

import csv
import hashlib
from collections import defaultdict
from pathlib import Path

from selfalign.survey.parse_opinions import (
    digest_text,
)

RAIN = "How often does it rain here?\n\nIn spring"
FULL_SCALE = "Very often", 2.0, 3.0, "Never"


def wrapped(shares: dict[str, list[float]]) -> str:
    return str(defaultdict(list, shares))


def write_opinions(file: Path, *rows: tuple[str, object, object, str]) -> Path:
    """An opinion table; what is no text is written as Python would."""
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["question", "selections", "options", "source"])
        writer.writerows([cell if isinstance(cell, str) else str(cell) for cell in row] for row in rows)
    return file


def write_keys(file: Path, **texts: tuple[str, str]) -> Path:
    rows = [f"{question},{digest_text(text)},{codes}\n" for question, (text, codes) in texts.items()]
    file.write_text("".join(["question,digest,codes\n", *rows]), encoding="utf-8")
    return file


CONTENT = b"question,selections,options,source\n" * 1000


def at(url: str, content: bytes = CONTENT) -> dict[str, str]:
    return {"url": url, "sha256": hashlib.sha256(content).hexdigest()}
