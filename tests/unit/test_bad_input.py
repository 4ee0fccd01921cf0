"""Bad input: each mistake is one paragraph that names file, line, column, value and remedy; nothing is left behind."""

import subprocess
from copy import deepcopy
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
import yaml
from bad_input import FRAME, TEMPLATES, TEXTS, design, take
from bank import BANK_FILE
from project import BIN, ROOT, default_configs, read_settings, stack
from refusal import Refused, assert_one_paragraph
from selfalign.config.read import check_settings
from selfalign.errors import exit_on_mistake
from selfalign.survey.schemas import Distributions
from selfalign.survey.weigh_answers import weigh
from selfalign.tables import write_table
from snakemake.utils import update_config
from surveys import COUNTS, parse_arguments


def edited(source: Path, folder: Path, old: str, new: str) -> Path:
    """A copy of a file with one text in it replaced."""
    text = source.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} is there {text.count(old)} times"
    copy = folder / source.name
    copy.write_text(text.replace(old, new), encoding="utf-8")
    return copy


# The probes


def map_poles(bank: Path, folder: Path, distributions: Path, countries: str = "DEU MEX") -> list[object]:
    """Arguments that map the answers of a survey to a bank's poles."""
    inputs = ["--distributions", distributions, "--bank", bank, "--countries", countries]
    return ["map-poles", *inputs, "--poles", folder / "poles.parquet", "--dropped", folder / "dropped.csv"]


def compare(bank: Path, texts: Path, folder: Path) -> list[object]:
    """Arguments that measure the similarity of probes."""
    inputs = ["--bank", bank, "--texts", texts, "--language", "en", "--measure", "bm25"]
    return ["measure-similarity", *inputs, "--settings", '{"k1": 1.2, "b": 0.75}', "--output", folder / "bm25.parquet"]


@pytest.fixture(scope="session")
def distributions_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Distributions of the example survey, from its counts."""
    counts = pd.read_csv(COUNTS).rename(columns={"count": "n"})
    shares = weigh(counts.assign(weight=counts["n"] * 1.0, weight_squared=counts["n"] * 1.0))
    path = tmp_path_factory.mktemp("survey") / "distributions.parquet"
    write_table(shares, path, Distributions)
    return path


@pytest.mark.parametrize(
    ("old", "new", "tells"),
    [
        pytest.param(
            "1-2,3-4,,\nQ2,", "1-2,2-4,,\nQ2,", ["line 2", "code 2 of probe Q1", "more than once"], id="poles overlap"
        ),
        pytest.param(
            "1-2,3-4,,\nQ2,", "1-2,3 to 4,,\nQ2,", ["line 2", 'column "pole_b"', "'3 to 4'"], id="code syntax"
        ),
        pytest.param("1-2,3-4,,\nQ2,", "2-1,3-4,,\nQ2,", ["line 2", "probe Q1 ends", "2-1"], id="range backwards"),
        pytest.param("1-2,3-4,,\nQ2,", "1-2,,,\nQ2,", ["line 2", 'column "pole_b"'], id="no codes"),
        pytest.param(
            "1-2,3-4,,\nQ2,", "1-2,3,,\nQ2,", ["line 2", "Q1 with code 4", "Add the code to"], id="unmapped code"
        ),
        pytest.param("\nQ2,Q2,", "\nQ1,Q2,", ["line 2", 'column "probe"', "'Q1'"], id="two probes of one name"),
        pytest.param("battery,siblings", "battery", ["line 1", "siblings"], id="missing column"),
        pytest.param(
            "\nQ2,Q2,",
            "\nQ2,Q223,",
            ["line 3", 'column "question"', "'Q223'", "missing from the survey", "probes.only"],
            id="not asked",
        ),
        pytest.param(
            "Q2,ordinal,",
            "Q2,vague,",
            ["line 3", 'column "scale"', "'vague'", "must be one of 'binary'"],
            id="unknown kind of scale",
        ),
        pytest.param(
            "Q2,ordinal,yes,",
            "Q2,ordinal,maybe,",
            ["line 3", 'column "reversed"', "'maybe'", "must be one of 'yes', 'no'"],
            id="unknown direction of a scale",
        ),
    ],
)
def test_mistake_in_the_bank_is_reported_with_line_and_column(
    old: str, new: str, tells: list[str], tmp_path: Path, distributions_file: Path, refused: Refused
) -> None:
    bank = edited(BANK_FILE, tmp_path, old, new)
    refused(*map_poles(bank, tmp_path, distributions_file), tells=[str(bank), *tells])


def test_bank_without_a_probe_is_refused(tmp_path: Path, distributions_file: Path, refused: Refused) -> None:
    bank = tmp_path / "probes.csv"
    bank.write_text(BANK_FILE.read_text().splitlines()[0] + "\n")
    refused(*map_poles(bank, tmp_path, distributions_file), tells=[str(bank), "no rows"])
    bank.write_text("")
    refused(*map_poles(bank, tmp_path, distributions_file), tells=[str(bank), "empty"])


@pytest.mark.slow
def test_lines_are_counted_as_an_editor_counts_them(tmp_path: Path, distributions_file: Path, refused: Refused) -> None:
    bank = edited(BANK_FILE, tmp_path, "\nQ2,Q2,", "\n\nQ2,Q223,")
    refused(*map_poles(bank, tmp_path, distributions_file), tells=["line 4", "'Q223'"])
    bank = edited(BANK_FILE, tmp_path, "1-2,3-4,,\nQ2,Q2,", "1-2,3-4,,\n,,,,,,,,,,\n\nQ2,2,")
    refused(
        *map_poles(bank, tmp_path, distributions_file),
        tells=["line 5", "'2'", "must look like", "(id of the question)"],
    )
    bank = edited(BANK_FILE, tmp_path, "1-2,3-4,,\nQ2,", "1-2,3-4,,\n\nQ1,")
    refused(*map_poles(bank, tmp_path, distributions_file), tells=["'Q1'", "must not be repeated (probe id)"])


def test_empty_cells_of_a_column_are_reported_together(
    tmp_path: Path, distributions_file: Path, refused: Refused
) -> None:
    bank = pd.read_csv(BANK_FILE, dtype=str, keep_default_na=False)
    bank.loc[[1, 4], "pole_a"] = ""
    bank.to_csv(tmp_path / "probes.csv", index=False)
    tells = ["line 3", 'column "pole_a"', "must not be empty (codes of pole A", "; the same in line 6. "]
    refused(*map_poles(tmp_path / "probes.csv", tmp_path, distributions_file), tells=tells)


def test_bank_that_is_not_there_is_refused(tmp_path: Path, distributions_file: Path, refused: Refused) -> None:
    bank = tmp_path / "none.csv"
    refused(*map_poles(bank, tmp_path, distributions_file), tells=[str(bank), "no such file"])


def test_country_that_the_survey_lacks_is_refused(tmp_path: Path, distributions_file: Path, refused: Refused) -> None:
    arguments = map_poles(BANK_FILE, tmp_path, distributions_file, "DEU MEX BOP")
    refused(*arguments, tells=["'BOP'", "no respondents", 'Did you mean "BOL"', "another survey"])


@pytest.mark.parametrize(
    ("old", "new", "tells"),
    [
        pytest.param(
            "To me, family means ___.",
            "To me, ___ means ___.",
            ["line 2", 'column "statement"', "To me, ___ means ___.", "Q1 has 2 blanks", "Reword"],
            id="two blanks",
        ),
        pytest.param(
            "To me, family means ___.",
            "To me, family means.",
            ["line 2", 'column "statement"', "Q1 has 0 blanks", "Reword"],
            id="no blank",
        ),
        pytest.param(
            "family means ___.",
            "family means ____.",
            ["line 2", "too long"],
            id="a blank too long",
        ),
        pytest.param(
            'family means ___.",a lot,',
            'family means ___.",little,',
            ["line 2", "option_a and option_b differ", "Q1"],
            id="same options",
        ),
        pytest.param(
            'family means ___.",a lot,', 'family means ___.",,', ["line 2", 'column "option_a"'], id="no option"
        ),
        pytest.param(
            'Q1,"To me, family means ___.",a lot,little,reviewed\n',
            "",
            ['column "probe"', "these probes of the bank have no text here: Q1. Add a row"],
            id="probe without text",
        ),
        pytest.param(
            'Q1,"To me, family means ___.",a lot,little,reviewed\n'
            'Q2,"To me, friends mean ___.",a lot,little,reviewed\n',
            "",
            ["have no text here: Q1, Q2. Add a row"],
            id="two probes without text",
        ),
        pytest.param(
            '"To me, family means ___."',
            "To me, family means ___.",
            ["line 2: has 6 cells; expected 5", "in quotes"],
            id="a comma without quotes in the first row",
        ),
        pytest.param(
            '"To me, friends mean ___."',
            "To me, friends mean ___.",
            ["line 3: has 6 cells; expected 5", "in quotes"],
            id="a comma without quotes in another row",
        ),
        pytest.param("\nQ1,", "\nQ2,", ["line", 'column "probe"', "'Q2'"], id="a probe twice"),
        pytest.param("statement,", "sentence,", ["line 1", "sentence", "statement"], id="missing column"),
    ],
)
def test_mistake_in_the_wordings_is_reported_with_line_and_column(
    old: str, new: str, tells: list[str], tmp_path: Path, refused: Refused
) -> None:
    texts = edited(TEXTS, tmp_path, old, new)
    refused(*compare(BANK_FILE, texts, tmp_path), tells=[str(texts), *tells])


# Arms and templates


def similar(shots: int) -> dict:
    return {"chrf": {"shots": shots, "strategy": "chrf", "seeds": [1], "answers": "own", "exclude": ["siblings"]}}


@pytest.mark.slow
def test_good_input_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    take(monkeypatch, *design(tmp_path, similar(3)))
    assert {path.name for path in tmp_path.iterdir()} == {"in", "design.parquet", "prompts.parquet"}


@pytest.mark.slow
def test_arm_with_more_shots_than_candidates_is_refused(tmp_path: Path, refused: Refused) -> None:
    refused(
        *design(tmp_path, similar(4)),
        tells=["arms.chrf", 'column "shots"', "value 4", "test probe Q1 has 3 of the 4 candidates", "Lower shots"],
    )


FRAMES = yaml.safe_load(TEMPLATES.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("key", "value", "tells"),
    [
        (
            "question",
            "{statement} {one} {second}",
            ["['one', 'second', 'statement']", "['first', 'second', 'statement']"],
        ),
        ("question", "{first} {second}", ["has the fields ['first', 'second']"]),
        ("question", "{statement} ___ {first} {second}", ["the question has a blank (___)"]),
        ("question", "{statement} {first} {second", ["a brace of the question"]),
        ("question", 1, ["question is 1; expected text"]),
        ("system", ["a"], ["system is ['a']; expected text"]),
        ("cue", None, ["cue is None; expected text"]),
        ("answers", ["A", "B", "C"], ["two labels"]),
        ("answers", 2, ["two labels"]),
        ("answers", ["A", "A"], ["two labels"]),
        ("answers", [True, False], ["answers has True, False instead of words", "put labels in quotes"]),
        ("question", "{statement} {first!q} {second}", ["a field of the question has a ! or :"]),
        ("question", "{statement} {first:>x} {second}", ["a field of the question has a ! or :"]),
        ("instruction", "Fill in", ["instruction is not a part of it", "expected only answers, cue, question, system"]),
    ],
)
def test_mistake_in_a_template_is_reported(
    key: str, value: object, tells: list[str], tmp_path: Path, refused: Refused
) -> None:
    templates = tmp_path / "en.yaml"
    templates.write_text(yaml.safe_dump({FRAME: FRAMES[FRAME] | {key: value}}))
    arguments = design(tmp_path, {"zero_shot": {"shots": 0}}, templates)
    refused(*arguments, tells=[str(templates), FRAME, "resources/templates/en.yaml", *tells])


def test_error_of_an_incomplete_template_names_the_missing_part(tmp_path: Path, refused: Refused) -> None:
    templates = tmp_path / "en.yaml"
    templates.write_text(yaml.safe_dump({FRAME: {part: FRAMES[FRAME][part] for part in ("system", "question")}}))
    arguments = design(tmp_path, {"zero_shot": {"shots": 0}}, templates)
    refused(*arguments, tells=[str(templates), FRAME, "it has no answers and no cue"])


def test_file_without_templates_is_refused(tmp_path: Path, refused: Refused) -> None:
    templates = tmp_path / "en.yaml"
    templates.write_text("# to be written")
    arguments = design(tmp_path, {"zero_shot": {"shots": 0}}, templates)
    refused(*arguments, tells=[str(templates), f'has no frames; expected "{FRAME}"', "Write this frame"])


def test_unknown_template_is_refused(tmp_path: Path, refused: Refused) -> None:
    arguments = design(tmp_path, {"zero_shot": {"shots": 0}}, frames=f"{FRAME}s")
    refused(*arguments, tells=[str(TEMPLATES), f'no frame "{FRAME}s"', f'Did you mean "{FRAME}"'])


def test_templates_that_are_no_yaml_are_refused(tmp_path: Path, refused: Refused) -> None:
    templates = tmp_path / "en.yaml"
    templates.write_text(f"# frames\n{FRAME}:\n  cue: Answer: now")
    arguments = design(tmp_path, {"zero_shot": {"shots": 0}}, templates)
    tells = [f"{templates}, line 3: is not YAML: mapping values", "quotes", "resources/templates/en.yaml"]
    refused(*arguments, tells=tells)
    templates.write_bytes(f"{FRAME}: \xe1".encode("cp1252"))
    refused(*arguments, tells=[str(templates), "is not YAML in UTF-8", "Save it as text in UTF-8"])


# Files between the steps


@pytest.mark.parametrize("content", [b"", b"PAR1 no more", None])
def test_damaged_table_between_steps_is_refused(
    content: bytes | None, tmp_path: Path, distributions_file: Path, refused: Refused
) -> None:
    damaged = tmp_path / "distributions.parquet"
    damaged.write_bytes(distributions_file.read_bytes()[:-100] if content is None else content)
    refused(
        *map_poles(BANK_FILE, tmp_path, damaged), tells=[str(damaged), "cannot be read", "Let snakemake make it again"]
    )


# The config


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "tells"),
    [
        pytest.param({"scorign": {}}, ['"scorign"', 'Did you mean "scoring"'], id="misspelt key at the top"),
        pytest.param(
            {"arms": {"chrf": {"shot": 3}}},
            ["arms.chrf", '"shot"', 'Did you mean "shots"'],
            id="misspelt key of an arm",
        ),
        pytest.param({"arms": {"chrf": {"shots": "five"}}}, ["arms.chrf.shots", "'five'"], id="word for a number"),
        pytest.param(
            {"arms": {"new": {"label": "New", "shots": 3}}}, ["arms.new", "strategy"], id="arm without strategy"
        ),
        pytest.param(
            {"arms": {"chrf": {"strategy": "chrff"}}}, ["arms.chrf.strategy", "'chrff'", "chrf"], id="unknown strategy"
        ),
        pytest.param(
            {"languages": {"en": {"arms": ["zero_shto"]}}},
            ["languages.en.arms", 'Did you mean "zero_shot"'],
            id="undefined arm",
        ),
        pytest.param(
            {"run": {"models": ["smollm"]}},
            ["run.models", '"smollm"', 'Did you mean "smollm2-135m"'],
            id="undefined model",
        ),
        pytest.param(
            {"run": {"languages": ["et"]}},
            ["run.languages", '"et"', "Known are: bn, de, el, en"],
            id="undefined language",
        ),
        pytest.param(
            {"languages": {"en": {"countries": ["TURK"]}}},
            ["languages.en.countries", '"TURK"', 'Did you mean "TUR"'],
            id="misspelt country",
        ),
        pytest.param(
            {"languages": {"xx": {"countries": ["DEU"], "arms": ["zero_shot"]}}},
            ['"xx"', "ISO 639-1"],
            id="no language",
        ),
        pytest.param(
            {"arms": {"random": {"diversity": 0.5}}},
            ["arms.random.diversity", "0.5", "strategy random", "chrf, bm25, embedding"],
            id="diversity of a draw",
        ),
        pytest.param(
            {"arms": {"chrf": {"sources": ["DEU"]}}},
            ["arms.chrf.sources", "answers: other", "the answers are own"],
            id="sources of nobody else",
        ),
        pytest.param({"arms": {"chrf": {"sequence": "first"}}}, ["arms.chrf.sequence", "'first'"], id="no sequence"),
        pytest.param(
            {"demonstrations": {"embedding": {"texts": "english"}}},
            ["demonstrations.embedding.texts", "'english'"],
            id="texts of no language",
        ),
        pytest.param(
            {"languages": {False: {"countries": ["NOR"], "arms": ["zero_shot"]}}},
            ["languages", "a key is False", "YAML reads no", 'in quotes, as in "no"'],
            id="Norwegian without quotes",
        ),
        pytest.param({"models": {7: {"label": "Seven"}}}, ["models", "the key 7", '"7"'], id="number for a key"),
        pytest.param(
            {"languages": {"en": {"countries": [False]}}}, ["countries.0", "False", "YAML reads no"], id="word of YAML"
        ),
        pytest.param(
            {"models": {"smollm2-135m": {"template": {"date_string": date(2024, 7, 26)}}}},
            ["models.smollm2-135m.template.date_string", "2024-07-26 as a date", '"2024-07-26"'],
            id="date without quotes",
        ),
        pytest.param(
            {"models": {"smollm2-135m": {"template": {"enable_thinking": "false"}}}},
            ["template.enable_thinking", "'false'", "--config", "--configfile"],
            id="word of YAML as text",
        ),
        pytest.param({"scoring": {"level": float("nan")}}, ["scoring.level", "nan is not a finite"], id="no number"),
        pytest.param(
            {"scoring": {"draws": 1000.5}},
            ["scoring.draws", "1000.5", "whole number at least 100"],
            id="part of a draw",
        ),
        pytest.param(
            {"scoring": {"draws": True}},
            ["scoring.draws", "True", "whole number", "in quotes"],
            id="truth for a number",
        ),
        pytest.param(
            {"arms": {"zero_shot": {"label": "Same"}, "chrf": {"label": " Same\n"}}},
            ["arms.chrf.label", "also the label of arms.zero_shot"],
            id="two arms of one label",
        ),
        pytest.param(
            {
                "models": {"mine": {"label": "SmolLM2-135M-Instruct", "source": {"folder": "x"}}},
                "run": {"models": ["smollm2-135m", "mine"]},
            },
            ["models.mine.label", "also the label of models.smollm2-135m"],
            id="two models of one label",
        ),
        pytest.param({"arms": {"chrf": {"label": " \n"}}}, ["arms.chrf.label", "is empty"], id="empty label"),
        pytest.param(
            {"arms": {"chrf": {"label": "\U00013000"}}},
            ["arms.chrf.label", "U+13000, EGYPTIAN HIEROGLYPH A001", "figures.style.font"],
            id="label that no font can draw",
        ),
        pytest.param({"scoring": {"level": 95}}, ["scoring.level", "95", "1"], id="level in percent"),
        pytest.param({"scoring": None}, ["scoring: is empty", "take the key out"], id="section without content"),
        pytest.param(
            {"models": {"mine": {"label": "Mine", "source": {"floder": "x"}}}},
            ["models.mine.source", '"floder"', 'Did you mean "folder"', "hub + revision, or package + members"],
            id="misspelt key of a source",
        ),
        pytest.param(
            {"models": {"mine": {"label": "Mine", "source": {"hub": "org/name"}}}},
            ["models.mine.source", "has the keys hub", "hub + revision"],
            id="source without revision",
        ),
        pytest.param(
            {"models": {"mine": {"label": "Mine", "source": {"folder": 3}}}},
            ["models.mine.source.folder", "value 3", "must be text", 'Put it in quotes: "3"'],
            id="number for a folder",
        ),
        pytest.param(
            {"models": {"mine": {"label": "Mine", "source": {"folder": "x"}, "device": "gpu"}}},
            ["models.mine.device", "gpu", "cuda"],
            id="unknown device",
        ),
        pytest.param(
            {"figures": {"margin": {"contrast": ["zero_shot", "chrf"]}}},
            ["figures.margin.contrast", "scoring.contrasts"],
            id="contrast that is not estimated",
        ),
        pytest.param(
            {"scoring": {"mixed": [["zero_shot", "chrf"]]}},
            ["scoring.mixed", "['zero_shot', 'chrf'] is not estimated", "scoring.contrasts"],
            id="cross-check of what is not estimated",
        ),
        pytest.param(
            {"prompts": {"premises": False}, "scoring": {"readouts": {"words": "pmi"}}},
            ["scoring.readouts", "the frame words is read by pmi", "Set prompts.premises: true"],
            id="pmi without premises",
        ),
        pytest.param(
            {"scoring": {"readouts": {"words": "greedy"}}},
            ["scoring.readouts", "read by greedy replies", "smollm2-135m gives none", "models.smollm2-135m.reply: 8"],
            id="greedy without replies",
        ),
        pytest.param(
            {"scoring": {"contrasts": [{"arm": "chrf", "agianst": "zero_shot"}]}},
            ["scoring.contrasts.0", '"agianst" is not a known key', 'Did you mean "against"'],
            id="misspelt key of a contrast",
        ),
        pytest.param(
            {"scoring": {"contrasts": [{"arm": "chrf", "against": "chrf", "against_language": "xx"}]}},
            ["scoring.contrasts", '"xx" is not defined'],
            id="contrast with an unknown language",
        ),
        pytest.param(
            {"scoring": {"contrasts": [["chrf"]]}},
            ["scoring.contrasts.0", "['chrf']", "has 1 entries; expected 2"],
            id="pair of one arm",
        ),
        pytest.param(
            {"scoring": {"resample": ["orders"]}},
            ["scoring.resample.0", "'orders'", "is not one of batteries, respondents, seeds, templates"],
            id="orders drawn",
        ),
        pytest.param(
            {"scoring": {"contrasts": [{"arm": "chrf", "against": "zero_shot", "beyond": ["random", "zero"]}]}},
            ["scoring.contrasts", '"zero"', "zero_shot"],
            id="difference beyond an unknown arm",
        ),
        pytest.param(
            {"scoring": {"transfer": ["chrf", "chrf_inverted"]}},
            ["scoring.transfer", "chrf_inverted", "null"],
            id="transfer to an arm that is not of other countries",
        ),
    ],
)
def test_mistake_in_the_config_is_reported(settings: dict, tells: list[str], capsys: pytest.CaptureFixture) -> None:
    config = read_settings()
    check_settings(config)
    update_config(config, settings)
    with pytest.raises(SystemExit) as stopped, exit_on_mistake():
        check_settings(config)
    assert stopped.value.code == 1
    assert_one_paragraph(capsys.readouterr().err, ["config", *tells])


@pytest.mark.parametrize(
    ("value", "integer"),
    [(1000.0, 1000), (1.0e3, 1000), ("500", 500), ("1e3", 1000), ("2000.0", 2000), (750, 750)],
)
def test_whole_number_is_an_integer_however_it_is_written(value: object, integer: int) -> None:
    config = read_settings()
    update_config(config, {"scoring": {"draws": value}, "arms": {"random": {"seeds": [value]}}})
    check_settings(config)
    for found in (config["scoring"]["draws"], config["arms"]["random"]["seeds"][0]):
        assert found == integer and type(found) is int


def test_settings_of_the_project_are_as_the_schema_means_them() -> None:
    config = read_settings()
    before = deepcopy(config)
    check_settings(config)
    again = deepcopy(config)
    update_config(again, before)
    assert again == config, "nothing but defaults was added"


@pytest.mark.parametrize(
    "overlay", sorted({*(ROOT / "config").glob("*.yaml")} - {*default_configs()}), ids=lambda p: p.stem
)
def test_configs_of_whole_studies_are_right(overlay: Path) -> None:
    check_settings(read_settings(*(overlay.parent / name for name in stack(overlay.name))))


# The whole run, as a user sees it


@pytest.mark.slow
def test_program_prints_the_same_from_the_shell(tmp_path: Path) -> None:
    survey = tmp_path / "survey.csv"
    survey.write_text("")
    done = subprocess.run([BIN / "selfalign", *map(str, parse_arguments(survey))], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stdout == ""
    assert_one_paragraph(done.stderr, [str(survey), "is empty"])
    assert list(tmp_path.iterdir()) == [survey]
