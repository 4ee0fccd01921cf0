"""The checked config, and what rules of several stages need of it. A stage's own functions are in workflow/inputs."""

import json
import shlex
import sys

from selfalign.config.paths import Paths
from selfalign.config.read import complete
from selfalign.config.rows import digest_wording
from selfalign.errors import TERMINAL, told_plainly
from selfalign.provenance import code_digest
from selfalign.runs import SHARED
from selfalign.steps import BY_HAND, STEPS
from selfalign.variables import FAST

with told_plainly():
    complete(config, HOME)
    PATHS = Paths(config, HOME)


pathvars:
    run=PATHS.run,
    shared=f"results/{SHARED}",


wildcard_constraints:
    survey="[^/]+",
    model="[^/]+",
    language="[a-z]{2}",
    strategy="[a-z0-9]+",
    measure="[a-z0-9]+",


# Jobs find this environment's programs when it is not activated. A job's errors go to its log. Its open file 3 leads
# to the screen, for messages to the user.
BIN = shlex.quote(str(Path(sys.executable).parent))
VARIABLES = " ".join(f"{name}={value}" for name, value in FAST.items())
shell.prefix(
    f"set -euo pipefail; exec 3>&2; export {TERMINAL}=3 PATH={BIN}:$PATH {VARIABLES}; "
)

# A cluster runs the jobs that hold a model. The other steps take seconds (docs/cluster.md), less than a job waits in
# a queue: the machine that submits runs them.
workflow.localrules(*(set(STEPS) - BY_HAND - {"convert_model", "infer"}))


def kept(path):
    """A file of which only some rows count. Their digest reruns a step, so Snakemake ignores the file's time."""
    return path if path.startswith("results/") else ancient(path)


def as_json(value):
    """A setting as JSON with its keys in one order, so that a reordered config reruns nothing."""
    return json.dumps(value, sort_keys=True)


def tests_option(wildcards, input):
    """The test probes as an option of a step, if they are not shown as demonstrations."""
    return [f"--tests {file}" for file in input.tests]
