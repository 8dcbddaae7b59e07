"""Differences: two ledgers compared, and the comparison rendered."""
