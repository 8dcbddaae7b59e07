"""Filings: documents that a person signs and hands in. One file a document, registered with the other reports."""
