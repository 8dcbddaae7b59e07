"""`provenance list` (a module must not be named `list`)."""

from __future__ import annotations

import itertools

import click

from provenance.cli import terminal

_LISTED_KINDS = ("checks", "profiles", "purposes", "formats")


@click.command(name="list")
@click.argument("kind", type=click.Choice(_LISTED_KINDS))
def command(kind: str) -> int:
    """List what there is of a kind, one a line."""
    from provenance import checks, profiles
    from provenance.core import model
    from provenance.readers import manifests, records, storage

    known = sorted(manifests.FORMATS)
    named: dict[str, dict[str, str]] = {
        "checks": checks.list_checks(),
        "profiles": profiles.list_profiles(),
        "purposes": dict.fromkeys(model.PURPOSES, ""),
        "formats": dict.fromkeys(sorted({*records.FORMATS, *storage.CONTAINERS}), "records")
        | dict.fromkeys(filter(manifests.is_read, known), "manifest")
        | dict.fromkeys(itertools.filterfalse(manifests.is_read, known), "manifest, recognised and not read yet"),
    }
    width = max(map(len, named[kind]))
    for name, about in named[kind].items():
        terminal.print_lines(f"{name:<{width}}  {about}".rstrip())
    return 0
