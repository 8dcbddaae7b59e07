"""Text: when two texts are the same, and the shingles by which they are compared."""
