"""Where compiled kernels are kept: where the user said, beside the code, in the user's cache, or for this run alone."""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
import tempfile
from functools import cache
from pathlib import Path

from provenance.core.scratch import scratch_folders
from provenance.errors import LimitExceeded

CACHE_VARIABLE = "NUMBA_CACHE_DIR"

_ROOMS = ("core", "ledger/trees", "origins", "readers/records", "similarity")
"""Folders with kernels."""

_CPU_CHARACTERS, _DIGITS = 8192, 16  # of the first processor's description; of a mark's name

_of_this_run: list[Path] = []  # the folder that ends with this run, where no other could be written to


def choose_cache_folder() -> None:
    """Give numba a folder of this run's own where it could write to none of its usual ones.

    Without it numba refuses to load a cached kernel at all. The folder is private and new: one with a fixed name in a
    shared place could hold machine code that somebody else put there. Must run before numba is imported.
    """
    named = os.environ.get(CACHE_VARIABLE)
    usual = [Path(named)] if named else [Path(__file__).parents[1], _user_cache()]
    if any(place is not None and _is_writable(place) for place in usual):
        return
    with contextlib.suppress(LimitExceeded):  # `explain_missing_cache` says it to whoever needs kernels
        folder = scratch_folders.make_folder("kernels-")
        os.environ[CACHE_VARIABLE] = str(folder)
        _of_this_run.append(folder)
        atexit.register(scratch_folders.remove_folder, folder)


def explain_compiling() -> str | None:
    """Say why this run begins slowly, where no folder keeps what it compiles for the next one.

    Returns:
        One sentence; None where one does.
    """
    if not _of_this_run:
        return None
    why = "no cache folder can be written to, so kernels are compiled again in each run, which takes about a minute"
    return f"{why}; name one with {CACHE_VARIABLE}=FOLDER"


def explain_missing_cache(error: BaseException) -> str | None:
    """Say what to do where numba found no folder to keep kernels in.

    Args:
        error: what it raised.

    Returns:
        One sentence; None where the error is another.
    """
    if "no locator available" not in str(error):
        return None
    return f"no folder can be written to for compiled code; name one with {CACHE_VARIABLE}=FOLDER or TMPDIR=FOLDER"


def is_prepared() -> bool:
    """Tell whether a run of this very program, on such a machine, left its kernels where this one looks for them."""
    mark = _mark()
    return any((place / mark).is_file() for place in _places())


def mark_prepared() -> None:
    """Leave a mark for the next run: all kernels of a scan are compiled."""
    for place in _places():
        with contextlib.suppress(OSError):
            place.mkdir(parents=True, exist_ok=True)
            (place / _mark()).touch()
            return


def _places() -> tuple[Path, ...]:
    """Return where a mark may be, in the order in which numba looks for a place to write."""
    own, cache = os.environ.get(CACHE_VARIABLE), _user_cache()
    package = Path(__file__).parents[1] / "__pycache__"
    return (Path(own),) if own else (package, *([cache / "numba"] if cache else []))


def list_sources() -> list[Path]:
    """Return the modules of the folders that hold kernels."""
    root = Path(__file__).parents[1]
    return sorted(
        Path(folder, name)
        for room in _ROOMS
        for folder, _, names in os.walk(root / room)
        for name in names
        if name.endswith(".py")
    )


def numba_folder(room: str) -> Path:
    """Return where numba keeps the kernels of a folder of modules, as its locators find it.

    Args:
        room: the folder, within the package.
    """
    import hashlib

    package = Path(__file__).parents[1]
    own, folder = os.environ.get(CACHE_VARIABLE), package / room
    subfolder = f"{folder.name}_{hashlib.sha1(str(folder).encode(), usedforsecurity=False).hexdigest()}"
    if own:
        return Path(own) / subfolder
    cache = None if _is_writable(package / "__pycache__") else _user_cache()
    return folder / "__pycache__" if cache is None else cache / "numba" / subfolder


def drop_unreadable_indexes() -> int:
    """Remove indexes of kernels that cannot be loaded, as numba removes none and fails where one names what is no more.

    A version before this one may have left them, for numba asks whether a source has changed only once it has loaded
    what it kept of it. Imports what they name.

    Returns:
        How many were removed.
    """
    import pickle

    removed = 0
    for room in _ROOMS:
        for folder, _, names in os.walk(Path(__file__).parents[1] / room):
            place = numba_folder(str(Path(folder).relative_to(Path(__file__).parents[1])))
            own = {name.removesuffix(".py") for name in names if name.endswith(".py")}
            for index in sorted(place.glob("*.nbi")):
                if index.name.partition(".")[0].partition("-")[0] not in own:
                    continue
                try:
                    with index.open("rb") as file:
                        pickle.load(file)  # noqa: S301 - as numba does, from where it does: its version, then the index
                        pickle.loads(file.read())  # noqa: S301 - likewise
                except Exception:  # noqa: BLE001 - whatever it is, the kernel is compiled again
                    with contextlib.suppress(OSError):
                        index.unlink()
                        removed += 1
    return removed


def read_processor_flags() -> frozenset[str]:
    """Return what the processor can do, by Linux's names; nothing where nobody says it."""
    return frozenset(word for line in _describe_processor() if line.startswith("flags") for word in line.split())


def _describe_processor() -> list[str]:
    with contextlib.suppress(OSError, ValueError), Path("/proc/cpuinfo").open(encoding="ascii") as file:
        return [line for line in file.read(_CPU_CHARACTERS).split("\n") if line.startswith(("model name", "flags"))]
    return []


def _mark() -> str:
    return _mark_of(os.environ.get("NUMBA_CPU_NAME", ""))


@cache
def _mark_of(processor: str) -> str:
    """Name what kernels depend on: our code, Python, numba and the processor; by times and sizes, which cost least.

    A mark that is wrong does no harm: numba compares what it loads with its source.
    """
    import hashlib
    import importlib.util
    import platform

    named = [sys.version, platform.machine(), processor, __file__, *_describe_processor()]
    numba = importlib.util.find_spec("numba")
    files = [Path(numba.origin)] if numba is not None and numba.origin else []
    named += [f"{found.st_mtime_ns} {found.st_size}" for found in map(os.stat, [*files, *list_sources()])]
    return f"provenance-{hashlib.sha256(chr(10).join(named).encode()).hexdigest()[:_DIGITS]}.prepared"


def _user_cache() -> Path | None:
    """Return the folder of the user's cache, None where nobody knows the user's home."""
    if named := os.environ.get("XDG_CACHE_HOME"):
        return Path(named)
    home = os.path.expanduser("~/.cache")  # noqa: PTH111 - Path.expanduser raises where there is no home
    return Path(home) if Path(home).is_absolute() else None


def _is_writable(folder: Path) -> bool:
    """Tell whether files can be made in a folder, which is made if need be; access(2) is wrong where a disk is full."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"kernel")
    except (OSError, ValueError):
        return False
    return True
