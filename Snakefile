"""Whose values does a language model hold, and can a handful of survey answers in the prompt move them?

survey         the answers of people in each country to the questions of the World Values Survey
probes         each question as a statement with two options, and which of them a country's majority holds
demonstrations which other probes to show before a test probe: at random, from its category, or the most similar
prompts        every cell of the experiment: arm x country x probe x option order, and the distinct prompts it needs
models         the language models' weights
inference      the probability that a model gives to each option of each prompt
scoring        agreement of the model with the people, per arm, and the differences between arms
figures        (a) agreement per arm and country, (b) own minus other country, (c) model against people; and across models:
               gains over zero-shot, by country, in the country's own language, by category of values and by kind of
               model, and own minus other country; each with its numbers as CSV and LaTeX
audit          a notebook on the scores; `selfalign trace` goes from a number back to its prompt; a manifest of all files,
               and `selfalign verify` makes them again from the inputs

What a run decides is in <run>, results/{run.name}; what runs share, surveys, models and answers, in <shared>.
"""

import json
import re
import shlex
import sys
from pathlib import Path

from snakemake.utils import min_version

from selfalign.audit.manifest import refuse_changed
from selfalign.audit.status import explain_stop
from selfalign.audit.summary import summarize, warn_of_replacement
from selfalign.demonstrations.strategies import SEEDED, measure_of
from selfalign.errors import TERMINAL, show, told_plainly
from selfalign.figures.pages import find_pages
from selfalign.figures.style import describe_style, texts_file
from selfalign.home import list_files, locate
from selfalign.inference.endpoint.requests import gives_reply
from selfalign.keys import check_keys, warn_of_keys
from selfalign.outputs import (
    ACROSS,
    agreeing_arms,
    asked_in,
    calibrated_arms,
    find_shown,
    kinds_of_models,
    list_contrasts,
    list_dumbbells,
    list_gains,
    list_margins,
    own_languages,
)
from selfalign.probes.selection import digest_probes, digest_texts
from selfalign.audit.progress import record_start
from selfalign.provenance import code_digest, code_digests
from selfalign.runs import SHARED, Run
from selfalign.settings import complete, find_languages, frames_on_scales
from selfalign.survey.citations import how_to_cite
from selfalign.variables import FAST

min_version("9.27")


# The folder of this file, also where another workflow uses this one as a module.
HOME = Path(workflow.current_basedir.get_path_or_uri(secret_free=True))
with told_plainly():
    complete(config, HOME)

RUN = f"results/{config['run']['name']}"

if (
    workflow.is_main_process
):  # a job of a cluster reads this file while other jobs write
    with told_plainly():
        refuse_changed(Path(RUN))
    warn_of_keys(config, Run(Path(RUN)), sys.argv)


pathvars:
    run=RUN,
    shared=f"results/{SHARED}",


# Jobs find this environment's programs when it is not activated.
BIN = shlex.quote(str(Path(sys.executable).parent))
VARIABLES = " ".join(f"{name}={value}" for name, value in FAST.items())
# A job's errors go to its log; its open file 3 leads to the screen, for messages to the user.
shell.prefix(
    f"set -euo pipefail; exec 3>&2; export {TERMINAL}=3 PATH={BIN}:$PATH {VARIABLES}; "
)


wildcard_constraints:
    survey="[^/]+",
    model="[^/]+",
    language="[a-z]{2}",
    strategy="[a-z0-9]+",
    measure="[a-z0-9]+",


include: "workflow/rules/config.smk"


rule all:
    default_target: True
    input:
        "<run>/tables/agreement.csv",
        "<run>/tables/worth.csv",
        "<run>/tables/metrics.csv",
        shown("contrasts", "<run>/tables/contrasts.csv"),
        shown("contrasts", "<run>/tables/contrasts_by_readout.csv"),
        shown("mixed", "<run>/tables/mixed.csv"),
        shown("transfer", "<run>/tables/transfer.csv"),
        shown("languages", "<run>/tables/languages.csv"),
        shown("categories", "<run>/tables/categories.csv"),
        shown("kinds", "<run>/tables/kinds.csv"),
        READOUTS,
        REPLIES,
        SCALE_SCORES,
        DEMONSTRATIONS,
        FIGURES,
        FIGURE_TABLES,
        LATEX,
        "<run>/audit/hardest_probes.csv",
        SURVEY_TABLES,
        "<run>/human/bank.json",
        "<run>/run.json",
        "<run>/manifest.csv",


onstart:
    with told_plainly():
        check_keys(config["models"], workflow.dag.needrun_jobs())
    if warning := warn_of_replacement(Run(Path(RUN)), config):
        show(warning)
    record_start(Path(RUN), workflow.dag.needrun_jobs(), config, sys.argv)
    for name, why in SKIPPED.items():
        show(f"no {name}: {why}")


onsuccess:
    made = {str(file) for job in workflow.dag.jobs for file in job.output}
    citation = how_to_cite(config["surveys"][config["run"]["survey"]])
    print(*summarize(Path(RUN), config, made, citation), sep="\n")


onerror:
    with told_plainly():
        for message in explain_stop(Run(Path(RUN)), workflow.local_exec):
            show(message)


include: "workflow/rules/survey.smk"
include: "workflow/rules/probes.smk"
include: "workflow/rules/demonstrations.smk"
include: "workflow/rules/prompts.smk"
include: "workflow/rules/models.smk"
include: "workflow/rules/inference.smk"
include: "workflow/rules/scoring.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/audit.smk"
