"""Write each sentence of the Markdown pages on a line of its own, which makes their diffs readable.

    python tools/sentences.py                # rewrite all pages
    python tools/sentences.py --check        # list the lines to change instead; exit with 1 if there are any
    python tools/sentences.py --check PAGE   # the same for some pages

Paragraphs, block quotes and list items are rewritten. Code, tables, headings and HTML stay as they are, and the page
looks the same: the tool renders it before and after.

A short lead-in stays with its sentence. A comment stays with the sentence before it. A comment with a source counts for
its line (`page_tables.find_unknown`), so each sentence with an interval on this line gets it.
"""

import re
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import click
from markdown_it import MarkdownIt
from page_tables import INTERVAL, OTHER_SOURCE

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("*.md", ".github/**/*.md", "config/**/*.md", "docs/**/*.md", "resources/**/*.md")
"""Where the pages are."""

PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])

WHOLE = re.compile(
    r"(?P<comment><!--.*?-->)"
    r"|(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`)"
    r"|!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(<?[^()\s>]+(?:\([^()]*\))?>?\)"
    r"|<[^<>\s]+>"
)
"""What is never divided: comments, code words, links and addresses."""

GAP = re.compile(r"""[.?!]["'”’)\]*_]*(?: \0+)* +(?=["'“‘(\[*_]* ?[-+±≥≤~]?[^\W_])""")
"""A possible end of a sentence with the space after it. A character \\0 stands for a comment."""

OPEN = re.compile(
    r"\b(?:e\.g|i\.e|cf|vs|approx|incl|Dr|St)\. "
    r"|\bet al\. (?=[(\da-z])"
    r"|\betc\. (?=[a-z])"
    r"|\b(?:[Nn]o|[Ff]ig|[Ee]q|pp?|vol)\. (?=\d)"
    r"|, [A-Z]\. (?=[(&a-z])"  # an author's initial
    r"|\(eds?\.\) "
    r"|\(\d{4}\)\. (?=\*)"  # the year of a reference, before its title
    r"|(?<=[.:] )\d\. "  # a number of a list within a sentence
    r"|\.\.\. "
)
"""A gap within a sentence."""

LEAD = re.compile(r"(\*\*|\*)(?!\*)((?:(?!\1).)+)\1 ")
"""A text in bold or italics."""

LEAD_WORDS = 4
"""A longer lead-in has a line of its own."""


class Edit(NamedTuple):
    """New lines for the lines of a page from `start` to before `end`, which are counted from 0."""

    start: int
    end: int
    lines: list[str]


def split(text: str) -> list[str]:
    """The sentences of a text without line breaks.

    Args:
        text: in Markdown.
    """
    masked = WHOLE.sub(lambda found: ("\0" if found["comment"] else "X") * len(found[0]), text)
    sentences, start = [], 0
    for gap in GAP.finditer(masked):
        end = gap.end()
        quoted = gap[0].rstrip(" \0")[1:] and masked[end].islower()  # such as: "It is so." is a statement
        if quoted or _is_open(masked, end) or _is_lead(text[start:end]):
            continue
        sentences.append(text[start:end].rstrip())
        start = end
    return [*sentences, text[start:]]


def _is_open(masked: str, end: int) -> bool:
    return any(found.end() == end for found in OPEN.finditer(masked, max(0, end - 12), end + 1))


def _is_lead(sentence: str) -> bool:
    found = LEAD.fullmatch(sentence)
    return found is not None and len(found[2].split()) <= LEAD_WORDS


def spread_sources(line: str) -> str:
    """A line in which each sentence with an interval has the source that its line names after it.

    Args:
        line: of a page.
    """
    sentences, source = split(line), ""
    for place in reversed(range(len(sentences))):
        comments = [found["comment"] or "" for found in WHOLE.finditer(sentences[place])]
        if sources := list(filter(OTHER_SOURCE.fullmatch, comments)):
            source = sources[0]
        elif source and INTERVAL.search(sentences[place]):
            sentences[place] += f" {source}"
    return " ".join(sentences)


def find_edits(page: str) -> Iterator[Edit]:
    """The parts of a page that do not have one sentence per line, from the first to the last."""
    lines = page.split("\n")
    for before, token in pairwise(PARSER.parse(page)):
        if before.type != "paragraph_open" or any(one.type == "hardbreak" for one in token.children or ()):
            continue
        start, end = token.map or (0, 0)
        parts = [spread_sources(part.strip()) for part in token.content.split("\n")]
        sentences = split(" ".join(parts))
        first = token.content.partition("\n")[0]
        prefix = lines[start].rstrip()[: -len(first.rstrip())]
        below = re.sub(r"[^>]", " ", prefix)
        new = [prefix + sentences[0], *(below + sentence for sentence in sentences[1:])]
        if new != lines[start:end]:
            yield Edit(start, end, new)


def rewrite(page: str) -> str:
    """A page with one sentence per line.

    Raises:
        ValueError: it would look different.
    """
    lines = page.split("\n")
    for edit in reversed(list(find_edits(page))):
        lines[edit.start : edit.end] = edit.lines
    new = "\n".join(lines)
    if render(new) != render(page):
        raise ValueError("a sentence would become a heading, a list or a quote: write it in another way")
    return new


def render(page: str) -> str:
    """A page as HTML, without comments, with one space for each white space."""
    return " ".join(re.sub(r"\s*<!--.*?-->", "", PARSER.render(page), flags=re.DOTALL).split())


def list_pages() -> list[Path]:
    """All pages of the project."""
    return sorted({path for folder in FOLDERS for path in ROOT.glob(folder)})


def find_places(path: Path) -> list[str]:
    """The places of a page that have to change, as `file:line`.

    Args:
        path: of the page.
    """
    page = path.read_text(encoding="utf-8")
    lines, places = page.split("\n"), []
    for edit in find_edits(page):
        same = sum(1 for _ in _common(lines[edit.start : edit.end], edit.lines))
        places.append(f"{path}:{edit.start + same + 1}")
    return places


def _common(old: list[str], new: list[str]) -> Iterator[str]:
    for one, other in zip(old, new, strict=False):
        if one != other:
            return
        yield one


@click.command()
@click.option("--check", is_flag=True, help="List the lines to change instead of changing them.")
@click.argument("pages", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def main(check: bool, pages: tuple[Path, ...]) -> None:
    """Write each sentence of the Markdown pages on a line of its own."""
    chosen = pages or list_pages()
    if check:
        places = [place for path in chosen for place in find_places(path)]
        print(*places, sep="\n", end="\n" if places else "")
        sys.exit(bool(places))
    for path in chosen:
        try:
            path.write_text(rewrite(path.read_text(encoding="utf-8")), encoding="utf-8")
        except ValueError as error:
            raise click.ClickException(f"{path}: {error}") from None


if __name__ == "__main__":
    main()
