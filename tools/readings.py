"""Write the examples of docs/readings.md from the code that renders prompts.

    python tools/readings.py FOLDER      # of a tokenizer: the default model's weights, after a run

The layouts are short templates of our own, each with the behaviour of a kind of published template.
"""

import json
import sys
from pathlib import Path

import pandas as pd
from selfalign.inference.local.render import PromptFormat, Rendered, render
from transformers import AutoTokenizer, PreTrainedTokenizerBase

PAGE = Path(__file__).resolve().parent.parent / "docs" / "readings.md"
MARK = "<!-- The examples below are written by tools/readings.py. -->\n"

SPACED = (
    "{% for m in messages %}{% if m.role == 'user' %}[INST] {{ m.content }} [/INST]"
    "{% else %} {{ m.content }}{{ eos_token }}{% endif %}{% endfor %}"
)
TURNS = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
KINDS: dict[str, tuple[str, str | None]] = {
    "ChatML (SmolLM2, Qwen)": ("chat", TURNS),
    "A space before each answer, and no system role (Mistral)": (
        "chat",
        "{% if messages[0].role == 'system' %}{{ raise_exception('no system role') }}{% endif %}" + SPACED,
    ),
    "A template that passes over the system role (Phi 3)": (
        "chat",
        TURNS.replace("for m in messages", "for m in messages if m.role != 'system'"),
    ),
    "Bare text, for base models (Gemma, BLOOM)": ("plain", None),
}
PROMPT = {
    "prompt": "0" * 16,
    "system": "Fill in the blank.",
    "shown": json.dumps([["Family is ___ in my life.\nOptions: important / unimportant", "important"]]),
    "asked": "Work is ___ in my life.\nOptions: important / unimportant",
    "cue": "Answer:",
    "options": json.dumps(["important", "unimportant"]),
    "labels": "[]",
    "premise": "f" * 16,
    "demonstrations": "Q1=A",
}


def show(prompt: Rendered, tokenizer: PreTrainedTokenizerBase) -> str:
    """A prompt's text, the tokens that are read for each option, and the openings."""
    lines = ["Sent:", "", "```text", prompt.text, "```", "", "| option | tokens read | openings |", "|---|---|---|"]
    options = json.loads(PROMPT["options"])
    for option, answer, openings in zip(options, prompt.answers, prompt.openings, strict=True):
        forms = ", ".join(f"`{json.dumps(tokenizer.decode(one))}`" for one in openings)
        pieces = " ".join(f"`{json.dumps(tokenizer.decode([token]))}`" for token in answer)
        lines.append(f"| {option} | {_escape(pieces)} | {_escape(forms)} |")
    return "\n".join(lines)


def _escape(cell: str) -> str:
    """A cell of a Markdown table; a bar would end it."""
    return cell.replace("|", r"\|")


def write_examples(tokenizer: PreTrainedTokenizerBase) -> str:
    """The examples of all kinds, as Markdown."""
    parts = []
    for name, (form, template) in KINDS.items():
        tokenizer.chat_template = template
        (prompt,) = render(pd.DataFrame([PROMPT]), PromptFormat(tokenizer, form, {"date": "2024-07-26"}, "en"), None)
        parts.append(f"### {name}\n\n{show(prompt, tokenizer)}\n")
    return "\n".join(parts)


def main() -> None:
    """Replace the examples of the page."""
    head, _, _ = PAGE.read_text(encoding="utf-8").partition(MARK)
    tokenizer = AutoTokenizer.from_pretrained(sys.argv[1], local_files_only=True)
    PAGE.write_text(head + MARK + "\n" + write_examples(tokenizer), encoding="utf-8")


if __name__ == "__main__":
    main()
