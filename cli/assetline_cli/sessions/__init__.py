"""The commands for ingestion sessions."""
