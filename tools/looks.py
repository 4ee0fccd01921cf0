"""Draw the figures of a run for readers of every kind: both widths of a journal, in grey, and three colour blindnesses.

    python tools/looks.py results/default /tmp/looks              # all figures of the default run
    python tools/looks.py results/study /tmp/looks --config config/study.yaml --language de --figure transfer

There is a sheet per page and width: the page as it is, in greyscale, and as people see it who lack the cones for
medium (deuteranopia), long (protanopia) or short (tritanopia) wavelengths.
"""

import json
from collections.abc import Container, Iterator
from pathlib import Path
from typing import Any

import click
import matplotlib
import numpy as np
from PIL import Image, ImageDraw
from selfalign.cli import program
from selfalign.config.figures import FIGURES, files_of_figure
from selfalign.config.outputs import find_shown
from selfalign.config.pages import find_pages
from selfalign.config.read import read_settings
from selfalign.config.sections import Config
from selfalign.config.style import describe_style, texts_file
from selfalign.figures.theme import DPI
from selfalign.runs import SCORES

SHEET = 1640
"""Pixels that a sheet is wide at most."""

WIDTHS = (3.3, 6.8)
"""Inches: one column and two columns of a journal."""

VISIONS: dict[str, list[list[float]]] = {
    "normal": np.eye(3).tolist(),
    "greyscale": [[0.2126, 0.7152, 0.0722]] * 3,
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}
"""By vision, the matrix that changes linear RGB. Greyscale is the luminance of Rec. 709.

The colour blindnesses are the matrices of severity 1.0 of Machado, Oliveira and Fernandes (2009), "A
Physiologically-based Model for Simulation of Color Vision Deficiency", IEEE Transactions on Visualization and Computer
Graphics 15(6), 1291-1298.
"""


def see(image: Image.Image, vision: str) -> Image.Image:
    """An image as a vision sees it.

    Args:
        image: RGB, with the gamma of sRGB.
        vision: a key of `VISIONS`.
    """
    rgb = np.asarray(image.convert("RGB"), dtype=np.float32) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ np.array(VISIONS[vision], dtype=np.float32).T, 0, 1)
    made = np.where(seen <= 0.0031308, seen * 12.92, 1.055 * seen ** (1 / 2.4) - 0.055)
    return Image.fromarray(np.round(255 * made).astype(np.uint8))


def sheet(image: Image.Image) -> Image.Image:
    """A figure as each vision sees it: side by side, as many as the sheet has room for."""
    gap, head = 10, 14
    columns = max(1, min(len(VISIONS), SHEET // (image.width + gap)))
    lines = -(-len(VISIONS) // columns)
    across, down = image.width + gap, image.height + head + gap
    made = Image.new("RGB", (columns * across, lines * down), "#e8e8e8")
    pen = ImageDraw.Draw(made)
    for place, vision in enumerate(VISIONS):
        x, y = place % columns * across, place // columns * down
        pen.text((x + 2, y + 1), vision, fill="black")
        made.paste(see(image, vision), (x, y + head))
    return made


def draw(
    figure: str, folder: Path, config: dict[str, Any], to: Path, only: Container[str] | None = None
) -> Iterator[Path]:
    """Draw the pages of a figure with its command, as the workflow does.

    Args:
        figure: a name of `FIGURES`.
        folder: of the run.
        to: folder of the PNG files.
        only: names of the pages to draw; all without it. A page looks the same with and without the others.
    """
    what = FIGURES[figure]
    pages = find_pages(config, figure) if what.paged else {figure: None}
    files = [to / f"{page}.png" for page in pages if only is None or page in only]
    options = what.settings(config) | {"style": describe_style(config, figure)}
    for option, file in files_of_figure(figure, find_shown(config).outputs).items():
        names = [(model, language) for model in config.run.models for language in config.run.languages]
        paths = [folder / file.format(model=model, language=language) for model, language in names]
        options[option] = " ".join(dict.fromkeys(map(str, paths)))
    options |= {"texts": texts_file(config.figures.style), "figures": " ".join(map(str, files))}
    options |= {"csv": str(to / f"{figure}.csv")} if what.csv else {}
    options |= {"pages": json.dumps(pages)} if what.paged else {}
    arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
    with matplotlib.rc_context():
        program([f"plot-{figure.replace('_', '-')}", *arguments], standalone_mode=False)
    yield from files


@click.command()
@click.argument("run", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.argument("to", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--config", "configs", type=click.Path(path_type=Path), multiple=True, help="Settings in place of run.json."
)
@click.option("--figure", "figures", type=click.Choice(list(FIGURES)), multiple=True, help="Only this figure.")
@click.option("--language", default="en", help="Language of the texts.")
@click.option("--width", "widths", type=float, multiple=True, default=WIDTHS, help="Inches.")
@click.option("--dots", default=96, help="Dots per inch of a sheet.")
def command(
    run: Path, to: Path, configs: tuple[Path, ...], figures: tuple[str, ...], language: str,
    widths: tuple[float, ...], dots: int,
) -> None:  # fmt: skip
    """Draw the figures of the folder RUN as sheets in the folder TO."""
    settings = read_settings(configs)
    shown = find_shown(Config.read(settings)).outputs
    for figure in figures or [name for name in FIGURES if name == "agreement" or name in shown]:
        reads = files_of_figure(figure, shown).values()
        if missing := [file for file in reads if file != SCORES and not (run / file).is_file()]:
            print(f"{figure} is skipped: {run} has no {', '.join(missing)}")
            continue
        for width in widths:
            settings["figures"]["style"] |= {"width": width, "language": language}
            settings["figures"].get(figure, {}).pop("width", None)
            folder = to / f"{language}_{width}"
            folder.mkdir(parents=True, exist_ok=True)
            for file in draw(figure, run, Config.read(settings), folder):
                image = Image.open(file)
                size = round(image.width * dots / DPI), round(image.height * dots / DPI)
                made = to / f"{file.stem}_{language}_{width}.png"
                sheet(image.convert("RGB").resize(size, Image.Resampling.LANCZOS)).save(made)
                print(made)


if __name__ == "__main__":
    command()
