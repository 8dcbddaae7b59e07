r"""How a path of the file system is written as text, and back: no two paths look alike, and none like a member.

    bytes that are no UTF-8     \xff                  a/caf\xe9.txt
    a control or bidi character its bytes             new\x0aline
    `\` before `xNN`            \x5c                  lit\x5cxff
    `!` that ends a folder      \x21                  bang\x21/x, as `!/` leads into an archive: a.zip!/x

Everything else is written as it is: what is composed and what is decomposed (NFC, NFD) stay two names. An entry binds
the version of the naming that it was written with; where it binds none, that is `FIRST_VERSION`.
"""

from __future__ import annotations

import os
import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

LOSSY_VERSION = "v0"
"""Of files that a derivation or filter run made, before there was one naming: bytes that are no UTF-8, and the letters
that stand for them, look alike."""

FIRST_VERSION = "v1"
"""Of scans that name no version: control and bidi characters are written as they are."""

CURRENT_VERSION = "v2"
"""What is written now."""

VERSIONS = (LOSSY_VERSION, FIRST_VERSION, CURRENT_VERSION)

INTO_ARCHIVE = "!/"
"""What stands between an archive and its member; no path on disk holds it."""

# Cc, the characters of Bidi_Control (UAX 9), and what some tools take for the end of a line.
_CONTROLS = "\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
_ESCAPED = re.compile(rb"\\x([0-9a-f]{2})")
_PATTERNS = {
    LOSSY_VERSION: re.compile(r"[\udc80-\udcff]"),
    FIRST_VERSION: re.compile(r"\\(?=x[0-9a-f]{2})|!(?=/)|[\udc80-\udcff]"),
    CURRENT_VERSION: re.compile(rf"\\(?=x[0-9a-f]{{2}})|!(?=/)|[{_CONTROLS}\udc80-\udcff]"),
}


def path_to_text(path: bytes, version: str = CURRENT_VERSION) -> str:
    """Return how a path stands in tables.

    Args:
        path: as the file system has it, '/' between parts.
        version: one of VERSIONS.
    """
    return _PATTERNS[version].sub(_escape, path.decode("utf-8", "surrogateescape"))


def text_to_path(text: str) -> bytes:
    """Return the bytes of a path that `path_to_text` wrote, in any version but LOSSY_VERSION.

    Args:
        text: the path as it stands in tables.
    """
    return _ESCAPED.sub(_unescape, text.encode()) if "\\" in text else text.encode()


def is_ambiguous(text: str) -> bool:
    """Tell whether a path in LOSSY_VERSION may be that of more than one file.

    Args:
        text: the path as it stands in a list.
    """
    return _ESCAPED.search(text.encode("utf-8", "replace")) is not None


def member_path(archive: str, name: str) -> str:
    """Return how a member of an archive stands in tables.

    Args:
        archive: its path in tables.
        name: as the archive has it, bytes that are no text as surrogates.
    """
    return f"{archive}{INTO_ARCHIVE}{member_name_to_text(name)}"


def member_name_to_text(name: str) -> str:
    """Return how the name of a member stands in tables.

    Args:
        name: as the archive has it, bytes that are no text as surrogates.
    """
    return path_to_text(name.encode("utf-8", "surrogateescape"))


def on_disk(path: str) -> str:
    """Return the path of a file on disk: of a member of an archive, that of the archive.

    Args:
        path: as it stands in tables.
    """
    return path.split(INTO_ARCHIVE, 1)[0]


def disk_location(folder: Path, path: str) -> bytes:
    """Return where a file of a table is on disk.

    Args:
        folder: the scan root.
        path: as it stands in tables.
    """
    return os.path.join(os.fsencode(folder), text_to_path(path))  # noqa: PTH118 - paths may be bytes that are no UTF-8


def find_matching_glob(path: str, globs: Iterable[str]) -> str | None:
    """Return the first glob that a path matches.

    Args:
        path: as it stands in tables.
        globs: `*` crosses '/'; `**/` at the head stands for any folders, or none; `x/` and `x/**` cover a folder and
            all below it, and `x` only what has that path: a glob that means a file covers no folder of its name.
    """
    return next((glob for glob in globs if _matches(path, glob)), None)


def _matches(path: str, glob: str) -> bool:
    heads = (glob, glob.removeprefix("**/")) if glob.startswith("**/") else (glob,)
    ends = tuple(f"{each}**" if each.endswith("/") else each for each in heads)
    return any(fnmatchcase(path, end) for end in ends)


def _escape(match: re.Match[str]) -> str:
    return "".join(f"\\x{byte:02x}" for byte in match[0].encode("utf-8", "surrogateescape"))


def _unescape(match: re.Match[bytes]) -> bytes:
    return bytes.fromhex(match[1].decode())
