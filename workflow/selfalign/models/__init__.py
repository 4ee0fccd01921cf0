"""The models stage: weights from a hub, a package or a folder, as safetensors."""
