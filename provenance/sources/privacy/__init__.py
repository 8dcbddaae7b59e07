"""What a scan keeps of people and of secrets: neither, but for a table of contacts that can be withheld and erased.

`statements` of manifests, licence files and records pass one gate, `privacy.gate.Gate`, before they become CLAIMS: what
opens a door (`credentials`) is removed, personal data in text (`masking`) is replaced by its kind, people (`people`)
become a role and a keyed id (`identity`).
"""
