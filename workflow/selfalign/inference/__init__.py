"""The inference stage: answers of models to all distinct prompts. Modules here serve both kinds of models."""
