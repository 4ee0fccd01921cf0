"""The demonstrations stage: which probes to show before each test probe.

Reads   probes.bank, probes.texts
Writes  results/demonstrations/{language}/{strategy}.parquet   a candidate's rank for a test probe
Steps   rank_demonstrations
"""


rule rank_demonstrations:
    input:
        bank=config["probes"]["bank"],
        texts=config["probes"]["texts"],
    output:
        "results/demonstrations/{language}/{strategy}.parquet",
    log:
        "results/logs/rank_demonstrations/{language}/{strategy}.log",
    benchmark:
        "results/benchmarks/rank_demonstrations/{language}/{strategy}.tsv"
    conda:
        "../../environment.yml"
    params:
        categories=config["probes"]["categories"],
        only=config["probes"]["only"],
        seeds=seeds_of,
        code=code_digest("rank_demonstrations"),
    message:
        "Ranking demonstrations: {wildcards.strategy}, {wildcards.language}"
    shell:
        "selfalign rank-demonstrations --bank {input.bank} --texts {input.texts} --categories '{params.categories}'"
        " --only '{params.only}' --strategy {wildcards.strategy} --seeds '{params.seeds}' --output {output} 2> {log}"
