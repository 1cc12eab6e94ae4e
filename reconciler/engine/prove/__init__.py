"""Proving a plan on a clone that holds made-up rows."""
