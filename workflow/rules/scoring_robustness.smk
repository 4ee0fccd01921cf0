"""The scoring stage, part 4: does the result depend on choices of the analysis?

Reads   <run>/scores/{model}/{language}.parquet           the models' scores, for alternatives
        <run>/answers/{model}/{language}.parquet, <run>/design/{language}.parquet    the answers, to score them again
        <run>/people/poles.parquet, replicates.parquet    the people's shares, also in other samples of the people
        <run>/probes/selected.csv, kinds.csv              the probes, and what each of them asks for
        <shared>/survey/{survey}/                         distributions and responses of the run's survey
Writes  <run>/tables/
        contrasts_by_readout.csv    the contrasts under every readout
        alternatives.csv            the contrasts for other probes, and under another cut of the scales
        specifications.csv          own minus other country under every choice of analysis
Steps   estimate_readouts, estimate_alternatives, estimate_specifications
"""

from selfalign.config.outputs import forms_of_models, list_specified


rule estimate_readouts:
    input:
        answers=PATHS.answers,
        designs=PATHS.designs,
        poles="<run>/people/poles.parquet",
        spread=PATHS.spread,
        bank="<run>/probes/selected.csv",
        people="<run>/people/replicates.parquet",
    output:
        reported("contrasts_by_readout", "contrasts by readout"),
    log:
        "<run>/logs/estimate_readouts.log",
    benchmark:
        "<run>/benchmarks/estimate_readouts.tsv"
    conda:
        "../../environment.yml"
    params:
        spread=input_options("spread"),
        rule=CONFIG.scoring.unanswered,
        contrasts=as_json(CONTRASTS),
        how=scoring_options(*ESTIMATION),
        code=code_digest("estimate_readouts"),
    message:
        "Estimating differences between arms under every readout"
    shell:
        "selfalign estimate-readouts {input.answers} --designs '{input.designs}' --poles {input.poles}"
        " {params.spread:q} --bank {input.bank} --rule {params.rule} --contrasts {params.contrasts:q}"
        " --people {input.people} {params.how} --output {output} 2> {log}"


rule estimate_alternatives:
    input:
        scores=PATHS.scores(),
        poles="<run>/people/poles.parquet",
        people="<run>/people/replicates.parquet",
        distributions=PATHS.tested_distributions,
        responses=PATHS.tested_responses,
        members=PATHS.members,
        bank="<run>/probes/selected.csv",
        kinds=PATHS.probes.tested_kinds,
    output:
        reported("alternatives", "alternatives"),
    log:
        "<run>/logs/estimate_alternatives.log",
    benchmark:
        "<run>/benchmarks/estimate_alternatives.tsv"
    conda:
        "../../environment.yml"
    params:
        contrasts=as_json(CONTRASTS),
        files=input_options("responses", "members", "kinds"),
        replicates=CONFIG.probes.replicates,
        people_seed=CONFIG.probes.seed,
        how=scoring_options(*RESAMPLING, "families"),
        given=given(PATHS.probes.tested_kinds),
        code=code_digest("estimate_alternatives"),
    message:
        "Estimating the contrasts under alternatives"
    shell:
        "selfalign estimate-alternatives {input.scores} --contrasts {params.contrasts:q} --poles {input.poles}"
        " --bank {input.bank} --distributions {input.distributions} {params.files:q}"
        " --replicates {params.replicates} --people-seed {params.people_seed} --people {input.people} {params.how}"
        " --output {output} 2> {log}"


rule estimate_specifications:
    input:
        answers=PATHS.answers,
        designs=PATHS.designs,
        poles="<run>/people/poles.parquet",
        people="<run>/people/replicates.parquet",
        distributions=PATHS.tested_distributions,
        responses=PATHS.tested_responses,
        members=PATHS.members,
        bank="<run>/probes/selected.csv",
        kinds=PATHS.probes.tested_kinds,
    output:
        reported("specifications", "specifications"),
    log:
        "<run>/logs/estimate_specifications.log",
    benchmark:
        "<run>/benchmarks/estimate_specifications.tsv"
    conda:
        "../../environment.yml"
    params:
        pairs=as_json(list_specified(CONFIG)),
        forms=as_json(forms_of_models(CONFIG)),
        # The rows are in the order of the models. Snakemake ignores the order of inputs.
        models=CONFIG.run.models,
        choices=as_json(CONFIG.scoring.specifications or {}),
        files=input_options("responses", "members", "kinds"),
        rule=CONFIG.scoring.unanswered,
        replicates=CONFIG.probes.replicates,
        people_seed=CONFIG.probes.seed,
        how=scoring_options(*RESAMPLING),
        given=given(PATHS.probes.tested_kinds),
        code=code_digest("estimate_specifications"),
    message:
        "Estimating own minus other country in every specification"
    shell:
        "selfalign estimate-specifications {input.answers} --designs '{input.designs}' --poles {input.poles}"
        " --bank {input.bank} --distributions {input.distributions} {params.files:q} --pairs {params.pairs:q}"
        " --forms {params.forms:q} --choices {params.choices:q} --rule {params.rule}"
        " --replicates {params.replicates} --people-seed {params.people_seed} --people {input.people} {params.how}"
        " --output {output} 2> {log}"
