"""The probes stage: what the people of each country answer to each probe.

Reads   results/survey/{survey}/distributions.parquet   of the survey of the run
        probes.bank                            which answer codes make pole A and pole B of a probe
Writes  results/human/poles.parquet            a country's share of pole A on a probe, and its majority
        results/human/dropped.csv              probes without a majority in a country, and why
Steps   map_poles
"""


rule map_poles:
    input:
        distributions=f"{SURVEY}/distributions.parquet",
        bank=config["probes"]["bank"],
    output:
        poles="results/human/poles.parquet",
        dropped=report(
            "results/human/dropped.csv",
            caption="../report/dropped.rst",
            category="Tables",
            labels={"table": "dropped"},
        ),
    log:
        "results/logs/map_poles.log",
    benchmark:
        "results/benchmarks/map_poles.tsv"
    conda:
        "../../environment.yml"
    params:
        categories=config["probes"]["categories"],
        only=config["probes"]["only"],
        countries=COUNTRIES,
        code=code_digest("map_poles"),
    message:
        "Mapping answers to the poles of the probes"
    shell:
        "selfalign map-poles --distributions {input.distributions} --bank {input.bank}"
        " --categories '{params.categories}' --only '{params.only}' --countries '{params.countries}'"
        " --poles {output.poles} --dropped {output.dropped} 2> {log}"
