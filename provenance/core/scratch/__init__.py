"""Scratch: what does not fit into memory lies in files of a folder that goes when its owner does."""
