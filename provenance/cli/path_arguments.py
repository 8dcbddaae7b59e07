"""What commands take by path: a ledger that is one, and a file that can be read; else one sentence and exit code 2."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from provenance.errors import ConfigError, VerificationError

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Ledger(click.Path):
    """A folder that is a ledger."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        from provenance.ledger.layout import is_ledger, unreadable

        folder = Path(os.fsdecode(super().convert(value, param, ctx)))
        if reason := unreadable(folder):
            raise ConfigError(reason)
        if not is_ledger(folder):
            raise ConfigError(f"{folder} is no ledger; `provenance scan DATA --ledger {folder}` makes one")
        return folder


class _File(click.Path):
    """A regular file that is there and may be read."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        try:
            mode = path.stat().st_mode
        except OSError as cause:
            raise ConfigError(f"{path} cannot be read: {cause.strerror}") from cause
        is_folder = stat.S_ISDIR(mode)
        if is_folder or not os.access(path, os.R_OK):
            raise ConfigError(f"{path} cannot be read: {os.strerror(errno.EISDIR if is_folder else errno.EACCES)}")
        if not stat.S_ISREG(mode):  # a device or pipe may never end
            raise ConfigError(f"{path} cannot be read: it is not a regular file")
        return path


class _Data(click.Path):
    """What is to be scanned: whether it is there is for the scan to say, whether it may be read is said at once."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        if path.is_dir() and not os.access(path, os.R_OK | os.X_OK):
            raise ConfigError(
                f"{path} cannot be read: {os.strerror(errno.EACCES)}; let this user read and enter it "
                f"(chmod u+rx {path}, by its owner), or name another folder"
            )
        return path


@contextlib.contextmanager
def name_file(path: Path) -> Iterator[None]:
    """Name the file of which a sentence speaks: one that is not what a command needs is a wrong call, exit code 2.

    Args:
        path: the file, as the user named it.

    Raises:
        ConfigError: it is not what is needed.
    """
    try:
        yield
    except (ConfigError, VerificationError) as cause:
        if str(path) in str(cause):
            raise ConfigError(str(cause)) from cause
        raise ConfigError(f"{path} cannot be used: {cause}") from cause


DATA = _Data(path_type=Path, readable=False)
"""The type of an argument that names data to scan."""

LEDGER = _Ledger(path_type=Path)
"""The type of an argument that names a ledger."""

FILE = _File(path_type=Path)
"""The type of an argument or option that names a file to read."""
