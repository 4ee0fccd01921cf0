"""The steps of the workflow: a step's rule, subcommand, module, log and benchmark share its name."""

from pathlib import Path


def _steps(package: str, *names: str) -> dict[str, str]:
    """The modules of some steps of a package, by name of the step.

    A name with * stands for all modules that match it, so adapters of a survey's form and figures need no entry here.
    """
    folder = Path(__file__).parent / package
    steps: list[str] = []
    for name in names:
        steps += sorted(file.stem for file in folder.glob(f"{name}.py")) if "*" in name else [name]
    return {step: f"selfalign.{package}.{step}" for step in steps}


STEPS: dict[str, str] = {
    **_steps("survey", "fetch_survey", "simulate_survey", "split_questions", "parse_*"),
    **_steps("survey", "weigh_answers", "describe_survey", "read_groups"),
    **_steps("probes", "adopt_arora_bank", "adopt_arora", "record_bank", "select_probes", "form_groups"),
    **_steps("probes", "draft_opinion_probes", "take_opinion_probes", "join_people", "join_texts"),
    **_steps("probes", "map_poles", "resample_people", "map_scales"),
    **_steps("demonstrations", "measure_similarity", "rank_demonstrations"),
    **_steps("prompts", "design_prompts", "describe_demonstrations"),
    **_steps("models", "fetch_model", "convert_model"),
    **_steps("inference.local", "infer"),
    **_steps("inference.endpoint", "ask"),
    **_steps("scoring", "score_answers", "score_scales", "score_stated", "score_readers"),
    **_steps("scoring", "compare_readouts", "compare_replies"),
    **_steps("scoring", "estimate_agreement", "estimate_contrasts", "estimate_transfer", "estimate_languages"),
    **_steps("scoring", "estimate_categories", "estimate_kinds", "estimate_readouts", "rank_countries"),
    **_steps("scoring", "estimate_groups", "estimate_readers", "estimate_alternatives", "estimate_specifications"),
    **_steps("scoring", "compute_metrics", "estimate_worth", "choose_intervals", "estimate_map", "fit_mixed"),
    **_steps("figures", "plot_*", "typeset_tables"),
    **_steps("audit", "explore", "record_run", "record_outputs"),
    **_steps("survey", "start_survey"),
    **_steps("plan", "plan"),
    **_steps("audit.status", "status"),
    **_steps("audit.trace", "trace"),
    **_steps("audit.compare", "compare"),
    **_steps("audit.verify", "verify"),
    **_steps("ledger", "ledger"),
}
"""By name of the step, its module. The order is that of `selfalign --help`."""

BY_HAND = {"start_survey", "plan", "status", "trace", "compare", "verify", "ledger"}
"""Commands that people run, and no rule. `selfalign --help` lists them first, in the order of `STEPS`."""
