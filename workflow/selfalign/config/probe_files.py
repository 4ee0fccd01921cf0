"""The files of a run's test probes and demonstrations, which may be from one survey or from two."""

from dataclasses import dataclass
from pathlib import Path

from selfalign.config.languages import words_file
from selfalign.config.probe_kinds import kinds_file
from selfalign.config.sections import Config
from selfalign.home import HOME
from selfalign.runs import TEXTS


@dataclass(frozen=True)
class ProbeFiles:
    """The probes of a run. `<run>` is a path variable of Snakemake.

    With the section test_probes, the test probes are from another survey than the demonstrations (crossed).

    Attributes:
        config: of the run.
        run: folder of the run.
        home: the workflow's own folder.
    """

    config: Config
    run: str
    home: Path = HOME

    @property
    def crossed(self) -> bool:
        """Whether the test probes are from another survey than the demonstrations."""
        return self.config.test_probes is not None

    @property
    def bank(self) -> str:
        """The probe bank; that of the demonstrations if the test probes are from another survey."""
        return self.config.probes.bank

    @property
    def bank_version(self) -> list[str]:
        """The version file of the bank. A user's own bank may have none."""
        return [str(path) for path in [Path(self.bank).with_name("bank.yaml")] if path.is_file()]

    @property
    def kinds(self) -> list[str]:
        """The file that says what each probe of the bank asks for. A user's own bank may have none."""
        file = kinds_file(self.config, self.home)
        return [str(file)] if file else []

    def bank_texts(self, language: str) -> str:
        """The wording of the bank's probes in a language."""
        return words_file(self.config, "texts", language)

    @property
    def chosen(self) -> dict[str, str]:
        """The rows of the bank that the run uses (selected), and the other rows (left_out)."""
        names = ("shown", "shown_left_out") if self.crossed else ("selected", "left_out")
        return {key: f"<run>/probes/{name}.csv" for key, name in zip(("selected", "left_out"), names, strict=True)}

    @property
    def all(self) -> str:
        """Test probes and the probes that demonstrations are chosen from, as one bank."""
        return "<run>/probes/all.csv" if self.crossed else "<run>/probes/selected.csv"

    @property
    def only_tests(self) -> list[str]:
        """The test probes, if they are not shown as demonstrations."""
        return ["<run>/probes/selected.csv"] if self.crossed else []

    def texts(self, language: str) -> str:
        """The wording of the probes in a language: of test probes and demonstrations."""
        return f"{self.run}/{TEXTS.format(language=language)}" if self.crossed else self.bank_texts(language)

    # Test probes

    @property
    def test_table(self) -> str:
        """The table of test probes from another survey: the user's reviewed one, or the draft."""
        tests = self.config.test_probes
        return tests.table if tests and tests.table else f"{self.run}/probes/draft.csv"

    @property
    def taken(self) -> dict[str, str]:
        """The test probes from another survey (selected), and those that the run does not use (left_out)."""
        prefix = "" if self.crossed else "tests_"
        return {one: f"<run>/probes/{prefix}{one}.csv" for one in ("selected", "left_out")}

    @property
    def tested_bank(self) -> str:
        """The bank of the test probes."""
        return f"{self.run}/probes/selected.csv" if self.crossed else self.bank

    @property
    def tested_kinds(self) -> list[str]:
        """The file that says what each test probe asks for; there is none for an opinion table."""
        return [] if self.crossed else self.kinds
