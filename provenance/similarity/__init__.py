"""Similarity: when two texts are the same or nearly so, how such pairs are found, and what they are evidence of."""
