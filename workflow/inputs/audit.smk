"""Input functions and settings of the rules in rules/audit.smk."""

from selfalign.config.commands import as_braces


def run_inputs(wildcards):
    """Files that the run reads and does not make."""
    return [kept(file) if file in PATHS.partly_read else file for file in PATHS.inputs]


def targets_of_run(wildcards, input):
    """The files that the run is for, short enough for a command."""
    return as_braces(input)


def whole_config(wildcards):
    """The merged settings as JSON. This is a function, because Snakemake looks for wildcards in a text."""
    return as_json(config)
