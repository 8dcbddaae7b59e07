"""Tables shipped with the package, and where to find them; the only room that holds no rules."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).resolve().parent


def folder(name: str) -> Path:
    """Return a folder of shipped data: `known` and `demo` stand inside the wheel, or at the checkout's top level.

    Args:
        name: known | demo.

    Returns:
        An existing folder.
    """
    inside = HERE / name
    return inside if inside.is_dir() else HERE.parents[1] / "manifests" / name
