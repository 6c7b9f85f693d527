"""Drops in S3 become assets in Vi: gathered, claimed, uploaded, settled."""
