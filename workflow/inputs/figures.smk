"""Input functions and settings of the rules in rules/figures.smk."""

from selfalign.config.outputs import (
    agreeing_arms,
    calibrated_arms,
    list_dumbbells,
    list_margins,
)
from selfalign.config.pages import find_pages
from selfalign.config.style import describe_style, texts_file

MARGINS = list_margins(config)

# Files that every figure reads, as inputs, so that a change of one draws the figures again.
TEXTS = texts_file(config["figures"]["style"])
FONT = [file for file in [config["figures"]["style"].get("font")] if file]
FONT_OPTION = "".join(f"--font {shlex.quote(file)}" for file in FONT)


def drawn(figure, label):
    """The files of a figure as outputs. The report has those of the first format."""
    first, *_ = PATHS.formats

    def mark(path):
        if not path.endswith(f".{first}"):
            return path
        labels = {"figure": label, "file": Path(path).stem}
        caption = f"../report/{figure}.rst"
        return report(path, caption=caption, category="Figures", labels=labels)

    return [mark(path) for path in PATHS.figure(figure)]


def pages_of(figure):
    """The models and languages that each file of a figure shows, as JSON."""
    return json.dumps(find_pages(config, figure))


def style_of(figure):
    """The style of a figure, as JSON."""
    return describe_style(config, figure)


def typeset_options(wildcards, input):
    """The tables that are written as LaTeX, as options with their names."""
    return [
        f"--table={name}={file}"
        for name, file in zip(PATHS.typeset, input.tables, strict=True)
    ]
