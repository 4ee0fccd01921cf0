"""The configs that the project ships, its catalogue of models, and what a run says when a file or a key is missing."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from hub_server import Hub, serving
from project import ROOT, Batch, Project, Run, stack
from refusal import assert_one_paragraph
from selfalign.config.access_keys import check_keys, warn_of_keys
from selfalign.config.defaults import DEFAULTS
from selfalign.config.read import read_settings
from selfalign.config.sections import Config
from selfalign.errors import InputError
from selfalign.runs import Run as RunFolder

OWN = {Path(path).name for path in DEFAULTS}
SHIPPED = sorted(path.name for path in (ROOT / "config").glob("*.yaml") if path.name not in OWN)
SURVEY = "resources/survey/WVS_Cross-National_Wave_7_csv_v6_0.zip"
FOLDERS = [f"models/{name}/m.gguf" for name in ("gemma-3-270m", "qwen2.5-coder-0.5b", "qwen2.5-coder-1.5b")]
KEYS = ("HF_TOKEN", "GEMINI_API_KEY")
PAPER = ["BGD", "DEU", "GRC", "IDN", "IRN", "KOR", "MYS", "PAK", "PHL", "ROU", "SRB", "TUR", "USA", "VNM"]
REVISION = "0123456789abcdef0123456789abcdef01234567"


def load(name: str) -> dict:
    """A shipped config as it is written."""
    return yaml.safe_load((ROOT / "config" / name).read_text(encoding="utf-8"))


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """No key is in the environment."""
    for name in KEYS:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def working(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with files of the names that the configs expect from the user."""
    for file in (SURVEY, *FOLDERS):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read(working: Path, *names: str, **settings: object) -> dict:
    """The merged settings of shipped configs with others on top, checked as before a run."""
    (working / "mine.yaml").write_text(yaml.safe_dump(settings))
    return read_settings([*(ROOT / "config" / name for name in names), working / "mine.yaml"])


# The shipped configs


@pytest.mark.parametrize("names", [*map(stack, SHIPPED), ["paper.yaml", "models_2026.yaml"]], ids="+".join)
def test_shipped_config_passes_all_checks_before_a_run(names: list[str], working: Path) -> None:
    config = read(working, *names)
    own = "study" if names[-1] == "study_models.yaml" else Path(names[-1]).stem
    assert config["run"]["name"] == own, "results have a folder of their own, except those of more models of one study"


@pytest.fixture(scope="module")
def planned(checkout: Project, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """Dry runs without any key."""
    project = checkout.copy(tmp_path_factory.mktemp("configs") / "project")
    project.environment |= dict.fromkeys(KEYS, "")
    without = Batch(project).runs({"no survey": load("paper.yaml")}, "--dry-run")
    (project.folder / SURVEY).touch()
    configs = {name: load(name) for name in ("paper.yaml", "minimal.yaml")}
    runs = {**without, **Batch(project).runs(configs, "--dry-run")}
    return {name: run for name, (run, _) in runs.items()}


def test_paper_asks_five_models_in_fourteen_languages(planned: dict[str, Run]) -> None:
    run = planned["paper.yaml"]
    assert run.code == 0, run.output[-2000:]
    jobs = run.planned()
    assert (jobs["fetch_model"], jobs["infer"], jobs["ask"], jobs["score_answers"]) == (4, 4 * 14, 14, 5 * 14)


def test_minimal_config_is_planned(planned: dict[str, Run]) -> None:
    run = planned["minimal.yaml"]
    assert run.code == 0, run.output[-2000:]
    assert run.planned()["infer"] == 1
    assert not run.lines_of_ours()


def test_dry_run_names_missing_keys(working: Path, capsys: pytest.CaptureFixture) -> None:
    config, run = Config.read(read(working, "paper.yaml")), RunFolder(working / "results/paper")
    (working / "results/shared/models/command-r").mkdir(parents=True)
    (working / "results/shared/models/command-r/model.json").touch()
    warn_of_keys(config, run, ["snakemake", "--cores", "4"])
    assert capsys.readouterr().err == "", "not a dry run"
    for option in ("--dry-run", "-n", "-np"):
        warn_of_keys(config, run, ["snakemake", option])
        said = capsys.readouterr().err
        assert_one_paragraph(said, ["dry run goes on", "models.llama-3-8b", "HF_TOKEN", "GEMINI_API_KEY"])
        assert "mistral" not in said, "it needs no key"
        assert "command-r" not in said, "it was fetched"


def test_missing_survey_is_reported_first(planned: dict[str, Run]) -> None:
    run = planned["no survey"]
    assert run.code == 1
    assert not run.planned()
    (line,) = run.lines_of_ours()
    tells = [SURVEY, "worldvaluessurvey.org", "fill in the form", "Put the file there", "config/paper_shares.yaml"]
    assert_one_paragraph(line, tells)


def test_paper_has_the_countries_arms_and_controls() -> None:
    config = load("paper.yaml")
    english = config["languages"]["en"]
    assert sorted(english["countries"]) == PAPER
    others = [settings for language, settings in config["languages"].items() if language != "en"]
    assert sorted(country for settings in others for country in settings["countries"]) == [
        one for one in PAPER if one != "USA"
    ]
    assert {"zero_shot", "random", "category", "chrf"} < set(english["arms"])
    assert {"chrf_other", "chrf_inverted", "chrf_without_battery", "chrf_without_battery_other"} < set(english["arms"])
    free = {"random_other", "category_other"}  # in English, where the sources are asked anyway
    common = tuple(arm for arm in english["arms"] if arm not in free)
    assert {tuple(settings["arms"]) for settings in others} == {common} and free < set(english["arms"])
    for arm in ("random", "category", *free):
        assert config["arms"][arm]["seeds"] == [1, 2, 3]
    assert set(config["arms"]["chrf_other"]["sources"]) < set(PAPER)
    assert config["probes"]["only"] == []


def test_published_shares_change_only_what_they_must() -> None:
    paper, shares = load("paper.yaml"), load("paper_shares.yaml")
    for key in ("models", "arms", "prompts"):
        assert paper[key] == shares[key]
    assert paper["run"] == {**shares["run"], "name": "paper", "survey": "wvs7"}
    for language, settings in paper["languages"].items():
        assert settings["countries"] == shares["languages"][language]["countries"]
        arms = [arm for arm in settings["arms"] if not arm.startswith("category")]
        assert arms == shares["languages"][language]["arms"]
    left_out = [one for one in paper["scoring"]["contrasts"] if one not in shares["scoring"]["contrasts"]]
    assert left_out == [["chrf", "category"]]


def test_category_arm_fits_once_the_named_probes_are_left_out(working: Path) -> None:
    config = read(working, "paper_shares.yaml")
    few = {"Q106", "Q107", "Q108", "Q164", "Q165", "Q166", "Q167", "Q168", "Q250"}
    assert "leave Q106, Q107, Q108, Q164-Q168 and Q250 out" in (ROOT / "config/paper_shares.yaml").read_text()
    arms = [*config["languages"]["en"]["arms"], "category"]
    settings = {"languages": {"en": {"arms": arms}}, "run": {"languages": ["en"], "models": ["smollm2-135m"]}}
    with pytest.raises(InputError, match="arms.category"):
        read(working, "paper_shares.yaml", **settings)
    only = [probe for probe in config["probes"]["only"] if probe not in few]
    assert len(only) == 59
    read(working, "paper_shares.yaml", probes={"only": only}, **settings)


# The catalogue


def test_model_of_the_catalogue_is_chosen_by_its_name(working: Path) -> None:
    catalogue = load("models.yaml")["models"]
    config = read(working, run={"models": list(catalogue)})
    for name, model in config["models"].items():
        assert model["kind"] in ("english", "multilingual"), name
        assert not model["gated"] or "hub" in model["source"], name
        assert "endpoint" in model or model["device"] == "cuda" or name == "smollm2-135m", name
    models = config["models"]
    assert models["qwen3-8b"]["template"]["enable_thinking"] is False
    assert models["qwen3.5-9b"]["engine"] == "naive"
    assert models["bloomz-7b1"]["format"] == "plain"
    assert models["command-r"]["gpus"] == 2
    gated = {name for name, model in models.items() if model["gated"]}
    assert gated >= {"llama-3-8b", "llama-3.1-8b", "command-r", "gemma-2-9b", "gemma-3-12b", "aya-expanse-8b"}


def test_current_models_are_of_the_catalogue() -> None:
    config, catalogue = load("models_2026.yaml"), load("models.yaml")["models"]
    assert 7 <= len(config["run"]["models"]) <= 9
    assert set(config["run"]["models"]) == set(config["models"]) <= set(catalogue)


def test_users_source_takes_the_place_of_the_catalogues(working: Path) -> None:
    local = {"source": {"folder": "models/gemma-3-270m"}}
    served = {"endpoint": {"url": "http://gpu7:8000/v1", "model": "llama", "readout": "echo"}}
    moved = {"source": {"revision": REVISION}}
    models = {"llama-3-8b": local, "llama-3.1-8b": served, "qwen3-8b": moved, "gemini-2.5-flash": local}
    config = read(working, models=models, run={"models": list(models)})
    assert config["models"]["llama-3-8b"]["source"] == local["source"]
    assert "source" not in config["models"]["llama-3.1-8b"]
    assert config["models"]["qwen3-8b"]["source"] == {"hub": "Qwen/Qwen3-8B", "revision": REVISION}
    assert "endpoint" not in config["models"]["gemini-2.5-flash"]
    named = {"mine": {"label": "Qwen3-8B", "source": {"folder": "models/gemma-3-270m"}}}
    assert read(working, models=named, run={"models": ["mine"]}), "a label of the catalogue is free if that is not run"
    fetched = {"url": "https://lab.example/survey.zip", "sha256": "a" * 64}
    assert read(working, surveys={"wvs7": {"source": fetched}})["surveys"]["wvs7"]["source"] == fetched


# Keys


def job(rule: str, **wildcards: str) -> SimpleNamespace:
    """A job as Snakemake has it, as far as the check looks at it."""
    return SimpleNamespace(rule=SimpleNamespace(name=rule), wildcards=SimpleNamespace(**wildcards))


def test_only_jobs_that_use_a_key_ask_for_it(working: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models = Config.read(read(working, "paper.yaml")).models
    english = {"model": "gemini-2.5-flash", "language": "en"}
    check_keys(models, [job("infer", model="llama-3-8b"), job("score_answers", **english), job("all")])
    check_keys(models, [job("fetch_model", model="mistral-7b-v0.2")])
    with pytest.raises(InputError) as gated:
        check_keys(models, [job("fetch_model", model="llama-3-8b")])
    for part in ("models.llama-3-8b", "https://huggingface.co/meta-llama/Meta-Llama-3-8B-Instruct", "HF_TOKEN"):
        assert part in str(gated.value)
    with pytest.raises(InputError, match=r"models.gemini-2.5-flash.endpoint: the variable GEMINI_API_KEY is not set"):
        check_keys(models, [job("ask", **english), job("ask", **english | {"language": "ko"})])
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    check_keys(models, [job("fetch_model", model="llama-3-8b")])


def test_gated_model_stops_a_run_before_its_first_job(plain: Project, tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()
    for name in ("config.json", "model.safetensors"):
        (tmp_path / "weights" / name).write_text("{}")
    source = "results/shared/models/tiny/source"
    with serving(Hub({"tiny/gated": tmp_path / "weights"}, REVISION)) as hub:
        plain.environment["HF_TOKEN"] = ""
        settings = {"label": "Tiny", "gated": True, "source": {"hub": "tiny/gated", "revision": REVISION}}
        config = {"models": {"tiny": settings}, "run": {"models": ["tiny"]}}
        dry = plain.snakemake(source, "--dry-run", config=config)
        assert (dry.code, dry.planned()["fetch_model"]) == (0, 1)
        assert "this dry run goes on" in dry.lines_of_ours()[0]
        plain.environment["HF_ENDPOINT"] = hub.url
        stopped = plain.snakemake(source, "results/shared/survey/example/simulated.csv", config=config)
        assert stopped.code == 1
        (line,) = stopped.lines_of_ours()
        assert_one_paragraph(line, ["models.tiny", "https://huggingface.co/tiny/gated", "HF_TOKEN", "Ask for access"])
        assert 'endpoint=Resource("endpoint", 1)' in stopped.output, "one job at a time asks endpoints"
        assert not stopped.finished()
        assert not (plain.folder / "results").exists()
        assert not hub.requests
        plain.environment["HF_TOKEN"] = "hf_secret"
        assert plain.snakemake(source, config=config).finished()["fetch_model"] == 1
        assert "Bearer hf_secret" in hub.tokens
        plain.environment.clear()
        again = plain.snakemake(source, config=config)
        assert again.code == 0, "a model that was fetched needs no key"
        assert "Nothing to be done" in again.output
