"""Starting with an existing database: adopt, pull, and the histories of other migration tools."""
