"""The changes from one export of a feed to a later one, by key, in bounded memory."""
