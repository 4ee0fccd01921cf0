"""The steps of the workflow: a step's rule, subcommand, module, log and benchmark share its name."""

STEPS: dict[str, str] = {
    "simulate_survey": "selfalign.survey.simulate_survey",
    "parse_wvs7": "selfalign.survey.parse_wvs7",
    "parse_trends": "selfalign.survey.parse_trends",
    "parse_shares": "selfalign.survey.parse_shares",
    "weigh_answers": "selfalign.survey.weigh_answers",
    "describe_survey": "selfalign.survey.describe_survey",
    "map_poles": "selfalign.probes.map_poles",
    "rank_demonstrations": "selfalign.demonstrations.rank_demonstrations",
    "design_prompts": "selfalign.prompts.design_prompts",
    "fetch_model": "selfalign.models.fetch_model",
    "convert_model": "selfalign.models.convert_model",
    "infer": "selfalign.inference.infer",
    "score_answers": "selfalign.scoring.score_answers",
    "estimate_agreement": "selfalign.scoring.estimate_agreement",
    "estimate_contrasts": "selfalign.scoring.estimate_contrasts",
    "plot_agreement": "selfalign.figures.plot_agreement",
    "plot_margin": "selfalign.figures.plot_margin",
    "plot_calibration": "selfalign.figures.plot_calibration",
    "trace": "selfalign.audit.trace",
}
