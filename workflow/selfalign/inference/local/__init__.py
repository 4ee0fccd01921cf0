"""Inference with models that run on this machine: step `infer`."""
