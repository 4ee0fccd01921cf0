"""The whole plan of a run, from its settings."""

import math
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from tqdm import tqdm

from selfalign.config.languages import frames_of
from selfalign.config.probe_kinds import count_left_out
from selfalign.config.sections import Config, Hub, Model, Price, PricedEndpoint
from selfalign.errors import InputError
from selfalign.home import HOME, locate
from selfalign.plan import endpoints, models, tokens
from selfalign.plan.designs import Designer, Laid
from selfalign.plan.people import read_people
from selfalign.plan.plans import (
    Plan,
    PlannedEndpoint,
    PlannedLanguage,
    PlannedRate,
    PlannedSize,
    PlannedSurvey,
    PlannedWeights,
)
from selfalign.plan.precision import expect_widths, within_models
from selfalign.prompts.sources import Surveyed
from selfalign.runs import Run

_RESULTS = 0.25
"""Bytes of answers, scores and tables for each byte of a ledger."""


@dataclass(frozen=True)
class Options:
    """Options of the user, in addition to the config.

    Attributes:
        rates: tokens per second, by model.
        prices: of a million tokens, by model.
        hardware: where the run will be, by its name in the table of rates; None: this machine.
        cores: CPU cores of a job; None: those of this machine, at most 16.
        exact: whether to render every prompt.
        fetch: whether to fetch missing tokenizers from the hub.
    """

    rates: Mapping[str, float] = field(default_factory=dict)
    prices: Mapping[str, Price] = field(default_factory=dict)
    hardware: str | None = None
    cores: int | None = None
    exact: bool = False
    fetch: bool = False


@dataclass(frozen=True)
class Common:
    """Data that the plans of all models of a run share.

    Attributes:
        laid: the design of each language.
        factors: characters per token, by language, for models without a tokenizer here.
        speeds: rates of this machine's ledgers and of the shipped table.
        options: of the user.
        run: its folders.
        step: a function that shows the next step on the screen.
        notes: for the reader. Plans add notes to this list.
    """

    laid: Mapping[str, Laid]
    factors: Mapping[str, float]
    speeds: models.Speeds
    options: Options
    run: Run
    step: Callable[[str], None]
    notes: list[str]


def make_plan(config: Config, options: Options, results: Path = Path("results")) -> Plan:
    """The plan of a run: design, models, endpoints and widths.

    Args:
        options: of the user.
        results: folder of all runs. Nothing is written there.

    Raises:
        InputError: the survey is missing, an arm cannot be laid out, or an option has an unknown name.
    """
    names, languages = config.run.models, config.run.languages
    run = Run(results / config.run.name)
    table = models.read_table_of_rates(Path(locate("resources/plan/rates.csv", HOME)), options.hardware)
    factors = tokens.read_factors(Path(locate("resources/plan/tokens.csv", HOME)))
    with _progress(2 + len(languages) * (1 + len(names))) as step:
        step("survey")
        people, probes = read_people(config, run, bool(frames_of(config, "scale")))
        designer = Designer(config, people, probes, run)
        laid: dict[str, Laid] = {}
        for language in languages:
            step(f"design of {language}")
            laid[language] = designer.lay_out(language)
        measured, notes = models.read_rates(run.shared)
        speeds = models.Speeds(measured, table, options.hardware, min(options.cores or os.cpu_count() or 1, 16))
        common = Common(laid, factors, speeds, options, run, step, notes)
        parts: list[PlannedWeights | PlannedEndpoint] = []
        for model in config.asked_models:
            parts.append(
                _plan_endpoint(model, model.endpoint, common) if model.endpoint else _plan_model(model, common)
            )
        step("intervals")
        shipped = Path(locate("resources/plan/variances.csv", HOME))
        widths = expect_widths(laid, people.poles, people.bank, config, run, shipped)
    main = list(dict.fromkeys(one.name for one in [config.figures.margin.contrast, *within_models(config)]))
    return Plan(
        run=config.run.name,
        survey=_describe(config, people, probes),
        languages={
            language: PlannedLanguage(
                cells=len(one.cells),
                prompts=int(one.asked.sum()),
                premises=int((~one.asked).sum()),
                arms=int(one.cells["arm"].nunique()),
                countries=int(one.cells["country"].nunique()),
            )
            for language, one in laid.items()
        },
        models=parts,
        level=config.scoring.level,
        widths=widths,
        contrasts=[name for name in main if name in {one.name for one in widths}],
        main_language=max(laid, key=lambda language: laid[language].cells["country"].nunique()),
        notes=list(dict.fromkeys(notes)),
    )


@contextmanager
def _progress(steps: int) -> Iterator[Any]:
    """A function that shows the next step on stderr."""
    with tqdm(total=steps, desc="plan", unit="step", file=sys.stderr, leave=False) as bar:

        def step(what: str) -> None:
            bar.set_postfix_str(what)
            bar.update()

        yield step


def _describe(config: Config, people: Surveyed, probes: pd.DataFrame) -> PlannedSurvey:
    name = config.run.survey
    if tests := config.test_probes:
        name, probes = f"{tests.survey}, shown {name}", probes[probes["probe"].isin(people.tests)]
    return PlannedSurvey(
        name=name,
        countries=int(people.poles["country"].nunique()),
        probes=len(probes),
        batteries=int(probes["battery"].nunique()),
        left_out_by_kind=count_left_out(config),
    )


def _plan_model(model: Model, common: Common) -> PlannedWeights:
    """The plan of a model that runs on this machine."""
    card, options = common.run.card(model.name), common.options
    place, listed = models.find_tokenizer(model, common.run.weights(model.name)), None
    if place is None and options.fetch and isinstance(model.source, Hub):
        place, listed = models.fetch_tokenizer(model.name, model.source)
    elsewhere = options.hardware and ("cpu" if options.hardware == "cpu" else "cuda")
    device = elsewhere or models.find_device(model)
    by_language = _count_tokens(model, place, device, common)
    size = models.find_size(model, card, listed)
    if given := options.rates.get(model.name):
        rate: models.Rate | None = models.Rate(given, "given", model.name)
    else:
        rate = models.find_rate(model, size, common.speeds)
    sums = pd.DataFrame(map(asdict, by_language.values())).sum(numeric_only=True)
    missing = 1 - sums["answered"] / sums["prompts"]
    hours = None
    if rate is not None:
        hours = (sums["new"] / rate.tokens_per_second + (sums["seconds"] if missing else 0)) / 3600
    memory = (rate.memory if rate else 0) or (models.estimate_memory(size, model, device) if size else None)
    ledgers = sums["bytes"] * missing * (1 + _RESULTS)
    return PlannedWeights(
        model=model.name,
        kind="weights",
        parameters=PlannedSize(size.parameters, size.source) if size else None,
        languages=by_language,
        prompts=_plain(sums["prompts"]),
        answered=_plain(sums["answered"]),
        sent=_plain(sums["sent"]),
        single=_plain(sums["single"]),
        computed=_plain(sums["computed"]),
        new=_plain(sums["new"]),
        estimated=place is None,
        sampled=any(one.sampled for one in by_language.values()),
        rate=PlannedRate(rate.tokens_per_second, rate.source, rate.place) if rate else None,
        device=device,
        gpus=model.gpus if device == "cuda" else 0,
        hours=_if_known(hours),
        memory=_if_known(memory),
        disk=_if_known(ledgers + models.estimate_disk(size, model, card) if size else None),
    )


def _count_tokens(model: Model, place: Path | None, device: str, common: Common) -> dict[str, tokens.Tokens]:
    """By language, the tokens of a model: counted by the tokenizer in `place`, or estimated if there is none."""
    from selfalign.models.tokenizer_files import load_exact_tokenizer  # transformers takes seconds to import

    tokenizer = None if place is None else load_exact_tokenizer(place)
    most = 0 if common.options.exact else tokens.SAMPLE
    card = common.run.card(model.name)
    found = {}
    for language, laid in common.laid.items():
        common.step(f"{model.name} in {language}")
        ledger = common.run.ledger(model.name, language)
        answered = _or_note(common.notes, models.read_answered, ledger, card, model, device) or {}
        meter = (
            tokens.TokenEstimator(common.factors.get(language, tokens.UNKNOWN))
            if tokenizer is None
            else tokens.TokenCounter(tokenizer, language)
        )
        found[language] = tokens.count_tokens(laid, meter, model, answered, most)
    return found


def _plan_endpoint(model: Model, endpoint: PricedEndpoint, common: Common) -> PlannedEndpoint:
    """The plan of a model behind an endpoint."""
    by_language = {}
    for language, one in common.laid.items():
        common.step(f"{model.name} in {language}")
        ledger, factor = common.run.ledger(model.name, language), common.factors.get(language, tokens.UNKNOWN)
        asked = _or_note(common.notes, endpoints.count_requests, one, model, endpoint, ledger, factor)
        by_language[language] = asked or endpoints.count_requests(one, model, endpoint, Path("no ledger"), factor)
    asked = list(by_language.values())
    price = common.options.prices.get(model.name) or endpoint.price
    sums = pd.DataFrame(map(asdict, asked)).sum()
    measured = common.speeds.measured
    hours = endpoints.find_hours(asked, endpoint, measured[measured["model"] == model.name])
    return PlannedEndpoint(
        model=model.name,
        kind="endpoint",
        languages=by_language,
        prompts=_plain(sums["prompts"]),
        requests=_plain(sums["requests"]),
        missing=_plain(sums["missing"]),
        sent=_plain(sums["sent"]),
        received=_plain(sums["received"]),
        estimated=True,
        price=_if_known(endpoints.find_price(asked, price)),
        hours=_if_known(hours),
        disk=600 * float(sums["requests"]),
    )


def _or_note(notes: list[str], function: Any, *arguments: Any) -> Any:
    """The result of a function; if a ledger cannot be read, None and a note."""
    try:
        return function(*arguments)
    except InputError as error:
        notes.append(f"its answers are not counted: {error}")
        return None


def _plain(number: float) -> float:
    """A number as a type that JSON has: an int if it is whole."""
    return int(number) if float(number).is_integer() else float(number)


def _if_known(number: float | None) -> float | None:
    """A number as `_plain` returns it; None if it is not known."""
    return None if number is None or math.isnan(number) else _plain(number)
