"""Witnesses and timestamps: what others attest of a log, and when."""
