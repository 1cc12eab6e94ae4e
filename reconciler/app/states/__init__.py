"""States from anywhere: a folder, a commit of git, a snapshot, a chain, a live database."""
