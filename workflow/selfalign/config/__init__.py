"""The config: its models, checks and defaults, and the names, files and targets that follow from it.

Nothing else reads the config, except the commands for a whole run (`plan`, `status`, `trace`, `compare`, `verify`).
A step gets the settings that it needs as options.
"""
