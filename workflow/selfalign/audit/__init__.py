"""The audit stage: the way back from a number to its prompt and survey rows."""
