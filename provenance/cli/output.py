"""What commands write with -o: whole or not at all, and never into a ledger, whose files are all bound."""

from __future__ import annotations

import mmap
from contextlib import suppress
from pathlib import Path

from provenance.cli import terminal
from provenance.errors import ConfigError, ProvenanceError

STDOUT = Path("-")


def check_writable(output: Path, *inputs: Path | None) -> None:
    """Refuse a place where nothing may be written, before the work and not after it.

    Args:
        output: the file that was named with -o; - is standard output.
        inputs: files and folders that the command reads; None = one that was not named.

    Raises:
        ConfigError: it lies in a ledger or in a folder that is read, is a file that is read, or is a folder.
    """
    from provenance.ledger.layout import ledger_around

    if output == STDOUT:
        return
    try:
        output.resolve()
    except (OSError, RuntimeError) as error:  # which of the two a link that leads to itself is depends on Python
        raise ConfigError(f"{output} is a link that leads to itself; name another file with -o") from error
    if around := ledger_around(output):
        raise ConfigError(f"{output} is in a ledger, {around}, whose files are all bound; name another file with -o")
    if output.is_dir():
        raise ConfigError(f"{output} is a folder; name a file with -o")
    for each in inputs:
        if each is None:
            continue
        if each.is_dir() and output.resolve().is_relative_to(each.resolve()):
            raise ConfigError(f"{output} would lie in the data, and become part of it; write it elsewhere with -o")
        if output.resolve() == each.resolve():
            raise ConfigError(f"{output} is the file that is read; write elsewhere with -o")


def check_not_audited(output: Path, folder: Path) -> None:
    """Refuse to replace a file that the newest scan of a ledger read: wherever it lies, its content tells it.

    Args:
        output: the file that was named with -o.
        folder: the ledger.

    Raises:
        ConfigError: it is such a file.
    """
    if _is_audited(output, folder):
        raise ConfigError(f"{output} is a file of the data that {folder} is about; write elsewhere with -o")


def _is_audited(output: Path, folder: Path) -> bool:
    """Look for the digest of what stands there in FILES; of a ledger that cannot be read nothing is known."""
    from provenance.ledger.log import folder_comparison, reading

    try:
        if not output.is_file() or not output.stat().st_size:
            return False
        mark = f'"sha256":"{folder_comparison.digest_file(output)}"'.encode()
        said = reading.read_statement(folder, reading.find_index(folder, None))
        with (
            (folder / said.predicate["tables"]["files"]["lines"]).open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as lines,
        ):
            return lines.find(mark) >= 0
    except (ProvenanceError, OSError, KeyError, ValueError):
        return False


def write_output(output: Path, data: bytes) -> None:
    """Write what a command made.

    Args:
        output: the file that was named with -o, which is replaced; - is standard output.
        data: its bytes.

    Raises:
        ConfigError: it may not be written there, or cannot.
    """
    from provenance.ledger.log.file_writing import make_beside

    check_writable(output)
    if output == STDOUT:
        terminal.print_table(data)
        return
    target = output.resolve()
    try:
        if target.exists() and not target.is_file():
            target.write_bytes(data)  # a pipe or device is not replaced
            return
        made = make_beside(target)
        try:
            made.write_bytes(data)
            if target.exists():
                made.chmod(target.stat().st_mode & 0o777)
            made.replace(target)
        except BaseException:
            with suppress(OSError):
                made.unlink()
            raise
    except OSError as error:
        raise ConfigError(f"{output} cannot be written: {error.strerror or error}") from error
