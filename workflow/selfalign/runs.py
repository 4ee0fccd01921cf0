"""Where a run's files are: `results/{run}` is its own, `results/shared` is every run's."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from selfalign.errors import InputError, did_you_mean

SHARED = "shared"
"""Folder of what runs share: surveys, models, ledgers, and the adopted probes of Arora et al. No run has this name."""

RECORD = "run.json"
"""File in a run's folder with the settings that it was made with."""

# Patterns of files in the folder of a run. The methods of `Run` fill them in, and the rules' paths are made of them.
PROMPTS = "prompts/{language}.parquet"
DESIGN = "design/{language}.parquet"
ANSWERS = "answers/{model}/{language}.parquet"
SCORES = "scores/{model}/{language}.parquet"
TEXTS = "probes/texts/{language}.csv"
TABLE = "tables/{name}.csv"

# Patterns of files in the folder of what runs share.
MODEL = "models/{model}"
CARD = f"{MODEL}/model.json"
WEIGHTS = f"{MODEL}/weights"
LEDGER = "ledger/{model}/{language}.sqlite"
SURVEY = "survey/{survey}"


@dataclass(frozen=True)
class Run:
    """A run by its folder, which is named after it."""

    folder: Path

    @property
    def name(self) -> str:
        """The setting run.name."""
        return self.folder.name

    @property
    def shared(self) -> Path:
        """Folder of the files that this run shares with the other runs."""
        return self.folder.parent / SHARED

    def prompts(self, language: str) -> Path:
        """The distinct prompts of a language: a `Prompts` table."""
        return self.folder / PROMPTS.format(language=language)

    def design(self, language: str) -> Path:
        """The cells of a language: a `Design` table."""
        return self.folder / DESIGN.format(language=language)

    def answers(self, model: str, language: str) -> Path:
        """A model's answers: an `Answers` table."""
        return self.folder / ANSWERS.format(model=model, language=language)

    def scores(self, model: str, language: str) -> Path:
        """The scores of a model's answers: a `Scores` table."""
        return self.folder / SCORES.format(model=model, language=language)

    def list_scores(self, model: str = "*") -> list[Path]:
        """The scores that are there, sorted: of a model in all languages, or of all models."""
        return sorted(self.folder.glob(SCORES.format(model=model, language="*")))

    def table(self, name: str) -> Path:
        """A table of results, by its name."""
        return self.folder / TABLE.format(name=name)

    def people(self, file: str) -> Path:
        """A file on the people's answers, by the file's name."""
        return self.folder / "people" / file

    def probes(self, file: str) -> Path:
        """A file on the probes that the run uses, by the file's name."""
        return self.folder / "probes" / file

    def texts(self, language: str) -> Path:
        """The wordings of test probes and demonstrations from two surveys: a `Texts` table."""
        return self.folder / TEXTS.format(language=language)

    def card(self, model: str) -> Path:
        """The record of a model's files."""
        return self.shared / CARD.format(model=model)

    def weights(self, model: str) -> Path:
        """Folder of a model's weights and tokenizer."""
        return self.shared / WEIGHTS.format(model=model)

    def ledger(self, model: str, language: str) -> Path:
        """The ledger of a model's answers in a language."""
        return self.shared / LEDGER.format(model=model, language=language)

    def survey(self, survey: str) -> Path:
        """Folder of a parsed survey."""
        return self.shared / SURVEY.format(survey=survey)

    def read_record(self) -> dict[str, Any]:
        """The record of the run: its settings (config), inputs, code and versions.

        Raises:
            InputError: there is none, or a damaged one.
        """
        path = self.folder / RECORD
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            problem = "is not there, so the settings of the run are not known"
            raise InputError(path, problem, "Let snakemake make it, with the config files of the run") from error
        except ValueError:
            record = None
        if not isinstance(record, dict) or "config" not in record:
            raise InputError(path, "is not the record of a run", "Delete it, and let snakemake make it")
        return record

    @property
    def config(self) -> dict[str, Any]:
        """The merged settings that the run was made with, from its record."""
        config: dict[str, Any] = self.read_record()["config"]
        return config


def find_run(name: str, results: Path = Path("results")) -> Run:
    """The run of a name.

    Args:
        name: the setting run.name, or the path of the run's folder.
        results: folder of all runs.

    Raises:
        InputError: there is no such run; names those that there are. Or the path leads into a run.
    """
    folder = Path(name) if "/" in name.rstrip("/") else results / name
    if around := next((one for one in folder.parents if (one / RECORD).is_file()), None):
        raise InputError(folder, f'is a path inside the run "{around.name}"', f"Name the run: {around.name}")
    if folder.is_dir() and folder.name != SHARED and folder != results:
        return Run(folder)
    place = results if folder == results else folder.parent
    runs = sorted(one.name for one in place.glob("*") if one.is_dir() and one.name != SHARED)
    problem = f'there is no run "{name if folder == results else folder.name}" in {place}/'
    remedy = did_you_mean(folder.name, runs) if runs else "Run snakemake first, in this folder"
    raise InputError(folder, problem, remedy)
