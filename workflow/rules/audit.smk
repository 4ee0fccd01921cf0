"""The audit stage: the way back from the numbers.

Reads   results/scores/{model}/{language}.parquet
        results/human/bank.json            the version of the probe bank
Writes  results/audit/hardest_probes.csv   the probes with the lowest agreement, per model, language and arm
        results/audit/explore.ipynb        the notebook, as it ran
Steps   explore; by hand: `selfalign trace`
"""


rule explore:
    input:
        scores=SCORES,
        bank="results/human/bank.json",
    output:
        "results/audit/hardest_probes.csv",
    log:
        notebook="results/audit/explore.ipynb",
    benchmark:
        "results/benchmarks/explore.tsv"
    conda:
        "../../environment.yml"
    message:
        "Running the notebook"
    notebook:
        "../../notebooks/explore.ipynb"
