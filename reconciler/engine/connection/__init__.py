"""Connections to PostgreSQL: how they are opened, what its errors mean, and when to try again."""
