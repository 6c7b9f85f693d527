"""An emulated Datature Vi API on loopback, with scripted faults."""
