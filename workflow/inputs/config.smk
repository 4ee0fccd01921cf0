"""Input functions and parameters of rules of several stages."""

from selfalign.config.row_digests import digest_given
from selfalign.home import is_made


def kept(path):
    """A file of which only some rows count. Their digest reruns a step, so Snakemake ignores the file's time."""
    return path if is_made(path) else ancient(path)


def given(*sources):
    """A parameter: the digest of inputs that the workflow does not make, so that other content reruns the step."""
    return lambda wildcards: digest_given(sources, wildcards, PATHS.partly_read)


def input_options(*names):
    """Inputs of a rule as options of the same names. An input without files gives no option."""

    def options(wildcards, input):
        return [f"--{name}={file}" for name in names for file in input.get(name)]

    return options
