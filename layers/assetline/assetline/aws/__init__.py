"""Access to AWS services that several use cases share."""
