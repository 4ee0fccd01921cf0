"""The demonstrations stage: which probes to show before a test probe."""
