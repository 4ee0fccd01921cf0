"""The documentation: links lead somewhere, all pages are in the table of contents, and lines are sentences."""

import re
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner
from project import ROOT
from selfalign.config.generate import make_schema
from sentences import find_places, list_pages, render, rewrite, split
from sentences import main as sentences_program

PAGES = list_pages()
LIBRARY = ROOT / "workflow" / "selfalign"
LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(<?([^()\s>]+(?:\([^()]*\))?)>?\)")


def without_code(text: str) -> str:
    """A page without its code blocks and code words, which contain no links."""
    text = re.sub(r"^ *(```|~~~).*?^ *\1", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"(`+)(?!`).+?(?<!`)\1(?!`)", "", text)


def anchors(page: Path) -> set[str]:
    """Anchors of a page's headings, as GitHub makes them: a repeated heading gets a number."""
    text = re.sub(r"^ *(```|~~~).*?^ *\1", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    seen: Counter[str] = Counter()
    found = set(re.findall(r'<a (?:id|name)="([^"]+)"', text))
    for heading in re.findall(r"^#{1,6} +(.+?) *#*$", text, re.MULTILINE):
        words = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
        found.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return found


def broken(page: Path) -> list[str]:
    """Links of a page to a file or a heading that does not exist."""
    found = []
    for target in LINK.findall(without_code(page.read_text(encoding="utf-8"))):
        if re.match(r"\w+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and (file.suffix != ".md" or anchor not in anchors(file))):
            found.append(target)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_and_headings(page: Path) -> None:
    assert not broken(page)


def test_broken_links_are_found(tmp_path: Path) -> None:
    (tmp_path / "other.md").write_text("# One, two!\n## One, two!\n")
    page = tmp_path / "page.md"
    page.write_text(
        "# Here\n[a](other.md#one-two) [b](other.md#one-two-1) [c](#here) [d](https://example.test/x)\n"
        "`[code](no.md)`\n```\n[block](no.md)\n```\n[e](other.md#three) [f](no.md) ![g](no.png) [h](#there)\n"
    )
    assert broken(page) == ["other.md#three", "no.md", "no.png", "#there"]


def test_every_page_is_in_the_table_of_contents() -> None:
    contents = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    listed = {target.partition("#")[0] for target in LINK.findall(contents)}
    docs = ROOT / "docs"
    pages = {page.relative_to(docs).as_posix() for page in docs.rglob("*.md")} - {"README.md"}
    assert pages <= listed


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_has_one_sentence_per_line(page: Path) -> None:
    """Run `python tools/sentences.py` to correct a page."""
    assert not find_places(page)


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two? Three! Four", ["One.", "Two?", "Three!", "Four"]),
        ("**Licence.** It is free. `a.b` is *not*. [So](a.md) it is.", 3),
        ("**This is a result of five.** It holds.", ["**This is a result of five.**", "It holds."]),
        ("(It is so.) Then 0.5 % [0.1, 0.9]. 12 of 19 hold. chrF++ too.", 4),
        (
            '"It is so." is a statement. "Is it?" A question.',
            ['"It is so." is a statement.', '"Is it?"', "A question."],
        ),
        ("See e.g. Figure 2, i.e. Fig. 3 vs. Table 4, cf. No. 5 and p. 6, version 1.2.", 1),
        ("Choenni, R. and Shutova, E. & Puranen, B. (eds.) (2022). *A title.* doi:10.1", 1),
        ("Tao et al. (2024) and Tao et al. report a, b, ... Then not. As pole A. Then so.", 3),
        ("The code `a. B` and the link [a. B](c.md#d) and <https://a.test/B?c>. So", 2),
        ("One 2.1 [0.1, 4.1]. <!-- source: a.py --> Two. <!-- B. C --> Three", 3),
        ("它是。它不是。 So", 1),
    ],
)
def test_a_text_is_divided_where_a_sentence_ends(text: str, sentences: list[str] | int) -> None:
    found = split(text)
    assert " ".join(found) == text
    assert found == sentences if isinstance(sentences, list) else len(found) == sentences, found


TANGLED = """\
# A heading. With two sentences.

One. Two is
wrapped `in
code`. Three. <!-- note -->
- An item. It has
  - a part. And two.

    > A quote. In
    > it 2.
1. First. Second.

<!-- table
from: A. B
-->
| A. B | C. D |
|---|---|

```
Code. Stays.
```
A line break.\\
Stays. So.
"""
STRAIGHT = """\
# A heading. With two sentences.

One.
Two is wrapped `in code`.
Three. <!-- note -->
- An item.
  It has
  - a part.
    And two.

    > A quote.
    > In it 2.
1. First.
   Second.

<!-- table
from: A. B
-->
| A. B | C. D |
|---|---|

```
Code. Stays.
```
A line break.\\
Stays. So.
"""


def test_a_page_is_rewritten_and_looks_the_same(tmp_path: Path) -> None:
    assert rewrite(TANGLED) == rewrite(STRAIGHT) == STRAIGHT
    assert render(TANGLED) == render(STRAIGHT)
    page = tmp_path / "page.md"
    page.write_text(TANGLED)
    checked = CliRunner().invoke(sentences_program, ["--check", str(page)])
    assert (checked.exit_code, checked.output.split()) == (1, [f"{page}:{line}" for line in (3, 6, 7, 9, 11)])
    assert page.read_text() == TANGLED
    assert CliRunner().invoke(sentences_program, [str(page)]).exit_code == 0
    assert page.read_text() == STRAIGHT
    checked = CliRunner().invoke(sentences_program, ["--check", str(page)])
    assert (checked.exit_code, checked.output) == (0, "")


def test_a_rewriting_that_would_change_the_page_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("The steps are these. 1. Open it.")
    refused = CliRunner().invoke(sentences_program, [str(page)])
    assert refused.exit_code == 1 and f"{page}: a sentence would become a heading, a list" in refused.output
    assert page.read_text() == "The steps are these. 1. Open it."


def test_a_source_counts_for_all_sentences_of_its_former_line() -> None:
    source, other = "<!-- source: a.py -->", "<!-- source: b.py -->"
    page = f"""\
A is 1 [0, 2].
B is 2 [1, 3]. No interval. C is 3 [2, 4]. {source} D is 4 [3, 5]. {other}
E 1 [0, 2]. F `{other}`.
"""
    assert rewrite(page).splitlines() == [
        "A is 1 [0, 2].",
        f"B is 2 [1, 3]. {source}",
        "No interval.",
        f"C is 3 [2, 4]. {source}",
        f"D is 4 [3, 5]. {other}",
        "E 1 [0, 2].",
        f"F `{other}`.",
    ]


RECIPES = sorted((ROOT / "docs").glob("extending*.md"))
SETTINGS = set(make_schema()["properties"])
NO_CODE = {"csv", "json", "rst", "smk", "yaml"}
"""Endings of files in code words."""


def find_missing(text: str) -> list[str]:
    """Code words of a page for what the project lacks: a Python file, or a name in a module (`module.name`)."""
    missing = []
    for word in re.findall(r"`([\w./]+)`", text):
        module, _, name = word.partition(".")
        if name == "py":
            found = (ROOT / word).is_file() or any(LIBRARY.rglob(word)) or any((ROOT / "tests").rglob(word))
        elif re.fullmatch(r"[a-z_]+\.\w+", word) and module not in SETTINGS and name not in NO_CODE:
            defined = re.compile(rf"^(?:def |class )?{name}\b", re.MULTILINE)
            found = any(defined.search(file.read_text(encoding="utf-8")) for file in LIBRARY.rglob(f"{module}.py"))
        else:
            continue
        missing += [] if found else [word]
    return missing


@pytest.mark.parametrize("page", RECIPES, ids=lambda page: page.stem)
def test_the_recipes_name_code_that_exists(page: Path) -> None:
    assert not find_missing(page.read_text(encoding="utf-8"))


def test_missing_code_is_found() -> None:
    text = (
        "`country_rows.stack_panels` `rows.stack_panels` `plot_kinds.py` `figures/no.py` `grid.no` `run.name` `a.csv`"
    )
    assert find_missing(text) == ["rows.stack_panels", "figures/no.py", "grid.no"]
