"""The inference stage: the probability that a model gives to each option of each distinct prompt, and its reply.

Reads   <run>/prompts/{language}.parquet
        <shared>/models/{model}/weights, <shared>/models/{model}/model.json
Writes  <run>/answers/{model}/{language}.parquet   an option of a distinct prompt, in every readout
Keeps   <shared>/ledger/{model}/{language}.sqlite     every answer so far: no output of the rule, so that Snakemake never
                                                     deletes it; a killed job resumes, a new arm computes its own only
Steps   infer; ask, for a model behind an endpoint
"""

import re


def of_model(key):
    """A setting of a job's model, as an input function. Snakemake's `lookup` searches the whole config for each job."""

    def setting(wildcards):
        return config["models"][wildcards.model][key]

    return setting


def template_settings(wildcards):
    """The values that a model's chat template gets besides the messages."""
    return as_json(config["models"][wildcards.model]["template"])


def gpus_of(wildcards):
    """GPUs that a job asks Snakemake for; with device auto none, so that no job waits for a GPU that does not exist."""
    model = config["models"][wildcards.model]
    return 0 if model["device"] in ("auto", "cpu") else model["gpus"]


def inference_threads(wildcards):
    """Cores of a job: up to 16 where the CPU computes, 4 where a GPU does, so that jobs on several GPUs fit in."""
    return 4 if config["models"][wildcards.model]["device"].startswith("cuda") else 16


def model_memory(wildcards, input, attempt):
    """MB to run a model, more at each attempt: a quarter above its weights in their number format, and 2 GB."""
    card = json.loads(Path(input.card).read_text())
    width = 4 if config["models"][wildcards.model]["dtype"] == "float32" else 2
    return attempt * int(2000 + 1.25 * width * card["parameters"] / 1e6)


def ledger_of(wildcards):
    """The ledger of a model and language. It is not an input, since a job adds to it."""
    return f"results/{SHARED}/ledger/{wildcards.model}/{wildcards.language}.sqlite"


def model_endpoint(wildcards):
    """A model's endpoint, without its price, which changes no answer."""
    endpoint = config["models"][wildcards.model]["endpoint"]
    return as_json({key: value for key, value in endpoint.items() if key != "price"})


ENDPOINTS = (
    "|".join(
        re.escape(name)
        for name, model in config["models"].items()
        if "endpoint" in model
    )
    or "no endpoint"
)


ruleorder: ask > infer


# One language at a time is asked over the network: rates are those of one job, and jobs that wait for an endpoint would
# take the cores of those that compute. `--resources endpoint=N` allows more.
workflow.global_resources.setdefault("endpoint", 1)


rule infer:
    input:
        prompts="<run>/prompts/{language}.parquet",
        weights="<shared>/models/{model}/weights",
        card="<shared>/models/{model}/model.json",
    output:
        "<run>/answers/{model}/{language}.parquet",
    log:
        "<run>/logs/infer/{model}/{language}.log",
    benchmark:
        "<run>/benchmarks/infer/{model}/{language}.tsv"
    conda:
        "../../environment.yml"
    threads: inference_threads  # at most; Snakemake gives no more than there are
    resources:
        gpu=gpus_of,
        mem_mb=model_memory,
        runtime=longer(240),
    params:
        ledger=ledger_of,
        format=of_model("format"),
        dtype=of_model("dtype"),
        device=of_model("device"),
        template=template_settings,
        attention=of_model("attention"),
        gpus=of_model("gpus"),
        engine=of_model("engine"),
        row_tokens=of_model("row_tokens"),
        shown=of_model("shown"),
        reply=of_model("reply"),
        code=code_digest("infer"),
    message:
        "Asking {wildcards.model} in {wildcards.language}"
    shell:
        "selfalign infer --prompts {input.prompts} --card {input.card} --weights {input.weights}"
        " --language {wildcards.language} --format {params.format} --template {params.template:q}"
        " --dtype {params.dtype} --device {params.device}"
        " --gpus {params.gpus} --attention {params.attention} --engine {params.engine}"
        " --row-tokens {params.row_tokens} --shown {params.shown} --reply {params.reply}"
        " --threads {threads} --ledger {params.ledger} --output {output}"
        " 2>&1 | tee {log}"


rule ask:
    input:
        prompts="<run>/prompts/{language}.parquet",
    output:
        "<run>/answers/{model}/{language}.parquet",
    log:
        "<run>/logs/ask/{model}/{language}.log",
    benchmark:
        "<run>/benchmarks/ask/{model}/{language}.tsv"
    wildcard_constraints:
        model=ENDPOINTS,
    localrule: True  # nodes of a cluster often have no network
    conda:
        "../../environment.yml"
    resources:
        endpoint=1,
    params:
        ledger=ledger_of,
        format=of_model("format"),
        shown=of_model("shown"),
        endpoint=model_endpoint,
        code=code_digest("ask"),
    message:
        "Asking {wildcards.model} in {wildcards.language}, behind its endpoint"
    shell:
        "selfalign ask --prompts {input.prompts} --format {params.format} --shown {params.shown}"
        " --language {wildcards.language} --endpoint {params.endpoint:q} --ledger {params.ledger}"
        " --output {output} 2>&1 | tee {log}"
