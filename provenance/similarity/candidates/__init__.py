"""Candidates: which distinct texts may be near or contained, and which of them are."""
