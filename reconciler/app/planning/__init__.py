"""Planning against a live database: comparison, its cache, the incremental path, and proof."""
