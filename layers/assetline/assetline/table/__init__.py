"""Records into columns, and rows into bytes: pure functions, no I/O."""
