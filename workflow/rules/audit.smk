"""The audit stage: the records that lead from a number back to its evidence, and that prove where it comes from.

Reads   <run>/scores/{model}/{language}.parquet
        <run>/people/bank.json            the version of the probe bank
        notebooks/explore.ipynb
        every input of the run, and every result
Writes  <run>/run.json                   settings, code, versions and inputs of the run
        <run>/audit/hardest_probes.csv   the probes with the lowest agreement, per model, language and arm
        <run>/audit/explore.ipynb        the notebook, as it ran
        <run>/jobs.json                  the jobs that made the files of the run
        <run>/manifest.csv               every file of the run, with bytes and SHA-256
Steps   record_run first; explore; record_outputs last; by hand: `selfalign trace` and `selfalign verify`
"""


include: "../inputs/audit.smk"


from selfalign.audit.jobs import Records, refuse_read_only
from selfalign.audit.manifest import refuse_changed
from selfalign.audit.status.progress import record_start
from selfalign.audit.status.status import explain_stop
from selfalign.audit.summary import (
    summarize,
    warn_of_kept_results,
    warn_of_replacement,
)
from selfalign.config.access_keys import check_keys, warn_of_keys
from selfalign.config.probe_kinds import describe_left_out
from selfalign.config.unused import find_unused
from selfalign.errors import show
from selfalign.provenance import code_digests
from selfalign.runs import Run
from selfalign.survey.registry import how_to_cite

FOLDER = Path(PATHS.run)
CODES = " ".join(code_digests().values())

# A job of a cluster reads this file while other jobs write.
if workflow.is_main_process:
    with exit_on_mistake():
        refuse_read_only(Path.cwd())
        refuse_changed(FOLDER)
        kept_results = warn_of_kept_results(Run(FOLDER), config, Records())
    warn_of_keys(CONFIG, Run(FOLDER), sys.argv)
    if kept_results:
        show(kept_results)


onstart:
    with exit_on_mistake():
        check_keys(CONFIG.models, workflow.dag.needrun_jobs())
        PATHS.refuse_skipped(one for job in workflow.dag.jobs for one in job.output)
        warning = warn_of_replacement(Run(FOLDER), config)
        if warning and not kept_results:
            show(warning)
        record_start(FOLDER, workflow.dag.needrun_jobs(), CONFIG, sys.argv)
    if left_out := describe_left_out(CONFIG, HOME):
        show(left_out)
    for name, why in (find_unused(CONFIG, HOME) | PATHS.shown.skipped).items():
        show(f"no {name}: {why}")


onsuccess:
    made = {str(file) for job in workflow.dag.jobs for file in job.output}
    citation = how_to_cite(CONFIG.survey.given)
    print(*summarize(FOLDER, CONFIG, made, citation), sep="\n")
    if tests := CONFIG.test_probes:
        print(how_to_cite(CONFIG.surveys[tests.survey].given).partition("\n")[0])


onerror:
    with exit_on_mistake():
        for message in explain_stop(Run(FOLDER), workflow.local_exec):
            show(message)


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
        name=CONFIG.run.name,
        config=whole_config,
        codes=CODES,
        given=given(run_inputs),
        code=code_digest("record_run"),
    message:
        "Recording the settings, code and inputs of the run"
    shell:
        "selfalign record-run {input:q} --run {params.name} --config {params.config:q} --output {output} 2> {log}"


rule explore:
    input:
        scores=PATHS.scores(),
        bank="<run>/people/bank.json",
        notebook=PATHS.shipped("notebooks/explore.ipynb"),
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
        given=given(PATHS.shipped("notebooks/explore.ipynb")),
        code=code_digest("explore"),
    message:
        "Running the notebook"
    shell:
        "selfalign explore {input.scores} --notebook {input.notebook:q} --bank {input.bank}"
        " --executed {output.notebook} --hardest {output.hardest} 2> {log}"


rule record_outputs:
    input:
        PATHS.results,
    output:
        # Snakemake keeps both files while the step runs, because the step compares with them.
        manifest=update("<run>/manifest.csv"),
        jobs=update("<run>/jobs.json"),
    log:
        "<run>/logs/record_outputs.log",
    benchmark:
        "<run>/benchmarks/record_outputs.tsv"
    conda:
        "../../environment.yml"
    params:
        targets=targets_of_run,
        code=code_digest("record_outputs"),
    message:
        "Listing the files of the run"
    shell:
        "selfalign record-outputs {params.targets} --manifest {output.manifest} --jobs {output.jobs} 2> {log}"
