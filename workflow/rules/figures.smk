"""The figures stage: one rule, one figure, in the formats of figures.style.formats.

A figure that needs more than a page has a file per model, or per model and language.

Reads   <run>/tables/{agreement,metrics,contrasts,verdicts,readers,transfer,languages,categories,kinds,country_ranks,specifications,map,map_axes}.csv, <run>/scores/{model}/{language}.parquet
        figures.style.texts                     the texts, in the language of figures.style.language
        figures.style.font                      the user's font file, if there is one
Writes  <run>/figures/{figure}*                 a figure in each format, or one file per page
        <run>/figures/{figure}.csv              its numbers, for figures with `csv` in their entry
        <run>/tables/latex/{table}.tex          tables as LaTeX, for figures with `typeset` in their entry
Steps   plot_{figure}, typeset_tables

The figures are the entries of `FIGURES` in workflow/selfalign/config/figures.py, with label, message and settings.
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
            # Snakemake reruns nothing if a job has fewer outputs, and the files of other formats would stay.
            formats=sorted(PATHS.formats),
            options=figure_options(figure),
            font=input_options("font"),
            given=given(TEXTS, FONT),
            code=code_digest(f"plot_{figure}"),
        message:
            what.message
        shell:
            "selfalign {params.command} {params.files} {params.options}"
            " --texts {input.texts:q} {params.font:q} 2> {log}"


rule typeset_tables:
    input:
        tables=list(PATHS.typeset.values()),
        verdicts=VERDICTS,
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
        verdicts=input_options("verdicts"),
        language=ASKED_IN,
        style=describe_style(CONFIG, "tables"),
        given=given(TEXTS),
        code=code_digest("typeset_tables"),
    message:
        "Writing tables as LaTeX"
    shell:
        "selfalign typeset-tables {params.tables} {params.verdicts:q} --language {params.language}"
        " --style {params.style:q} --texts {input.texts:q} --outputs '{output}' 2> {log}"
