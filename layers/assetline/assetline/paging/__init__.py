"""Reading of any paged source: pages in order, cursor checks, page size."""
