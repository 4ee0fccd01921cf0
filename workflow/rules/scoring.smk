"""The scoring stage, part 1: how does each answer score?

The other parts of the stage are the files scoring_*.smk, one for each question. They estimate from these scores.

Reads   <run>/design/{language}.parquet                  the cells of the experiment
        <run>/answers/{model}/{language}.parquet         the models' answers
        <run>/people/poles.parquet, scales.parquet       the people's shares of each option, and over whole scales
        <run>/probes/selected.csv                        the probes
Writes  <run>/scores/{model}/{language}.parquet          a scored cell
        <run>/scores/{model}/{language}_unanswered.csv   prompts without an answer
        <run>/scales/{model}/{language}.parquet          the model's and the people's distribution over a whole scale
        <run>/stated/{model}/{language}.parquet          the share of people that the model states in a cell and order
        <run>/replies/{model}/{language}.parquet         the greedy reply in a cell and order
        <run>/tables/readouts/{model}/{language}.csv     how often two readouts choose different options
        <run>/tables/replies/{model}/{language}.csv      how often replies and likelihoods choose different options
        <run>/tables/stated/{model}/{language}.csv       how near stated shares are to the people's
Steps   score_answers, score_scales, score_stated; compare_readouts, compare_replies
"""


include: "../inputs/scoring.smk"


rule score_answers:
    input:
        design="<run>/design/{language}.parquet",
        answers="<run>/answers/{model}/{language}.parquet",
        poles="<run>/people/poles.parquet",
        spread=PATHS.spread,
        bank="<run>/probes/selected.csv",
    output:
        scores="<run>/scores/{model}/{language}.parquet",
        unanswered="<run>/scores/{model}/{language}_unanswered.csv",
    log:
        "<run>/logs/score_answers/{model}/{language}.log",
    benchmark:
        "<run>/benchmarks/score_answers/{model}/{language}.tsv"
    conda:
        "../../environment.yml"
    params:
        readouts=as_json(CONFIG.scoring.readouts),
        rule=CONFIG.scoring.unanswered,
        spread=input_options("spread"),
        code=code_digest("score_answers"),
    message:
        "Scoring {wildcards.model} in {wildcards.language}"
    shell:
        "selfalign score-answers --model {wildcards.model} --language {wildcards.language} --design {input.design}"
        " --answers {input.answers} --poles {input.poles} {params.spread:q} --bank {input.bank}"
        " --readouts {params.readouts:q} --rule {params.rule} --unanswered {output.unanswered} --output {output.scores} 2> {log}"


rule score_scales:
    input:
        design="<run>/design/{language}.parquet",
        answers="<run>/answers/{model}/{language}.parquet",
        spread="<run>/people/scales.parquet",
        bank="<run>/probes/selected.csv",
    output:
        "<run>/scales/{model}/{language}.parquet",
    log:
        "<run>/logs/score_scales/{model}/{language}.log",
    benchmark:
        "<run>/benchmarks/score_scales/{model}/{language}.tsv"
    conda:
        "../../environment.yml"
    params:
        readouts=as_json(CONFIG.scoring.readouts),
        code=code_digest("score_scales"),
    message:
        "Scoring {wildcards.model} in {wildcards.language} on whole scales"
    shell:
        "selfalign score-scales --model {wildcards.model} --language {wildcards.language} --design {input.design}"
        " --answers {input.answers} --spread {input.spread} --bank {input.bank} --readouts {params.readouts:q}"
        " --output {output} 2> {log}"


rule score_stated:
    input:
        design="<run>/design/{language}.parquet",
        answers="<run>/answers/{model}/{language}.parquet",
        poles="<run>/people/poles.parquet",
    output:
        table=reported_by_model("stated"),
        stated="<run>/stated/{model}/{language}.parquet",
    log:
        "<run>/logs/score_stated/{model}/{language}.log",
    benchmark:
        "<run>/benchmarks/score_stated/{model}/{language}.tsv"
    conda:
        "../../environment.yml"
    params:
        readouts=as_json(CONFIG.scoring.readouts),
        code=code_digest("score_stated"),
    message:
        "Comparing the shares that {wildcards.model} states in {wildcards.language}"
    shell:
        "selfalign score-stated --model {wildcards.model} --language {wildcards.language} --design {input.design}"
        " --answers {input.answers} --poles {input.poles} --readouts {params.readouts:q} --stated {output.stated}"
        " --output {output.table} 2> {log}"


rule compare_readouts:
    input:
        design="<run>/design/{language}.parquet",
        answers="<run>/answers/{model}/{language}.parquet",
        poles="<run>/people/poles.parquet",
        spread=PATHS.spread,
        bank="<run>/probes/selected.csv",
    output:
        reported_by_model("readouts"),
    log:
        "<run>/logs/compare_readouts/{model}/{language}.log",
    benchmark:
        "<run>/benchmarks/compare_readouts/{model}/{language}.tsv"
    conda:
        "../../environment.yml"
    params:
        spread=input_options("spread"),
        code=code_digest("compare_readouts"),
    message:
        "Comparing readouts of {wildcards.model} in {wildcards.language}"
    shell:
        "selfalign compare-readouts --model {wildcards.model} --language {wildcards.language} --design {input.design}"
        " --answers {input.answers} --poles {input.poles} {params.spread:q} --bank {input.bank} --output {output}"
        " 2> {log}"


rule compare_replies:
    input:
        design="<run>/design/{language}.parquet",
        answers="<run>/answers/{model}/{language}.parquet",
        poles="<run>/people/poles.parquet",
    output:
        table=reported_by_model("replies"),
        replies="<run>/replies/{model}/{language}.parquet",
    log:
        "<run>/logs/compare_replies/{model}/{language}.log",
    benchmark:
        "<run>/benchmarks/compare_replies/{model}/{language}.tsv"
    conda:
        "../../environment.yml"
    params:
        readouts=as_json(CONFIG.scoring.readouts),
        rule=CONFIG.scoring.unanswered,
        code=code_digest("compare_replies"),
    message:
        "Comparing replies and likelihoods of {wildcards.model} in {wildcards.language}"
    shell:
        "selfalign compare-replies --model {wildcards.model} --language {wildcards.language} --design {input.design}"
        " --answers {input.answers} --poles {input.poles} --readouts {params.readouts:q}"
        " --rule {params.rule} --replies {output.replies} --output {output.table} 2> {log}"
