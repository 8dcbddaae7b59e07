r"""Patterns of files, as manifests write them that state the licence of each file; the last that matches holds.

`*` is anything but '/', `**` anything, `?` one character, and `\` takes what follows it as it stands.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from provenance.core.model import Claim

if TYPE_CHECKING:
    from collections.abc import Sequence

_TOKEN = re.compile(r"\\(.)|(\*\*)|(\*)|(\?)|(.)", re.DOTALL)

_FOLDER = re.compile(r"(?:[^*?\\]+/)?\*\*")


class FileLicence(NamedTuple):
    """A licence of some files.

    Args:
        licence: as stated.
        patterns: of the files, from a manifest's home.
        pointer: where it stands.
    """

    licence: str
    patterns: tuple[str, ...]
    pointer: str


def make_claims(stated: Sequence[FileLicence], home: str, witness: str) -> list[Claim]:
    """Make claims of what is stated of files, in order.

    Args:
        stated: in the order of the manifest.
        home: the folder from which files are named, with a closing '/', './' for the root.
        witness: the format of the manifest.

    Returns:
        Claims `licence`. What covers a whole folder has it as its scope, where nothing before it names some of its
        files; else the scope is a pattern. What stands before a statement of everything holds for nothing.
    """
    everything = [i for i, each in enumerate(stated) if "**" in each.patterns]
    claims = []
    earlier: list[str] = []
    for each in stated[everything[-1] if everything else 0 :]:
        for pattern in each.patterns:
            below = pattern.removesuffix("**")
            whole = bool(_FOLDER.fullmatch(pattern))
            if whole and all(_is_apart(one, below) for one in earlier):
                scope = home if not below else home.removeprefix("./") + below
            else:
                scope = home.removeprefix("./") + pattern
            claims.append(Claim("licence", each.licence, scope, witness, each.pointer, "any"))
        earlier += each.patterns
    return claims


def _is_apart(earlier: str, folder: str) -> bool:
    """Tell whether a nearer scope decides between an earlier pattern and a folder as the later one would."""
    literal = re.split(r"[*?\\]", earlier, maxsplit=1)[0]
    around = earlier == f"{literal}**" and folder.startswith(literal)
    return around or not (literal.startswith(folder) or folder.startswith(literal))


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """Compile a pattern, which matches whole paths.

    Args:
        pattern: relative to the scan root.
    """

    def part(match: re.Match[str]) -> str:
        literal, deep, flat, one, plain = match.groups()
        return ".*" if deep else "[^/]*" if flat else "." if one else re.escape(literal or plain)

    return re.compile(_TOKEN.sub(part, pattern) + r"\Z", re.DOTALL)
