"""The commands for feeds."""
