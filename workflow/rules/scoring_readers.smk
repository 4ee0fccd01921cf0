"""The scoring stage, part 3: what would a simple reader of the demonstrations reach?

Reads   <run>/design/{language}.parquet, <run>/prompts/{language}.parquet    cells, and the distinct prompts
        <run>/scores/{model}/{language}.parquet                              the models' scores
        <run>/people/replicates.parquet                   the people's shares in other samples of the people
        <run>/probes/selected.csv                         the probes
Writes  <run>/readers/{language}.parquet                  simple readers of the demonstrations, scored like models
        <run>/tables/readers.csv                          their contrasts, and the share of them that models reach
Steps   score_readers -> estimate_readers
"""


rule score_readers:
    input:
        design="<run>/design/{language}.parquet",
        prompts="<run>/prompts/{language}.parquet",
        poles=PATHS.all_poles,
        bank="<run>/probes/selected.csv",
    output:
        "<run>/readers/{language}.parquet",
    log:
        "<run>/logs/score_readers/{language}.log",
    benchmark:
        "<run>/benchmarks/score_readers/{language}.tsv"
    conda:
        "../../environment.yml"
    params:
        noise=CONFIG.scoring.readers and CONFIG.scoring.readers.noise,
        rule=CONFIG.scoring.unanswered,
        code=code_digest("score_readers"),
    message:
        "Answering in {wildcards.language} as simple readers and fixed rules do"
    shell:
        "selfalign score-readers --language {wildcards.language} --design {input.design} --prompts {input.prompts}"
        " --poles {input.poles} --bank {input.bank} --noise {params.noise} --rule {params.rule} --output {output} 2> {log}"


rule estimate_readers:
    input:
        scores=PATHS.scores(),
        readers=PATHS.each("<run>/readers/{language}.parquet"),
        people="<run>/people/replicates.parquet",
    output:
        reported("readers", "readers of the demonstrations"),
    log:
        "<run>/logs/estimate_readers.log",
    benchmark:
        "<run>/benchmarks/estimate_readers.tsv"
    conda:
        "../../environment.yml"
    params:
        contrasts=as_json(CONTRASTS),
        how=scoring_options(*RESAMPLING),
        code=code_digest("estimate_readers"),
    message:
        "Estimating what readers of the demonstrations reach"
    shell:
        "selfalign estimate-readers {input.scores} --readers '{input.readers}' --contrasts {params.contrasts:q}"
        " --people {input.people} {params.how} --output {output} 2> {log}"
