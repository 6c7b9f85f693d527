"""The terminal: output, tables, number formats, prompts and progress bars."""
