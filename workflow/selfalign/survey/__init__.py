"""The survey stage: from a survey file to weighted answer distributions."""
