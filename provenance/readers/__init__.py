"""Readers: from bytes to records, and from manifests to claims."""
