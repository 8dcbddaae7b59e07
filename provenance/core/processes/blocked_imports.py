"""What this program's own processes do without: libraries that others would import, and looking for garbage often."""

from __future__ import annotations

import gc
import sys

UNNEEDED_MODULES = ("cffi", "pandas", "scipy")
"""Half a second each: pyarrow imports pandas to recognise its objects, numba imports scipy for linear algebra and cffi,
a tenth of that, for functions of C."""


_ALLOCATIONS = 200_000
"""Objects made and not let go before garbage is looked for: imports make half as many, and none is garbage."""


class _Without:
    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:  # noqa: ARG004 - the finder's signature
        if name in UNNEEDED_MODULES:
            raise ModuleNotFoundError(f"this process makes no DataFrames and does without {name}", name=name)


def block_imports() -> None:
    """Hide UNNEEDED_MODULES from this process, which must be ours alone: a worker, or the command line."""
    gc.set_threshold(_ALLOCATIONS)
    sys.meta_path.insert(0, _Without())


def is_own_process() -> bool:
    """Tell whether this process is ours alone, rather than a script or notebook that has imported us."""
    return any(isinstance(finder, _Without) for finder in sys.meta_path)
