"""What a format of manifests declares of itself: how it is recognised, who reads it, and how far its word goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import re
    from collections.abc import Callable

    from provenance.core.model import Claim


@dataclass(frozen=True, slots=True)
class ManifestFormat:
    """A format of manifests, licences or documents.

    A file is recognised by the first of these that says so, over all formats in the order of the registry: `names`,
    `sniff`, `guess`. What nothing recognises is no manifest.

    Args:
        name: as PATHS.kind names it.
        read: makes claims of a path, its bytes and the format's name, `read(path, data, format)`; None = such a file is
            recognised, so that it is never taken for data, and nobody reads it yet.
        names: what such a file is called, the whole name without its folder.
        suffixes: endings of names, in lower case and without the dot, of which the first bytes are looked at; `sniff`
            and `guess` are asked about these alone, or about every file where there are none.
        sniff: tells by path and first bytes whether a file is of this format beyond doubt.
        guess: the same where a format with `sniff` comes first.
        contradicts: tells by first bytes and size that a file is none of this format, whatever recognised it; None = it
            is none where it has the form of records.
        role: the role of such a file, as in PATHS.
        prose: it is a text for people, which may be a text of a corpus as well.
        list_of_nodes: its JSON may be a list, as JSON-LD is.
        inline: in which form it may hold records itself, in a list that is no part of it.
        witness: as CLAIMS.witness names it; None = by the format's name.
        subject: what it speaks of where it does not say so, as in CLAIMS.
        own: it is written for this program by whoever has the data: it declares sources by id, comes before others, and
            at the root it may say how files are read.
        names_members: it names files, and its word on one of them counts beside that of the manifest of its source.
        entry_depth: parts of a pointer that name one of its sources; 0 = it describes one.
        headings: its headings may name the folder or file that a statement covers.
        opens_unread: it opens a source even where it cannot be read: what stands above must not speak for its data.
        inside_archives: it is read inside archives too: it speaks of what stands beside it and overrides nothing.
        opaque: its name decides: whatever its bytes are, it holds no records.
        patterns: its scopes may be patterns of files, as of `file_patterns`, of which the last that matches holds.
        read_unread: makes claims of a path and bytes where `read` refuses them, of what can be read all the same.
    """

    name: str
    read: Callable[[str, bytes, str], list[Claim]] | None = None
    names: re.Pattern[str] | None = None
    suffixes: tuple[str, ...] = ()
    sniff: Callable[[str, bytes], bool] | None = None
    guess: Callable[[str, bytes], bool] | None = None
    contradicts: Callable[[bytes, int], bool] | None = None
    role: Literal["manifest", "licence", "documentation"] = "manifest"
    prose: bool = False
    list_of_nodes: bool = False
    inline: tuple[Literal["rows", "items", "text"], ...] = ()
    witness: str | None = None
    subject: str = "any"
    own: bool = False
    names_members: bool = False
    entry_depth: int = 0
    headings: bool = False
    opens_unread: bool = False
    inside_archives: bool = False
    opaque: bool = False
    patterns: bool = False
    read_unread: Callable[[str, bytes, str], list[Claim]] | None = None


def file_name(path: str) -> str:
    """Return the last part of a path, in lower case."""
    return path.rsplit("/", 1)[-1].lower()
