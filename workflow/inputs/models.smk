"""Input functions and settings of the rules in rules/models.smk."""

from selfalign.models.folder import list_inputs


def model_source(wildcards):
    """A model's source."""
    return as_json(CONFIG.models[wildcards.model].source)


def model_files(wildcards):
    """The files that are taken from a model's local folder, so that a change of one reruns the step."""
    folder = CONFIG.models[wildcards.model].folder
    return list_inputs(folder) if folder else []


def gguf_memory(wildcards, input, attempt):
    """MB to unpack a GGUF file, where 4 bits become 32. More at each attempt. Safetensors are not loaded."""
    size = sum(path.stat().st_size for path in Path(str(input)).glob("*.gguf"))
    return attempt * int(2000 + 10 * size / 1e6)


def longer(minutes):
    """A number of minutes, times the number of the attempt, as an input function."""

    def runtime(wildcards, attempt):
        return attempt * minutes

    return runtime
