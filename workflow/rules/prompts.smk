"""The prompts stage: the cells of the experiment, and the distinct prompts that they need.

Reads   <run>/people/poles.parquet; with test_probes joined.parquet
        <run>/demonstrations/{language}/{strategy}.parquet   of the strategies of the language's arms
        <run>/probes/selected.csv, probes.texts, prompts.templates; where an arm needs them prompts.personas, .roles,
        .neutral, .spoken
        where a frame asks with whole scales, <run>/people/scales.parquet and their words in resources/survey/
Writes  <run>/design/{language}.parquet    a cell: arm, country, probe, source, seed, template, order, and its prompt
        <run>/prompts/{language}.parquet   a distinct prompt
        <run>/tables/demonstrations/{language}.csv   how close what each arm shows is to the test probes
Steps   design_prompts -> describe_demonstrations
"""


include: "../inputs/prompts.smk"


rule design_prompts:
    input:
        bank=PATHS.probes.all,
        tests=PATHS.probes.only_tests,
        texts=words_of("texts"),
        templates=words_of("templates"),
        personas=words_of("personas"),
        roles=words_of("roles"),
        neutral=words_of("neutral"),
        questions=words_of("questions"),
        labels=words_of("labels"),
        spoken=spoken_of,
        scales=[PATHS.answer_scales] if PATHS.asks_on_scales else [],
        spread=PATHS.spread,
        poles=PATHS.all_poles,
        rankings=rankings_of,
    output:
        design="<run>/design/{language}.parquet",
        prompts="<run>/prompts/{language}.parquet",
    log:
        "<run>/logs/design_prompts/{language}.log",
    benchmark:
        "<run>/benchmarks/design_prompts/{language}.tsv"
    conda:
        "../../environment.yml"
    params:
        arms=arms_json,
        countries=countries_of,
        frames=list(CONFIG.prompts.frames),
        premises=CONFIG.prompts.premises,
        step=CONFIG.prompts.share_step,
        tests=input_options("tests"),
        files=design_files,
        texts=used_texts,
        given=given(
            *map(words_of, WORDS),
            spoken_of,
            [PATHS.answer_scales] if PATHS.asks_on_scales else [],
        ),
        code=code_digest("design_prompts"),
    message:
        "Designing the prompts: {wildcards.language}"
    shell:
        "selfalign design-prompts {input.rankings} --language {wildcards.language} --arms {params.arms:q}"
        " --countries '{params.countries}' --frames '{params.frames}' --bank {input.bank} {params.tests:q}"
        " {params.files:q}"
        " --poles {input.poles} --premises {params.premises} --step {params.step} --design {output.design}"
        " --prompts {output.prompts} 2> {log}"


rule describe_demonstrations:
    input:
        bank=PATHS.probes.all,
        tests=PATHS.probes.only_tests,
        texts=described_texts,
        rankings=rankings_of,
        design="<run>/design/{language}.parquet",
        prompts="<run>/prompts/{language}.parquet",
    output:
        report(
            "<run>/tables/demonstrations/{language}.csv",
            caption="../report/demonstrations_table.rst",
            category="Tables",
            labels={"table": "demonstrations", "language": "{language}"},
        ),
    log:
        "<run>/logs/describe_demonstrations/{language}.log",
    benchmark:
        "<run>/benchmarks/describe_demonstrations/{language}.tsv"
    conda:
        "../../environment.yml"
    params:
        arms=arms_json,
        texts=used_texts,
        tests=input_options("tests"),
        code=code_digest("describe_demonstrations"),
    message:
        "Describing the demonstrations: {wildcards.language}"
    shell:
        "selfalign describe-demonstrations {input.rankings} --arms {params.arms:q} --language {wildcards.language}"
        " --bank {input.bank} {params.tests:q} --texts {input.texts:q} --design {input.design} --prompts {input.prompts}"
        " --output {output} 2> {log}"
