"""The scoring stage: from answers to estimates with intervals.

Reads   <run>/design/{language}.parquet                  the cells of the experiment
        <run>/prompts/{language}.parquet                 the distinct prompts, for the readers
        <run>/answers/{model}/{language}.parquet         the models' answers
        <run>/people/poles.parquet, replicates.parquet    the people's shares, also in other samples of the people
        <run>/probes/selected.csv, kinds.csv             the probes, and what each of them asks for
        <shared>/survey/{survey}/                        distributions and responses of the run's survey
Writes  by model and language:
        <run>/scores/{model}/{language}.parquet          a scored cell
        <run>/scores/{model}/{language}_unanswered.csv   prompts without an answer
        <run>/scales/{model}/{language}.parquet          the model's and the people's distribution over a whole scale
        <run>/stated/{model}/{language}.parquet          the share of people that the model states in a cell and order
        <run>/replies/{model}/{language}.parquet         the greedy reply in a cell and order
        <run>/readers/{language}.parquet                 simple readers of the demonstrations, scored like models
        <run>/tables/readouts/{model}/{language}.csv     how often two readouts choose different options
        <run>/tables/replies/{model}/{language}.csv      how often replies and likelihoods choose different options
        <run>/tables/stated/{model}/{language}.csv       how near stated shares are to the people's
        estimates of the run, in <run>/tables/:
        agreement.csv                 every measure of every arm, per country
        metrics.csv                   every metric of every arm and of its baselines, per country
        contrasts.csv                 differences between two arms on the same probes
        verdicts.csv                  the main interval of each contrast, and p-values around one primary hypothesis
        contrasts_by_readout.csv      the contrasts under every readout
        mixed.csv                     some contrasts by mixed-effects models, as a cross-check
        alternatives.csv              the contrasts for other probes, and under another cut of the scales
        specifications.csv            own minus other country under every choice of analysis
        transfer.csv                  own minus other country for each source country
        categories.csv                gains within each category of values
        languages.csv                 gains in one language and in each country's own
        kinds.csv                     gains of English-centric and of multilingual models
        readers.csv                   the contrasts of readers, and the share of them that models reach
        worth.csv                     the number of people whose answers are as good as an arm's
        country_ranks.csv             the similarity of the models' answers with every surveyed country
        groups.csv, group_contrasts.csv   scores and contrasts by group of people
        map.csv, map_axes.csv         people and models on the Inglehart-Welzel cultural map, and its axes
Steps   score_answers, score_scales, score_stated, score_readers; compare_readouts, compare_replies
        score_answers -> estimate_agreement, estimate_contrasts, estimate_transfer, estimate_categories,
        estimate_languages, estimate_kinds, estimate_groups, estimate_worth, estimate_map, estimate_alternatives,
        rank_countries
        estimate_contrasts -> choose_intervals, fit_mixed; score_readers -> estimate_readers
        score_scales -> compute_metrics
        from answers: estimate_readouts, estimate_specifications
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


rule rank_countries:
    input:
        scores=PATHS.scores(),
        poles="<run>/people/poles.parquet",
        people="<run>/people/replicates.parquet",
    output:
        reported("country_ranks", "similarity with all surveyed countries"),
    log:
        "<run>/logs/rank_countries.log",
    benchmark:
        "<run>/benchmarks/rank_countries.tsv"
    conda:
        "../../environment.yml"
    params:
        baselines=as_json(first_arms(CONFIG)),
        without_country=arms_without_country(CONFIG),
        least=CONFIG.scoring.country_ranks.least if CONFIG.scoring.country_ranks else 1,
        how=scoring_options(*RESAMPLING),
        code=code_digest("rank_countries"),
    message:
        "Ranking all surveyed countries by their similarity with the models' answers"
    shell:
        "selfalign rank-countries {input.scores} --poles {input.poles} --people {input.people}"
        " --baselines {params.baselines:q} --without-country '{params.without_country}' --least {params.least}"
        " {params.how} --output {output} 2> {log}"


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
        choices=as_json(CONFIG.scoring.specifications or {}),
        files=input_options("responses", "members", "kinds"),
        rule=CONFIG.scoring.unanswered,
        replicates=CONFIG.probes.replicates,
        people_seed=CONFIG.probes.seed,
        how=scoring_options(*RESAMPLING),
        code=code_digest("estimate_specifications"),
    message:
        "Estimating own minus other country in every specification"
    shell:
        "selfalign estimate-specifications {input.answers} --designs '{input.designs}' --poles {input.poles}"
        " --bank {input.bank} --distributions {input.distributions} {params.files:q} --pairs {params.pairs:q}"
        " --forms {params.forms:q} --choices {params.choices:q} --rule {params.rule}"
        " --replicates {params.replicates} --people-seed {params.people_seed} --people {input.people} {params.how}"
        " --output {output} 2> {log}"


rule estimate_map:
    input:
        scores=PATHS.scores(),
        distributions=f"{PATHS.survey}/distributions.parquet",
        responses=PATHS.map_responses,
        bank="<run>/probes/selected.csv",
        scales=PATHS.answer_scales,
        files=[MAP[name] for name in MAP_FILES if MAP],
    output:
        points=reported("map", "cultural map"),
        axes=reported("map_axes", "axes of the cultural map"),
    log:
        "<run>/logs/estimate_map.log",
    benchmark:
        "<run>/benchmarks/estimate_map.tsv"
    conda:
        "../../environment.yml"
    params:
        responses=input_options("responses"),
        map=as_options({name: MAP[name] for name in (*MAP_FILES, "least") if MAP}),
        how=scoring_options("draws", "seed"),
        code=code_digest("estimate_map"),
    message:
        "Placing people and models on the cultural map"
    shell:
        "selfalign estimate-map {input.scores} --distributions {input.distributions} {params.responses:q}"
        " --bank {input.bank} --scales {input.scales} {params.map} {params.how} --axes {output.axes}"
        " --output {output.points} 2> {log}"


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
