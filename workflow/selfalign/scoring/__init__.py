"""The scoring stage: from answers to estimates with intervals."""
