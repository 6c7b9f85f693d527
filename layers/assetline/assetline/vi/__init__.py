"""The Datature Vi API: requests and responses, independent of AWS."""
