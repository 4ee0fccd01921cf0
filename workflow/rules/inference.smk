"""The inference stage: the probability that a model gives to each option of each distinct prompt, and its reply.

Reads   <run>/prompts/{language}.parquet
        <shared>/models/{model}/weights, <shared>/models/{model}/model.json
Writes  <run>/answers/{model}/{language}.parquet    an option of a distinct prompt, in every readout
Keeps   <shared>/ledger/{model}/{language}.sqlite   every answer so far
Steps   infer; ask, for a model behind an endpoint

The ledger is not an output of the rules, so Snakemake never deletes it. A killed job goes on where it stopped, and a new
arm needs only its own answers.
"""


include: "../inputs/inference.smk"


ruleorder: ask > infer


# One job at a time asks an endpoint: the settings limit the rate of one job, and jobs that wait would take the cores
# of jobs that compute. `--resources endpoint=N` allows more.
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
