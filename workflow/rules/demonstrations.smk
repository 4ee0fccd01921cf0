"""The demonstrations stage: which probes to show before each test probe.

Reads   probes.bank, probes.texts/{language}.csv
Writes  results/demonstrations/{language}/{strategy}.parquet   a candidate's rank for a test probe
Steps   rank_demonstrations
"""


def seeds_of(wildcards):
    """Seeds of all arms that use a strategy."""
    arms = [arm for arm in config["arms"].values() if arm.get("strategy") == wildcards.strategy]
    return sorted({seed for arm in arms for seed in arm["seeds"]})


rule rank_demonstrations:
    input:
        bank=config["probes"]["bank"],
        texts=config["probes"]["texts"] + "/{language}.csv",
    output:
        "results/demonstrations/{language}/{strategy}.parquet",
    log:
        "results/logs/rank_demonstrations/{language}/{strategy}.log",
    benchmark:
        "results/benchmarks/rank_demonstrations/{language}/{strategy}.tsv"
    params:
        seeds=seeds_of,
        code=code_digest("rank_demonstrations"),
    message:
        "Ranking demonstrations: {wildcards.strategy}, {wildcards.language}"
    shell:
        "selfalign rank-demonstrations --bank {input.bank} --texts {input.texts} --strategy {wildcards.strategy}"
        " --seeds '{params.seeds}' --output {output} 2> {log}"
