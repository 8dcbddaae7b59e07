"""Proofs: one piece of a ledger with everything that it takes to believe it."""
