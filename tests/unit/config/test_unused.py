"""Arms, models and readouts that a config has and the run does not use."""

from configs import shipped
from selfalign.config.sections import Config
from selfalign.config.unused import find_unused


def test_own_arm_and_model_that_are_not_run_are_named() -> None:
    config = shipped()
    assert find_unused(Config.read(config)) == {}, "the shipped ones are there to choose from"
    config["arms"]["mine"] = config["arms"]["chrf"] | {"label": "Mine"}
    config["models"]["my-model"] = config["models"]["smollm2-135m"] | {"label": "My model"}
    assert find_unused(Config.read(config)) == {
        "mine": "the arm is defined, and no language of the run has it in its arms",
        "my-model": "the model is defined, and run.models does not name it",
    }
    config["scoring"]["readouts"]["wrods"] = "pmi"
    reason = "scoring.readouts has a readout for the frame, and prompts.frames does not name it"
    assert find_unused(Config.read(config))["wrods"] == reason
    config["prompts"]["frames"] = ["wrods"]
    config["languages"]["es"]["arms"] = ["mine"]
    config["run"]["models"] = ["my-model"]
    assert find_unused(Config.read(config)) == {}
