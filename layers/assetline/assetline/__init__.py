"""Assetline: move assets on AWS, without a server.

Each package is a stage of the flow. `safetyculture` and `vi` read pages of records, `table` renders records as bytes,
and `export` writes the parts of one S3 object.
"""
