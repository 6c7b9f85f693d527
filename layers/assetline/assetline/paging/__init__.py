"""Readers of paged sources: pages in order, cursor checks, page size."""
