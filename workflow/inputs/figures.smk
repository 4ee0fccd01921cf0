"""Input functions and settings of the rules in rules/figures.smk."""

from selfalign.config.commands import as_options
from selfalign.config.figures import FIGURES, files_of_figure
from selfalign.config.pages import find_pages
from selfalign.config.style import describe_style, texts_file
from selfalign.runs import SCORES

# Files that every figure reads, as inputs, so that a change of one draws the figures again.
TEXTS = texts_file(CONFIG.figures.style)
FONT = [file for file in [CONFIG.figures.style.font] if file]

# The table of contrasts as LaTeX has their main intervals.
VERDICTS = ["<run>/tables/verdicts.csv"] if "contrasts" in PATHS.typeset else []


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


def read_by(figure):
    """The files that a figure is drawn from, by option of its command."""
    return {
        option: PATHS.scores() if file == SCORES else f"<run>/{file}"
        for option, file in files_of_figure(figure, PATHS.shown.outputs).items()
    }


def figure_options(figure):
    """The options of a figure's command, except those that name files."""
    given = FIGURES[figure].settings(CONFIG)
    given |= {"style": describe_style(CONFIG, figure)}
    if FIGURES[figure].paged:
        given["pages"] = json.dumps(find_pages(CONFIG, figure))
    return as_options(given)


def files_of(figure):
    """The files that a figure's job reads and writes, as options of its command."""

    read_options = list(files_of_figure(figure, PATHS.shown.outputs))

    def options(wildcards, input, output):
        read = {option: input[option] for option in read_options}
        made = {"figures": output.figures} | ({"csv": output.csv} if output.csv else {})
        return as_options(read | made)

    return options


def typeset_options(wildcards, input):
    """The tables that are written as LaTeX, as options with their names."""
    return [
        f"--table={name}={file}"
        for name, file in zip(PATHS.typeset, input.tables, strict=True)
    ]
