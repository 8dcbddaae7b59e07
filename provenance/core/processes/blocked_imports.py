"""What this program's own processes do without, though it may be installed, since others would import it."""

from __future__ import annotations

import sys

UNNEEDED_MODULES = ("pandas", "scipy")
"""Half a second each: pyarrow imports pandas to recognise its objects, numba imports scipy for linear algebra."""


class _Without:
    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:  # noqa: ARG004 - the finder's signature
        if name in UNNEEDED_MODULES:
            raise ModuleNotFoundError(f"this process makes no DataFrames and does without {name}", name=name)


def block_imports() -> None:
    """Hide UNNEEDED_MODULES from this process, which must be ours alone: a worker, or the command line."""
    sys.meta_path.insert(0, _Without())
