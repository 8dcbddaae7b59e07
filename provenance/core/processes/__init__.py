"""Processes: how ours are started and ended, what they may take, and what they do without."""
