"""One feed into one object: pages in, parts out, a checkpoint between turns."""
