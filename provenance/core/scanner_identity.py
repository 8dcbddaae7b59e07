"""This program, as entries name it: name, version, and the digest of its own files."""

from __future__ import annotations

from functools import cache
from typing import Any

VERSION = "0.1.0"


def describe_scanner() -> dict[str, Any]:
    """Return what an entry says of the program that wrote it."""
    return {
        "name": "pkg:pypi/provenance-auditor",
        "version": VERSION,
        "digest": {"sha256": digest_program()},
    }


@cache
def digest_program() -> str:
    """Return the SHA-256 of the program's own files, names and bytes: a patched scanner is another scanner."""
    from provenance.core.digests import canonical, sha256
    from provenance.core.package_data import DATA_FOLDER

    home = DATA_FOLDER.parent
    files = sorted(path for path in home.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    listed = [[path.relative_to(home).as_posix(), sha256(path.read_bytes())] for path in files]
    return sha256(canonical(listed))
