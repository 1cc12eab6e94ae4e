"""YAML text in and out: reading with positions, validation errors, writing, merging into a person's file."""
