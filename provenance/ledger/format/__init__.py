"""Formats: the bytes of entries, checkpoints, signatures and tables."""
