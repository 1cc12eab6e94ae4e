"""Applying plans to a target, and the status of that target."""
