"""The commands: one file each, with `register` for the application."""
