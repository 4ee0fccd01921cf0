"""Input functions and settings of the rules in rules/demonstrations.smk."""

from selfalign.config.arms import seeds_of
from selfalign.config.languages import compared_language
from selfalign.config.row_digests import digest_compared
from selfalign.demonstrations.strategies import measure_of


def measured_language(wildcards):
    """The language whose wording a measure compares."""
    return compared_language(CONFIG, wildcards.measure, wildcards.language)


def compared_texts(wildcards):
    """The wording that a measure compares."""
    return kept(PATHS.probes.texts(measured_language(wildcards)))


def compared_rows(wildcards):
    """Digest of the wordings that count for a measure."""
    file = PATHS.probes.texts(measured_language(wildcards))
    return digest_compared(CONFIG, file, wildcards.measure)


def measure_settings(wildcards):
    """Settings of a measure."""
    return as_json(CONFIG.demonstrations.of(wildcards.measure))


def encoder_files(wildcards):
    """Files of an encoder in a local folder, so that a change of one reruns the step."""
    model = CONFIG.demonstrations.of(wildcards.measure).get("model")
    files = Path(model).rglob("*") if model else []
    return sorted(str(path) for path in files if path.is_file())


def similarity_of(wildcards):
    """The table of similarities by which a strategy ranks candidates."""
    measure = measure_of(wildcards.strategy)
    return f"<run>/similarity/{wildcards.language}/{measure}.parquet"


def strategy_seeds(wildcards):
    """Seeds of all arms that use a strategy, if it draws."""
    return seeds_of(CONFIG, wildcards.strategy)
