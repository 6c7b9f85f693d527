"""The measurements of `make bench`: ratios and counts, each from one run, so that machines may differ."""
