"""The commands for drops: upload files to the drop bucket, wait for their ingestion, list and retry them."""
