"""YAML as people write it in manifests, read within bounds: values stay as written, each with the line it stands on."""

from __future__ import annotations

import re
from typing import Any

import yaml

from provenance.errors import ManifestError

DEEPEST = 40
"""Levels of nesting."""

MOST_NODES = 200_000
"""Values, each alias counted as often as it expands."""

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load(path: str, text: str, *, typed: bool = False, first_line: int = 1) -> tuple[Any, dict[str, int]]:
    """Read one YAML document.

    Args:
        path: the manifest's path, for messages.
        text: the document.
        typed: read whole numbers, true and false as such; else every scalar is a string as written ("no" is Norwegian).
        first_line: the number of the text's first line in its file.

    Returns:
        The value, of dicts, lists, strings and None; and JSON pointer (RFC 6901) -> line.

    Raises:
        ManifestError: not YAML, a key stands twice, or more nesting or values than a manifest needs.
    """
    try:
        _bound(path, text)
        node = yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise ManifestError(f"{path} is not YAML: {_short(error, first_line)}") from error
    lines: dict[str, int] = {}
    budget = [MOST_NODES]

    def plain(node: Any, pointer: str) -> Any:
        budget[0] -= 1
        if budget[0] < 0 or pointer.count("/") > DEEPEST:
            raise ManifestError(f"{path} expands to more values than a manifest may hold")
        lines[pointer] = node.start_mark.line + first_line
        if isinstance(node, yaml.SequenceNode):
            return [plain(child, f"{pointer}/{i}") for i, child in enumerate(node.value)]
        return mapping(node, pointer) if isinstance(node, yaml.MappingNode) else _scalar(node, typed=typed)

    def mapping(node: Any, pointer: str) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key, value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else None
            if name is None or name in values:
                fault = "is not a name" if name is None else f"{name!r} stands twice"
                raise ManifestError(
                    f"{path}: at {pointer or '/'}, line {key.start_mark.line + first_line}, a key {fault}"
                )
            values[name] = plain(value, f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}")
        return values

    return (None if node is None else plain(node, "")), lines


def decode(path: str, data: bytes) -> str:
    """Decode a manifest's bytes: UTF-8 with or without a mark, UTF-16 with one; bytes that are neither are replaced.

    Args:
        path: for the message.
        data: the bytes.

    Raises:
        ManifestError: there are NUL bytes: it is not a text.
    """
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return data.decode("utf-16", errors="replace")
    if b"\0" in data:
        raise ManifestError(f"{path} is not a text")
    return data.decode("utf-8-sig", errors="replace")


def folder(path: str) -> str:
    """Return the scope that a manifest covers: its folder with a closing '/', './' for the root."""
    return path[: path.rfind("/") + 1] or "./"


def _bound(path: str, text: str) -> None:
    """Walk the events, which costs no memory, and refuse what would."""
    depth = aliases = 0
    for count, event in enumerate(yaml.parse(text, Loader=_Loader)):
        aliases += isinstance(event, yaml.AliasEvent)
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > DEEPEST or count > 2 * MOST_NODES or aliases > 1000:
            raise ManifestError(f"{path} nests deeper or repeats more than a manifest needs")


def _scalar(node: Any, *, typed: bool) -> str | int | bool | None:
    value = str(node.value)
    if node.style not in {None, ""}:
        return value
    if value in {"", "~", "null", "Null", "NULL"}:
        return None
    if typed and value in {"true", "false"}:
        return value == "true"
    return int(value) if typed and re.fullmatch(r"-?\d{1,15}", value) else value


def _short(error: yaml.YAMLError, first_line: int) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or "it cannot be parsed"
    return f"{problem}, line {mark.line + first_line}" if mark else str(problem)
