"""The local stack: what stands in for AWS and for the two APIs on a developer's machine."""
