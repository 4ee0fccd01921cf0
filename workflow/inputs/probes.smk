"""Input functions and settings of the rules in rules/probes.smk."""

from selfalign.config.arms import arms_of_run
from selfalign.config.rows import digest_bank
from selfalign.probes.selection import CRITERIA

USED_PROBES = digest_bank(config)

COUNTRIES = sorted(
    {
        country
        for language in config["run"]["languages"]
        for country in config["languages"][language]["countries"]
    }
)


# Groups are needed in the countries that are asked about, and in those whose answers arms show.
SHOWN = sorted(
    {one for arm in arms_of_run(config).values() for one in arm.sources or ()}
)


def run_texts(wildcards):
    """Digests of the wordings that count, in all the languages in which the run speaks."""
    languages = sorted({one for each in PATHS.speech.values() for one in each.texts})
    return [digest_wording(config, PATHS.texts(language)) for language in languages]


def bank_texts(wildcards):
    """Files of the words of all prompts of the run."""
    return [
        kept(file) if file in PATHS.partly_read else file for file in PATHS.wordings
    ]


def arora_file(wildcards):
    """A language's file in the user's own copy of the probes of Arora et al."""
    folder = Path(config["probes"].get("arora", "no folder"))
    return str(folder / f"{wildcards.language}.csv")
