"""Whose values does a language model hold, and can a few survey answers in the prompt change them?

survey          people's answers to the questions of the World Values Survey, weighted by country
probes          each question as a statement with two options, and the option that a country's majority holds
demonstrations  the probes to show before a test probe: random, of its category, or the most similar
prompts         the cells of the experiment (arm x country x probe x option order) and their distinct prompts
models          the language models' weights
inference       the probability that a model gives to each option of each prompt
scoring         the model's agreement with the people by arm, and the differences between arms
figures         agreement, gains over zero-shot, own minus other country; each with its numbers
audit           a notebook, a record of the run, a manifest of all files; `selfalign trace` and `selfalign verify`

`snakemake --cores 2` runs config/config.yaml and writes results/default/.
"""

from pathlib import Path

from snakemake.utils import min_version

min_version("9.27")


HOME = Path(workflow.current_basedir.get_path_or_uri(secret_free=True))


# Reads and checks the config. PATHS has the files that follow from it.
include: "workflow/rules/config.smk"


rule all:
    default_target: True
    input:
        PATHS.results,
        "<run>/manifest.csv",


# The files of rules, in the order of the stages above; scoring has a file per question. The docstring of a file lists
# what its rules read and write.
include: "workflow/rules/survey.smk"
include: "workflow/rules/probes.smk"
include: "workflow/rules/demonstrations.smk"
include: "workflow/rules/prompts.smk"
include: "workflow/rules/models.smk"
include: "workflow/rules/inference.smk"
include: "workflow/rules/scoring.smk"
include: "workflow/rules/scoring_contrasts.smk"
include: "workflow/rules/scoring_readers.smk"
include: "workflow/rules/scoring_robustness.smk"
include: "workflow/rules/scoring_groups.smk"
include: "workflow/rules/scoring_countries.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/audit.smk"
