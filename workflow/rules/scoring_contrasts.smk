"""The scoring stage, part 2: how far does a model agree with the people, and do two arms differ?

Reads   <run>/scores/{model}/{language}.parquet, <run>/scales/{model}/{language}.parquet
        <run>/people/poles.parquet, replicates.parquet    the people's shares, also in other samples of the people
        <run>/probes/selected.csv                         the probes
Writes  <run>/tables/
        agreement.csv    every measure of every arm, per country
        metrics.csv      every metric of every arm and of its baselines, per country
        contrasts.csv    differences between two arms on the same probes
        verdicts.csv     the main interval of each contrast, and p-values around one primary hypothesis
        mixed.csv        some contrasts by mixed-effects models, as a cross-check
        transfer.csv     own minus other country for each source country
        worth.csv        the number of people whose answers are as good as an arm's
Steps   compute_metrics, estimate_agreement, estimate_transfer, estimate_worth
        estimate_contrasts -> choose_intervals, fit_mixed
"""

from selfalign.config.outputs import find_primary

PRIMARY = find_primary(CONFIG)


rule compute_metrics:
    input:
        scores=PATHS.scores(),
        scales=PATHS.scale_scores,
        spread=PATHS.spread,
        poles="<run>/people/poles.parquet",
        bank="<run>/probes/selected.csv",
    output:
        reported("metrics", "metrics"),
    log:
        "<run>/logs/compute_metrics.log",
    benchmark:
        "<run>/benchmarks/compute_metrics.tsv"
    conda:
        "../../environment.yml"
    params:
        scales=input_options("scales", "spread"),
        rule=CONFIG.scoring.unanswered,
        samples=CONFIG.scoring.second_samples,
        seed=CONFIG.scoring.seed,
        code=code_digest("compute_metrics"),
    message:
        "Computing metrics and their baselines"
    shell:
        "selfalign compute-metrics {input.scores} {params.scales:q} --poles {input.poles} --bank {input.bank}"
        " --rule {params.rule} --samples {params.samples} --seed {params.seed} --output {output} 2> {log}"


rule estimate_agreement:
    input:
        scores=PATHS.scores(),
        people="<run>/people/replicates.parquet",
        bank="<run>/probes/selected.csv",
    output:
        reported("agreement", "agreement"),
    log:
        "<run>/logs/estimate_agreement.log",
    benchmark:
        "<run>/benchmarks/estimate_agreement.tsv"
    conda:
        "../../environment.yml"
    params:
        how=scoring_options(*ESTIMATION),
        code=code_digest("estimate_agreement"),
    message:
        "Estimating agreement"
    shell:
        "selfalign estimate-agreement {input.scores} --people {input.people} {params.how} --bank {input.bank}"
        " --output {output} 2> {log}"


rule estimate_contrasts:
    input:
        scores=PATHS.scores(),
        people="<run>/people/replicates.parquet",
        bank="<run>/probes/selected.csv",
    output:
        reported("contrasts", "contrasts"),
    log:
        "<run>/logs/estimate_contrasts.log",
    benchmark:
        "<run>/benchmarks/estimate_contrasts.tsv"
    conda:
        "../../environment.yml"
    params:
        contrasts=as_json(CONTRASTS),
        how=scoring_options(*ESTIMATION),
        code=code_digest("estimate_contrasts"),
    message:
        "Estimating differences between arms"
    shell:
        "selfalign estimate-contrasts {input.scores} --contrasts {params.contrasts:q} --people {input.people}"
        " {params.how} --bank {input.bank} --output {output} 2> {log}"


rule choose_intervals:
    input:
        scores=PATHS.scores(),
        estimates="<run>/tables/contrasts.csv",
        people="<run>/people/replicates.parquet",
        bank="<run>/probes/selected.csv",
    output:
        reported("verdicts", "verdicts"),
    log:
        "<run>/logs/choose_intervals.log",
    benchmark:
        "<run>/benchmarks/choose_intervals.tsv"
    conda:
        "../../environment.yml"
    params:
        contrasts=as_json(CONTRASTS),
        primary=as_json(PRIMARY.mapping if PRIMARY else None),
        how=scoring_options(*RESAMPLING, "measures"),
        code=code_digest("choose_intervals"),
    message:
        "Choosing the main interval of each contrast"
    shell:
        "selfalign choose-intervals {input.scores} --estimates {input.estimates} --contrasts {params.contrasts:q}"
        " --primary {params.primary:q} --people {input.people} {params.how} --bank {input.bank} --output {output}"
        " 2> {log}"


rule fit_mixed:
    input:
        scores=PATHS.scores(),
        estimates="<run>/tables/contrasts.csv",
        bank="<run>/probes/selected.csv",
    output:
        reported("mixed", "mixed models"),
    log:
        "<run>/logs/fit_mixed.log",
    benchmark:
        "<run>/benchmarks/fit_mixed.tsv"
    conda:
        "../../environment.yml"
    params:
        contrasts=as_json(CONFIG.scoring.mixed),
        how=scoring_options("level", "measures"),
        code=code_digest("fit_mixed"),
    message:
        "Cross-checking contrasts by mixed-effects models"
    shell:
        "selfalign fit-mixed {input.scores} --estimates {input.estimates} --contrasts {params.contrasts:q}"
        " {params.how} --bank {input.bank} --output {output} 2> {log}"


rule estimate_transfer:
    input:
        scores=PATHS.scores(),
        people="<run>/people/replicates.parquet",
        bank="<run>/probes/selected.csv",
    output:
        reported("transfer", "transfer"),
    log:
        "<run>/logs/estimate_transfer.log",
    benchmark:
        "<run>/benchmarks/estimate_transfer.tsv"
    conda:
        "../../environment.yml"
    params:
        pair=as_json(CONFIG.scoring.transfer),
        how=scoring_options(*ESTIMATION),
        code=code_digest("estimate_transfer"),
    message:
        "Estimating the transfer between countries"
    shell:
        "selfalign estimate-transfer {input.scores} --pair {params.pair:q} --people {input.people} {params.how}"
        " --bank {input.bank} --output {output} 2> {log}"


rule estimate_worth:
    input:
        scores=PATHS.scores(),
        poles="<run>/people/poles.parquet",
    output:
        reported("worth", "worth in respondents"),
    log:
        "<run>/logs/estimate_worth.log",
    benchmark:
        "<run>/benchmarks/estimate_worth.tsv"
    conda:
        "../../environment.yml"
    params:
        level=CONFIG.scoring.level,
        largest=CONFIG.scoring.worth,
        code=code_digest("estimate_worth"),
    message:
        "Estimating how many respondents every arm is worth"
    shell:
        "selfalign estimate-worth {input.scores} --poles {input.poles} --level {params.level}"
        " --largest {params.largest} --output {output} 2> {log}"
