"""Where compiled kernels are kept: beside the code, else in the user's cache, else for this run alone."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

VARIABLE = "NUMBA_CACHE_DIR"


def settle() -> None:
    """Give numba a folder of this run's own where it could write neither beside the code nor in the user's cache.

    Without it numba refuses to load a cached kernel at all. The folder is private and new: one with a fixed name in a
    shared place could hold machine code that somebody else put there. Must run before numba is imported.
    """
    if VARIABLE in os.environ or os.access(Path(__file__).parent, os.W_OK) or _makes(_user_cache()):
        return
    folder = tempfile.mkdtemp(prefix="provenance-kernels-")
    os.environ[VARIABLE] = folder
    atexit.register(shutil.rmtree, folder, ignore_errors=True)


def compiled() -> bool:
    """Tell whether a run before this one left compiled kernels where this one will look for them."""
    own = os.environ.get(VARIABLE)
    places = (Path(own),) if own else (Path(__file__).parent, _user_cache() / "numba")
    return any(next(place.rglob("*.nbi"), None) is not None for place in places)


def _user_cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())


def _makes(folder: Path) -> bool:
    """Tell whether files can be made in a folder, which is made if need be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)
