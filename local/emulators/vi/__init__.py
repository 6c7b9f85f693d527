"""The Datature Vi API, emulated on loopback, and whatever can be wrong with it."""
