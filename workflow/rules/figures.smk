"""The figures stage: one rule, one figure, in the formats of figures.style.formats.

A figure that needs more than a page has a file per model, or per model and language.

Reads   <run>/tables/{agreement,metrics,contrasts,transfer,languages,categories,kinds}.csv, <run>/scores/{model}/{language}.parquet
        figures.style.texts                     the texts, in the language of figures.style.language
        figures.style.font                      the user's font file, if there is one
Writes  <run>/figures/agreement*                (a) agreement per arm and country, beside zero-shot
        <run>/figures/contrasts*                (b) every contrast, for the mean of the countries
        <run>/figures/margin*                   (c) own-country minus other-country demonstrations
        <run>/figures/transfer*                 (d) own demonstrations against those of each other country
        <run>/figures/calibration*              (e) the model's probability against the people's share
        <run>/figures/gains*                    (f) the gain over zero-shot, by model
        <run>/figures/gains_by_country*         (g) the same by country, as matrices
        <run>/figures/languages*                (h) gains in English and in each country's own language
        <run>/figures/categories*               (i) gains within each category of values
        <run>/figures/kinds*                    (j) gains of English-centric and of multilingual models
        <run>/figures/margins*                  (k) own-country minus other-country demonstrations, by model
        <run>/figures/{f to k}.csv              the numbers of the figures f to k
        <run>/tables/latex/{table}.tex          these tables, agreement and contrasts as LaTeX
Steps   plot_agreement, plot_contrasts, plot_margin, plot_calibration, plot_transfer, plot_gains, plot_gains_by_country,
        plot_languages, plot_categories, plot_kinds, plot_margins, typeset_tables
"""


include: "../inputs/figures.smk"


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
        order=as_json(CONTRASTS),
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
        scores=PATHS.scores(),
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


rule plot_gains:
    input:
        contrasts="<run>/tables/contrasts.csv",
        texts=TEXTS,
        font=FONT,
    output:
        figures=drawn("gains", "f: gains"),
        csv="<run>/figures/gains.csv",
    log:
        "<run>/logs/plot_gains.log",
    benchmark:
        "<run>/benchmarks/plot_gains.tsv"
    conda:
        "../../environment.yml"
    params:
        style=style_of("gains"),
        font=FONT_OPTION,
        pairs=as_json(GAINS),
        beside=as_json(MARGINS),
        language=ASKED_IN,
        code=code_digest("plot_gains"),
    message:
        "Drawing gains over zero-shot, by model"
    shell:
        "selfalign plot-gains --contrasts {input.contrasts} --pairs {params.pairs:q} --beside {params.beside:q} --language {params.language} --csv {output.csv}"
        " --style {params.style:q} --texts {input.texts:q} {params.font} --figures '{output.figures}' 2> {log}"


rule plot_gains_by_country:
    input:
        contrasts="<run>/tables/contrasts.csv",
        texts=TEXTS,
        font=FONT,
    output:
        figures=drawn("gains_by_country", "g: gains by country"),
        csv="<run>/figures/gains_by_country.csv",
    log:
        "<run>/logs/plot_gains_by_country.log",
    benchmark:
        "<run>/benchmarks/plot_gains_by_country.tsv"
    conda:
        "../../environment.yml"
    params:
        style=style_of("gains_by_country"),
        font=FONT_OPTION,
        pairs=as_json(GAINS),
        language=ASKED_IN,
        code=code_digest("plot_gains_by_country"),
    message:
        "Drawing gains over zero-shot, by model and country"
    shell:
        "selfalign plot-gains-by-country --contrasts {input.contrasts} --pairs {params.pairs:q} --language {params.language} --csv {output.csv}"
        " --style {params.style:q} --texts {input.texts:q} {params.font} --figures '{output.figures}' 2> {log}"


rule plot_languages:
    input:
        table="<run>/tables/languages.csv",
        texts=TEXTS,
        font=FONT,
    output:
        figures=drawn("languages", "h: own language"),
        csv="<run>/figures/languages.csv",
    log:
        "<run>/logs/plot_languages.log",
    benchmark:
        "<run>/benchmarks/plot_languages.tsv"
    conda:
        "../../environment.yml"
    params:
        style=style_of("languages"),
        font=FONT_OPTION,
        pairs=as_json(list_dumbbells(config)),
        asked_in=ASKED_IN,
        code=code_digest("plot_languages"),
    message:
        "Drawing gains in each country's own language"
    shell:
        "selfalign plot-languages --table {input.table} --pairs {params.pairs:q} --asked-in {params.asked_in} --csv {output.csv}"
        " --style {params.style:q} --texts {input.texts:q} {params.font} --figures '{output.figures}' 2> {log}"


rule plot_categories:
    input:
        table="<run>/tables/categories.csv",
        texts=TEXTS,
        font=FONT,
    output:
        figures=drawn("categories", "i: categories"),
        csv="<run>/figures/categories.csv",
    log:
        "<run>/logs/plot_categories.log",
    benchmark:
        "<run>/benchmarks/plot_categories.tsv"
    conda:
        "../../environment.yml"
    params:
        style=style_of("categories"),
        font=FONT_OPTION,
        pairs=as_json(GAINS),
        code=code_digest("plot_categories"),
    message:
        "Drawing gains within each category of values"
    shell:
        "selfalign plot-categories --table {input.table} --pairs {params.pairs:q} --csv {output.csv}"
        " --style {params.style:q} --texts {input.texts:q} {params.font} --figures '{output.figures}' 2> {log}"


rule plot_kinds:
    input:
        table="<run>/tables/kinds.csv",
        texts=TEXTS,
        font=FONT,
    output:
        figures=drawn("kinds", "j: kinds of models"),
        csv="<run>/figures/kinds.csv",
    log:
        "<run>/logs/plot_kinds.log",
    benchmark:
        "<run>/benchmarks/plot_kinds.tsv"
    conda:
        "../../environment.yml"
    params:
        style=style_of("kinds"),
        font=FONT_OPTION,
        pairs=as_json(GAINS),
        code=code_digest("plot_kinds"),
    message:
        "Drawing gains of each kind of models"
    shell:
        "selfalign plot-kinds --table {input.table} --pairs {params.pairs:q} --csv {output.csv}"
        " --style {params.style:q} --texts {input.texts:q} {params.font} --figures '{output.figures}' 2> {log}"


rule plot_margins:
    input:
        contrasts="<run>/tables/contrasts.csv",
        texts=TEXTS,
        font=FONT,
    output:
        figures=drawn("margins", "k: margins"),
        csv="<run>/figures/margins.csv",
    log:
        "<run>/logs/plot_margins.log",
    benchmark:
        "<run>/benchmarks/plot_margins.tsv"
    conda:
        "../../environment.yml"
    params:
        style=style_of("margins"),
        font=FONT_OPTION,
        pairs=as_json(MARGINS),
        beside=as_json(GAINS),
        language=ASKED_IN,
        code=code_digest("plot_margins"),
    message:
        "Drawing own minus other country, by model"
    shell:
        "selfalign plot-margins --contrasts {input.contrasts} --pairs {params.pairs:q} --beside {params.beside:q} --language {params.language} --csv {output.csv}"
        " --style {params.style:q} --texts {input.texts:q} {params.font} --figures '{output.figures}' 2> {log}"


rule typeset_tables:
    input:
        tables=list(PATHS.typeset.values()),
        texts=TEXTS,
    output:
        PATHS.latex,
    log:
        "<run>/logs/typeset_tables.log",
    benchmark:
        "<run>/benchmarks/typeset_tables.tsv"
    conda:
        "../../environment.yml"
    params:
        tables=typeset_options,
        language=ASKED_IN,
        style=style_of("tables"),
        code=code_digest("typeset_tables"),
    message:
        "Writing tables as LaTeX"
    shell:
        "selfalign typeset-tables {params.tables} --language {params.language} --style {params.style:q}"
        " --texts {input.texts:q} --outputs '{output}' 2> {log}"
