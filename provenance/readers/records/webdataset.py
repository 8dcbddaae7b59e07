"""WebDataset: a tar whose members of one name are parts of one sample. A record is a sample.

The parts that are text (`txt`, `json`, `cls`, captions, ...) are read as one object of JSON: the members of the `json`
part stand in it as they are, each other part under its ending. Images, sounds and arrays are counted and skipped.
Source: webdataset/webdataset, "The WebDataset Format": what stands before the first dot of a name is the sample's key.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import NamedTuple

_BLOCK = 512  # bytes of a header of tar
HEAD_BYTES = 1 << 20
"""Bytes that tell whether a tar is one of samples."""

_TEXTS = {"txt": "text", "text": "text", "transcript": "transcript", "caption": "caption", "cls": "class", "id": "id"}
_OBJECTS = frozenset({"json", "jsn"})
_MEDIA = frozenset(
    {
        "avi", "bin", "bmp", "cbor", "cls2", "flac", "gif", "index", "inx", "jpeg", "jpg", "m4a", "mkv", "mp", "mp3",
        "mp4", "msg", "npy", "npz", "ogg", "opus", "pbm", "pgm", "pickle", "pkl", "png", "pnm", "ppm", "pt", "pth",
        "pyd", "seg", "tb", "ten", "tif", "tiff", "wav", "webm", "webp", "xml",
    }
)  # fmt: skip
_FEWEST = 2


class SampleName(NamedTuple):
    """The name of a part.

    Args:
        key: of its sample.
        ending: what kind of part it is.
    """

    key: str
    ending: str


def parse_name(path: str) -> SampleName:
    """Part the name of a member into its sample's key and its ending.

    Args:
        path: as in the archive.
    """
    folder, slash, name = path.rpartition("/")
    stem, _, ending = name.partition(".")
    return SampleName(folder + slash + stem, ending.lower())


def holds_samples(head: bytes) -> bool:
    """Tell whether a tar is one of samples: its members come in runs of one key, each of the same endings.

    Args:
        head: its first bytes.
    """
    names = [parse_name(name) for name in _list_names(head)]
    runs: dict[str, list[str]] = {}
    last = None
    for key, ending in names:
        if key in runs and key != last:
            return False  # a sample's parts follow each other
        runs.setdefault(key, []).append(ending)
        last = key
    if len(runs) > _FEWEST:
        runs.popitem()  # it may be cut
    kinds = {tuple(sorted(endings)) for endings in runs.values()}
    known = all(is_part(ending) for endings in kinds for ending in endings)
    parts = {ending for endings in kinds for ending in endings}
    texts = any(ending in _TEXTS or ending in _OBJECTS for ending in parts)
    several = sum(len(endings) > 1 for endings in runs.values())
    return (
        known and texts and len(runs) >= _FEWEST and 10 * several >= 9 * len(runs) and 2 * len(kinds) <= len(runs) + 1
    )


def is_part(ending: str) -> bool:
    """Tell whether a member with this ending is part of a sample."""
    last = ending.rsplit(".", 1)[-1]
    return last in _TEXTS or last in _OBJECTS or last in _MEDIA


def is_text(ending: str) -> bool:
    """Tell whether a part is text."""
    last = ending.rsplit(".", 1)[-1]
    return last in _TEXTS or last in _OBJECTS


def _list_names(head: bytes) -> list[str]:
    """List the files whose headers stand in the first bytes of a tar."""
    names, at = [], 0
    while at + _BLOCK <= len(head) and head[at]:
        header = head[at : at + _BLOCK]
        digits = header[124:136].strip(b" \0")
        if not digits or not digits.isdigit():
            break
        if header[156:157] in (b"0", b"\0"):
            folder = header[345:500].split(b"\0", 1)[0] if header[257:262] == b"ustar" else b""
            name = header[:100].split(b"\0", 1)[0]
            names.append((folder + b"/" + name if folder else name).decode("utf-8", "replace"))
        elif header[156:157] not in (b"5", b"x", b"g", b"L"):
            return []
        at += _BLOCK + -(-int(digits, 8) // _BLOCK) * _BLOCK
    return names


@dataclass(slots=True)
class SampleLines:
    """Samples as lines of JSON, while their parts go by."""

    key: str | None = None
    parts: dict[str, str] = field(default_factory=dict)
    lines: list[bytes] = field(default_factory=list)
    size: int = 0

    def begin(self, key: str) -> None:
        """Begin a sample, if this is not the one that is being made.

        Args:
            key: of the sample.
        """
        if key != self.key:
            self.end()
            self.key = key

    def add(self, ending: str, content: bytes) -> None:
        """Add a part that is text; one that is broken makes its sample unreadable.

        Args:
            ending: of its name.
            content: its bytes.
        """
        last = ending.rsplit(".", 1)[-1]
        if last in _OBJECTS:
            text = content.decode("utf-8", "surrogateescape").strip()
            self.parts["instances"] = text.replace("\n", " ").replace("\r", " ") or "null"
        else:
            name = ending if "." in ending else _TEXTS[last]
            self.parts[name] = json.dumps(content.decode("utf-8", "surrogateescape"), ensure_ascii=False)

    def end(self) -> None:
        """End the sample that is being made."""
        if self.parts:
            inside = ",".join(f"{json.dumps(name)}:{value}" for name, value in self.parts.items())
            line = b"{" + inside.encode("utf-8", "surrogateescape") + b"}\n"
            self.lines.append(line)
            self.size += len(line)
        self.parts = {}

    def take(self) -> bytes:
        """Return the lines made so far, and let go of them."""
        data, self.lines, self.size = b"".join(self.lines), [], 0
        return data
