"""Elaboration: PostgreSQL itself says on a scratch server what the YAML means."""
