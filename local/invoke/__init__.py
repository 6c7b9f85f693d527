"""Functions of the template, each invoked with the payloads of `events/`: by `sam local`, or without an engine."""
