"""Reference material that is generated from the kinds: the JSON Schema and docs/kinds.md."""
