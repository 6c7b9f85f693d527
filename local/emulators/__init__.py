"""Emulators of the APIs that Assetline talks to, with scripted faults."""
