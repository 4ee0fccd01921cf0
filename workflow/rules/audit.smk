"""The audit stage: the way back from the numbers.

Reads   results/scores/{model}/{language}.parquet
        results/human/bank.json            the version of the probe bank
        notebooks/explore.ipynb
Writes  results/audit/hardest_probes.csv   the probes with the lowest agreement, per model, language and arm
        results/audit/explore.ipynb        the notebook, as it ran
Steps   explore; by hand: `selfalign trace`
"""


rule explore:
    input:
        scores=SCORES,
        bank="results/human/bank.json",
        notebook=shipped("notebooks/explore.ipynb"),
    output:
        hardest="results/audit/hardest_probes.csv",
        notebook="results/audit/explore.ipynb",
    log:
        "results/logs/explore.log",
    benchmark:
        "results/benchmarks/explore.tsv"
    conda:
        "../../environment.yml"
    params:
        code=code_digest("explore"),
    message:
        "Running the notebook"
    shell:
        "selfalign explore {input.scores} --notebook {input.notebook} --bank {input.bank}"
        " --executed {output.notebook} --hardest {output.hardest} 2> {log}"
