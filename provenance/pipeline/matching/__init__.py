"""Matching: from what was read to matches and overlaps, planned here and run by workers."""
