"""What a Vi dataset holds: listed, downloaded, compared and deleted."""
