"""The corpus of other people's schemas as a test of everything: load, pull, plan, apply, compare."""
