"""Verification: the steps, and what they answer."""
