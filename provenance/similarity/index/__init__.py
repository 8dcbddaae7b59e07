"""Indexes: texts to look for, and samples of sources, as hashes without a word of text."""
