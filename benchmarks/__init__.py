"""What `make bench` measures: ratios and counts, each from one run, so that machines need not be alike."""
