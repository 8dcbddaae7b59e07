"""`python -m provenance`."""
