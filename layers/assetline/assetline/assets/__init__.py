"""The assets of a Vi dataset: pages, rows, conditions, selection, file names."""
