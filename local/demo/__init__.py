"""The demo: export, ingest and download on a local stack of its own."""
