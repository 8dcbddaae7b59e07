"""A source has thirteen records."""

from provenance.core.model import CheckSpec, Finding


def find(sources):
    """Find sources of thirteen records."""
    for row in sources.to_pylist():
        if row["records"] == 13:
            yield Finding(check="source-unlucky", source=row["source"], message="It has 13 records.", limits="None.")


CHECK = CheckSpec("source-unlucky", find)
