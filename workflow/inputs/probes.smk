"""Input functions and settings of the rules in rules/probes.smk."""

from selfalign.config.arms import arms_of_run
from selfalign.config.languages import countries_of_run
from selfalign.config.row_digests import digest_bank, digest_compared
from selfalign.probes.opinion_probes import LANGUAGE as WORDED

USED_PROBES = digest_bank(CONFIG)

COUNTRIES = countries_of_run(CONFIG)

# Groups are needed in the countries that are asked about, and in those whose answers arms show.
SHOWN = sorted(
    {one for arm in arms_of_run(CONFIG).values() for one in arm.sources or ()}
)


def run_texts(wildcards):
    """Digests of the wordings that count, in all the languages in which the run speaks."""
    return [
        digest_wording(CONFIG, PATHS.probes.bank_texts(language))
        for language in PATHS.spoken.texts
    ]


def bank_texts(wildcards):
    """Files of the words of all prompts of the run."""
    made = set(map(PATHS.probes.texts, PATHS.spoken.texts)) if PATHS.tests else set()
    files = [file for file in PATHS.wordings if file not in made]
    return [kept(file) if file in PATHS.partly_read else file for file in files]


def joined_texts(wildcards):
    """The wording of the bank's probes in a language."""
    return kept(PATHS.probes.bank_texts(wildcards.language))


def joined_rows(wildcards):
    """Digest of these wordings. All rows count, because the measure bm25 counts words in all of them."""
    return digest_compared(CONFIG, PATHS.probes.bank_texts(wildcards.language), "bm25")


def worded_tests(wildcards):
    """The test probes, in the language of their words."""
    return ["<run>/probes/tests.csv"] if wildcards.language == WORDED else []


def arora_file(wildcards):
    """A language's file in the user's own copy of the probes of Arora et al."""
    folder = Path(CONFIG.probes.arora or "no folder")
    return str(folder / f"{wildcards.language}.csv")
