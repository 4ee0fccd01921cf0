"""The audit stage: the way back from the numbers.

Reads   <run>/scores/{model}/{language}.parquet
        <run>/human/bank.json            the version of the probe bank
        notebooks/explore.ipynb
Writes  <run>/audit/hardest_probes.csv   the probes with the lowest agreement, per model, language and arm
        <run>/audit/explore.ipynb        the notebook, as it ran
Steps   explore; by hand: `selfalign trace`
"""


rule explore:
    input:
        scores=SCORES,
        bank="<run>/human/bank.json",
        notebook=shipped("notebooks/explore.ipynb"),
    output:
        hardest="<run>/audit/hardest_probes.csv",
        notebook="<run>/audit/explore.ipynb",
    log:
        "<run>/logs/explore.log",
    benchmark:
        "<run>/benchmarks/explore.tsv"
    conda:
        "../../environment.yml"
    params:
        code=code_digest("explore"),
    message:
        "Running the notebook"
    shell:
        "selfalign explore {input.scores} --notebook {input.notebook} --bank {input.bank}"
        " --executed {output.notebook} --hardest {output.hardest} 2> {log}"
