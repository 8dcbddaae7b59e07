"""What a file's bytes are: content first, its suffix only where content leaves a choice."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from provenance.readers.records import csv, json

HEAD = 1 << 16
"""Bytes that `sniff` looks at."""

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bz2"),
    (b"\xfd7zXZ\0", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"PK\3\4", "zip"),
    (b"PK\5\6", "zip"),
    (b"PAR1", "parquet"),
    (b"ARROW1\0\0", "arrow"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\7", "rar"),
    (b"%PDF-", "pdf"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"OggS", "ogg"),
    (b"fLaC", "flac"),
    (b"ID3", "mp3"),
    (b"\x89HDF\r\n\x1a\n", "hdf5"),
    (b"\x93NUMPY", "numpy"),
    (b"SQLite format 3\0", "sqlite"),
    (b"Obj\1", "avro"),
    (b"ORC", "orc"),
    (b"\x7fELF", "executable"),
    (b"\0asm", "executable"),
    (b"WARC/", "warc"),
)
_SUFFIXES = {"yaml": "yaml", "yml": "yaml", "csv": "csv", "tsv": "csv", "tab": "csv", "psv": "csv"}
_LINES = ("jsonl", "ndjson", "jsonlines")
_JSON = ("json", *_LINES, "geojson", "ipynb")
_PICKLE = re.compile(rb"\x80[\2-\5](?:\x95.{8})?[\x00-\xff]", re.DOTALL)  # PROTO, and FRAME from protocol 4 on
_MARKUP = re.compile(rb"\s*<(\?xml|!doctype\s+html|html\b|!doctype\b|!--|[a-z][\w:.-]*[\s/>])", re.IGNORECASE)


_CONTROLS = bytes(code for code in range(1, 32) if code not in (7, 8, 9, 10, 11, 12, 13, 27))


def suffix(path: str) -> str:
    """Return the last suffix of a path, in lower case and without its dot."""
    name = path.rsplit("/", 1)[-1]
    if name in {"", "."}:
        name = PurePosixPath(path).name
    stem, dot, ending = name.rpartition(".")
    return ending.lower() if dot and stem and ending else ""


def sniff(head: bytes, path: str) -> str:
    """Name the format of a file.

    Args:
        head: its first bytes, 64 KiB or all.
        path: its name, for where its bytes leave a choice (a table or prose, YAML or prose, broken JSON or prose).

    Returns:
        empty | jsonl | json | csv | text | parquet, a codec or archive (storage.CODECS, storage.ARCHIVES), or the name
        of a format that no reader knows yet; `unknown` for other binary data. A pickle is named, never opened.
    """
    if not head:
        return "empty"
    return _binary(head, path) or _textual(head, path)


def _binary(head: bytes, path: str) -> str | None:
    for magic, name in _MAGIC:
        if head.startswith(magic) and (name not in ("bz2", "mp3", "orc") or b"\0" in head or not head.isascii()):
            return name
    if head[257:262] == b"ustar" or _is_tar(head):
        return "tar"
    if head[:4] == b"RIFF" and len(head) >= 12:
        return {b"WAVE": "wav", b"WEBP": "webp", b"AVI ": "avi"}.get(head[8:12], "riff")
    if head[4:8] == b"ftyp":
        return "mp4"
    if _PICKLE.match(head):
        return "pickle"
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return None
    # A NUL byte in text is one bad record; many of them, or one in what does not look like text, are another format.
    zeros = head.count(0)
    likely = head.lstrip()[:1] in (b"{", b"[") or suffix(path) in (*_JSON, "csv", "tsv", "txt")
    controls = len(head) - len(head.translate(None, _CONTROLS))
    return "unknown" if (zeros and (zeros * 50 > len(head) or not likely)) or controls * 10 > len(head) else None


def _is_tar(head: bytes) -> bool:
    """Check the sum of a header from before ustar (a sum of all bytes, its own field as spaces)."""
    if len(head) < 512 or not head[0]:
        return False
    field = head[148:156].strip(b" \0")
    if not field or not all(48 <= digit < 56 for digit in field):
        return False
    return int(field, 8) == sum(head[:148]) + 256 + sum(head[156:512])


def _textual(head: bytes, path: str) -> str:
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        head = head[: len(head) // 2 * 2].decode("utf-16", "replace").encode()
    body = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    given = suffix(path)
    if not body:
        return "text"
    if body[:1] in (b"{", b"[") and (given in _JSON or json.begins(body)):
        return "jsonl" if json.by_lines(body) or (given in _LINES and body[:1] == b"{") else "json"
    if given in _LINES:
        return "jsonl"
    if markup := _MARKUP.match(body):
        tag = markup[1].lower()
        if tag.startswith((b"!doctype html", b"html")):
            return "html"
        if tag == b"?xml" or given in ("xml", "html", "htm", "xhtml", "svg"):
            return "html" if given in ("html", "htm") else "xml"
    if given in _SUFFIXES:
        return _SUFFIXES[given]
    return "csv" if _is_table(head) else "text"


_SAMPLE = 32  # lines: every one of them must be as wide as the first


def _is_table(head: bytes) -> bool:
    """Say whether text without a telling suffix is a table beyond doubt: prose has commas too."""
    guess = csv.guess(b"\n".join(head.split(b"\n", _SAMPLE)[:_SAMPLE]))
    return (
        guess is not None
        and guess.share == 1.0
        and guess.width >= (2 if guess.delimiter == "\t" else 4)
        and guess.rows >= 5
    )
