"""Emulators of the APIs that Assetline calls, with scripted faults."""
