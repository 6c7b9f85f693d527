"""The local stack: a local AWS, and emulators of the two APIs, on a developer's machine."""
