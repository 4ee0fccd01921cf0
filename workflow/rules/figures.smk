"""The figures stage: one rule, one figure, in the formats of figures.style.formats.

A figure that needs more than a page has a file per model, or per model and language.

Reads   <run>/tables/{agreement,metrics,contrasts,transfer}.csv, <run>/scores/{model}/{language}.parquet
        figures.style.texts                     the texts, in the language of figures.style.language
        figures.style.font                      the user's font file, if there is one
Writes  <run>/figures/agreement*                (a) agreement per arm and country, beside zero-shot
        <run>/figures/contrasts*                (b) every contrast, for the mean of the countries
        <run>/figures/margin*                   (c) own-country minus other-country demonstrations
        <run>/figures/transfer*                 (d) own demonstrations against those of each other country
        <run>/figures/calibration*              (e) the model's probability against the people's share
Steps   plot_agreement, plot_contrasts, plot_margin, plot_calibration, plot_transfer
"""


rule plot_agreement:
    input:
        estimates="<run>/tables/agreement.csv",
        metrics="<run>/tables/metrics.csv",
        texts=TEXTS,
        font=FONT,
    output:
        drawn("agreement", "a: agreement"),
    log:
        "<run>/logs/plot_agreement.log",
    benchmark:
        "<run>/benchmarks/plot_agreement.tsv"
    conda:
        "../../environment.yml"
    params:
        style=style_of("agreement"),
        pages=pages_of("agreement"),
        font=FONT_OPTION,
        arms=" ".join(agreeing_arms(config)),
        code=code_digest("plot_agreement"),
    message:
        "Drawing agreement per arm and country"
    shell:
        "selfalign plot-agreement --estimates {input.estimates} --metrics {input.metrics} --arms {params.arms:q}"
        " --style {params.style:q} --texts {input.texts:q} {params.font} --pages {params.pages:q} --figures '{output}' 2> {log}"


rule plot_contrasts:
    input:
        contrasts="<run>/tables/contrasts.csv",
        texts=TEXTS,
        font=FONT,
    output:
        drawn("contrasts", "b: contrasts"),
    log:
        "<run>/logs/plot_contrasts.log",
    benchmark:
        "<run>/benchmarks/plot_contrasts.tsv"
    conda:
        "../../environment.yml"
    params:
        style=style_of("contrasts"),
        pages=pages_of("contrasts"),
        font=FONT_OPTION,
        order=json.dumps(CONTRASTS, sort_keys=True),
        code=code_digest("plot_contrasts"),
    message:
        "Drawing every contrast"
    shell:
        "selfalign plot-contrasts --contrasts {input.contrasts} --order {params.order:q}"
        " --style {params.style:q} --texts {input.texts:q} {params.font} --pages {params.pages:q} --figures '{output}' 2> {log}"


rule plot_margin:
    input:
        contrasts="<run>/tables/contrasts.csv",
        texts=TEXTS,
        font=FONT,
    output:
        drawn("margin", "c: margin"),
    log:
        "<run>/logs/plot_margin.log",
    benchmark:
        "<run>/benchmarks/plot_margin.tsv"
    conda:
        "../../environment.yml"
    params:
        style=style_of("margin"),
        pages=pages_of("margin"),
        font=FONT_OPTION,
        contrast=json.dumps(config["figures"]["margin"]["contrast"]),
        code=code_digest("plot_margin"),
    message:
        "Drawing own minus other country"
    shell:
        "selfalign plot-margin --contrasts {input.contrasts} --contrast {params.contrast:q}"
        " --style {params.style:q} --texts {input.texts:q} {params.font} --pages {params.pages:q} --figures '{output}' 2> {log}"


rule plot_calibration:
    input:
        scores=SCORES,
        texts=TEXTS,
        font=FONT,
    output:
        drawn("calibration", "e: calibration"),
    log:
        "<run>/logs/plot_calibration.log",
    benchmark:
        "<run>/benchmarks/plot_calibration.tsv"
    conda:
        "../../environment.yml"
    params:
        style=style_of("calibration"),
        pages=pages_of("calibration"),
        font=FONT_OPTION,
        arms=calibrated_arms(config),
        code=code_digest("plot_calibration"),
    message:
        "Drawing the model against the people"
    shell:
        "selfalign plot-calibration {input.scores} --arms '{params.arms}'"
        " --style {params.style:q} --texts {input.texts:q} {params.font} --pages {params.pages:q} --figures '{output}' 2> {log}"


rule plot_transfer:
    input:
        transfer="<run>/tables/transfer.csv",
        texts=TEXTS,
        font=FONT,
    output:
        drawn("transfer", "d: transfer"),
    log:
        "<run>/logs/plot_transfer.log",
    benchmark:
        "<run>/benchmarks/plot_transfer.tsv"
    conda:
        "../../environment.yml"
    params:
        style=style_of("transfer"),
        pages=pages_of("transfer"),
        font=FONT_OPTION,
        code=code_digest("plot_transfer"),
    message:
        "Drawing the transfer between countries"
    shell:
        "selfalign plot-transfer --transfer {input.transfer}"
        " --style {params.style:q} --texts {input.texts:q} {params.font} --pages {params.pages:q} --figures '{output}' 2> {log}"
