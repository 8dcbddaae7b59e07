"""A stored file of hashes, open for reading: only what is asked for is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Self

from provenance.errors import VerificationError

if TYPE_CHECKING:
    from pathlib import Path


class StoredFile:
    """A stored file, as a context.

    Args:
        path: the file.

    Raises:
        OSError: it cannot be opened.
        VerificationError: its head is not what `_head` wants.
    """

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("rb")
        try:
            self._head(path.name)
        except BaseException:
            self._file.close()
            raise

    def _head(self, name: str) -> None:
        """Read what stands first, and see that the file is exactly as long as that says."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def read(self, at: int, size: int) -> bytes:
        """Read some bytes.

        Args:
            at: where they begin.
            size: how many.

        Raises:
            VerificationError: there are fewer.
        """
        self._file.seek(at)
        data = self._file.read(size)
        if len(data) != size:
            raise VerificationError("the stored hashes end too early")
        return data
