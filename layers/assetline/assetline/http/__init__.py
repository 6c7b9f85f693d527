"""HTTP building blocks: pooled connections, response parsing, decompression, retry pauses."""
