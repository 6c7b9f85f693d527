"""The commands for exports: start, watch, list, stop, download and compare them."""
