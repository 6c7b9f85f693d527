"""The Datature Vi API: what is sent, what comes back, and nothing about AWS."""
