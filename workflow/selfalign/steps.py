"""The steps of the workflow: a step's rule, subcommand, module, log and benchmark share its name."""

from pathlib import Path


def _list_modules(stage: str, pattern: str) -> dict[str, str]:
    """The modules of a stage whose name is enough to be a step: an adapter of a survey's form, a figure."""
    files = sorted((Path(__file__).parent / stage).glob(pattern))
    return {file.stem: f"selfalign.{stage}.{file.stem}" for file in files}


STEPS: dict[str, str] = {
    "fetch_survey": "selfalign.survey.fetch_survey",
    "simulate_survey": "selfalign.survey.simulate_survey",
    "split_questions": "selfalign.survey.split_questions",
    **_list_modules("survey", "parse_*.py"),
    "weigh_answers": "selfalign.survey.weigh_answers",
    "describe_survey": "selfalign.survey.describe_survey",
    "read_groups": "selfalign.survey.read_groups",
    "adopt_arora_bank": "selfalign.probes.adopt_arora_bank",
    "adopt_arora": "selfalign.probes.adopt_arora",
    "record_bank": "selfalign.probes.record_bank",
    "select_probes": "selfalign.probes.select_probes",
    "form_groups": "selfalign.probes.form_groups",
    "draft_opinion_probes": "selfalign.probes.draft_opinion_probes",
    "take_opinion_probes": "selfalign.probes.take_opinion_probes",
    "join_people": "selfalign.probes.join_people",
    "join_texts": "selfalign.probes.join_texts",
    "map_poles": "selfalign.probes.map_poles",
    "resample_people": "selfalign.probes.resample_people",
    "map_scales": "selfalign.probes.map_scales",
    "measure_similarity": "selfalign.demonstrations.measure_similarity",
    "rank_demonstrations": "selfalign.demonstrations.rank_demonstrations",
    "design_prompts": "selfalign.prompts.design_prompts",
    "describe_demonstrations": "selfalign.prompts.describe_demonstrations",
    "fetch_model": "selfalign.models.fetch_model",
    "convert_model": "selfalign.models.convert_model",
    "infer": "selfalign.inference.local.infer",
    "ask": "selfalign.inference.endpoint.ask",
    "score_answers": "selfalign.scoring.score_answers",
    "score_scales": "selfalign.scoring.score_scales",
    "score_stated": "selfalign.scoring.score_stated",
    "score_readers": "selfalign.scoring.score_readers",
    "compare_readouts": "selfalign.scoring.compare_readouts",
    "compare_replies": "selfalign.scoring.compare_replies",
    "estimate_agreement": "selfalign.scoring.estimate_agreement",
    "estimate_contrasts": "selfalign.scoring.estimate_contrasts",
    "estimate_transfer": "selfalign.scoring.estimate_transfer",
    "estimate_languages": "selfalign.scoring.estimate_languages",
    "estimate_categories": "selfalign.scoring.estimate_categories",
    "estimate_kinds": "selfalign.scoring.estimate_kinds",
    "estimate_readouts": "selfalign.scoring.estimate_readouts",
    "rank_countries": "selfalign.scoring.rank_countries",
    "estimate_groups": "selfalign.scoring.estimate_groups",
    "estimate_readers": "selfalign.scoring.estimate_readers",
    "estimate_alternatives": "selfalign.scoring.estimate_alternatives",
    "estimate_specifications": "selfalign.scoring.estimate_specifications",
    "compute_metrics": "selfalign.scoring.compute_metrics",
    "estimate_worth": "selfalign.scoring.estimate_worth",
    "choose_intervals": "selfalign.scoring.choose_intervals",
    "estimate_map": "selfalign.scoring.estimate_map",
    "fit_mixed": "selfalign.scoring.fit_mixed",
    **_list_modules("figures", "plot_*.py"),
    "typeset_tables": "selfalign.figures.typeset_tables",
    "explore": "selfalign.audit.explore",
    "record_run": "selfalign.audit.record_run",
    "record_outputs": "selfalign.audit.record_outputs",
    "start_survey": "selfalign.survey.start_survey",
    "plan": "selfalign.plan.plan",
    "status": "selfalign.audit.status.status",
    "trace": "selfalign.audit.trace.trace",
    "compare": "selfalign.audit.compare.compare",
    "verify": "selfalign.audit.verify.verify",
    "ledger": "selfalign.ledger.ledger",
}

BY_HAND = {"start_survey", "plan", "status", "trace", "compare", "verify", "ledger"}
"""Commands that people run, and no rule. `selfalign --help` lists them first, in the order of `STEPS`."""
