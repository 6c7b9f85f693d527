"""The commands for the assets of a Vi dataset."""
