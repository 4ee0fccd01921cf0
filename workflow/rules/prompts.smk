"""The prompts stage: the cells of the experiment, and the distinct prompts that they need.

Reads   results/human/poles.parquet
        results/demonstrations/{language}/{strategy}.parquet   of the strategies of the language's arms
        probes.bank, probes.texts/{language}.csv, prompts.templates/{language}.yaml
Writes  results/design/{language}.parquet    a cell: arm, country, probe, source, seed, template, order, and its prompt
        results/prompts/{language}.parquet   a distinct prompt
Steps   design_prompts
"""


def arms_of(wildcards):
    """Arms of a language, as JSON; without their labels, which are for figures alone."""
    arms = {name: config["arms"][name] for name in config["languages"][wildcards.language]["arms"]}
    return json.dumps({name: {k: v for k, v in arm.items() if k != "label"} for name, arm in arms.items()})


def rankings_of(wildcards):
    """Rankings that the arms of a language use."""
    arms = [config["arms"][name] for name in config["languages"][wildcards.language]["arms"]]
    strategies = sorted({arm["strategy"] for arm in arms if arm["shots"] > 0})
    return collect("results/demonstrations/{{language}}/{strategy}.parquet", strategy=strategies)


rule design_prompts:
    input:
        bank=config["probes"]["bank"],
        texts=config["probes"]["texts"] + "/{language}.csv",
        templates=config["prompts"]["templates"] + "/{language}.yaml",
        poles="results/human/poles.parquet",
        rankings=rankings_of,
    output:
        design="results/design/{language}.parquet",
        prompts="results/prompts/{language}.parquet",
    log:
        "results/logs/design_prompts/{language}.log",
    benchmark:
        "results/benchmarks/design_prompts/{language}.tsv"
    params:
        arms=arms_of,
        countries=lookup(dpath="languages/{language}/countries", within=config),
        frames=config["prompts"]["frames"],
        code=code_digest("design_prompts"),
    message:
        "Designing the prompts: {wildcards.language}"
    shell:
        "selfalign design-prompts {input.rankings} --arms {params.arms:q} --countries '{params.countries}'"
        " --frames '{params.frames}' --bank {input.bank} --texts {input.texts} --templates {input.templates}"
        " --poles {input.poles} --design {output.design} --prompts {output.prompts} 2> {log}"
