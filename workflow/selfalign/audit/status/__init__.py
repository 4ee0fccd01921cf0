"""The command `status`: `progress` reads how far each job is, `status` writes it as text."""
