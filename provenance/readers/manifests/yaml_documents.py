"""YAML and JSON as people write them in manifests, read within bounds; paths and addresses that stand in them."""

from __future__ import annotations

import json
import re
from typing import Any

import yaml

from provenance.errors import ManifestError

DEEPEST = 40
"""Levels of nesting."""

MOST_NODES = 200_000
"""Values, each alias counted as often as it expands."""

_FRONT = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*---[ \t]*\r?\n(.*?)(?:^---[ \t]*\r?$|\Z)", re.DOTALL | re.MULTILINE)

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


def load_json(path: str, data: bytes) -> Any:
    """Read one JSON document (RFC 8259).

    Args:
        path: the manifest's path, for messages.
        data: its bytes.

    Returns:
        The value, of dicts, lists, strings, numbers, true, false and None.

    Raises:
        ManifestError: not JSON, a key stands twice, a number is none, or it nests deeper than a manifest needs.
    """

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        values = dict(pairs)
        if len(values) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in values if names.count(name) > 1)
            raise ManifestError(f"{path}: the key {twice[:100]!r} stands twice in one object")
        return values

    def refuse(constant: str) -> Any:
        raise ManifestError(f"{path} is not JSON: {constant} is no number")

    try:
        value = json.loads(decode(path, data), object_pairs_hook=once, parse_constant=refuse)
    except json.JSONDecodeError as error:
        raise ManifestError(f"{path} is not JSON: {error.msg}, line {error.lineno}") from error
    except RecursionError as error:
        raise ManifestError(f"{path} nests deeper than a manifest needs") from error
    except ValueError as error:  # a number of more digits than Python reads
        raise ManifestError(f"{path} is not JSON that a manifest needs: a number is too long") from error
    if _deeper(value, DEEPEST):
        raise ManifestError(f"{path} nests deeper than a manifest needs")
    return value


def _deeper(value: Any, levels: int) -> bool:
    """Tell whether a value nests deeper than so many levels; level by level, without recursion."""
    level = [value]
    for _ in range(levels):
        level = [
            child
            for each in level
            if isinstance(each, dict | list)
            for child in (each.values() if isinstance(each, dict) else each)
            if isinstance(child, dict | list)
        ]
        if not level:
            return False
    return True


def escape(name: str) -> str:
    """Return a key as it stands in a JSON pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")


def strings(value: Any, pointer: str, keys: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    """List the texts of a value with their pointers: one, or those of a list; empty ones say nothing.

    Args:
        value: any part of a document.
        pointer: where it stands.
        keys: of an object, the keys that may hold its text, the first that does counts.

    Returns:
        Text, at most 500 characters of it, and pointer.
    """
    if isinstance(value, str):
        return [(value.strip()[:500], pointer)] if value.strip() else []
    if isinstance(value, list):
        return [each for i, item in enumerate(value[:1000]) for each in strings(item, f"{pointer}/{i}", keys)]
    if isinstance(value, dict):
        texts = ((key, value[key]) for key in keys if isinstance(value.get(key), str) and value[key].strip())
        return next(([(text.strip()[:500], f"{pointer}/{escape(key)}")] for key, text in texts), [])
    return []


_REMOTE = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]{1,20}:(?://|[^\\/])|//")


def remote(place: str) -> bool:
    """Tell an address, which nobody fetches, from a path below a manifest's folder."""
    return _REMOTE.match(place) is not None


def inside(path: str, relative: str, pointer: str) -> str:
    """Return a path that a manifest names, relative to the manifest's folder; '' is that folder itself.

    Args:
        path: the manifest's path, for messages.
        relative: as written.
        pointer: where it is written.

    Raises:
        ManifestError: it leads out of the manifest's folder.
    """
    parts = [part for part in relative.split("/") if part not in {"", "."}]
    if relative.startswith("/") or ".." in parts or "\\" in relative or "\0" in relative:
        raise ManifestError(
            f"{path}: at {pointer}, {relative[:200]!r} must stay below the manifest's folder, with '/' between parts"
        )
    return "/".join(parts)


def identity(path: str) -> str:
    """Return the id of the source that a manifest describes and gives no id: its folder, or its own path.

    Args:
        path: the manifest's path. Where a folder may hold several, each is known by its own name, without its ending.
    """
    if describes_folder(path):
        return folder(path).removesuffix("/")
    return re.sub(r"\.(?:jsonld|json|ya?ml|xml)$", "", path, flags=re.IGNORECASE)


def describes_folder(path: str) -> bool:
    """Tell whether a manifest has the name that only one of a folder can have, and so speaks of that folder."""
    return path.rsplit("/", 1)[-1].lower() in _ONE_A_FOLDER


_ONE_A_FOLDER = frozenset(
    {"croissant.json", "croissant.jsonld", "metadata.json", "metadata.jsonld"}
    | {f"datapackage.{ending}" for ending in ("json", "yaml", "yml")}
    | {"dataset_info.json", "dataset_infos.json", "dataset-metadata.json"}
)

_SHA256 = re.compile(r"(?:sha256[:=-])?([0-9a-fA-F]{64})", re.IGNORECASE)


def sha256(stated: str) -> str | None:
    """Return a SHA-256 digest in lower case, None if what is stated is not one: 64 hexadecimal digits."""
    match = _SHA256.fullmatch(stated.strip())
    return match[1].lower() if match else None


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


def metadata_of(data: bytes) -> bytes:
    """Return the YAML that a document begins with, its marks included; nothing where there is none.

    Args:
        data: the document, or its first bytes.
    """
    front = _FRONT.match(data)
    return front[0] if front else b""
