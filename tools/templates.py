"""Try every chat template of the npm package `@huggingface/ollama-utils`, and write the table of docs/templates.md.

    python tools/templates.py FOLDER      # of a tokenizer: the default model's weights, after a run

The package holds the chat templates of published models as text. `npm` fetches it from the registry that it is set up
to use. The file's checksum is verified, one member is read, and no code of the package runs.
"""

import contextlib
import hashlib
import io
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from selfalign.errors import InputError
from selfalign.inference.local.chat import ChatTemplate
from selfalign.inference.local.render import PromptFormat, Rendered, render
from selfalign.inference.messages import messages_of
from transformers import AddedToken, AutoTokenizer, PreTrainedTokenizerBase

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "templates.md"
CACHE = ROOT / ".cache" / "tests"
MARK = "<!-- The rest of this page is written by tools/templates.py. -->\n"

PACKAGE = ("@huggingface/ollama-utils", "0.0.18", "3d8beba35ea5d634970e29090ab45234e54a3db8d9263cf72e0031c1cc44f8d5")
MEMBER = "package/src/chat-template-automap.ts"

BEGIN, END = "<bos>", "<eos>"
"""Stand for the tokens that begin and end a text: the package does not say which they are."""

_STRING = r"""("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')"""
_ENTRY = re.compile(rf"^\t\tmodel:\s*{_STRING},\s*\n\t\tgguf:\s*{_STRING},$", re.M)
_LISTED = re.compile(rf"^\t+(?:tokens|stop):\s*\[((?:\s*{_STRING},?)*\s*)\]", re.M)
_CONTROL = re.compile(r"<[|｜][^<>|｜\s'\"{}]+[|｜]>|\[\|\w+\|\]|<\w+>")

PROMPT = {
    "prompt": "0" * 16,
    "system": "Fill in the blank.\nChoose one option.",
    "shown": json.dumps(
        [
            ["Family is ___ in my life.\nOptions: important / unimportant", "important"],
            ["Leisure is ___ in my life.\nOptions: unimportant / important", "unimportant"],
        ]
    ),
    "asked": "Work is ___ in my life.\nOptions: important / unimportant",
    "cue": "Answer:",
    "options": json.dumps(["important", "unimportant"]),
    "labels": "[]",
    "premise": "f" * 16,
    "demonstrations": "",
}


@dataclass(frozen=True)
class Published:
    """A chat template of a published model.

    Attributes:
        model: name of the model in Ollama's library.
        source: the template, in Jinja.
        control: texts in the template that are one token each in the model's tokenizer.
    """

    model: str
    source: str
    control: tuple[str, ...]


def fetch(package: tuple[str, str, str], cache: Path = CACHE) -> Path:
    """The file of an npm package, fetched if it is not in the cache.

    Args:
        package: name, version, and the SHA-256 of its file.
        cache: folder that keeps it.

    Raises:
        InputError: npm cannot fetch it, or its checksum is wrong.
    """
    name, version, expected = package
    kept = cache / f"{name.lstrip('@').replace('/', '-')}-{version}.tgz"
    if not kept.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            command = ["npm", "pack", "--silent", "--ignore-scripts", f"{name}@{version}"]
            try:
                subprocess.run(command, cwd=scratch, check=True, capture_output=True, text=True, errors="replace")
            except FileNotFoundError:
                raise InputError(name, "npm is not installed", "Install Node.js, which has npm") from None
            except subprocess.CalledProcessError as error:
                said = " ".join(error.stderr.split())[-300:]
                raise InputError(
                    name, f"npm cannot fetch it ({said})", "Check npm's registry and the network"
                ) from None
            (fetched,) = Path(scratch).glob("*.tgz")
            _check(fetched, expected)
            fetched.replace(kept)
    _check(kept, expected)
    return kept


def _check(file: Path, expected: str) -> None:
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    if found != expected:
        raise InputError(file, f"has the SHA-256 {found}; expected {expected}", "Delete the file, and fetch it again")


def read_member(file: Path, member: str) -> bytes:
    """Content of one file of a package."""
    with tarfile.open(file) as package:
        return package.extractfile(member).read()


def read_templates(text: str) -> list[Published]:
    """The distinct templates in the package's list, which is TypeScript. It is read as text and never runs.

    Raises:
        InputError: the list has another form than expected.
    """
    entries = list(_ENTRY.finditer(text))
    if not entries or len(entries) != len(re.findall(r"^\t\tgguf:", text, re.M)):
        raise InputError(MEMBER, "has another form than expected", "Adapt tools/templates.py to this version")
    stops = [entry.start() for entry in entries[1:]] + [len(text)]
    found: dict[str, Published] = {}
    for entry, stop in zip(entries, stops, strict=True):
        model, source = _read_string(entry[1]), _read_string(entry[2])
        listed = [part for row in _LISTED.finditer(text, entry.end(), stop) for part in re.findall(_STRING, row[1])]
        control = [token for token in map(_read_string, listed) if _CONTROL.fullmatch(token)]
        written = [token for token in _CONTROL.findall(source) if not token[1].isalpha()]
        found.setdefault(source, Published(model, source, tuple(dict.fromkeys(control + written))))
    return list(found.values())


def _read_string(literal: str) -> str:
    r"""Text of a string literal: escapes are those of JSON, and `\'`."""
    body = literal[1:-1]
    if literal[0] == "'":
        body = re.sub(r"\\.|\"", lambda part: {"\\'": "'", '"': '\\"'}.get(part[0], part[0]), body)
    return json.loads(f'"{body}"')


def equip(tokenizer: PreTrainedTokenizerBase, published: Published) -> PreTrainedTokenizerBase:
    """Give a tokenizer a template and the control tokens in it."""
    control = [AddedToken(text, special=True, normalized=False) for text in (BEGIN, END, *published.control)]
    tokenizer.add_tokens(control, special_tokens=True)
    tokenizer.bos_token, tokenizer.eos_token = BEGIN, END
    tokenizer.chat_template = published.source
    return tokenizer


def try_template(tokenizer: PreTrainedTokenizerBase, settings: dict[str, object]) -> tuple[Rendered, ChatTemplate]:
    """The prompt as the tokenizer's template writes it, and the layouts that were found.

    Raises:
        InputError: the template is refused.
    """
    with contextlib.redirect_stderr(io.StringIO()):
        table = pd.DataFrame([PROMPT])
        (rendered,) = render(table, PromptFormat(tokenizer, "chat", settings, "en"), None)
        chat = ChatTemplate(tokenizer, settings)
        chat.prepare({tuple(message["role"] for message in messages_of(next(table.itertuples())))})
    return rendered, chat


def describe(published: Published, tokenizer: PreTrainedTokenizerBase) -> dict[str, str]:
    """A row of the table."""
    equip(tokenizer, published)
    row = {"template": published.model.removeprefix("library/")}
    try:
        _, chat = try_template(tokenizer, {})
        row |= {"result": "accepted"} | _read(chat)
    except InputError as refusal:
        reason = str(refusal).partition(": ")[2]
        row |= {"result": "refused", "reason": reason}
        if switch := re.search(r"Set template: {(\w+): (false|none)}", reason):
            _, chat = try_template(tokenizer, {switch[1]: {"false": False}.get(switch[2], switch[2])})
            row |= {"result": f"accepted with `template: {{{switch[1]}: {switch[2]}}}`"} | _read(chat)
    return row


def _read(chat: ChatTemplate) -> dict[str, str]:
    (layout,) = chat.layouts.values()
    place = "the first user's turn" if chat.moved else "the system turn"
    return {"instruction": place, "before": _last_space(layout.gaps[-1] + layout.lead), "end": layout.end}


def _last_space(text: str) -> str:
    return text[len(text.rstrip()) :]


def write_table(folder: Path) -> str:
    """All templates as a table in Markdown, with the tokenizer in a folder."""
    text = read_member(fetch(PACKAGE), MEMBER).decode("utf-8")
    rows = []
    for published in read_templates(text):
        rows.append(describe(published, AutoTokenizer.from_pretrained(folder, local_files_only=True)))
    counts = Counter(row["result"].partition(" with ")[0] for row in rows)
    head = "| template | result | instruction | before an answer | end of an answer | reason |\n"
    head += "|---|---|---|---|---|---|\n"
    lines = [
        f"| {row['template']} | {row['result']} | {row.get('instruction', '')} | {_code(row.get('before', ''))} "
        f"| {_code(row.get('end', ''))} | {_escape(row.get('reason', ''))} |\n"
        for row in rows
    ]
    return (
        f"{len(rows)} templates: {counts['accepted']} accepted, {counts['refused']} refused.\n\n{head}{''.join(lines)}"
    )


def _code(text: str) -> str:
    """A text as code, with its line breaks as they are written in Python."""
    return f"`{_escape(repr(text)[1:-1])}`" if text else ""


def _escape(cell: str) -> str:
    """A cell of a Markdown table; a bar would end it."""
    return cell.replace("|", r"\|")


def main() -> None:
    """Replace the table of the page."""
    head, _, _ = PAGE.read_text(encoding="utf-8").partition(MARK)
    PAGE.write_text(head + MARK + "\n" + write_table(Path(sys.argv[1])), encoding="utf-8")


if __name__ == "__main__":
    main()
