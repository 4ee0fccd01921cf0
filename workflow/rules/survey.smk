"""The survey stage: from a survey's file to weighted answer distributions.

Reads   surveys.{survey}.source                         the survey of the run; docs/surveys.md explains the forms
        resources/survey/opinions.csv                   which questions of an opinion table are of wave 7
        resources/survey/scales.csv, questions/, labels/  the questionnaire: answer codes, and what they mean
        resources/survey/trends.csv                     the columns of the trend file, by question of wave 7
        surveys.{survey}.groups, or resources/survey/groups/  which values make which group of people
        surveys.{survey}.questions                      the questionnaire of a survey of form table
Writes  <shared>/survey/{survey}/responses.parquet       a respondent (microdata: never leaves results/)
        <shared>/survey/{survey}/columns.csv             the use of each column of the file
        <shared>/survey/{survey}/distributions.parquet   a country's answers to a question: share of each code
        <shared>/survey/{survey}/missing.csv             missing answers, counted by kind
        <shared>/survey/{survey}/simulated.csv           simulated respondents with the marginals of published counts
        <shared>/survey/{survey}/download/{file}         its file, where it comes from an address or a hub
        <shared>/survey/{survey}/left_out.csv            counts of respondents of other waves and places; or
                                                        the parts of an opinion table that cannot be used
        <shared>/survey/{survey}/opinions.csv            a question of an opinion table, and its codes
        <shared>/survey/{survey}/questionnaire/          scales, wordings and labels of a survey of form table
        <shared>/survey/{survey}/dictionary.csv          a question, its codes and who was asked
        <shared>/survey/{survey}/groups.parquet          the group of each respondent by sex, age and others
        <shared>/survey/{survey}/groups.csv              respondents in each group, and in none
        <shared>/survey/{survey}/quality.csv             a country's sample: size, weights, missing answers
Steps   any:               [fetch_survey ->]
        microdata:         [simulate_survey ->] parse_wvs7 or parse_trends -> weigh_answers, describe_survey;
                           read_groups, if the run asks about groups
        published shares:  parse_shares
        opinion tables:    parse_opinions
        form table:        split_questions; parse_table -> weigh_answers, describe_survey; or, of counts, parse_counts
"""


include: "../inputs/survey.smk"


rule fetch_survey:
    output:
        "<shared>/survey/{survey}/download/{file}",
    log:
        "<shared>/logs/fetch_survey/{survey}/{file}.log",
    benchmark:
        "<shared>/benchmarks/fetch_survey/{survey}/{file}.tsv"
    wildcard_constraints:
        survey=FETCHED,
        file="[^/]+",
    localrule: True  # nodes of a cluster often have no network
    conda:
        "../../environment.yml"
    params:
        source=survey_source,
        code=code_digest("fetch_survey"),
    message:
        "Fetching the survey {wildcards.survey}"
    shell:
        "selfalign fetch-survey --survey {wildcards.survey} --source {params.source:q} --output {output:q}"
        " 2>&1 | tee {log:q}"


rule simulate_survey:
    input:
        counts=survey_input,
    output:
        "<shared>/survey/{survey}/simulated.csv",
    log:
        "<shared>/logs/simulate_survey/{survey}.log",
    benchmark:
        "<shared>/benchmarks/simulate_survey/{survey}.tsv"
    wildcard_constraints:
        survey=surveys_of("counts"),
    conda:
        "../../environment.yml"
    params:
        seed=survey_seed,
        given=given(survey_input),
        code=code_digest("simulate_survey"),
    message:
        "Simulating respondents with real marginals: {wildcards.survey}"
    shell:
        "selfalign simulate-survey --counts {input.counts:q} --seed {params.seed} --output {output} 2> {log}"


rule parse_wvs7:
    input:
        survey=wvs7_file,
        scales=PATHS.shipped("resources/survey/scales.csv"),
    output:
        responses="<shared>/survey/{survey}/responses.parquet",
        columns="<shared>/survey/{survey}/columns.csv",
    log:
        "<shared>/logs/parse_wvs7/{survey}.log",
    benchmark:
        "<shared>/benchmarks/parse_wvs7/{survey}.tsv"
    wildcard_constraints:
        survey=surveys_of("wvs7", "counts"),
    conda:
        "../../environment.yml"
    params:
        given=given(wvs7_file, PATHS.shipped("resources/survey/scales.csv")),
        code=code_digest("parse_wvs7"),
    message:
        "Reading {input.survey}"
    shell:
        "selfalign parse-wvs7 --survey {input.survey:q} --scales {input.scales:q} --responses {output.responses}"
        " --columns {output.columns} 2> {log}"


rule parse_trends:
    input:
        survey=survey_input,
        scales=PATHS.shipped("resources/survey/scales.csv"),
        trends=PATHS.shipped("resources/survey/trends.csv"),
    output:
        responses="<shared>/survey/{survey}/responses.parquet",
        columns="<shared>/survey/{survey}/columns.csv",
        left_out="<shared>/survey/{survey}/left_out.csv",
    log:
        "<shared>/logs/parse_trends/{survey}.log",
    benchmark:
        "<shared>/benchmarks/parse_trends/{survey}.tsv"
    wildcard_constraints:
        survey=surveys_of("trends"),
    conda:
        "../../environment.yml"
    params:
        waves=survey_waves,
        given=given(
            survey_input,
            PATHS.shipped("resources/survey/scales.csv"),
            PATHS.shipped("resources/survey/trends.csv"),
        ),
        code=code_digest("parse_trends"),
    message:
        "Reading {input.survey}"
    shell:
        "selfalign parse-trends --survey {input.survey:q} --scales {input.scales:q} --trends {input.trends:q}"
        " --waves '{params.waves}' --responses {output.responses} --columns {output.columns}"
        " --left-out {output.left_out} 2> {log}"


rule parse_shares:
    input:
        shares=survey_input,
        scales=PATHS.shipped("resources/survey/scales.csv"),
    output:
        distributions="<shared>/survey/{survey}/distributions.parquet",
    log:
        "<shared>/logs/parse_shares/{survey}.log",
    benchmark:
        "<shared>/benchmarks/parse_shares/{survey}.tsv"
    wildcard_constraints:
        survey=surveys_of("shares"),
    conda:
        "../../environment.yml"
    params:
        given=given(survey_input, PATHS.shipped("resources/survey/scales.csv")),
        code=code_digest("parse_shares"),
    message:
        "Reading {input.shares}"
    shell:
        "selfalign parse-shares --shares {input.shares:q} --scales {input.scales:q}"
        " --distributions {output.distributions} 2> {log}"


rule parse_opinions:
    input:
        opinions=survey_input,
        known=PATHS.shipped("resources/survey/opinions.csv"),
    output:
        distributions="<shared>/survey/{survey}/distributions.parquet",
        dictionary="<shared>/survey/{survey}/opinions.csv",
        left_out="<shared>/survey/{survey}/left_out.csv",
    log:
        "<shared>/logs/parse_opinions/{survey}.log",
    benchmark:
        "<shared>/benchmarks/parse_opinions/{survey}.tsv"
    wildcard_constraints:
        survey=surveys_of("opinions"),
    conda:
        "../../environment.yml"
    params:
        given=given(survey_input, PATHS.shipped("resources/survey/opinions.csv")),
        code=code_digest("parse_opinions"),
    message:
        "Reading {input.opinions}"
    shell:
        "selfalign parse-opinions --opinions {input.opinions:q} --known {input.known:q} --distributions {output.distributions}"
        " --dictionary {output.dictionary} --left-out {output.left_out} 2> {log}"


rule split_questions:
    input:
        question_file,
    output:
        scales="<shared>/survey/{survey}/questionnaire/scales.csv",
        questions="<shared>/survey/{survey}/questionnaire/questions.csv",
        labels="<shared>/survey/{survey}/questionnaire/labels.csv",
    log:
        "<shared>/logs/split_questions/{survey}.log",
    benchmark:
        "<shared>/benchmarks/split_questions/{survey}.tsv"
    wildcard_constraints:
        survey=surveys_of("table"),
    conda:
        "../../environment.yml"
    params:
        given=given(question_file),
        code=code_digest("split_questions"),
    message:
        "Reading {input}"
    shell:
        "selfalign split-questions --file {input:q} --scales {output.scales} --questions {output.questions}"
        " --labels {output.labels} 2> {log}"


rule parse_table:
    input:
        survey=survey_input,
        questions=question_file,
    output:
        responses="<shared>/survey/{survey}/responses.parquet",
        columns="<shared>/survey/{survey}/columns.csv",
        left_out="<shared>/survey/{survey}/left_out.csv",
    log:
        "<shared>/logs/parse_table/{survey}.log",
    benchmark:
        "<shared>/benchmarks/parse_table/{survey}.tsv"
    wildcard_constraints:
        survey=surveys_of("table", counted=False),
    conda:
        "../../environment.yml"
    params:
        settings=table_settings,
        given=given(survey_input, question_file),
        code=code_digest("parse_table"),
    message:
        "Reading {input.survey}"
    shell:
        "selfalign parse-table --survey {input.survey:q} --questions {input.questions:q} --settings {params.settings:q}"
        " --responses {output.responses} --columns {output.columns} --left-out {output.left_out} 2> {log}"


rule parse_counts:
    input:
        survey=survey_input,
        questions=question_file,
    output:
        distributions="<shared>/survey/{survey}/distributions.parquet",
        missing="<shared>/survey/{survey}/missing.csv",
        left_out="<shared>/survey/{survey}/left_out.csv",
    log:
        "<shared>/logs/parse_counts/{survey}.log",
    benchmark:
        "<shared>/benchmarks/parse_counts/{survey}.tsv"
    wildcard_constraints:
        survey=surveys_of("table", counted=True),
    conda:
        "../../environment.yml"
    params:
        settings=table_settings,
        given=given(survey_input, question_file),
        code=code_digest("parse_counts"),
    message:
        "Reading {input.survey}"
    shell:
        "selfalign parse-counts --survey {input.survey:q} --questions {input.questions:q} --settings {params.settings:q}"
        " --distributions {output.distributions} --missing {output.missing} --left-out {output.left_out} 2> {log}"


rule weigh_answers:
    input:
        responses="<shared>/survey/{survey}/responses.parquet",
    output:
        distributions="<shared>/survey/{survey}/distributions.parquet",
        missing="<shared>/survey/{survey}/missing.csv",
    log:
        "<shared>/logs/weigh_answers/{survey}.log",
    benchmark:
        "<shared>/benchmarks/weigh_answers/{survey}.tsv"
    wildcard_constraints:
        survey=MICRODATA,
    conda:
        "../../environment.yml"
    params:
        code=code_digest("weigh_answers"),
    message:
        "Weighing the answers of each country: {wildcards.survey}"
    shell:
        "selfalign weigh-answers --responses {input.responses} --distributions {output.distributions}"
        " --missing {output.missing} 2> {log}"


rule describe_survey:
    input:
        responses="<shared>/survey/{survey}/responses.parquet",
        scales=scales_file,
        questions=english("questions"),
        labels=english("labels"),
    output:
        dictionary=report(
            "<shared>/survey/{survey}/dictionary.csv",
            caption="../report/dictionary.rst",
            category="Survey",
            labels={"table": "dictionary"},
        ),
        quality=report(
            "<shared>/survey/{survey}/quality.csv",
            caption="../report/quality.rst",
            category="Survey",
            labels={"table": "quality"},
        ),
    log:
        "<shared>/logs/describe_survey/{survey}.log",
    benchmark:
        "<shared>/benchmarks/describe_survey/{survey}.tsv"
    wildcard_constraints:
        survey=MICRODATA,
    conda:
        "../../environment.yml"
    params:
        given=given(scales_file, english("questions"), english("labels")),
        code=code_digest("describe_survey"),
    message:
        "Describing the questions and samples: {wildcards.survey}"
    shell:
        "selfalign describe-survey --responses {input.responses} --scales {input.scales:q} --questions {input.questions:q}"
        " --labels {input.labels:q} --dictionary {output.dictionary} --quality {output.quality} 2> {log}"


rule read_groups:
    input:
        survey=survey_input,
        crosswalk=groups_of,
        responses="<shared>/survey/{survey}/responses.parquet",
    output:
        groups="<shared>/survey/{survey}/groups.parquet",
        counts=report(
            "<shared>/survey/{survey}/groups.csv",
            caption="../report/group_counts.rst",
            category="Survey",
            labels={"table": "groups of people"},
        ),
    log:
        "<shared>/logs/read_groups/{survey}.log",
    benchmark:
        "<shared>/benchmarks/read_groups/{survey}.tsv"
    wildcard_constraints:
        survey=GROUPED,
    conda:
        "../../environment.yml"
    params:
        given=given(survey_input, groups_of),
        code=code_digest("read_groups"),
    message:
        "Reading the groups of people: {wildcards.survey}"
    shell:
        "selfalign read-groups --survey {input.survey:q} --crosswalk {input.crosswalk:q} --responses {input.responses}"
        " --groups {output.groups} --counts {output.counts} 2> {log}"
