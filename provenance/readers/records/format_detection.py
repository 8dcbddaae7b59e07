"""What a file's bytes are: content first, its suffix only where content leaves a choice."""

from __future__ import annotations

import re
from functools import cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from provenance.readers.records.formats import FORMATS
from provenance.readers.records.record_format import FileHead
from provenance.readers.storage import transcoding
from provenance.readers.storage.formats import CODECS, CONTAINERS, Codec, ContainerFormat

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provenance.readers.records.record_format import RecordFormat

HEAD_BYTES = 1 << 16
"""Bytes that `detect_format` looks at."""

_UNREAD: tuple[tuple[bytes, str], ...] = (
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
    (b"Obj\1", "avro"),
    (b"\x7fELF", "executable"),
    (b"\0asm", "executable"),
)
"""Formats that no reader knows yet."""
_PRINTABLE = {"mp3"}  # its magic is made of letters, with which a text may begin
_PRINTED = ("csv", "tsv", "txt")  # what is called so is text although a NUL byte stands in it
_PICKLE = re.compile(rb"\x80[\2-\5](?:\x95.{8})?[\x00-\xff]", re.DOTALL)  # PROTO, and FRAME from protocol 4 on
_MARKUP = re.compile(rb"\s*<(\?xml|!doctype\s+html|html\b|!doctype\b|!--|[a-z][\w:.-]*[\s/>])", re.IGNORECASE)


_CONTROLS = bytes(code for code in range(1, 32) if code not in (7, 8, 9, 10, 11, 12, 13, 27))


def find_suffix(path: str) -> str:
    """Return the last suffix of a path, in lower case and without its dot."""
    name = path.rsplit("/", 1)[-1]
    if name in {"", "."}:
        name = PurePosixPath(path).name
    stem, dot, ending = name.rpartition(".")
    return ending.lower() if dot and stem and ending else ""


def detect_format(head: bytes, path: str) -> str:
    """Name the format of a file: formats that are read are asked first, as `RecordFormat` says.

    Args:
        head: its first bytes, 64 KiB or all.
        path: its name, for where its bytes leave a choice (a table or prose, YAML or prose, broken JSON or prose).

    Returns:
        empty, one of FORMATS, a codec or archive (storage.CODECS, storage.CONTAINERS), or the name of a format that no
        reader knows yet; `unknown` for other binary data. A pickle is named, never opened.
    """
    if not head:
        return "empty"
    return _detect_binary(head, path) or _detect_text(head, path)


class _Known(NamedTuple):
    """The formats as they are asked, made once of the registries' lines: a folder may hold a million files."""

    magic: re.Pattern[bytes]
    formats: tuple[RecordFormat, ...]
    sniffing: tuple[RecordFormat, ...]
    guessing: tuple[RecordFormat, ...]
    by_suffix: Mapping[str, str]
    called_text: frozenset[str]


@cache
def _known(_modules: tuple[str, ...]) -> _Known:
    formats = tuple(FORMATS.values())
    packings: tuple[Codec | ContainerFormat, ...] = (*CODECS.values(), *CONTAINERS.values())
    magics = {magic for each in (*formats, *packings) for magic in each.magic} | {magic for magic, _ in _UNREAD}
    sniffing = tuple(each for each in formats if each.sniff is not None)
    named = [(suffix, each.name) for each in formats if each.sniff is None for suffix in each.suffixes]
    return _Known(
        re.compile(b"|".join(map(re.escape, sorted(magics)))),
        formats,
        sniffing,
        tuple(each for each in formats if each.guess is not None),
        dict(reversed(named)),  # the first that has a suffix
        frozenset((*_PRINTED, *(suffix for each in sniffing for suffix in each.suffixes))),
    )


def _list_known() -> _Known:
    return _known((*FORMATS.modules, *CODECS.modules, *CONTAINERS.modules))


def _detect_binary(head: bytes, path: str) -> str | None:
    known = _list_known()
    if known.magic.match(head) and (name := _find_magic(head, known)) is not None:
        return name
    for container in CONTAINERS.values():
        if container.sniff is not None and container.sniff(head):
            return container.name
    if head[:4] == b"RIFF" and len(head) >= 12:
        return {b"WAVE": "wav", b"WEBP": "webp", b"AVI ": "avi"}.get(head[8:12], "riff")
    if head[4:8] == b"ftyp":
        return "mp4"
    if _PICKLE.match(head):
        return "pickle"
    if head[:2] in (b"\xff\xfe", b"\xfe\xff") or head[:4] in _UTF_32:
        return None
    # A NUL byte in text is one bad record; many of them, or one in what does not look like text, are another format.
    zeros = head.count(0)
    if zeros and (zeros * 50 > len(head) or not _is_likely_text(head, path, known)):
        return "unknown"
    return "unknown" if (len(head) - len(head.translate(None, _CONTROLS))) * 10 > len(head) else None


def _find_magic(head: bytes, known: _Known) -> str | None:
    """Return the format with whose magic a file begins."""
    for each in known.formats:
        if each.magic and head.startswith(each.magic):
            return each.name
    printable = b"\0" not in head and head.isascii()
    packings: tuple[Codec | ContainerFormat, ...] = (*CODECS.values(), *CONTAINERS.values())
    for packed in packings:
        if head.startswith(packed.magic) and not (packed.printable and printable):
            return packed.name
    for magic, name in _UNREAD:
        if head.startswith(magic) and not (name in _PRINTABLE and printable):
            return name
    return None


_UTF_32 = (b"\xff\xfe\0\0", b"\0\0\xfe\xff")  # its byte order marks: the first begins like that of UTF-16


def _is_likely_text(head: bytes, path: str, known: _Known) -> bool:
    """Say whether bytes look like JSON, or a suffix promises a text whose form is beyond doubt once it is read."""
    return head.lstrip()[:1] in (b"{", b"[") or find_suffix(path) in known.called_text


def _detect_text(head: bytes, path: str) -> str:
    if head[:4] in _UTF_32:
        head = head[: len(head) // 4 * 4].decode("utf-32", "replace").encode()
    elif head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        head = head[: len(head) // 2 * 2].decode("utf-16", "replace").encode()
    if transcoding.has_old_line_ends(head):
        head = head.replace(b"\r", b"\n")
    body = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    given = find_suffix(path)
    if not body:
        return "text"
    opening, known = FileHead(head, body, given), _list_known()
    for each in known.sniffing:
        if each.sniff is not None and each.sniff(opening):
            return each.name
    return _detect_markup(opening) or known.by_suffix.get(given) or _guess_format(opening, known)


def _detect_markup(opening: FileHead) -> str | None:
    found, given = _MARKUP.match(opening.body), opening.suffix
    if found is None:
        return None
    tag = found[1].lower()
    if tag.startswith((b"!doctype html", b"html")):
        return "html"
    if tag == b"?xml" or given in ("xml", "html", "htm", "xhtml", "svg"):
        return "html" if given in ("html", "htm") else "xml"
    return None


def _guess_format(opening: FileHead, known: _Known) -> str:
    named = (each.name for each in known.guessing if each.guess is not None and each.guess(opening))
    return next(named, "text")
