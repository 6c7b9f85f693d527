"""Deletes a dataset's assets: by ID, or by query with an expected count."""
