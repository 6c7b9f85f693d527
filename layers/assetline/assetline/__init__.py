"""Assetline: assets moved on AWS, with nothing to keep running.

Packages are stages of the flow: `feed` turns HTTP pages into records, `table` turns records into bytes,
`export` turns pages into the parts of one S3 object.
"""
