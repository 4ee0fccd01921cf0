"""Input functions and settings of the rules in rules/inference.smk."""

import re

from selfalign.inference.endpoint.settings import without_price
from selfalign.runs import LEDGER


def of_model(key):
    """A setting of a job's model, as an input function. Snakemake's `lookup` searches the whole config for each job."""

    def setting(wildcards):
        return getattr(CONFIG.models[wildcards.model], key)

    return setting


def template_settings(wildcards):
    """The values that a model's chat template gets with the messages."""
    return as_json(CONFIG.models[wildcards.model].template)


def gpus_of(wildcards):
    """GPUs that a job asks Snakemake for. With device auto it asks for none, because this machine may have none."""
    model = CONFIG.models[wildcards.model]
    return 0 if model.device in ("auto", "cpu") else model.gpus


def inference_threads(wildcards):
    """Cores of a job: up to 16 if the CPU computes; 4 if a GPU does, so that jobs on several GPUs can run together."""
    return 4 if CONFIG.models[wildcards.model].device.startswith("cuda") else 16


def model_memory(wildcards, input, attempt):
    """MB to run a model: 2 GB, and 1.25 times its weights in their number format. More at each attempt."""
    card = json.loads(Path(input.card).read_text())
    width = 4 if CONFIG.models[wildcards.model].dtype == "float32" else 2
    return attempt * int(2000 + 1.25 * width * card["parameters"] / 1e6)


def ledger_of(wildcards):
    """The ledger of a model and language. It is not an input, since a job adds to it."""
    file = LEDGER.format(model=wildcards.model, language=wildcards.language)
    return f"results/{SHARED}/{file}"


def model_endpoint(wildcards):
    """A model's endpoint, without its price."""
    return as_json(without_price(CONFIG.models[wildcards.model].endpoint.given))


ENDPOINTS = (
    "|".join(re.escape(name) for name, model in CONFIG.models.items() if model.endpoint)
    or "no endpoint"
)
