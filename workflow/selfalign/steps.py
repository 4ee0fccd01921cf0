"""The steps of the workflow: a step's rule, subcommand, module, log and benchmark share its name."""

STEPS: dict[str, str] = {
    "fetch_survey": "selfalign.survey.fetch_survey",
    "simulate_survey": "selfalign.survey.simulate_survey",
    "parse_wvs7": "selfalign.survey.parse_wvs7",
    "parse_trends": "selfalign.survey.parse_trends",
    "parse_shares": "selfalign.survey.parse_shares",
    "parse_opinions": "selfalign.survey.parse_opinions",
    "weigh_answers": "selfalign.survey.weigh_answers",
    "describe_survey": "selfalign.survey.describe_survey",
    "adopt_arora_bank": "selfalign.probes.adopt_arora_bank",
    "adopt_arora": "selfalign.probes.adopt_arora",
    "map_poles": "selfalign.probes.map_poles",
    "map_scales": "selfalign.probes.map_scales",
    "measure_similarity": "selfalign.demonstrations.measure_similarity",
    "rank_demonstrations": "selfalign.demonstrations.rank_demonstrations",
    "design_prompts": "selfalign.prompts.design_prompts",
    "describe_demonstrations": "selfalign.prompts.describe_demonstrations",
    "fetch_model": "selfalign.models.fetch_model",
    "convert_model": "selfalign.models.convert_model",
    "infer": "selfalign.inference.infer",
    "ask": "selfalign.inference.ask",
    "score_answers": "selfalign.scoring.score_answers",
    "score_scales": "selfalign.scoring.score_scales",
    "compare_readouts": "selfalign.scoring.compare_readouts",
    "estimate_agreement": "selfalign.scoring.estimate_agreement",
    "estimate_contrasts": "selfalign.scoring.estimate_contrasts",
    "compute_metrics": "selfalign.scoring.compute_metrics",
    "plot_agreement": "selfalign.figures.plot_agreement",
    "plot_margin": "selfalign.figures.plot_margin",
    "plot_calibration": "selfalign.figures.plot_calibration",
    "trace": "selfalign.audit.trace",
    "ledger": "selfalign.audit.ledger",
}

BY_HAND = {"trace", "ledger"}
"""Commands that a person runs, and no rule."""
