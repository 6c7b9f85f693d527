"""The commands for Vi datasets."""
