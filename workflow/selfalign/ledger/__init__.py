"""Ledgers: the recorded answers of models, in one SQLite file for each model and language."""
