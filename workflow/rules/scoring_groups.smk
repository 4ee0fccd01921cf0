"""The scoring stage, part 5: how do values, languages, kinds of models and groups of people differ?

Reads   <run>/scores/{model}/{language}.parquet           the models' scores
        <run>/people/poles.parquet, replicates.parquet    the people's shares, also in other samples of the people
        <run>/probes/selected.csv                         the probes
Writes  <run>/tables/
        categories.csv                    gains within each category of values
        languages.csv                     gains in one language and in each country's own
        kinds.csv                         gains of English-centric and of multilingual models
        groups.csv, group_contrasts.csv   scores and contrasts by group of people
Steps   estimate_categories, estimate_languages, estimate_kinds, estimate_groups
"""

from selfalign.config.outputs import (
    answers_of_arms,
    asked_in,
    kinds_of_models,
    list_gains,
    own_languages,
)

# What tables and figures across models compare.
ASKED_IN, GAINS = asked_in(CONFIG), list_gains(CONFIG)
OWN_LANGUAGES, KINDS = own_languages(CONFIG), kinds_of_models(CONFIG)


rule estimate_categories:
    input:
        scores=PATHS.scores_asked_in,
        people="<run>/people/replicates.parquet",
        bank="<run>/probes/selected.csv",
    output:
        reported("categories", "categories of values"),
    log:
        "<run>/logs/estimate_categories.log",
    benchmark:
        "<run>/benchmarks/estimate_categories.tsv"
    conda:
        "../../environment.yml"
    params:
        pairs=as_json(GAINS),
        how=scoring_options(*ESTIMATION),
        code=code_digest("estimate_categories"),
    message:
        "Estimating gains within each category of values"
    shell:
        "selfalign estimate-categories {input.scores} --pairs {params.pairs:q} --people {input.people} {params.how}"
        " --bank {input.bank} --output {output} 2> {log}"


rule estimate_languages:
    input:
        scores=PATHS.scores_of_countries,
        people="<run>/people/replicates.parquet",
        bank="<run>/probes/selected.csv",
    output:
        reported("languages", "own language"),
    log:
        "<run>/logs/estimate_languages.log",
    benchmark:
        "<run>/benchmarks/estimate_languages.tsv"
    conda:
        "../../environment.yml"
    params:
        pairs=as_json(GAINS),
        asked_in=ASKED_IN,
        own=as_json(OWN_LANGUAGES),
        how=scoring_options(*ESTIMATION),
        code=code_digest("estimate_languages"),
    message:
        "Estimating gains in each country's own language"
    shell:
        "selfalign estimate-languages {input.scores} --pairs {params.pairs:q} --asked-in {params.asked_in}"
        " --own {params.own:q} --people {input.people} {params.how} --bank {input.bank} --output {output} 2> {log}"


rule estimate_kinds:
    input:
        scores=PATHS.scores_of_kinds,
        people="<run>/people/replicates.parquet",
        bank="<run>/probes/selected.csv",
    output:
        reported("kinds", "kinds of models"),
    log:
        "<run>/logs/estimate_kinds.log",
    benchmark:
        "<run>/benchmarks/estimate_kinds.tsv"
    conda:
        "../../environment.yml"
    params:
        pairs=as_json(GAINS),
        kinds=as_json(KINDS),
        asked_in=ASKED_IN,
        own=as_json(OWN_LANGUAGES),
        how=scoring_options(*ESTIMATION),
        code=code_digest("estimate_kinds"),
    message:
        "Estimating gains of each kind of models"
    shell:
        "selfalign estimate-kinds {input.scores} --pairs {params.pairs:q} --kinds {params.kinds:q}"
        " --asked-in {params.asked_in} --own {params.own:q} --people {input.people} {params.how}"
        " --bank {input.bank} --output {output} 2> {log}"


rule estimate_groups:
    input:
        scores=PATHS.scores(),
        poles="<run>/people/poles.parquet",
        people="<run>/people/replicates.parquet",
        bank="<run>/probes/selected.csv",
    output:
        scores=reported("groups", "groups of people"),
        contrasts=reported("group_contrasts", "contrasts by group of people"),
    log:
        "<run>/logs/estimate_groups.log",
    benchmark:
        "<run>/benchmarks/estimate_groups.tsv"
    conda:
        "../../environment.yml"
    params:
        contrasts=as_json(CONTRASTS),
        shown=as_json(answers_of_arms(CONFIG)),
        how=scoring_options(*ESTIMATION),
        code=code_digest("estimate_groups"),
    message:
        "Estimating scores and contrasts by group of people"
    shell:
        "selfalign estimate-groups {input.scores} --contrasts {params.contrasts:q} --shown {params.shown:q}"
        " --poles {input.poles} --people {input.people} --bank {input.bank} {params.how} --output {output.scores}"
        " --differences {output.contrasts} 2> {log}"
