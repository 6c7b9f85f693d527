"""An emulated SafetyCulture API: the feeds as the contract sheet describes them, with scripted faults."""
