"""Servers of this machine: the project's local server, and servers for scratch databases."""
