"""Stored trees, `provenance-tree/v1`: what proves one line of a table without reading the others.

    offset        bytes      what
    0             24         "provenance-tree/v1" 0x0A, filled up with 0x00
    24            8          n, the number of lines
    32            8 (n + 1)  where each line begins in the file of lines, and its end
    40 + 8 n      32 n       leaf hashes: SHA-256(0x00 || line without its newline)
    then          32 n_8     hashes of the complete subtrees of 256 leaves; then n_16 of 65,536 leaves, and so on

Numbers are unsigned 64-bit little-endian; n_k is n >> k. Hashes and tree are those of RFC 9162, section 2.1. An audit
path is a few blocks of 256 hashes; a line is found by its key in the sorted lines by halving.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import TYPE_CHECKING, BinaryIO, Self

import numpy as np

from provenance.core.wording import count_noun
from provenance.errors import VerificationError
from provenance.ledger.trees import merkle
from provenance.ledger.trees.hash_files import StoredFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

MAGIC = b"provenance-tree/v1\n".ljust(24, b"\0")
LONGEST_LINE = 1 << 24
"""Bytes of the longest line that is read."""

ChunkVisitor = Callable[[bytes, list[bytes]], None]
"""What is shown each chunk of lines with its leaf hashes, so that lines need not be read twice."""

LEAST_COMPILED = 1 << 12
"""From so many hashes at once it pays to load compiled code."""

_HEAD_BYTES = len(MAGIC) + 8
_LEVELS_BETWEEN = 8  # levels between two that are stored
_HASHES_PER_BLOCK = 1 << _LEVELS_BETWEEN
_CHUNK_BYTES = 1 << 20  # bytes


class TreeBuilder:
    """A tree that grows line by line in memory that hardly grows: an eighth of a byte a line."""

    def __init__(self) -> None:
        self.size = 0
        self._open: list[list[bytes]] = [[]]  # of each stored level, what is not in a complete subtree yet
        self._levels: list[bytearray] = []  # of levels 8, 16, 24, ...

    def add(self, leaves: list[bytes]) -> None:
        """Add leaves.

        Args:
            leaves: their hashes, in order.
        """
        self.size += len(leaves)
        self._grow(0, leaves)

    def root(self) -> bytes:
        """Return the root of what was added so far (RFC 9162, section 2.1.1)."""
        last: list[bytes] = []
        for pending in self._open:
            # What is left over of a level goes up as one hash, at the end of the next.
            last = [merkle.hash_root([*pending, *last])] if pending or last else []
        return last[0] if last else merkle.EMPTY_ROOT

    def levels(self) -> bytes:
        """Return the hashes of levels 8, 16, 24, ... end to end, as they are stored."""
        return b"".join(self._levels)

    def _grow(self, level: int, hashes: list[bytes]) -> None:
        pending = self._open[level]
        pending += hashes
        full = len(pending) // _HASHES_PER_BLOCK * _HASHES_PER_BLOCK
        if not full:
            return
        if len(self._open) == level + 1:
            self._open.append([])
            self._levels.append(bytearray())
        made = _hash_roots(pending[:full])
        del pending[:full]
        self._levels[level] += b"".join(made)
        self._grow(level + 1, made)


class TreeWriter:
    """Writes a stored tree while its lines are written.

    Args:
        path: the file to make.
        count: how many lines there will be.
    """

    def __init__(self, path: Path, count: int) -> None:
        self._file = path.open("wb")
        self._count, self._at, self._tree = count, 0, TreeBuilder()
        self._file.write(MAGIC + count.to_bytes(8, "little") + bytes(8))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, chunk: bytes) -> list[bytes]:
        """Add whole lines.

        Args:
            chunk: lines, each closed by a newline.

        Returns:
            Their leaf hashes.

        Raises:
            ValueError: there are more lines than were promised.
        """
        first = self._tree.size
        leaves, ends = hash_lines(chunk, self._at)
        if first + len(leaves) > self._count:
            raise ValueError(f"more lines than the {self._count} that were promised")
        self._tree.add(leaves)
        self._at += len(chunk)
        self._file.seek(_HEAD_BYTES + 8 * (first + 1))
        self._file.write(ends)
        self._file.seek(_HEAD_BYTES + 8 * (self._count + 1) + 32 * first)
        self._file.write(b"".join(leaves))
        return leaves

    def finish(self) -> bytes:
        """Write what follows the leaf hashes, and return the root of the tree.

        Raises:
            ValueError: there are fewer lines than were promised.
        """
        if self._tree.size != self._count:
            raise ValueError(f"{count_noun(self._tree.size, 'line')} instead of the {self._count} that were promised")
        self._file.seek(0, 2)
        self._file.write(self._tree.levels())
        return self._tree.root()


class StoredTree(StoredFile):
    """A stored tree, open for reading; only what is asked for is read.

    Args:
        path: the file.

    Raises:
        OSError: it cannot be opened.
        VerificationError: it is not such a file.
    """

    def _head(self, name: str) -> None:
        self.size = _line_count(self._file, name)

    def line_span(self, index: int) -> tuple[int, int]:
        """Return where a line begins in the file of lines, and where its newline ends.

        Args:
            index: number of the line, from 0.

        Raises:
            IndexError: there is no such line.
        """
        self._check_index(index)
        found = self.read(_HEAD_BYTES + 8 * index, 16)
        return int.from_bytes(found[:8], "little"), int.from_bytes(found[8:], "little")

    def read_leaf(self, index: int) -> bytes:
        """Return the hash of a leaf.

        Args:
            index: its number, from 0.

        Raises:
            IndexError: there is no such leaf.
        """
        self._check_index(index)
        return self.hashes(0, index, index + 1)[0]

    def path(self, index: int) -> list[bytes]:
        """Return the audit path of a leaf (RFC 9162, section 2.1.3.1).

        Args:
            index: its number, from 0.

        Returns:
            Hashes from the leaf's sibling upwards.

        Raises:
            IndexError: there is no such leaf.
        """
        self._check_index(index)
        found: list[bytes] = []
        for level in range(self._top_level() + 1):
            block = index >> _LEVELS_BETWEEN
            found += merkle.prove_inclusion(self._read_block(level, block), index - (block << _LEVELS_BETWEEN))
            index = block
        return found

    def root(self) -> bytes:
        """Return the root of the tree, from its highest hashes."""
        return merkle.hash_root(self._read_block(self._top_level(), 0))

    def _check_index(self, index: int) -> None:
        if not 0 <= index < self.size:
            raise IndexError(f"no leaf {index} in a tree of {self.size}")

    def _top_level(self) -> int:
        """The lowest stored level whose hashes, the unfinished one included, fit into one block."""
        level = 0
        while -(-self.size >> (_LEVELS_BETWEEN * level)) > _HASHES_PER_BLOCK:
            level += 1
        return level

    def _read_block(self, level: int, block: int) -> list[bytes]:
        """Up to 256 hashes of a level; the last may stand for an unfinished subtree, and is made of those below."""
        first, complete = block << _LEVELS_BETWEEN, self.size >> (_LEVELS_BETWEEN * level)
        found = self.hashes(level, first, min(first + _HASHES_PER_BLOCK, complete))
        if level and len(found) < _HASHES_PER_BLOCK and self.size & ((1 << (_LEVELS_BETWEEN * level)) - 1):
            found.append(merkle.hash_root(self._read_block(level - 1, complete)))
        return found

    def hashes(self, level: int, first: int, last: int) -> list[bytes]:
        """Return hashes of complete subtrees.

        Args:
            level: 0 = of leaves; each level is of 256 times as many.
            first: number of the first.
            last: number behind the last.
        """
        at = (
            _HEAD_BYTES
            + 8 * (self.size + 1)
            + 32 * sum(self.size >> (_LEVELS_BETWEEN * below) for below in range(level))
        )
        return _cut_hashes(self.read(at + 32 * first, 32 * (last - first)))


def _cut_hashes(data: bytes) -> list[bytes]:
    return [data[at : at + 32] for at in range(0, len(data), 32)]


def _hash_roots(hashes: list[bytes]) -> list[bytes]:
    """Hash complete subtrees of 256."""
    if len(hashes) < LEAST_COMPILED:
        return [
            merkle.hash_root(hashes[at : at + _HASHES_PER_BLOCK]) for at in range(0, len(hashes), _HASHES_PER_BLOCK)
        ]
    from provenance.ledger.trees import batch_hashing

    return _cut_hashes(batch_hashing.hash_roots(b"".join(hashes), _HASHES_PER_BLOCK))


def _line_count(file: BinaryIO, name: str) -> int:
    """Number of lines: of a file that is exactly as long as it says."""
    head = file.read(_HEAD_BYTES)
    size = int.from_bytes(head[len(MAGIC) :], "little")
    if head[: len(MAGIC)] != MAGIC or file.seek(0, 2) != file_length(size):
        raise VerificationError(f"{name} is not a stored tree (provenance-tree/v1)")
    return size


def file_length(count: int) -> int:
    """Return the length of a stored tree's file.

    Args:
        count: number of lines.

    Returns:
        bytes.
    """
    hashes, left = 0, count
    while left:
        hashes, left = hashes + left, left >> _LEVELS_BETWEEN
    return _HEAD_BYTES + 8 * (count + 1) + 32 * hashes


def hash_lines(chunk: bytes, at: int = 0) -> tuple[list[bytes], bytes]:
    """Hash whole lines.

    Args:
        chunk: lines, each closed by a newline.
        at: where the first begins in its file.

    Returns:
        The leaf hashes, and where each line ends, as 64-bit little-endian numbers end to end.
    """
    if chunk and not chunk.endswith(b"\n"):
        raise ValueError("the last line is not closed by a newline")
    ends = np.flatnonzero(np.frombuffer(chunk, np.uint8) == ord("\n")).astype("<u8") + np.uint64(1)
    if len(ends) < LEAST_COMPILED:
        leaves = [sha256(b"\0" + row).digest() for row in chunk.split(b"\n")[:-1]]
    else:
        from provenance.ledger.trees import batch_hashing

        leaves = _cut_hashes(batch_hashing.hash_leaves(chunk, ends))
    return leaves, (ends + np.uint64(at)).tobytes()


def read_chunks(lines: BinaryIO) -> Iterator[bytes]:
    """Cut a file of lines into whole lines, a megabyte or so at a time.

    Args:
        lines: the file, open at its beginning.

    Yields:
        One or more lines, each closed by a newline.

    Raises:
        VerificationError: a line is too long, or the last is not closed.
    """
    rest = b""
    while data := lines.read(_CHUNK_BYTES):
        cut = data.rfind(b"\n") + 1
        if cut:
            yield rest + data[:cut]
            rest = data[cut:]
        else:
            rest += data
        if len(rest) > LONGEST_LINE:
            raise VerificationError(f"a line is longer than {LONGEST_LINE} bytes")
    if rest:
        raise VerificationError("the last line is not closed by a newline")


def build_tree(lines: Iterable[bytes], look: ChunkVisitor | None = None) -> TreeBuilder:
    """Build a tree of lines whose stored tree is not at hand.

    Args:
        lines: chunks of whole lines, as `read_chunks` yields them.
        look: is shown each chunk with its leaf hashes.

    Returns:
        The tree.
    """
    tree = TreeBuilder()
    for chunk in lines:
        leaves, _ = hash_lines(chunk)
        tree.add(leaves)
        if look is not None:
            look(chunk, leaves)
    return tree


def check_tree(lines: Iterable[bytes], path: Path, look: ChunkVisitor | None = None) -> TreeBuilder:
    """Hold a stored tree to its lines: every offset and every hash is made again and compared.

    Args:
        lines: chunks of whole lines, as `read_chunks` yields them.
        path: the stored tree.
        look: is shown each chunk with its leaf hashes, so that the lines need not be read twice.

    Returns:
        The tree, whose root the caller compares with what was signed.

    Raises:
        OSError: the tree cannot be read.
        VerificationError: it is not the tree of these lines.
    """
    tree, at = TreeBuilder(), 0
    with StoredTree(path) as kept:
        if kept.read(_HEAD_BYTES, 8) != bytes(8):
            raise VerificationError(f"{path.name} does not begin with the first line")
        for chunk in lines:
            leaves, ends = hash_lines(chunk, at)
            first, at = tree.size, at + len(chunk)
            if first + len(leaves) > kept.size:
                raise VerificationError(f"{path.name} is a tree of fewer lines")
            same = kept.read(_HEAD_BYTES + 8 * (first + 1), len(ends)) == ends
            if not same or kept.hashes(0, first, first + len(leaves)) != leaves:
                raise VerificationError(f"{path.name} is a tree of other lines")
            tree.add(leaves)
            if look is not None:
                look(chunk, leaves)
        levels = tree.levels()
        if tree.size != kept.size or kept.read(file_length(kept.size) - len(levels), len(levels)) != levels:
            raise VerificationError(f"{path.name} is a tree of other lines")
    return tree


def find_line(lines: BinaryIO, tree: StoredTree, key: bytes, of: Callable[[bytes], bytes]) -> int | None:
    """Find a line by its key, by halving: lines are sorted by the bytes of their key.

    Args:
        lines: the file of lines.
        tree: its stored tree.
        key: what is looked for.
        of: returns a line's key.

    Returns:
        Number of the first line with that key; None where there is none.

    Raises:
        VerificationError: the lines are not those of the tree.
    """
    low, high = 0, tree.size
    while low < high:
        middle = (low + high) // 2
        if of(read_line(lines, tree, middle)) < key:
            low = middle + 1
        else:
            high = middle
    return low if low < tree.size and of(read_line(lines, tree, low)) == key else None


def read_line(lines: BinaryIO, tree: StoredTree, index: int) -> bytes:
    """Read one line, without its newline, and hold it to its leaf hash.

    Args:
        lines: the file of lines.
        tree: its stored tree.
        index: number of the line, from 0.

    Returns:
        Its bytes.

    Raises:
        IndexError: there is no such line.
        VerificationError: it is not the line that the tree was made of.
    """
    start, end = tree.line_span(index)
    if not 0 < end - start <= LONGEST_LINE:
        raise VerificationError(f"line {index} cannot be where the stored tree says it is")
    lines.seek(start)
    found = lines.read(end - start).removesuffix(b"\n")
    if merkle.hash_leaf(found) != tree.read_leaf(index):
        raise VerificationError(f"line {index} is not what the stored tree was made of")
    return found
