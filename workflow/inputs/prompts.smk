"""Input functions and settings of the rules in rules/prompts.smk."""

from selfalign.config.arms import arms_of, selectors_of
from selfalign.config.paths import WORDS


def arms_json(wildcards):
    """Arms of a language, as JSON; without their labels, which are for figures alone.

    The arms are in the order of the config, which decides the order of the design. The settings of an arm are sorted,
    so that reordering them, or writing a default, reruns nothing.
    """
    return json.dumps(
        {
            name: {
                k: v for k, v in sorted(config["arms"][name].items()) if k != "label"
            }
            for name in CONFIG.languages[wildcards.language].arms
        }
    )


def countries_of(wildcards):
    """The countries of a language, sorted, so that a reordered config reruns nothing."""
    return sorted(CONFIG.languages[wildcards.language].countries)


def rankings_of(wildcards):
    """Rankings that the arms of a language use."""
    return [
        f"<run>/demonstrations/{wildcards.language}/{strategy}.parquet"
        for strategy in selectors_of(CONFIG, wildcards.language)
    ]


def described_texts(wildcards):
    """The wording of the probes in a language."""
    return kept(PATHS.probes.texts(wildcards.language))


def words_of(kind):
    """Files of words in all the languages in which the arms of a language speak, as an input function."""

    def files(wildcards):
        paths = PATHS.words(kind, wildcards.language)
        return [kept(path) for path in paths] if kind == "texts" else paths

    return files


def spoken_of(wildcards):
    """The languages of the countries, if an arm of a language speaks a country's own."""
    arms = arms_of(CONFIG, wildcards.language).values()
    return [CONFIG.prompts.spoken] if any(arm.needs_spoken for arm in arms) else []


def design_files(wildcards, input):
    """Files that some designs need, as options: those of words with their language, then the others."""
    spoken = PATHS.speech[wildcards.language]
    words = [
        f"--{kind}={language}={file}"
        for kind in WORDS
        for language, file in zip(spoken.of(kind), input.get(kind))
    ]
    return words + input_options("spoken", "scales", "spread")(wildcards, input)


def used_texts(wildcards):
    """Digests of the wordings that count, in the languages in which the arms of a language speak."""
    files = PATHS.words("texts", wildcards.language)
    return [digest_wording(CONFIG, file) for file in files]
