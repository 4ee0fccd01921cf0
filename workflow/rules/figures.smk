"""The figures stage: one rule, one figure, as PNG and PDF.

Reads   <run>/tables/{agreement,contrasts,transfer}.csv, <run>/scores/{model}/{language}.parquet
        figures.font                            the user's font file, if there is one
Writes  <run>/figures/agreement.{png,pdf}     (a) agreement per arm and country, beside zero-shot
        <run>/figures/contrasts.{png,pdf}     (b) every contrast, for the mean of the countries
        <run>/figures/margin.{png,pdf}        (c) own-country minus other-country demonstrations
        <run>/figures/transfer.{png,pdf}      (d) own demonstrations against those of each other country
        <run>/figures/calibration.{png,pdf}   (e) the model's probability against the people's share
Steps   plot_agreement, plot_contrasts, plot_margin, plot_calibration, plot_transfer
"""


rule plot_agreement:
    input:
        estimates="<run>/tables/agreement.csv",
        font=FONT,
    output:
        png=report(
            "<run>/figures/agreement.png",
            caption="../report/agreement.rst",
            category="Figures",
            labels={"figure": "a: agreement"},
        ),
        pdf="<run>/figures/agreement.pdf",
    log:
        "<run>/logs/plot_agreement.log",
    benchmark:
        "<run>/benchmarks/plot_agreement.tsv"
    conda:
        "../../environment.yml"
    params:
        labels=LABELS,
        font=FONT_OPTION,
        arms=" ".join(agreeing_arms(config)),
        width=config["figures"]["agreement"]["width"],
        height=config["figures"]["agreement"]["height"],
        code=code_digest("plot_agreement"),
    message:
        "Drawing agreement per arm and country"
    shell:
        "selfalign plot-agreement --estimates {input.estimates} --arms {params.arms:q} --labels {params.labels:q} {params.font}"
        " --width {params.width} --height {params.height} --png {output.png} --pdf {output.pdf} 2> {log}"


rule plot_contrasts:
    input:
        contrasts="<run>/tables/contrasts.csv",
        font=FONT,
    output:
        png=report(
            "<run>/figures/contrasts.png",
            caption="../report/contrasts.rst",
            category="Figures",
            labels={"figure": "b: contrasts"},
        ),
        pdf="<run>/figures/contrasts.pdf",
    log:
        "<run>/logs/plot_contrasts.log",
    benchmark:
        "<run>/benchmarks/plot_contrasts.tsv"
    conda:
        "../../environment.yml"
    params:
        labels=LABELS,
        font=FONT_OPTION,
        order=json.dumps(CONTRASTS, sort_keys=True),
        width=config["figures"]["contrasts"]["width"],
        height=config["figures"]["contrasts"]["height"],
        code=code_digest("plot_contrasts"),
    message:
        "Drawing every contrast"
    shell:
        "selfalign plot-contrasts --contrasts {input.contrasts} --order {params.order:q} --labels {params.labels:q} {params.font}"
        " --width {params.width} --height {params.height} --png {output.png} --pdf {output.pdf} 2> {log}"


rule plot_margin:
    input:
        contrasts="<run>/tables/contrasts.csv",
        font=FONT,
    output:
        png=report(
            "<run>/figures/margin.png",
            caption="../report/margin.rst",
            category="Figures",
            labels={"figure": "c: margin"},
        ),
        pdf="<run>/figures/margin.pdf",
    log:
        "<run>/logs/plot_margin.log",
    benchmark:
        "<run>/benchmarks/plot_margin.tsv"
    conda:
        "../../environment.yml"
    params:
        labels=LABELS,
        font=FONT_OPTION,
        contrast=json.dumps(config["figures"]["margin"]["contrast"]),
        width=config["figures"]["margin"]["width"],
        height=config["figures"]["margin"]["height"],
        code=code_digest("plot_margin"),
    message:
        "Drawing own minus other country"
    shell:
        "selfalign plot-margin --contrasts {input.contrasts} --contrast {params.contrast:q} --labels {params.labels:q} {params.font}"
        " --width {params.width} --height {params.height} --png {output.png} --pdf {output.pdf} 2> {log}"


rule plot_calibration:
    input:
        scores=SCORES,
        font=FONT,
    output:
        png=report(
            "<run>/figures/calibration.png",
            caption="../report/calibration.rst",
            category="Figures",
            labels={"figure": "e: calibration"},
        ),
        pdf="<run>/figures/calibration.pdf",
    log:
        "<run>/logs/plot_calibration.log",
    benchmark:
        "<run>/benchmarks/plot_calibration.tsv"
    conda:
        "../../environment.yml"
    params:
        labels=LABELS,
        font=FONT_OPTION,
        arms=calibrated_arms(config),
        width=config["figures"]["calibration"]["width"],
        height=config["figures"]["calibration"]["height"],
        code=code_digest("plot_calibration"),
    message:
        "Drawing the model against the people"
    shell:
        "selfalign plot-calibration {input.scores} --arms '{params.arms}' --labels {params.labels:q} {params.font} --width {params.width}"
        " --height {params.height} --png {output.png} --pdf {output.pdf} 2> {log}"


rule plot_transfer:
    input:
        transfer="<run>/tables/transfer.csv",
        font=FONT,
    output:
        png=report(
            "<run>/figures/transfer.png",
            caption="../report/transfer.rst",
            category="Figures",
            labels={"figure": "d: transfer"},
        ),
        pdf="<run>/figures/transfer.pdf",
    log:
        "<run>/logs/plot_transfer.log",
    benchmark:
        "<run>/benchmarks/plot_transfer.tsv"
    conda:
        "../../environment.yml"
    params:
        labels=LABELS,
        font=FONT_OPTION,
        width=config["figures"]["transfer"]["width"],
        height=config["figures"]["transfer"]["height"],
        code=code_digest("plot_transfer"),
    message:
        "Drawing the transfer between countries"
    shell:
        "selfalign plot-transfer --transfer {input.transfer} --labels {params.labels:q} {params.font} --width {params.width}"
        " --height {params.height} --png {output.png} --pdf {output.pdf} 2> {log}"
