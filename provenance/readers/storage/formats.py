"""What bytes may be packed in: codecs, which hold one stream, and containers, which hold members; a line a module."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from provenance.core.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from provenance.readers.storage.block_digests import Readable


@dataclass(frozen=True, slots=True)
class Codec:
    """A form of compression.

    Args:
        name: as `records.detect_format` names it.
        suffix: what FILES.format has after the dot: jsonl.gz.
        magic: bytes with which such a file begins.
        decompress: reads compressed bytes as what they were.
        printable: its magic is made of letters, with which a text may begin: other bytes have to follow.
    """

    name: str
    suffix: str
    magic: tuple[bytes, ...]
    decompress: Callable[[Readable], Readable]
    printable: bool = False


@dataclass(frozen=True, slots=True)
class ContainerFormat:
    """A format of archives.

    Args:
        name: as FILES.format names it.
        members: yields each `Member` of an `Archive`, of its stream or, with `seekable`, of its file.
        magic: bytes with which such a file begins.
        sniff: tells by its first bytes whether a file that begins with no magic of any format is such an archive.
        seekable: it is read by random access.
        printable: as of a codec.
        bounded: kernels of ours alone read it, as of a format of records.
    """

    name: str
    members: Callable[[Any, Any], Iterator[Any]]  # types of `archives`, which imports this module
    magic: tuple[bytes, ...] = ()
    sniff: Callable[[bytes], bool] | None = None
    seekable: bool = False
    printable: bool = False
    bounded: bool = False


CODECS: Registry[Codec] = Registry("CODEC", "provenance.readers.storage.decompression")
"""Every codec by name."""

CONTAINERS: Registry[ContainerFormat] = Registry(
    "CONTAINER_FORMAT", "provenance.readers.storage.archives", "provenance.readers.records.json_splits"
)
"""Every format of archives by name, and what holds several files as an archive does."""
