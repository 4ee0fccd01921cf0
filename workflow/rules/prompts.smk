"""The prompts stage: the cells of the experiment, and the distinct prompts that they need.

Reads   results/human/poles.parquet
        results/demonstrations/{language}/{strategy}.parquet   of the strategies of the language's arms
        probes.bank, probes.texts, prompts.templates; where an arm needs them prompts.personas, .neutral, .spoken
        where a frame asks with whole scales, results/human/scales.parquet and their words in resources/survey/
Writes  results/design/{language}.parquet    a cell: arm, country, probe, source, seed, template, order, and its prompt
        results/prompts/{language}.parquet   a distinct prompt
Steps   design_prompts
"""


rule design_prompts:
    input:
        bank=config["probes"]["bank"],
        texts=wordings_of("probes", "texts", "texts"),
        templates=wordings_of("prompts", "templates", "texts"),
        personas=wordings_of("prompts", "personas", "personas"),
        neutral=wordings_of("prompts", "neutral", "neutral"),
        questions=questions_of("questions"),
        labels=questions_of("labels"),
        spoken=spoken_of,
        scales=ANSWER_SCALES,
        human=HUMAN_SCALES,
        poles="results/human/poles.parquet",
        rankings=rankings_of,
    output:
        design="results/design/{language}.parquet",
        prompts="results/prompts/{language}.parquet",
    log:
        "results/logs/design_prompts/{language}.log",
    benchmark:
        "results/benchmarks/design_prompts/{language}.tsv"
    conda:
        "../../environment.yml"
    params:
        arms=arms_of,
        countries=lookup(dpath="languages/{language}/countries", within=config),
        frames=config["prompts"]["frames"],
        files=design_files,
        code=code_digest("design_prompts"),
    message:
        "Designing the prompts: {wildcards.language}"
    shell:
        "selfalign design-prompts {input.rankings} --language {wildcards.language} --arms {params.arms:q}"
        " --countries '{params.countries}' --frames '{params.frames}' --bank {input.bank} {params.files:q}"
        " --poles {input.poles} --design {output.design} --prompts {output.prompts} 2> {log}"
