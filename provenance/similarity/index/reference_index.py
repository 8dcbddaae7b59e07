"""Reference indexes: which works, benchmarks or data sets to look for, as keyed hashes without a word of text.

An index is a Parquet file, `provenance-index/v1`, that a holder of rights can make without this program. Its schema's
metadata (plain strings) says what it is, see METADATA; its rows are ITEMS. What a hash is: the XXH64 (seed 0) of a
shingle (or, where `of` is `texts`, of a whole normalised text), keyed by SipHash-2-4. Text, normalisation and shingles
are those of `data/shingle-v1-vectors.json`. With the key of a protected index its short texts could be guessed, so the
key is a file of its own and travels separately; what is public is keyed with zeros, which hides nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from provenance.core.digests import sha256
from provenance.core.model import VIEWS
from provenance.core.wording import count_noun
from provenance.errors import ConfigError, cut
from provenance.readers.storage.regular_files import read_head
from provenance.similarity.index import siphash
from provenance.similarity.index.index_rows import IndexFile
from provenance.similarity.text import normalisation, shingles

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT = "provenance-index/v1"
INDEX_KINDS = ("protected", "benchmark", "known")
INDEX_UNITS = ("shingles", "texts")
OPEN_KEY = bytes(siphash.KEY_BYTES)
"""The published key of indexes that hide nothing: sixteen zero bytes."""

KEY_FILE = "PROVENANCE_INDEX_KEY_FILE"
"""The variable that names the key file of an index that has none beside it."""

LARGEST_BYTES = 4 << 30
"""Bytes that an index may take in memory."""

LONGEST_VALUE = 1000
"""Characters of a title, and of whatever else the metadata of an index says in words."""

_DIGEST = re.compile(r"[0-9a-f]{64}")
_METADATA_FORMS = {
    "key": ("id of a key", re.compile(r"[0-9a-f]{16}")),
    "scale": ("scale", re.compile(r"[1-9][0-9]{0,5}")),
    "items": ("number of items", re.compile(r"[0-9]{1,18}")),
}
"""What METADATA must look like, and what it then is."""

VERSIONS = {
    1: (shingles.SHINGLE_V1, normalisation.NORMALISATION_V1),
    2: (shingles.SHINGLE, normalisation.NORMALISATION),
}
"""Shingle and normalisation of the indexes that can be looked up; new ones are of the last version.

Of a text without invisible characters both versions have the same hashes, so that an index of version 1 finds it. Its
texts that hold such characters are found no more: data is cut by version 2, and COVERAGE says so.
"""

METADATA = {
    "format": FORMAT,
    "kind": "protected (must not be in the data), benchmark (not in training data), known (a public data set)",
    "title": "what a report calls it",
    "of": "shingles, or texts: one hash a whole normalised text, the item being the set that has them",
    "scale": "1, or n: of texts only hashes below 2^64 / n are kept, one in n",
    "shingle": shingles.SHINGLE,
    "normalisation": normalisation.NORMALISATION,
    "key": "the first 16 hexadecimal digits of the SHA-256 of the key's 16 bytes",
    "created-by": "who or what made it",
    "items": "how many different items it has",
    "files": "SHA-256 of the files it was made from, a JSON list; left out of a protected index",
}
"""What the metadata of an index says; every value is a string."""

ITEMS = pa.schema(
    [
        pa.field("item", pa.string(), nullable=False, metadata={"doc": "its id: file, or file#row"}),
        pa.field("part", pa.string(), metadata={"doc": "the part of the whole it belongs to: train, test, ..."}),
        pa.field("view", pa.string(), nullable=False, metadata={"doc": " | ".join(VIEWS)}),
        pa.field("distinct", pa.int64(), nullable=False, metadata={"doc": "different shingles, or texts, of the item"}),
        pa.field(
            "hashes",
            pa.large_list(pa.field("hash", pa.uint64(), nullable=False)),
            nullable=False,
            metadata={"doc": "keyed, ascending, each once"},
        ),
    ],
    metadata={"table": "ITEMS", "grain": "one view of one item"},
)


@dataclass(frozen=True, slots=True, eq=False)
class ReferenceIndex:
    """An index that was read and found sound.

    Args:
        path: its file.
        kind: one of INDEX_KINDS.
        title: what a report calls it.
        unit: one of INDEX_UNITS.
        scale: of texts, one hash in how many is kept.
        key: id of the key.
        items: different items.
        files: SHA-256 of the files it was made from.
        created_by: who or what made it.
        digest: SHA-256 of the index.
        table: ITEMS.
        version: of its normalisation, one of VERSIONS.
    """

    path: Path
    kind: str
    title: str
    unit: str
    scale: int
    key: str
    items: int
    files: tuple[str, ...]
    created_by: str
    digest: str
    table: pa.Table
    version: int = max(VERSIONS)

    @property
    def count_hashes(self) -> int:
        """Return how many hashes it has."""
        return len(self.table["hashes"].combine_chunks().flatten())


def key_id(key: bytes) -> str:
    """Return what may be told of a key: that it is the same, or another."""
    return sha256(key)[:16]


def make_key() -> bytes:
    """Return a key made at random."""
    return secrets.token_bytes(siphash.KEY_BYTES)


def write_key(path: Path, key: bytes) -> None:
    """Write a key where only its owner can read it.

    Args:
        path: the new file; 32 hexadecimal digits and a newline.
        key: the key.

    Raises:
        OSError: the file is there, or cannot be made.
    """
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(key.hex() + "\n")


def read_key(path: Path) -> bytes:
    """Read a key file.

    Args:
        path: the file.

    Raises:
        ConfigError: it cannot be read, or holds no key.
    """
    try:
        text = read_head(path, 1 << 10)
    except OSError as error:
        raise ConfigError(f"the key file {path} cannot be read: {error.strerror or error}") from error
    try:
        key = bytes.fromhex(text.decode("ascii").strip())
    except ValueError:
        key = b""
    if len(key) != siphash.KEY_BYTES:
        raise ConfigError(f"the key file {path} holds no key: 32 hexadecimal digits")
    return key


def find_key(index: ReferenceIndex) -> bytes:
    """Find the key of an index: the published one, else that of the file beside it, else that of KEY_FILE.

    Args:
        index: the index.

    Raises:
        ConfigError: there is none, or it is another's.
    """
    if index.key == key_id(OPEN_KEY):
        return OPEN_KEY
    key_file = os.environ.get(KEY_FILE)
    places = [place for place in (index.path.with_suffix(".key"), Path(key_file) if key_file else None) if place]
    matching = {place: read_key(place) for place in places if place.is_file() or place != places[0]}
    for key in matching.values():
        if key_id(key) == index.key:
            return key
    if matching:
        others = " and ".join(f"{place} has {key_id(key)}" for place, key in matching.items())
        raise ConfigError(f"{index.path} was made with the key {index.key}; {others}")
    raise ConfigError(
        f"{index.path} was made with a key that is not here ({index.key}); "
        f"put it beside the index as {places[0].name}, or name its file in {KEY_FILE}"
    )


def write_index(path: Path, table: pa.Table, about: Mapping[str, str]) -> None:
    """Write an index.

    Args:
        path: the file.
        table: ITEMS, with hashes that are keyed.
        about: METADATA without what this program knows: kind, title, of, scale, key, created-by, files.
    """
    fixed = {"format": FORMAT, "shingle": shingles.SHINGLE, "normalisation": normalisation.NORMALISATION}
    items = {"items": str(pc.count_distinct(table["item"]).as_py())}
    table = table.select(ITEMS.names).cast(ITEMS).replace_schema_metadata(fixed | items | dict(about))
    pq.write_table(table, path, compression="zstd", use_dictionary=["part", "view"], write_statistics=False)


def read_index(path: Path, *, shipped: bool = False) -> ReferenceIndex:
    """Read an index; whoever made it is a stranger, unless it came with this program.

    Args:
        path: the file.
        shipped: whether it stands in this program's own folder: then it is decoded here, as its code is run here.

    Returns:
        The index, every row of it looked at.

    Raises:
        ConfigError: it is none that this version reads; the sentence names the index and what is wrong with it.
    """
    with contextlib.ExitStack() as opened:
        file = _ShippedFile(path) if shipped else opened.enter_context(IndexFile(path, LARGEST_BYTES))
        about = file.metadata
        _check_comparable(path, about)
        files = _read_file_digests(path, about)
        table = file.table(ITEMS)
        digest = file.digest
    scale = int(about["scale"])
    fault = _find_fault(table, scale, int(about["items"]))
    if fault is not None:
        raise ConfigError(f"{path} is damaged: {fault}")
    return ReferenceIndex(
        path=path, kind=about["kind"], title=about["title"], unit=about["of"], scale=scale, key=about["key"],
        items=int(about["items"]), files=files, created_by=about["created-by"],
        digest=digest, table=table, version=_find_version(about),
    )  # fmt: skip


class _ShippedFile:
    """An index of this program's own, as `IndexFile` has one of a stranger."""

    def __init__(self, path: Path) -> None:
        data = path.read_bytes()
        self.digest = sha256(data)
        self._table = pq.read_table(pa.BufferReader(data), use_threads=False)
        self.metadata = {key.decode(): value.decode() for key, value in self._table.schema.metadata.items()}

    def table(self, schema: pa.Schema) -> pa.Table:
        return self._table.replace_schema_metadata(None).select(schema.names).cast(schema).combine_chunks()


def is_index(path: Path) -> bool:
    """Tell whether a file says that it is an index, of whatever version and however damaged."""
    try:
        with IndexFile(path, LARGEST_BYTES) as file:
            return file.metadata.get("format", "").startswith(FORMAT.split("/", 1)[0])
    except ConfigError:
        return False


def _check_comparable(path: Path, about: Mapping[str, str]) -> None:  # noqa: C901 - a line for each fault
    """Refuse an index whose metadata says that it cannot be compared."""
    if about.get("format") != FORMAT:
        other = f"its format is {cut(about['format'])!r}" if "format" in about else "its metadata names no format"
        raise ConfigError(f"{path} is no index that this version reads: {other}, not {FORMAT!r}")
    long = [name for name in METADATA if name != "files" and len(about.get(name, "")) > LONGEST_VALUE]
    if long:
        raise ConfigError(f"{path} is damaged: its {long[0]} has {count_noun(len(about[long[0]]), 'character')}")
    absent = [name for name in METADATA if name not in about and name != "files"]
    if absent:
        raise ConfigError(f"{path} is damaged: its metadata says nothing of {', '.join(absent)}")
    if not _find_version(about):
        names = zip(("shingle", "normalisation"), VERSIONS[max(VERSIONS)], strict=True)
        name, wanted = next(each for each in names if about[each[0]] != each[1])
        raise ConfigError(f"{path} was made with {about[name]!r}, and this version has {wanted!r}; make it anew")
    for name, words in (("kind", INDEX_KINDS), ("of", INDEX_UNITS)):
        if about[name] not in words:
            raise ConfigError(f"{path} has the {name} {about[name]!r}; there are: {', '.join(words)}")
    if (about["kind"] == "known") != (about["of"] == "texts"):
        raise ConfigError(f"{path} is of {about['of']}, by which nothing {about['kind']} is looked for")
    if not about["title"].strip() or not (about["title"] + about["created-by"]).isprintable():
        raise ConfigError(f"{path} has no title, or maker, that can be printed")
    for name, (noun, form) in _METADATA_FORMS.items():
        if not form.fullmatch(about[name]):
            raise ConfigError(f"{path} is damaged: {about[name][:40]!r} is no {noun}")
    if int(about["scale"]) > 1 and about["of"] == "shingles":
        raise ConfigError(f"{path} keeps a part of its shingles; only texts can be counted from a part")


def _find_version(about: Mapping[str, str]) -> int:
    """Return the version of the normalisation that an index was made with; 0 where it is none of VERSIONS."""
    made = about["shingle"], about["normalisation"]
    return next((version for version, names in VERSIONS.items() if names == made), 0)


def _read_file_digests(path: Path, about: Mapping[str, str]) -> tuple[str, ...]:
    """Return the digests of the files that an index was made from."""
    try:
        files = json.loads(about.get("files", "[]"))
    except (ValueError, RecursionError):
        files = None
    if not isinstance(files, list) or not all(isinstance(each, str) and _DIGEST.fullmatch(each) for each in files):
        raise ConfigError(f"{path} is damaged: its files are no list of digests")
    return tuple(files)


def _find_fault(table: pa.Table, scale: int, items: int) -> str | None:  # noqa: PLR0911 - the same
    """Say what is wrong with the rows of an index; None if nothing is."""
    if not table.num_rows:
        return "it has no item"
    if any(table[name].null_count for name in ITEMS.names if name != "part"):
        return "a value is missing"
    if pc.count_distinct(table["item"]).as_py() != items:
        return f"it has other than the {items:,} items that it names"
    if set(pc.unique(table["view"]).to_pylist()) - set(VIEWS):
        return f"it has a view that there is not; there are: {', '.join(VIEWS)}"
    if table.group_by(["item", "view"]).aggregate([]).num_rows < table.num_rows:
        return "an item stands in it twice"
    lists = table["hashes"].combine_chunks()
    values, offsets = lists.flatten(), lists.offsets.to_numpy()
    if values.null_count:
        return "a value is missing"
    hashes, sizes = values.to_numpy(), np.diff(offsets)
    starts = np.zeros(len(hashes), np.bool_)
    starts[(offsets[:-1] - offsets[0])[sizes > 0]] = True
    if (~starts[1:] & (hashes[1:] <= hashes[:-1])).any():
        return "hashes of an item are not in order, each once"
    if len(hashes) and scale > 1 and int(hashes.max()) > hash_limit(scale):
        return f"it has hashes that a scale of {scale} leaves out"
    distinct = table["distinct"].to_numpy()
    wrong = distinct < sizes if scale > 1 else distinct != sizes
    return "an item has other than the hashes that it names" if wrong.any() else None


def hash_limit(scale: int) -> int:
    """Return the highest hash that an index of a scale keeps.

    Args:
        scale: one hash in how many is kept.
    """
    return ((1 << 64) - 1) // scale


def describe_index(index: ReferenceIndex, short: int) -> dict[str, Any]:
    """Return what a ledger keeps of an index: what was looked for, by its digest.

    Args:
        index: the index.
        short: items that cannot be looked for: too short, or too much like others.
    """
    return {
        "title": index.title, "kind": index.kind, "of": index.unit, "scale": index.scale, "items": index.items,
        "short": short, "key": index.key, "digest": {"sha256": index.digest}, "files": list(index.files),
    }  # fmt: skip
