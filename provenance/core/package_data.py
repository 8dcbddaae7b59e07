"""Tables shipped with the package, and where to find them; the folder `data` holds no code."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parents[1] / "data"


def folder(name: str) -> Path:
    """Return a folder of shipped data: `known` and `demo` stand inside the wheel, or at the checkout's top level.

    Args:
        name: known | demo.

    Returns:
        An existing folder.
    """
    inside = HERE / name
    return inside if inside.is_dir() else HERE.parents[1] / "manifests" / name


def parse(text: str | bytes) -> Any:
    """Parse YAML that holds plain values, in libyaml where it is there: ten times as fast, the same values.

    Args:
        text: YAML.

    Raises:
        yaml.YAMLError: it is none.
    """
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe


@cache
def table(name: str) -> Any:
    """Return a table that ships with the package; nobody changes it.

    Args:
        name: of its file in the folder, without `.yaml`.
    """
    return parse((HERE / f"{name}.yaml").read_bytes())
