"""The demonstrations stage: which probes to show before each test probe.

Reads   <run>/probes/selected.csv, probes.texts; with test_probes <run>/probes/all.csv, texts/ and selected.csv
        the folder of demonstrations.embedding.model, if it is one
Writes  <run>/similarity/{language}/{measure}.parquet        how similar a candidate is to a test probe
        <run>/demonstrations/{language}/{strategy}.parquet   a candidate's rank for a test probe
Steps   measure_similarity -> rank_demonstrations
"""


include: "../inputs/demonstrations.smk"


rule measure_similarity:
    input:
        bank=PATHS.probes.all,
        tests=PATHS.probes.only_tests,
        texts=compared_texts,
        encoder=encoder_files,
    output:
        "<run>/similarity/{language}/{measure}.parquet",
    log:
        "<run>/logs/measure_similarity/{language}/{measure}.log",
    benchmark:
        "<run>/benchmarks/measure_similarity/{language}/{measure}.tsv"
    conda:
        "../../environment.yml"
    params:
        wording=measured_language,
        settings=measure_settings,
        tests=input_options("tests"),
        texts=compared_rows,
        given=given(encoder_files),
        code=code_digest("measure_similarity"),
    message:
        "Measuring similarity: {wildcards.measure}, {wildcards.language}"
    shell:
        "selfalign measure-similarity --bank {input.bank} {params.tests:q} --texts {input.texts:q} --language {params.wording}"
        " --measure {wildcards.measure}"
        " --settings {params.settings:q} --output {output} 2> {log}"


rule rank_demonstrations:
    input:
        bank=PATHS.probes.all,
        tests=PATHS.probes.only_tests,
        similarity=similarity_of,
    output:
        "<run>/demonstrations/{language}/{strategy}.parquet",
    log:
        "<run>/logs/rank_demonstrations/{language}/{strategy}.log",
    benchmark:
        "<run>/benchmarks/rank_demonstrations/{language}/{strategy}.tsv"
    conda:
        "../../environment.yml"
    params:
        seeds=strategy_seeds,
        tests=input_options("tests"),
        code=code_digest("rank_demonstrations"),
    message:
        "Ranking demonstrations: {wildcards.strategy}, {wildcards.language}"
    shell:
        "selfalign rank-demonstrations --bank {input.bank} {params.tests:q} --similarity {input.similarity}"
        " --strategy {wildcards.strategy}"
        " --seeds '{params.seeds}' --output {output} 2> {log}"
