"""The survey stage: from a survey file to weighted answer distributions.

Reads   survey.file                            the official WVS-7 file; by default simulated from the example's counts
        resources/survey/scales.csv            the answer codes of each question
Writes  results/survey/responses.parquet       a respondent
        results/survey/distributions.parquet   a country's answers to a question: share of each code
        results/survey/missing.csv             missing answers, counted by kind
Steps   simulate_survey -> parse_survey -> weigh_answers
"""


rule simulate_survey:
    input:
        counts="resources/survey/example/counts.csv",
    output:
        "results/survey/example.csv",
    log:
        "results/logs/simulate_survey.log",
    benchmark:
        "results/benchmarks/simulate_survey.tsv"
    conda:
        "../../environment.yml"
    params:
        seed=config["survey"]["example_seed"],
        code=code_digest("simulate_survey"),
    message:
        "Simulating respondents with the example's real marginals"
    shell:
        "selfalign simulate-survey --counts {input.counts} --seed {params.seed} --output {output} 2> {log}"


rule parse_survey:
    input:
        survey=config["survey"]["file"],
        scales="resources/survey/scales.csv",
    output:
        "results/survey/responses.parquet",
    log:
        "results/logs/parse_survey.log",
    benchmark:
        "results/benchmarks/parse_survey.tsv"
    conda:
        "../../environment.yml"
    params:
        code=code_digest("parse_survey"),
    message:
        "Reading {input.survey}"
    shell:
        "selfalign parse-survey --survey {input.survey:q} --scales {input.scales} --output {output} 2> {log}"


rule weigh_answers:
    input:
        responses="results/survey/responses.parquet",
    output:
        distributions="results/survey/distributions.parquet",
        missing="results/survey/missing.csv",
    log:
        "results/logs/weigh_answers.log",
    benchmark:
        "results/benchmarks/weigh_answers.tsv"
    conda:
        "../../environment.yml"
    params:
        code=code_digest("weigh_answers"),
    message:
        "Weighing the answers of each country"
    shell:
        "selfalign weigh-answers --responses {input.responses} --distributions {output.distributions}"
        " --missing {output.missing} 2> {log}"
