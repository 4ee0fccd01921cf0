"""The keys that a run needs: of gated models on the hub, and of endpoints."""

import os
import re
from collections.abc import Iterable, Mapping
from typing import Any

from selfalign.config.sections import Config, Hub, Model
from selfalign.errors import Faults, InputError, show
from selfalign.inference.endpoint.settings import Endpoint
from selfalign.runs import Run

HUB = "https://huggingface.co"
"""Where users ask for access to a gated model; downloads may have another address (HF_ENDPOINT)."""

_DRY = re.compile(r"--dry-?run|-[a-zA-Z]*n[a-zA-Z]*")
"""Snakemake's option for a dry run, alone or with other letters, such as -np."""


def check_keys(models: Mapping[str, Model], jobs: Iterable[Any]) -> None:
    """Refuse to start if a job needs a key that is not in the environment.

    A model that was fetched before needs no key, because Snakemake has no job to fetch it.

    Args:
        models: of the config, by name.
        jobs: that Snakemake will run, as Snakemake has them.

    Raises:
        InputError: names each model, where to get its key, and the variable.
    """
    refuse_missing_keys(models, {job.wildcards.model for job in jobs if job.rule.name in ("fetch_model", "ask")})


def warn_of_keys(config: Config, run: Run, command: Iterable[str]) -> None:
    """Say in a dry run which keys are missing. The dry run goes on.

    Snakemake starts no hook in a dry run, so the jobs are not known: the models count that were not fetched, and the
    endpoints without answers in some language.

    Args:
        run: its folder and what it shares with other runs.
        command: Snakemake's command line, the only sign of a dry run while Snakemake reads the Snakefile.
    """
    if not any(map(_DRY.fullmatch, command)):
        return
    try:
        refuse_missing_keys(config.models, _list_needed(config, run))
    except InputError as error:
        show(f"A run would stop, and this dry run goes on. {error}")


def _list_needed(config: Config, run: Run) -> set[str]:
    needed = set()
    for name in config.run.models:
        if config.models[name].endpoint:
            files = [run.answers(name, language) for language in config.run.languages]
        else:
            files = [run.card(name)]
        if not all(file.is_file() for file in files):
            needed.add(name)
    return needed


def refuse_missing_keys(models: Mapping[str, Model], names: Iterable[str]) -> None:
    """Raise InputError if the environment lacks the key of one of these models."""
    faults = Faults()
    for name in sorted(names):
        model = models[name]
        if model.endpoint:
            _check_endpoint(name, model.endpoint, faults)
        elif model.gated and isinstance(model.source, Hub):
            _check_gated(name, model.source, faults)
    faults.refuse()


def _check_gated(name: str, source: Hub, faults: Faults) -> None:
    if not os.environ.get("HF_TOKEN", "").strip():
        faults.add(
            f"config: models.{name}",
            f"{source.hub} is open only to users who accepted its terms, and the variable HF_TOKEN is not set",
            f"Ask for access at {HUB}/{source.hub}, make a token at {HUB}/settings/tokens, "
            "and put the token into the variable: export HF_TOKEN=...",
        )


def _check_endpoint(name: str, endpoint: Endpoint, faults: Faults) -> None:
    variable = endpoint.key_env
    if variable and not os.environ.get(variable, "").strip():
        faults.add(
            f"config: models.{name}.endpoint",
            f"the variable {variable} is not set, and {endpoint.url} needs a key",
            f"Get a key from its provider, and put it into the variable: export {variable}=...",
        )
