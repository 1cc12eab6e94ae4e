"""A PostgreSQL schema reconciler: schema as YAML in git, a reviewed plan, and its application."""

from __future__ import annotations

__version__ = "0.1.0"
