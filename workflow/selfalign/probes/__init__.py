"""The probes stage: two-option statements, and what people answer to them."""
