"""What of given works, benchmarks and known data sets stands in the data: from indexes and shingles to REFERENCES.

Texts meet indexes where their shingles already are, in the scratch files of `read_pass`; no file is read again. The
indexes that ship, of public data sets, are asked always; those of `--reference` too.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from provenance.core import package_data, schemas
from provenance.core.model import VIEWS, Died
from provenance.core.scratch.scratch_arrays import open_array
from provenance.core.wording import count_noun
from provenance.errors import ConfigError, InputError
from provenance.pipeline.reading.record_identities import sets_file
from provenance.similarity.candidates import distinct_texts
from provenance.similarity.index import hash_filter, index_lookup, reference_index, siphash
from provenance.similarity.index.index_lookup import EntryCounts
from provenance.similarity.text import normalisation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy.typing as npt

    from provenance.pipeline.matching.match_plan import MatchPlan
    from provenance.similarity.index.hash_filter import HashFilter
    from provenance.similarity.index.index_lookup import Catalogue, Ints
    from provenance.similarity.index.reference_index import ReferenceIndex

STEP = "references"
"""The name of the step in COVERAGE."""


@dataclass(frozen=True, slots=True, eq=False)
class IndexGroup:
    """Indexes that are looked up together.

    Args:
        unit: shingles | texts.
        key: their key.
        indexes: one of shingles, or all of texts that have the key.
        untellable: items of an index of shingles of which no view can be told from others.
    """

    unit: str
    key: bytes
    indexes: tuple[ReferenceIndex, ...]
    untellable: int = 0

    def catalogue(self) -> Catalogue:
        """Put them together."""
        return _build_catalogue(self.indexes)

    def views(self) -> set[str]:
        """Return the views of records that are looked up: whole records hold the shingles of their prompts."""
        if self.unit == "shingles":
            return {"whole"}
        return {view for index in self.indexes for view in index.table["view"].unique().to_pylist()}


@dataclass(frozen=True, slots=True, eq=False)
class ReferenceQuery:
    """What a scan looks for.

    Args:
        groups: every index that ships or was given, in groups.
    """

    groups: tuple[IndexGroup, ...]

    def describe(self) -> list[dict[str, Any]]:
        """Return what a ledger keeps of the indexes, by title."""
        short = {index.title: group.untellable for group in self.groups for index in group.indexes}
        return [reference_index.describe_index(index, short[index.title]) for index in self.indexes()]

    def indexes(self) -> list[ReferenceIndex]:
        """Return all indexes, by title."""
        return sorted((index for group in self.groups for index in group.indexes), key=lambda each: each.title)


def load_indexes(paths: Sequence[Path], *, fold_chinese: bool = False) -> ReferenceQuery:
    """Read the indexes that ship and those that are given, with their keys.

    Args:
        paths: the given ones.
        fold_chinese: whether the scan takes traditional characters for simplified ones, which no index does.

    Returns:
        What to look for.

    Raises:
        ConfigError: one is damaged, of another version, without its key, or has the title of another.
    """
    if paths and fold_chinese:
        raise ConfigError(f"{paths[0]} does not fold Chinese; leave out --fold-chinese, or --reference")
    given = [reference_index.read_index(path) for path in paths]
    shipped = [_read_index(path) for path in sorted(package_data.data_folder("known").glob("*.index"))]
    titles: dict[str, Path] = {}
    for index in (*given, *shipped):
        other = titles.setdefault(index.title, index.path)
        if other is not index.path:
            raise ConfigError(f"{index.path} and {other} have one title, {index.title!r}; make one anew with --title")
    texts: dict[bytes, list[ReferenceIndex]] = defaultdict(list)
    groups = []
    for index in (*given, *shipped):
        key = reference_index.find_key(index)
        if index.unit == "texts":
            texts[key].append(index)
        else:
            groups.append(IndexGroup(index.unit, key, (index,), _count_untellable(index)))
    groups += [IndexGroup("texts", key, tuple(indexes)) for key, indexes in texts.items()]
    return ReferenceQuery(tuple(groups))


def _read_index(path: Path) -> ReferenceIndex:
    return reference_index.read_index(path, shipped=path.parent == package_data.data_folder("known"))


_shipped_catalogues: dict[tuple[str, ...], Catalogue] = {}
"""Catalogues of indexes that ship, by their digests: a small scan would build each three times."""


def _read_filter() -> HashFilter | None:
    """Return the filter of the benchmarks that ship; None where there is none."""
    return hash_filter.read_filter(package_data.data_folder("known") / "items.npz")


def _build_catalogue(indexes: Sequence[ReferenceIndex]) -> Catalogue:
    digests = tuple(index.digest for index in indexes)
    if digests in _shipped_catalogues:
        return _shipped_catalogues[digests]
    catalogue = index_lookup.build_catalogue(indexes)
    if all(index.path.parent == package_data.data_folder("known") for index in indexes):
        _shipped_catalogues[digests] = catalogue
    return catalogue


def _count_untellable(index: ReferenceIndex) -> int:
    """Count the items of which no view has enough shingles that few other items have."""
    catalogue = _build_catalogue([index])
    item = index.table["item"].combine_chunks().dictionary_encode().indices.to_numpy()[catalogue.row]
    most = np.zeros(index.items, np.int64)
    np.maximum.at(most, item, catalogue.distinctive)
    return int(np.count_nonzero(most < catalogue.least_shared))


@dataclass(frozen=True, slots=True)
class LookupTask:
    """Some texts of a view, and what to look for.

    Args:
        view: the texts' view.
        sets: scratch files of SETS.
        hashes: the file that they speak of.
        groups: of every group its number, key, unit and the files of its indexes with their digests.
        target: how the files to write begin.
    """

    view: str
    sets: tuple[str, ...]
    hashes: str
    groups: tuple[tuple[int, bytes, str, tuple[tuple[str, str], ...]], ...]
    target: str


@dataclass(frozen=True, slots=True)
class LookupResult:
    """What was found in a part.

    Args:
        view: the texts' view.
        hits: files of HITS with the number of their group.
    """

    view: str
    hits: tuple[tuple[int, str], ...]


def lookup_tasks(
    query: ReferenceQuery, sets: Sequence[tuple[str, str]], workers: int, scratch: Path
) -> list[LookupTask]:
    """Cut the work into parts.

    Args:
        query: what to look for.
        sets: scratch files of SETS as (view, path).
        workers: processes that share it.
        scratch: a folder to write to.

    Returns:
        Parts for `look_up`. Shingles are looked for in whole records, which hold their prompts; texts view by view.
    """
    tasks: list[LookupTask] = []
    for view in VIEWS:
        groups = tuple(
            (number, group.key, group.unit, tuple((str(each.path), each.digest) for each in group.indexes))
            for number, group in enumerate(query.groups)
            if view in group.views()
        )
        files = sorted(path for of, path in sets if of == view)
        tasks += [
            LookupTask(
                view,
                tuple(files[part::workers]),
                str(sets_file(scratch)),
                groups,
                f"{scratch}/met-{view}-{part}",
            )
            for part in range(min(workers, len(files)) if groups else 0)
        ]
    return tasks


def look_up(task: LookupTask) -> LookupResult:
    """Look a part of the texts up.

    Args:
        task: which, where, and where to write.

    Returns:
        Where the hits are.

    Raises:
        InputError: an index is no longer what it was.
    """
    shipped = _read_filter()
    by_key: dict[tuple[bytes, str, bool], list[tuple[int, Catalogue]]] = defaultdict(list)
    for number, key, unit, paths in task.groups:
        indexes = [_read_index(Path(path)) for path, _ in paths]
        for index, (path, digest) in zip(indexes, paths, strict=True):
            if index.digest != digest:
                raise InputError(f"{path} was changed while it was looked for; scan again")
        is_filtered = shipped is not None and shipped.covers([digest for _, digest in paths])
        by_key[key, unit, is_filtered].append((number, _build_catalogue(indexes)))
    found = []
    shingle_hashes = open_array(Path(task.hashes), np.uint64)
    for (key, unit, is_filtered), numbered_catalogues in by_key.items():
        catalogues = [each for _, each in numbered_catalogues]
        hits = index_lookup.find_hits(
            _batches(task.sets),
            shingle_hashes,
            key,
            catalogues,
            whole_texts=unit == "texts",
            chosen=shipped if is_filtered else None,
        )
        for (number, _), table in zip(numbered_catalogues, hits, strict=True):
            if table.num_rows:
                target = f"{task.target}-{number}.arrow"
                with pa.OSFile(target, "wb") as sink, pa.ipc.new_file(sink, index_lookup.HITS) as writer:
                    writer.write_table(table)
                found.append((number, target))
    return LookupResult(task.view, tuple(found))


def _batches(paths: Iterable[str]) -> Iterator[pa.RecordBatch]:
    for path in paths:
        with pa.memory_map(path) as source, pa.ipc.open_file(source) as reader:
            for number in range(reader.num_record_batches):
                yield reader.get_batch(number)


def _read_table(path: str) -> pa.Table:
    with pa.memory_map(path) as source, pa.ipc.open_file(source) as reader:
        return reader.read_all()


def assemble_references(
    query: ReferenceQuery, results: Sequence[LookupResult | Died], plan: MatchPlan
) -> tuple[pa.Table, str]:
    """Add hits up, file by file.

    Args:
        query: what was looked for.
        results: what `look_up` said of its parts, in any order.
        plan: numbers and names of files and sources, and where their records are.

    Returns:
        REFERENCES, and what COVERAGE says of the step.

    Raises:
        InputError: a part could not be looked up.
    """
    hits: dict[tuple[int, str], list[str]] = defaultdict(list)
    for each in results:
        if isinstance(each, Died):
            raise InputError(f"the records could not be compared with the indexes: {each.reason}")
        for number, path in each.hits:
            hits[number, each.view].append(path)
    rows: list[dict[str, Any]] = []
    reasons = []
    for number, group in enumerate(query.groups):
        views = [view for view in VIEWS if hits[number, view]]
        if group.unit == "texts" and not views:
            continue  # nothing is to be said of it
        catalogue = group.catalogue()
        reasons.append(_describe_untellable(group, catalogue))
        for view in views:
            found = pa.concat_tables(_read_table(path) for path in sorted(hits[number, view]))
            rows += _rows_of_group(group, catalogue, view, index_lookup.CatalogueHits(found, catalogue), plan)
    keys = ("source", "path", "title", "item", "view")
    table = schemas.ordered(schemas.rows(rows, schemas.REFERENCES), *keys)
    return table, _describe_query(query, [each for each in reasons if each])


def _rows_of_group(
    group: IndexGroup, catalogue: Catalogue, view: str, hits: index_lookup.CatalogueHits, plan: MatchPlan
) -> Iterator[dict[str, Any]]:
    """Add up the hits of one group and view."""
    records_asked = {index.scale: plan.counts[view] for index in group.indexes if index.scale == 1}
    records_asked |= {index.scale: np.zeros_like(plan.counts[view]) for index in group.indexes if index.scale > 1}
    members: list[tuple[Ints, Ints, Ints]] = []
    for path, numbers, _ in plan.members(view):
        for table in distinct_texts.read_batches(path):
            file = numbers[table["file"].to_numpy()]
            for scale in records_asked.keys() - {1}:
                kept = siphash.siphash(table["low"].to_numpy(), group.key) <= np.uint64(
                    reference_index.hash_limit(scale)
                )
                records_asked[scale] += np.bincount(file[kept], minlength=len(records_asked[scale]))
            node = hits.find_texts(table)
            kept = node >= 0
            members.append((file[kept], table["row"].to_numpy()[kept], node[kept]))
    file, row, node = (np.concatenate(each) for each in zip(*members, strict=True))
    entries = [
        _select_entries(index, catalogue.index_number == number, catalogue.row, view)
        for number, index in enumerate(group.indexes)
    ]
    texts_told = [hits.texts_with_entries(each) for each in entries]
    for owner, names, whole in ((file, plan.paths, False), (plan.owner[file], plan.names, True)):
        order = np.argsort(owner, kind="stable")
        start = np.flatnonzero(np.r_[True, np.diff(owner[order]) != 0])
        for first, stop in zip(start, np.r_[start[1:], len(order)], strict=True):
            owner_number, here = int(owner[order[first]]), order[first:stop]
            source = names[owner_number] if whole else plan.names[plan.owner[owner_number]]
            place = {"source": source, "path": None if whole else names[owner_number]} | (
                {"row": None} if whole else {}
            )
            counts = {
                scale: each[plan.owner == owner_number].sum() if whole else each[owner_number]
                for scale, each in records_asked.items()
            }
            found = hits.count_entries(node[here], row[here])
            for index, of_index_entries, is_told in zip(group.indexes, entries, texts_told, strict=True):
                those = node[here][is_told[node[here]]]
                place |= {"records_index": len(those), "texts_index": len(np.unique(those))}
                place |= {"records_view": int(counts[index.scale])}
                of_index = EntryCounts(*(column[of_index_entries[found.entry]] for column in found))
                if index.unit == "texts" and not whole:
                    of_index = _keep_largest(of_index)
                for made in _name_items(index, catalogue, of_index):
                    yield made | place


def _select_entries(index: ReferenceIndex, own: npt.NDArray[np.bool_], row: Ints, view: str) -> npt.NDArray[np.bool_]:
    """Tell which entries of an index are looked for in a view: shingles in whole records, texts view by view."""
    if index.unit == "texts":
        own[own] = pc.equal(index.table["view"], view).to_numpy()[row[own]]
    return own


def _keep_largest(found: EntryCounts) -> EntryCounts:
    """Keep the entry that most records tell of: a line that stands in every file would tell of each with each."""
    best = np.argsort(-found.records, kind="stable")[:1]
    return EntryCounts(*(column[best] for column in found))


def _name_items(index: ReferenceIndex, catalogue: Catalogue, found: EntryCounts) -> Iterator[dict[str, Any]]:
    """Put names on entries of an index."""
    items = index.table.drop_columns(["hashes"]).take(pa.array(catalogue.row[found.entry])).to_pylist()
    counts = zip(*(column.tolist() for column in found[1:]), strict=True)
    for item, (shared, records, row, best, size) in zip(items, counts, strict=True):
        yield item | {
            "title": index.title, "kind": index.kind, "of": index.unit, "scale": index.scale, "shared": shared,
            "records": records, "row": row, "best_shared": best, "best_distinct": size,
        }  # fmt: skip


def _describe_untellable(group: IndexGroup, catalogue: Catalogue) -> str | None:
    """Say which items of an index of shingles cannot be told apart from chance."""
    if group.unit == "texts":
        return None
    index = group.indexes[0]
    short = int(np.count_nonzero(catalogue.distinctive < catalogue.least_shared))
    common = int(np.count_nonzero(catalogue.common))
    sentences = []
    if short:
        least = f"fewer than {catalogue.least_shared} shingles that few others have"
        sentences.append(f"{short:,} of {len(catalogue.distinctive):,} views of its items were not looked for: {least}")
    if common:
        sentences.append(
            f"{common:,} shingles that stand in more than {index_lookup.ITEMS_PER_SHINGLE} items tell of none"
        )
    return f"{index.title}: {', '.join(sentences)}" if sentences else None


def _describe_query(query: ReferenceQuery, reasons: Sequence[str]) -> str:
    named = [
        f"{index.title} ({index.kind}, {count_noun(index.items, 'item')})"
        for index in query.indexes()
        if index.unit != "texts"
    ]
    known = [index.title for index in query.indexes() if index.unit == "texts"]
    sentences = [f"looked for: {', '.join(named)}" if named else "no index of works or benchmarks was given"]
    if known:
        sentences.append(f"word for word: the texts of {', '.join(known)}")
    if older := [index.title for index in query.indexes() if index.version < max(reference_index.VERSIONS)]:
        sentences.append(
            f"made with {normalisation.NORMALISATION_V1}, so that texts of them that hold invisible characters are not "
            f"found until they are made anew: {', '.join(older)}"
        )
    return "; ".join([*sentences, *reasons])
