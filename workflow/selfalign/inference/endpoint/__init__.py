"""Inference with models behind an OpenAI-compatible endpoint: step `ask`."""
