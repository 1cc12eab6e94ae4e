"""Comparing two catalogs: the difference, and what follows from a change for everything around it."""
