"""Which role a file has: names are hints, bytes decide. What holds records is data, whatever it is called.

| its name or first bytes say | and its bytes | it is |
|---|---|---|
| licence, notice, README, card | are lines of JSON, a table, an archive, ... | data |
| | are a text larger than any such document, or lines of one form | data that also speaks as a document |
| | are anything else | a document |
| a manifest in JSON | are lines of JSON, or a list of objects that its format does not know | data |
| | are mostly a list that is no part of its format, as the data of a resource | data that also speaks as a manifest |
| a manifest in XML | are larger than a manifest's | data |

The bounds are those of real documents: of 770 cards of data sets the largest has 214 kB beside its metadata; of the 819
licence texts of the SPDX list the largest has 61 kB, and the largest that this program does not recognise 37 kB.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from provenance.licences.texts import identify
from provenance.readers import manifests, storage
from provenance.readers.manifests.yaml_documents import metadata_of
from provenance.readers.records import csv, format_detection
from provenance.readers.records.formats import FORMATS
from provenance.sources.repeated_forms import holds_rows, is_repetitive, lists_sentences

if TYPE_CHECKING:
    from collections.abc import Callable

    from provenance.readers.manifests.manifest_format import ManifestFormat

LARGEST_DOCUMENT = 1 << 20
"""Bytes of the largest document, its metadata included; a larger text is read as records too."""

_INLINE_TEXT = re.compile(rb'"data"\s*:\s*"(?:[^"\\]*(?:\\[^n][^"\\]*)*\\n){20}')
"""Rows of a resource that stand in its descriptor as the text of a CSV file (Frictionless, data resource, `data`)."""

_BLOCK = re.compile(rb":[ \t]*[|>][+\-\d]*[ \t]*\r?\n(?:(?:[ \t]+[^\n]*)?\n){200}")
"""A text of 200 lines in the metadata of a card: longer than the terms that a gate asks to accept."""

LARGEST_PROSE = 256 << 10
"""Bytes of a README or card beside its metadata; of a larger one the prose is read as records too."""

LARGEST_UNKNOWN_LICENCE = 64 << 10
"""Bytes of a licence whose text is not known; a larger one is read as records too."""

_NODES = re.compile(rb'\[\s*\{\s*"@(?:context|graph|id|type)"')


class Role(NamedTuple):
    """What a file is.

    Args:
        role: data | manifest | licence | documentation, as in PATHS.
        kind: the manifest format as which it speaks; None where it does not.
    """

    role: str
    kind: str | None


DATA = Role("data", None)


def decide_role(path: str, head: bytes, size: int, more: Callable[[int], bytes] | None = None) -> Role:
    """Decide on the role of a file.

    Args:
        path: relative to the scan root, '/' between parts.
        head: its first bytes, 64 KiB or all; none where they cannot be had.
        size: its bytes.
        more: returns so many of its first bytes, for documents larger than the head; None = they cannot be had.

    Returns:
        Its role, and the format of the manifest that it is.
    """
    kind = manifests.recognise(path, head)
    if kind is None:
        return DATA
    form = manifests.FORMATS[kind]
    if form.opaque:
        return Role(form.role, kind)
    if holds_records(path, head) or _is_other(form, head, size):
        return DATA
    if form.prose and head:
        whole = more(LARGEST_DOCUMENT + 1) if more is not None and size > len(head) else head
        if _reads_as_records(form, whole, size):
            return Role("data", kind)
    if form.inline and head:
        whole = more(manifests.LARGEST + 1) if more is not None and size > len(head) else head
        if any(_INLINE[each](whole) for each in form.inline):
            return Role("data", kind)
    return Role(form.role, kind)


_INLINE: dict[str, Callable[[bytes], bool]] = {
    "rows": holds_rows,
    "items": lambda whole: lists_sentences(whole.decode("utf-8", "replace")),
    "text": lambda whole: _INLINE_TEXT.search(whole) is not None,
}
"""How it is told that a manifest holds records in a form, by `ManifestFormat.inline`."""


def is_data(path: str, whole: bytes, size: int, kind: str) -> bool:
    """Tell whether a text that somebody calls a document is to be read as records all the same.

    Args:
        path: its name.
        whole: its bytes, or as many as a document may have and one more.
        size: its bytes.
        kind: the format of the document that it is called.
    """
    return holds_records(path, whole[: 1 << 16]) or _reads_as_records(manifests.FORMATS[kind], whole, size)


def holds_records(path: str, head: bytes) -> bool:
    """Tell whether bytes are records by their form, which no name changes.

    Args:
        path: its name, for where bytes leave a choice.
        head: its first bytes.
    """
    form = format_detection.detect_format(head, path)
    body = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if form == "csv" and format_detection.find_suffix(path) in {"md", "markdown", "rst"}:
        guess = csv.guess_dialect(head)  # mark-up has tables of its own
        return guess is not None and guess.delimiter != "|"
    if form in storage.CODECS or form in storage.CONTAINERS or (form in FORMATS and FORMATS[form].only_records):
        return True
    return form == "json" and body[:1] == b"[" and not _NODES.match(body)


def consists_of_records(path: str, whole: bytes) -> bool:
    """Tell whether bytes are records by their form, or a text that is lines of one form.

    Args:
        path: its name.
        whole: its bytes, or as many as a document may have.
    """
    head = whole[: format_detection.HEAD_BYTES]
    is_text = format_detection.detect_format(head, path) in {"text", "lines"}
    return holds_records(path, head) or (is_text and is_repetitive(whole.decode("utf-8", "replace")))


def _is_other(form: ManifestFormat, head: bytes, size: int) -> bool:
    """Tell whether bytes are none of the manifest that a name or a word in them promises."""
    if form.contradicts is not None:
        return form.contradicts(head, size)
    body = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if form.prose:
        return body[:1] in (b"{", b"[") and format_detection.detect_format(head, "") == "json"
    return body[:1] == b"[" and not form.list_of_nodes and format_detection.detect_format(head, "x.json") == "json"


def _reads_as_records(form: ManifestFormat, whole: bytes, size: int) -> bool:
    if size > LARGEST_DOCUMENT:
        return True
    metadata = b"" if form.role == "licence" else metadata_of(whole)
    text = whole[len(metadata) :].decode("utf-8", "replace")
    if is_repetitive(text) or lists_sentences(metadata.decode("utf-8", "replace")) or _BLOCK.search(metadata):
        return True
    if form.role == "licence":
        return size > LARGEST_UNKNOWN_LICENCE and not identify(text)
    return size - len(metadata) > LARGEST_PROSE
