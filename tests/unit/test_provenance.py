"""Provenance: a step's digest changes with its code and with nothing else, and every rule asks for its own."""

import importlib.util
import json
import re
import shutil
from functools import cache
from pathlib import Path
from types import ModuleType

import click
import pytest
from configs import altered
from fresh import run_fresh
from places import ROOT
from selfalign import provenance
from selfalign.cli import first_sentence, program
from selfalign.config.check_files import MAP_FILES
from selfalign.config.figures import FIGURES, files_of_figure
from selfalign.config.outputs import find_shown
from selfalign.provenance import import_closure
from selfalign.steps import BY_HAND, STEPS

pytestmark = pytest.mark.slow

LIBRARY = ROOT / "workflow" / "selfalign"


def find_rules(text: str) -> dict[str, str]:
    """The rules of a file by name. A loop makes the rules of the figures: what it passes is that of the registry."""
    found = dict(re.findall(r"^rule (\w+):\n(.*?)(?=^\S|\Z)", text, re.M | re.S))
    for loop in re.findall(r"^for figure, .*?:\n\n    rule:\n(.*?)(?=^\S|\Z)", text, re.M | re.S):
        config = altered()
        for figure, what in FIGURES.items():
            shown = loop.replace("{params.command}", f"plot-{figure}".replace("_", "-"))
            shown = shown.replace("{figure}", figure).replace('f"', '"')
            options = [*files_of_figure(figure, find_shown(config).outputs), *what.settings(config), "style", "figures"]
            options += ["csv"] if what.csv else []
            options += ["pages"] if what.paged else []
            found[f"plot_{figure}"] = shown + " ".join(f"--{option} " for option in options)
    return found


RULES = {
    name: text
    for file in sorted((ROOT / "workflow" / "rules").glob("*.smk"))
    for name, text in find_rules(file.read_text(encoding="utf-8")).items()
}


GAINS = {"estimate_languages", "estimate_categories", "estimate_kinds"}
ACROSS = {f"plot_{name}" for name, what in FIGURES.items() if not what.paged}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the library to edit."""
    return Path(shutil.copytree(LIBRARY, tmp_path / "selfalign", ignore=shutil.ignore_patterns("__pycache__")))


def digests(library: Path) -> dict[str, str]:
    """Digest of every step of a copy of the library, as that copy computes it."""
    copied = module_of(library / "provenance.py")
    copied._parse = parse_once
    return {step: copied.code_digest(step) for step in STEPS}


@cache
def parse_once(source: str) -> tuple[list[str], str]:
    """What the library reads in a source. Copies of the library share most of their sources."""
    return provenance._parse(source)


def module_of(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(file.stem, file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


@cache
def digests_now() -> dict[str, str]:
    """Digest of every step of the library."""
    return {step: provenance.code_digest(step) for step in STEPS}


def changed(library: Path) -> set[str]:
    """Steps of a copy whose digest is not that of the library."""
    return {step for step, digest in digests(library).items() if digest != digests_now()[step]}


def test_digest_does_not_depend_on_where_the_library_is(copy: Path) -> None:
    assert changed(copy) == set()
    assert len(set(digests_now().values())) == len(STEPS)
    assert all(re.fullmatch(r"[0-9a-f]{16}", digest) for digest in digests_now().values())


def test_comments_docstrings_and_layout_do_not_count(copy: Path) -> None:
    for file in copy.rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        text = re.sub(r'^( *)"""', r'\1"""Reworded. ', text, count=1, flags=re.M)
        text = re.sub(r"^( *def .*):$", r"\1:  # a comment", text, flags=re.M)
        file.write_text(f"# A licence.\n\n{text}\n\n# The end.\n", encoding="utf-8")
    edit(
        copy / "inference" / "local" / "tree.py",
        "def shared_length(one: Sequence[int], ",
        "def shared_length(\n    one: Sequence[int],",
    )
    edit(copy / "inference" / "local" / "tree.py", '"""Number of leading tokens', '"""How many leading tokens')
    edit(copy / "inference" / "local" / "engine.py", '"""Part of the fingerprint', '"""A part of the fingerprint')
    assert changed(copy) == set()


@pytest.mark.parametrize(
    ("file", "old", "new", "steps"),
    [
        pytest.param(
            "scoring/bootstrap.py",
            "(1 + how.level) / 2, df",
            "(1 + how.level) / 3, df",
            {
                "estimate_agreement",
                "estimate_contrasts",
                "estimate_readouts",
                "estimate_transfer",
                "estimate_readers",
                "rank_countries",
                "estimate_alternatives",
                "estimate_groups",
                "estimate_specifications",
                "fit_mixed",
                "choose_intervals",
            }
            | GAINS,
            id="a module of some steps",
        ),
        pytest.param(
            "survey/weigh_answers.py",
            '["code"] >= 0',
            '["code"] > 0',
            {"weigh_answers", "describe_survey", "form_groups", "parse_counts"},
            id="a step's module that another step uses",
        ),
        pytest.param(
            "inference/local/engine.py", 'VERSION = "5"', 'VERSION = "6"', {"infer"}, id="a module of one step"
        ),
        pytest.param(
            "survey/parse_shares.py",
            '"top2of4": (1, 2)',
            '"top2of4": (1, 3)',
            {"parse_shares"},
            id="a step's own module",
        ),
        pytest.param(
            "figures/theme.py",
            "DPI = 300",
            "DPI = 301",
            {f"plot_{name}" for name in FIGURES},
            id="a module that modules import",
        ),
        pytest.param(
            "demonstrations/strategies.py",
            'SEEDED = ("random", "category")',
            'SEEDED = ("category", "random")',
            {"measure_similarity", "rank_demonstrations", "design_prompts", "describe_demonstrations"},
            id="a constant",
        ),
        pytest.param("cli.py", "max_content_width", "terminal_width", set(), id="a module of no step"),
    ],
)
def test_change_of_code_changes_the_steps_that_use_it_and_no_other(
    file: str, old: str, new: str, steps: set[str], copy: Path
) -> None:
    edit(copy / file, old, new)
    assert changed(copy).difference(BY_HAND) == steps


def test_new_import_counts_from_then_on(copy: Path) -> None:
    (copy / "survey" / "extra.py").write_text("FACTOR = 1\n", encoding="utf-8")
    assert changed(copy) == set()
    edit(copy / "survey" / "schemas.py", "import pandera", "from selfalign.survey.extra import FACTOR\nimport pandera")
    before = digests(copy)
    (copy / "survey" / "extra.py").write_text("FACTOR = 2\n", encoding="utf-8")
    after = digests(copy)
    using = {step for step in STEPS if before[step] != after[step]}
    assert using == {step for step in STEPS if "survey" in STEPS[step] and not step.startswith("fetch")} | {
        "form_groups",
        "draft_opinion_probes",
        "take_opinion_probes",
        "join_people",
        "join_texts",
        "map_poles",
        "map_scales",
        "design_prompts",
        "resample_people",
        "estimate_alternatives",
        "estimate_specifications",
        "estimate_map",
        "trace",
        "plan",
    }


def test_answers_depend_on_few_modules() -> None:
    assert import_closure(STEPS["infer"]) == {
        "selfalign.errors",
        "selfalign.ids",
        "selfalign.inference.choices",
        "selfalign.inference.letters",
        "selfalign.inference.local.attention",
        "selfalign.inference.local.chat",
        "selfalign.inference.local.check",
        "selfalign.inference.local.collect",
        "selfalign.inference.local.devices",
        "selfalign.inference.local.engine",
        "selfalign.inference.local.generate",
        "selfalign.inference.local.greedy",
        "selfalign.inference.local.heads",
        "selfalign.inference.local.infer",
        "selfalign.inference.local.leases",
        "selfalign.inference.local.openings",
        "selfalign.inference.local.render",
        "selfalign.inference.local.setup",
        "selfalign.inference.local.transfer",
        "selfalign.inference.local.tree",
        "selfalign.inference.messages",
        "selfalign.inference.readouts",
        "selfalign.inference.schemas",
        "selfalign.inference.thoughts",
        "selfalign.ledger.rows",
        "selfalign.ledger.storage",
        "selfalign.models.folder",
        "selfalign.models.tokenizer_files",
        "selfalign.weight_checks",
        "selfalign.options",
        "selfalign.prompts.schemas",
        "selfalign.tables",
        "selfalign.warmup",
    }


def test_digest_covers_all_that_a_step_loads() -> None:
    # Each step is imported once. What it loads is what its module asks for, what these modules ask for, and so on.
    script = """
import builtins, importlib, json, sys
from collections import defaultdict
asked, import_, import_module = defaultdict(set), builtins.__import__, importlib.import_module

def note(by, *names):
    if by.partition(".")[0] == "selfalign":
        asked[by].update(name for name in names if name.partition(".")[0] == "selfalign" and name in sys.modules)

def noted_import(name, variables=None, locals=None, fromlist=(), level=0):
    found = import_(name, variables, locals, fromlist, level)
    by = (variables or {}).get("__name__", "")
    assert not (level and by.startswith("selfalign")), by  # the digest knows absolute imports only
    note(by, name, *(f"{name}.{one}" for one in fromlist or ()))
    return found

def noted_module(name, package=None):
    found = import_module(name, package)
    note(sys._getframe(1).f_globals["__name__"], found.__name__)
    return found

builtins.__import__, importlib.import_module = noted_import, noted_module
from selfalign.steps import STEPS
for module in STEPS.values():
    import_module(module)
print(json.dumps({by: sorted(names) for by, names in asked.items()}))
"""
    asked = json.loads(run_fresh(script))
    assert len([module for module in asked if module.startswith("selfalign.")]) > 100
    for step, module in STEPS.items():
        loaded, ahead = set(), {module}
        while ahead:
            loaded.add(name := ahead.pop())
            ahead |= set(asked.get(name, [])) - loaded
        packages = {name for name in loaded if LIBRARY.joinpath(*name.split(".")[1:]).is_dir()}
        assert loaded - packages <= import_closure(module), step
        assert step != "infer" or "selfalign.inference.local.tree" in loaded, "an import was not noted"


def test_the_two_kinds_of_inference_do_not_import_each_other() -> None:
    for step, other in (("infer", "endpoint"), ("ask", "local")):
        closure = import_closure(STEPS[step])
        assert not [module for module in closure if module.startswith(f"selfalign.inference.{other}")]
        assert {module for module in closure if module.startswith("selfalign.ledger")} == {
            "selfalign.ledger.rows",
            "selfalign.ledger.storage",
        }


def test_packages_hold_no_code_that_a_digest_would_miss() -> None:
    steps = {LIBRARY.joinpath(*module.split(".")[1:]) for module in STEPS.values()}
    files = [file for file in LIBRARY.glob("*/**/__init__.py") if file.parent not in steps]
    assert len(files) > 8
    for file in files:
        assert re.fullmatch(r'"""[^"]+"""\n', file.read_text(encoding="utf-8")), file


@pytest.mark.parametrize("step", STEPS)
def test_step_has_a_module_and_a_command_of_its_name(step: str) -> None:
    assert STEPS[step].rpartition(".")[2] == step
    context = click.Context(program)
    name = step.replace("_", "-")
    assert name in program.list_commands(context)
    command = program.get_command(context, name)
    assert isinstance(command, click.Command)
    assert command.help and all(option.help for option in command.params if isinstance(option, click.Option))
    paragraph = " ".join(command.help.partition("\n\n")[0].split())
    assert first_sentence(STEPS[step]) + "." == paragraph, "the list of commands says something else"


@pytest.mark.parametrize("step", [step for step in STEPS if step not in BY_HAND])
def test_step_has_a_rule_with_its_command_digest_log_and_benchmark(step: str) -> None:
    rule = RULES[step]
    assert re.findall(r'code_digest\("(\w+)"\)', rule) == [step]
    assert re.findall(r'"selfalign ([\w-]+) ', rule) == [step.replace("_", "-")]
    assert re.findall(r'"<(?:run|shared)>/logs/(\w+)', rule) == [step]
    assert re.findall(r'"<(?:run|shared)>/benchmarks/(\w+)', rule) == [step]


@pytest.mark.parametrize("step", [step for step in STEPS if step not in BY_HAND])
def test_rule_passes_the_options_that_its_command_has(step: str) -> None:
    command = program.get_command(click.Context(program), step.replace("_", "-"))
    options = {name for option in command.params if isinstance(option, click.Option) for name in option.opts}
    required = {option.opts[0] for option in command.params if isinstance(option, click.Option) and option.required}
    assert required <= options_in(RULES[step]) <= options


def options_in(rule: str) -> set[str]:
    """The options that a rule passes: those of its shell text, and those that functions make of names."""
    settings = (ROOT / "workflow/inputs/scoring.smk").read_text(encoding="utf-8")
    known: dict[str, tuple[str, ...]] = {"MAP_FILES": MAP_FILES}
    for name, value in re.findall(r"(?m)^(RESAMPLING|ESTIMATION) = (.+)$", settings):
        known[name] = eval(value, {}, known)
    calls = re.findall(r"(?:scoring|input)_options\((.+?)\)", rule) + re.findall(r"for name in \((.+?)\) if MAP", rule)
    made = {name for call in calls for name in eval(f"({call},)", {}, known)}
    return {f"--{name}" for name in made} | set(re.findall(r"(--[a-z-]+) ", rule))


def test_shell_of_a_loop_does_not_use_the_variable_of_the_loop() -> None:
    text = (ROOT / "workflow/rules/figures.smk").read_text(encoding="utf-8")
    loop = text[text.index("\nfor figure, what in") : text.index("\nrule typeset_tables")]
    assert "{figure" not in loop[loop.index("shell:") :], "it would have the last figure's value in every job"
    assert 'command=f"plot-{figure}"' in loop


def test_rules_are_the_steps() -> None:
    assert set(RULES) == set(STEPS).difference(BY_HAND)


# What is kept for the next process


@pytest.fixture(scope="module")
def caches(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which a copy has kept its results; copy it before you change it."""
    base = tmp_path_factory.mktemp("kept")
    shutil.copytree(LIBRARY, base / "selfalign", ignore=shutil.ignore_patterns("__pycache__"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(base / "caches"))
        module = module_of(base / "selfalign" / "provenance.py")
        assert module.code_digests() == provenance.code_digests()
    assert module._PARSED.is_file()
    return base / "caches"


@pytest.fixture
def kept(copy: Path, caches: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[ModuleType, Path]:
    """The module of a copy that has kept its results, and their file."""
    shutil.copytree(caches, tmp_path / "caches")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    module = module_of(copy / "provenance.py")
    assert module.code_digests() == provenance.code_digests()
    return module, module._PARSED


def test_next_process_parses_no_source_again(copy: Path, kept: tuple[ModuleType, Path]) -> None:
    again = module_of(copy / "provenance.py")
    again._parse = lambda source: pytest.fail("a source was parsed again")
    assert again.code_digests() == kept[0].code_digests()
    edit(copy / "scoring" / "reml.py", "import", "import sys  # sets another tree\nimport")
    changed = module_of(copy / "provenance.py").code_digests()
    assert {step for step in changed if changed[step] != kept[0].code_digests()[step]} == {"fit_mixed"}


@pytest.mark.parametrize("content", ["", "[1, 2]", '{"a": ', "7"])
def test_damaged_file_is_made_again(content: str, copy: Path, kept: tuple[ModuleType, Path]) -> None:
    module, file = kept
    whole = file.read_text()
    file.write_text(content)
    again = module_of(copy / "provenance.py")
    again._parse = parse_once
    assert again.code_digests() == module.code_digests()
    assert json.loads(file.read_text()) == json.loads(whole)


def test_results_of_other_code_are_not_used(copy: Path, kept: tuple[ModuleType, Path]) -> None:
    edit(copy / "provenance.py", "ast.unparse(tree).encode()", 'ast.unparse(tree).encode("utf-16")')
    other = module_of(copy / "provenance.py")
    assert kept[1] != other._PARSED
    assert not set(other.code_digests().values()) & set(kept[0].code_digests().values())


def test_folder_that_cannot_be_written_costs_time_only(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    copied = module_of(copy / "provenance.py")
    copied._parse = parse_once
    assert copied.code_digests() == provenance.code_digests()
