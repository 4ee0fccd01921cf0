"""The figures stage: one rule, one figure, in the formats of figures.style.formats.

A figure that needs more than a page has a file per model, or per model and language.

Reads   <run>/tables/{agreement,metrics,contrasts,verdicts,readers,transfer,languages,categories,kinds,country_ranks,specifications,map,map_axes}.csv, <run>/scores/{model}/{language}.parquet
        figures.style.texts                     the texts, in the language of figures.style.language
        figures.style.font                      the user's font file, if there is one
Writes  <run>/figures/agreement*                (a) agreement per arm and country, with zero-shot
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
        <run>/figures/country_ranks*            (l) similarity with every surveyed country, in the first arm
        <run>/figures/specifications*           (m) own-country minus other-country, in every specification
        <run>/figures/map*                      (n) people and models on the Inglehart-Welzel cultural map
        <run>/figures/{f to n}.csv              the numbers of the figures f to n
        <run>/tables/latex/{table}.tex          agreement, contrasts, and the tables of the figures f to l as LaTeX
Steps   plot_agreement, plot_contrasts, plot_margin, plot_calibration, plot_transfer, plot_gains, plot_gains_by_country,
        plot_languages, plot_categories, plot_kinds, plot_margins, plot_country_ranks,
        plot_specifications, plot_map, typeset_tables
"""


include: "../inputs/figures.smk"


# One rule per figure of the registry, so a new figure needs no new rule here.
for figure, what in FIGURES.items():

    rule:
        name:
            f"plot_{figure}"
        input:
            **read_by(figure),
            texts=TEXTS,
            font=FONT,
        output:
            figures=drawn(figure, what.label),
            csv=[f"<run>/figures/{figure}.csv"] if what.csv else [],
        log:
            f"<run>/logs/plot_{figure}.log",
        benchmark:
            f"<run>/benchmarks/plot_{figure}.tsv"
        conda:
            "../../environment.yml"
        params:
            # Snakemake evaluates a shell text when the job runs, after the loop. So the command is a parameter.
            command=f"plot-{figure}".replace("_", "-"),
            files=files_of(figure),
            options=figure_options(figure),
            font=input_options("font"),
            code=code_digest(f"plot_{figure}"),
        message:
            what.message
        shell:
            "selfalign {params.command} {params.files} {params.options}"
            " --texts {input.texts:q} {params.font:q} 2> {log}"


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
