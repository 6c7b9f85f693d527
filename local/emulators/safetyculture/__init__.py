"""An emulated SafetyCulture API: the assets feed as the contract sheet describes it, with scripted faults."""
