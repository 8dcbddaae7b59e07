"""Keys: files, hardware, passwords, and which keys a verifier trusts."""
