"""Trees: Merkle trees over entries, tables and content sets."""
