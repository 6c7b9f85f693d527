"""SafetyCulture data feeds: HTTP pages in, records out."""
