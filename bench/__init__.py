"""How fast and how big: this project beside pg_dump, and beside its peers, on the same databases."""
