"""Downloads a dataset's assets to S3: lists, fetches in slices, verifies, reports."""
