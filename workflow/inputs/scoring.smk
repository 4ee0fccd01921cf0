"""Input functions and settings of the rules in rules/scoring.smk and of the other parts of the stage."""

from selfalign.config.commands import as_options
from selfalign.config.outputs import list_contrasts

CONTRASTS = list_contrasts(CONFIG)

# The settings of the section scoring that decide how intervals are made, and those of all estimates.
RESAMPLING = ("draws", "level", "seed", "resample")
ESTIMATION = (*RESAMPLING, "families", "measures")


def scoring_options(*names):
    """Settings of the section scoring, as options of the same names."""
    return as_options({name: getattr(CONFIG.scoring, name) for name in names})


def reported(name, label):
    """A table of estimates. Snakemake's report shows it under a label."""
    return report(
        f"<run>/tables/{name}.csv",
        caption=f"../report/{name}_table.rst",
        category="Tables",
        labels={"table": label},
    )


def reported_by_model(name):
    """A table of each model and language. Snakemake's report shows all of them."""
    return report(
        f"<run>/tables/{name}/{{model}}/{{language}}.csv",
        caption=f"../report/{name}_table.rst",
        category="Tables",
        labels={"table": name, "model": "{model}", "language": "{language}"},
    )
