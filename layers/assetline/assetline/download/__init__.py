"""Download of a dataset's assets to S3: listed, fetched in slices, verified, reported."""
