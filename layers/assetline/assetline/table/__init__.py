"""Records into columns and rows into bytes; pure, no I/O."""
