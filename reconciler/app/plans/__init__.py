"""Saved plans: their files, and how far along its chain a database is."""
