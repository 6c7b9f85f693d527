"""Deletion of a dataset's assets: by ID or by query, checked against an expected count."""
