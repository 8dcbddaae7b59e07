"""Where compiled kernels are kept: where the user said, beside the code, in the user's cache, or for this run alone."""

from __future__ import annotations

import atexit
import contextlib
import os
import tempfile
from pathlib import Path

from provenance.core.scratch import scratch_folders
from provenance.errors import LimitExceeded

CACHE_VARIABLE = "NUMBA_CACHE_DIR"

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


def has_compiled_kernels() -> bool:
    """Tell whether a run before this one left compiled kernels where this one will look for them."""
    own, cache = os.environ.get(CACHE_VARIABLE), _user_cache()
    places = (Path(own),) if own else (Path(__file__).parents[1], *([cache / "numba"] if cache else []))
    return any(next(place.rglob("*.nbi"), None) is not None for place in places)


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
