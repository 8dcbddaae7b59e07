"""From works to an index: read files as a scan reads them, and keep keyed hashes, never a word.

A plain text is one item, a book; a record of any other file is an item of its own. In an index of texts, where a whole
normalised text has one hash, the item is the file and its texts are what is counted.
"""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from provenance.core.digests import canonical
from provenance.core.model import VIEWS
from provenance.errors import ConfigError, InputError
from provenance.ledger.log import file_writing
from provenance.readers import records
from provenance.similarity.index import reference_index, siphash
from provenance.similarity.text import shingles

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from provenance.similarity.index.index_lookup import Ints
    from provenance.similarity.index.siphash import Hashes


_BOOKKEEPING = "!/mimetype"
"""How the path of a member ends that says what an archive is (EPUB, OpenDocument), and holds nothing of the work."""

_VIEWS = ("whole", "prompt")
"""Views of an item: an answer alone ("42", a loop) tells of no item."""


@dataclass(frozen=True, slots=True)
class IndexOptions:
    """What kind of index is made.

    Args:
        kind: one of reference_index.INDEX_KINDS.
        title: what a report calls it; None = the name of the index's file.
        key: key file; None = the one beside the index, made if there is none, or the published one if not protected.
        scale: of texts, one hash in how many is kept.
        per_record: whether passages of a plain text are items of their own.
        columns: column and role, where the published table of roles does not fit.
    """

    kind: str
    title: str | None = None
    key: Path | None = None
    scale: int = 1
    per_record: bool = False
    columns: tuple[tuple[str, str], ...] = ()

    @property
    def unit(self) -> str:
        """Return what a hash is of: whole texts of what is known, else shingles."""
        return "texts" if self.kind == "known" else "shingles"


@dataclass(frozen=True, slots=True)
class BuiltIndex:
    """What was made.

    Args:
        index: as it was written.
        key: the key file; None where the key is the published one.
        entries: whether the key is new.
        unread: files of which not everything could be read, and why.
    """

    index: reference_index.ReferenceIndex
    key: Path | None
    entries: bool
    unread: tuple[tuple[str, str], ...]


def build_index(files: Sequence[Path], output: Path, options: IndexOptions, by: str) -> BuiltIndex:
    """Make an index of files.

    Args:
        files: works, benchmarks or a data set: whatever `scan` can read.
        output: the index to write.
        options: of what kind.
        by: who or what makes it.

    Returns:
        What was made.

    Raises:
        ConfigError: the choice makes no sense, two files have one name, one has no word, or the output is there and is
            no index.
        InputError: a file cannot be read at all, or nothing of it was read.
    """
    if not files:
        raise ConfigError("an index needs at least one file")
    if options.scale > 1 and options.unit != "texts":
        raise ConfigError("--scale keeps a part of the texts of a known data set; shingles are kept in full")
    if len(options.title or "") > reference_index.LONGEST_VALUE:
        raise ConfigError(f"--title has more than {reference_index.LONGEST_VALUE:,} characters; give a shorter one")
    names = _short_names(files)
    _output_path(output, files)
    key, place, new = _find_or_make_key(output, options)
    items, digests, unread = [], [], []
    for path, name in zip(files, names, strict=True):
        tables, account = _read_items(path, name, key, options)
        items += tables
        digests.append(account.sha256)
        if not tables:
            _refuse_empty(name, account)
        if account.skip_reason is not None:
            unread.append((name, account.skip_reason))
    about = {
        "kind": options.kind,
        "title": options.title or output.stem,
        "of": options.unit,
        "scale": str(options.scale),
        "key": reference_index.key_id(key),
        "created-by": by,
    }
    if options.kind != "protected":
        about["files"] = canonical(sorted(digest for digest in digests if digest)).decode()
    if new and place is not None:
        with file_writing.explain_unwritable(place):
            reference_index.write_key(place, key)
    table = pa.concat_tables(items).sort_by([(name, "ascending") for name in ("item", "part", "view")])
    with file_writing.write_whole(output) as made:
        reference_index.write_index(made, table, about)
    return BuiltIndex(reference_index.read_index(output), place, new, tuple(unread))


def _refuse_empty(name: str, account: records.Account) -> NoReturn:
    """Refuse a file of which nothing could be looked for: an index that names it would find it nowhere."""
    if account.skip_reason is not None:
        raise InputError(f"no index was made: nothing of {name} was read ({account.skip_reason}); give it as text")
    raise ConfigError(f"no index was made: no word in {name}")


def _short_names(files: Sequence[Path]) -> list[str]:
    """Name every file as briefly as tells them apart."""
    for path in files:
        if not path.is_file():
            raise InputError(f"{path} is no file that can be read")
    names = [path.name for path in files]
    if len(set(names)) < len(names):
        base = Path(os.path.commonpath([path.resolve().parent for path in files]))
        names = [path.resolve().relative_to(base).as_posix() for path in files]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(f"{twice[0]} is named twice")
    return names


def _output_path(output: Path, files: Sequence[Path]) -> None:
    """Refuse to write over what is no index."""
    if output.suffix == ".key":
        raise ConfigError(f"{output} is the name of a key file; give the index another, such as works.index")
    if any(output.exists() and output.samefile(path) for path in files):
        raise ConfigError(f"{output} is one of the files to be read; give the index another name")
    if (
        output.exists() and output.stat().st_size and not reference_index.is_index(output)
    ):  # an empty file loses nothing
        raise ConfigError(f"{output} is there and is no index; give the index another name")
    if not output.parent.is_dir():
        raise ConfigError(f"there is no folder {output.parent} to write {output.name} to")


def _find_or_make_key(output: Path, options: IndexOptions) -> tuple[bytes, Path | None, bool]:
    if options.key is not None:
        return reference_index.read_key(options.key), options.key, False
    if options.kind != "protected":
        return reference_index.OPEN_KEY, None, False
    place = output.with_suffix(".key")
    if place.exists():
        return reference_index.read_key(place), place, False
    return reference_index.make_key(), place, True


def _read_items(path: Path, name: str, key: bytes, options: IndexOptions) -> tuple[list[pa.Table], records.Account]:
    """Make ITEMS of a file."""
    items: list[pa.Table] = []
    rows_by_item: dict[tuple[str, str], list[Hashes]] = defaultdict(list)
    account = None
    for item in records.read(str(path), name, roles=records.override_roles(options.columns)):
        if isinstance(item, records.Account):
            account = item
        elif isinstance(item, records.Batch) and not item.path.endswith(_BOOKKEEPING):
            passages = item.table["offset"].null_count < len(item.table)  # of a plain text, and of nothing else
            whole_file = passages and not options.per_record
            for view in _VIEWS:
                cut = shingles.shingle_texts(item.table[view], item.table["row"])
                if options.unit == "texts" or whole_file:
                    item_of_row = cut.nodes["low"].to_numpy() if options.unit == "texts" else cut.values
                    rows_by_item[item.path, view].append(np.unique(item_of_row))
                elif cut.nodes.num_rows:
                    rows = pc.cast(cut.nodes["row"].combine_chunks(), pa.string())
                    ids = pc.binary_join_element_wise(pa.scalar(item.path), rows, "#")
                    items.append(
                        _make_table(ids, item.path, view, np.diff(cut.offsets), _siphash_sets(cut, key), cut.offsets)
                    )
    for (file, view), parts in rows_by_item.items():
        values = np.unique(np.concatenate(parts))
        hashes = np.sort(siphash.siphash(values, key))
        if len(values):
            kept = hashes[hashes <= np.uint64(reference_index.hash_limit(options.scale))]
            items.append(
                _make_table(pa.array([file]), file, view, np.array([len(values)]), kept, np.array([0, len(kept)]))
            )
    if account is None:
        raise InputError(f"{path} was not read to its end")
    return items, account


def _siphash_sets(cut: shingles.ShingledRecords, key: bytes) -> Hashes:
    """Key the shingles of every record, and put each record's in order again."""
    hashes = siphash.siphash(cut.values, key)
    record = np.repeat(np.arange(len(cut.offsets) - 1), np.diff(cut.offsets))
    ordered: Hashes = hashes[np.lexsort((hashes, record))]
    return ordered


def _make_table(items: pa.Array, file: str, view: str, distinct: Ints, hashes: Hashes, offsets: Ints) -> pa.Table:
    count = len(items)
    of = reference_index.ITEMS.field("hashes").type
    lists = pa.LargeListArray.from_arrays(pa.array(offsets, pa.int64()), pa.array(hashes), type=of)
    columns = [
        items,
        pa.repeat(_split_of_file(file), count),
        pa.repeat(view, count),
        pa.array(distinct, pa.int64()),
        lists,
    ]
    return pa.table(columns, schema=reference_index.ITEMS)


def _split_of_file(file: str) -> str:
    """Return the name of a file without folders and endings: train, test, ..."""
    return file.rsplit("/", 1)[-1].split(".", 1)[0] or file


def describe_index(index: reference_index.ReferenceIndex) -> Iterable[tuple[str, str]]:
    """Say what an index is, for a person.

    Args:
        index: the index.

    Yields:
        Name and value.
    """
    public = index.key == reference_index.key_id(reference_index.OPEN_KEY)
    views = index.table["view"].to_pylist()
    yield "title", index.title
    yield "kind", index.kind
    yield "format", reference_index.FORMAT
    yield "shingles", shingles.SHINGLE
    yield "items", f"{index.items:,} ({', '.join(f'{views.count(view):,} {view}' for view in VIEWS if view in views)})"
    yield "hashes", f"{index.count_hashes:,} of {index.unit}" + (f", one in {index.scale:,}" if index.scale > 1 else "")
    yield "key", "the published one, which hides nothing" if public else index.key
    yield "made by", index.created_by
    yield "sha256", index.digest
