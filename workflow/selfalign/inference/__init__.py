"""The inference stage: log-probabilities of the options of each distinct prompt."""
