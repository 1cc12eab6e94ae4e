"""Carrying out a plan: apply, journal, lease, lock watch, and recovery of interrupted runs."""
