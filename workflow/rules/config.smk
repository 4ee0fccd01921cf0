"""The checked config, and the parts that rules of several stages need. Functions are in workflow/inputs."""

import json
import shlex
import sys

from selfalign.config.commands import as_json
from selfalign.config.paths import Paths
from selfalign.config.read import complete
from selfalign.config.row_digests import digest_wording
from selfalign.errors import TERMINAL, exit_on_mistake
from selfalign.provenance import code_digest
from selfalign.runs import SHARED
from selfalign.steps import BY_HAND, STEPS
from selfalign.cpu_environment import FAST

with exit_on_mistake():
    CONFIG = complete(config, HOME, workflow.configfiles)  # typed; config is plain
    PATHS = Paths(CONFIG, HOME)


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
workflow.localrules(*set(STEPS).difference(BY_HAND, {"convert_model", "infer"}))


include: "../inputs/config.smk"
