"""Kernels that come compiled with a wheel, for one kind of processor, one Python and one numba.

They are what numba would leave in its cache after a first scan (`tools/build_kernels.py`), and are put where it looks,
once. Nothing is loaded from anywhere else than before: the archive stands beside our code, and whoever can change it
can change that. It is used in our own processes alone, where the stamp is that of this very program and the processor
has all that the code asks for; else kernels are compiled here.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from provenance.core import kernel_cache

if TYPE_CHECKING:
    import tarfile

BASELINE = "x86-64-v3"
"""The level of x86-64 (psABI) that kernels are compiled for: AVX2, which nearly all servers since 2015 have."""

SETTINGS = {"NUMBA_CPU_NAME": BASELINE, "NUMBA_CPU_FEATURES": ""}
"""What tells numba to compile for it and for nothing beyond, and to look for what was."""

ARCHIVE = Path(__file__).parents[2] / "data" / "kernels.tar.xz"
STAMP = "stamp.json"
"""The member of ARCHIVE that says what the others are for."""

_FLAGS = frozenset(
    "avx avx2 bmi1 bmi2 f16c fma abm movbe xsave cx16 lahf_lm popcnt pni ssse3 sse4_1 sse4_2".split()  # noqa: SIM905 - as /proc/cpuinfo writes them
)
"""What BASELINE asks of a processor, by Linux's names."""


def use_shipped_kernels() -> bool:
    """Have numba use the kernels that ship, in this process and those that it starts; it must be ours alone.

    Returns:
        Whether it will: False where there are none, they are for another system, or somebody chose otherwise.
    """
    if SETTINGS.keys() & os.environ.keys() or "numba" in sys.modules or not ARCHIVE.is_file():
        return False
    os.environ.update(SETTINGS)
    if kernel_cache.is_prepared() or _unpack():
        return True
    for name in SETTINGS:
        del os.environ[name]
    return False


def make_stamp() -> dict[str, str]:
    """Return what compiled kernels depend on: all of it is in the stamp of an archive, and must be as here."""
    import hashlib
    import platform
    from importlib.metadata import version

    sources = hashlib.sha256()
    for path in kernel_cache.list_sources():
        sources.update(f"{path.relative_to(Path(__file__).parents[2]).as_posix()}\0".encode() + path.read_bytes())
    return {
        "system": f"{sys.platform} {platform.machine()}",
        "python": str(sys.implementation.cache_tag),
        "numba": version("numba"),
        "llvmlite": version("llvmlite"),
        "processor": BASELINE,
        "sources": sources.hexdigest(),
    }


def _unpack() -> bool:
    """Put kernels where numba looks for them, if they are for here; return whether they are there."""
    import json
    import tarfile

    try:
        from lzma import LZMAError
    except ImportError:  # Python may be built without it
        return False
    if not kernel_cache.read_processor_flags() >= _FLAGS:
        return False
    try:
        with tarfile.open(ARCHIVE, "r:xz") as archive:
            members = iter(archive)  # the stamp is the first, and the index of a kernel comes after it
            if json.loads(_read(archive, next(members))) != make_stamp():
                return False
            for member in members:
                folder, _, file = member.name.rpartition("/")
                _write(kernel_cache.numba_folder(folder) / file, _read(archive, member))
    except (OSError, ValueError, StopIteration, EOFError, tarfile.TarError, LZMAError):
        return False
    kernel_cache.mark_prepared()
    return True


def _read(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(member)
    return file.read() if file is not None else b""


def _write(path: Path, data: bytes) -> None:
    """Write a file so that no other process sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(data)
        part.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            part.unlink()
        raise
