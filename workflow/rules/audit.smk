"""The audit stage: the way back from the numbers, and the proof that they are the run's.

Reads   <run>/scores/{model}/{language}.parquet
        <run>/human/bank.json            the version of the probe bank
        notebooks/explore.ipynb
        every input of the run, and every result
Writes  <run>/run.json                   settings, code, versions and inputs of the run
        <run>/audit/hardest_probes.csv   the probes with the lowest agreement, per model, language and arm
        <run>/audit/explore.ipynb        the notebook, as it ran
        <run>/jobs.json                  the jobs that made the files of the run
        <run>/manifest.csv               every file of the run, with bytes and SHA-256
Steps   record_run first; explore; record_outputs last; by hand: `selfalign trace` and `selfalign verify`
"""


rule record_run:
    input:
        run_inputs,
    output:
        "<run>/run.json",
    log:
        "<run>/logs/record_run.log",
    benchmark:
        "<run>/benchmarks/record_run.tsv"
    priority: 1  # commands such as trace read it while the run goes on
    conda:
        "../../environment.yml"
    params:
        name=config["run"]["name"],
        config=whole_config,
        codes=CODES,
        code=code_digest("record_run"),
    message:
        "Recording the settings, code and inputs of the run"
    shell:
        "selfalign record-run {input:q} --run {params.name} --config {params.config:q} --output {output} 2> {log}"


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


rule record_outputs:
    input:
        all_results,
    output:
        # Kept while the step runs, which compares changed files with it.
        manifest=update("<run>/manifest.csv"),
        jobs="<run>/jobs.json",
    log:
        "<run>/logs/record_outputs.log",
    benchmark:
        "<run>/benchmarks/record_outputs.tsv"
    conda:
        "../../environment.yml"
    params:
        code=code_digest("record_outputs"),
    message:
        "Listing the files of the run"
    shell:
        "selfalign record-outputs {input} --manifest {output.manifest} --jobs {output.jobs} 2> {log}"
