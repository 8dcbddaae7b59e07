"""The log: reading entries, and appending them."""
