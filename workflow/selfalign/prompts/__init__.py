"""The prompts stage: the cells of the experiment and the distinct prompts they need."""
