"""The pipeline: the straight line from a folder of data to a signed ledger, and what is asked of a scan afterwards."""
