"""Which paths a scope covers: folders, the folders above them, and the names that a manifest gives its members."""

from __future__ import annotations

import fnmatch
import re
from bisect import bisect_left
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Claim = dict[str, Any]
"""One row of CLAIMS."""


def folder_of(path: str) -> str:
    """Return the folder of a path with its closing '/', './' at the root."""
    return path.rsplit("/", 1)[0] + "/" if "/" in path else "./"


def folders_above(folder: str) -> Iterator[str]:
    """Yield a folder and all above it, the nearest first, './' last.

    Args:
        folder: with a closing '/', './' for the root.
    """
    while folder != "./":
        yield folder
        folder = folder_of(folder.rstrip("/"))
    yield "./"


def depth_of(scope: str) -> int:
    """Return how many folders deep a scope is, 0 at the root."""
    return 0 if scope == "./" else scope.rstrip("/").count("/") + 1


def is_within(path: str, scope: str) -> bool:
    """Tell whether a scope covers a path.

    Args:
        path: relative to the scan root.
        scope: './' for all, a folder with a closing '/' for what is below it, else one path.
    """
    return scope in {"./", path} or (scope.endswith("/") and path.startswith(scope))


def resolved_path(claim: Claim) -> str:
    """Return the path that a claim's value names, relative to its manifest's folder."""
    return f"{folder_of(claim['manifest'])}{claim['value'].removeprefix('./')}".removeprefix("./")


def find_matching(pattern: str, paths: Sequence[str]) -> Sequence[str]:
    """Return the paths that a member of a manifest names: a file, a folder and all below it, or a glob.

    An archive that is not there stands for the folder of its name, into which it was unpacked.

    Args:
        pattern: relative to the scan root; `*` crosses '/'. A file of exactly this name comes before the glob.
        paths: sorted.
    """
    at = bisect_left(paths, pattern)
    if paths[at : at + 1] == [pattern]:
        return [pattern]
    below = _paths_starting(pattern.rstrip("/") + "/", paths)
    literal = re.split(r"[*?\[]", pattern, maxsplit=1)[0]
    if below or literal == pattern:
        unpacked = _ARCHIVE.sub("/", pattern)
        return below if below or unpacked == pattern else _paths_starting(unpacked, paths)
    glob = re.compile(fnmatch.translate(pattern))
    return [path for path in _paths_starting(literal, paths) if glob.match(path)]


_ARCHIVE = re.compile(r"\.(?:zip|tar|tgz|tar\.(?:gz|bz2|xz|zst))$")


def _paths_starting(prefix: str, paths: Sequence[str]) -> Sequence[str]:
    return paths[bisect_left(paths, prefix) : bisect_left(paths, prefix + "\U0010ffff")]
