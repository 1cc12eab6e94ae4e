"""Checks without a plan: validating the declared state, and second opinions about a database."""
