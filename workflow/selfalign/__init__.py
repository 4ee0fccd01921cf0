"""Whose values does a language model hold, and can survey answers in the prompt move them?"""

__version__ = "0.1.0"
