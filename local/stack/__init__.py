"""The local stack: start, deploy, inspect and stop a local AWS with both emulators."""
