"""The changes from one export of a feed to a later one, by key, in memory that does not grow with the files."""
