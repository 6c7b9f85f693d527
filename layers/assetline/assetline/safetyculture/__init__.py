"""SafetyCulture data feeds: from HTTP pages to records."""
