"""An emulated SafetyCulture API: the feeds of docs/contracts/safetyculture-feeds.md, with scripted faults."""
