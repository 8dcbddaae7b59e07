"""Licences: names into expressions, texts into names, terms per purpose, and what a copy's licence loses."""
