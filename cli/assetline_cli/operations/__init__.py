"""The commands for operating a stack: status, logs, reports and the diagnosis."""
