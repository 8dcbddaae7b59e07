"""How much of a source, a folder or a file matches count for: by records and by text, where each is highest.

Sixty of a hundred records of one file are next to nothing of a source of forty files, and eight books are few records:
what is shared is measured in every part that holds it, and profiles say which part weighs.
"""

from __future__ import annotations

import operator
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow.compute as pc

from provenance.core.model import Finding, FindingPart
from provenance.core.tables.table_rows import iterate_rows
from provenance.core.wording import choose_verb, count_noun

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import pyarrow as pa

    from provenance.similarity.evidence.shared_text import CopiedRecords, SharedRecords


_BY_TEXT = "share of text"


class TextSize(NamedTuple):
    """How much text there is.

    Args:
        records: that could be read.
        words: of their normalised text.
        text: bytes of it; 0 = not known.
        distinct: different texts among the records, added up over files.
    """

    records: int
    words: int
    text: int
    distinct: int


@dataclass(frozen=True, slots=True)
class SharedPart:
    """What of one file is shared.

    Args:
        path: the file.
        records: its records that are evidence.
        texts: distinct texts among those of all files that are counted together.
        words: of those records that stand in both, about.
        of: its records that could; None = all that could be read.
    """

    path: str
    records: int
    texts: int
    words: int
    of: int | None = None


class TextSizes:
    """The text of data files, and of the folders that hold them, by source.

    Args:
        files: FILES.
        observations: OBSERVATIONS.
    """

    def __init__(self, files: pa.Table, observations: pa.Table) -> None:
        text = _count_bytes(observations)
        data = files.filter(pc.equal(files["role"], "data"))
        self._files: dict[str, TextSize] = {}
        self._sources: dict[str, str | None] = {}
        self._paths: dict[str | None, list[str]] = defaultdict(list)
        columns = ["path", "source", "records", "records_unreadable", "tokens", "records_distinct"]
        for row in iterate_rows(data.select(columns)):
            path, readable = row["path"], row["records"] - row["records_unreadable"]
            self._files[path] = TextSize(readable, row["tokens"], text.get(path, 0), row["records_distinct"])
            self._sources[path] = row["source"]
            self._paths[row["source"]].append(path)
        self._folders: dict[str | None, dict[str, TextSize]] = {}

    def measure(self, shared: Sequence[SharedPart], unit: str = "share of records") -> tuple[FindingPart, ...]:
        """Measure what is shared of a source: as a whole, by folder and by file.

        Args:
            shared: at most one for each file; all of one source.
            unit: of a share by records.

        Returns:
            Parts of which none is less than another in every respect: shares by records, then shares of text; of each
            the highest first.
        """
        if not shared:
            return ()
        folders = self._list_folders(self._sources[shared[0].path])
        found: dict[str, list[SharedPart]] = defaultdict(list)
        for part in shared:
            for folder in _list_parents(part.path):
                found[folder].append(part)
        sizes = [(group, folders[folder]) for folder, group in found.items()]
        alone = [([part], self._files[part.path]) for part in shared]
        whole = [size == folders[""] for _, size in [*sizes, *alone]]
        sizes += [(group, size if group[0].of is None else size._replace(records=group[0].of)) for group, size in alone]
        weighed = list(zip(sizes, whole, strict=True))
        by_records = [self._measure(group, size.records, unit, "records", whole) for (group, size), whole in weighed]
        by_text = [
            self._measure(group, size.words, _BY_TEXT, "words", whole) for (group, size), whole in weighed if size.words
        ]
        return select_parts([*by_records, *by_text])

    def _measure(self, shared: Sequence[SharedPart], of: int, unit: str, what: str, whole: bool) -> FindingPart:
        records = sum(part.records for part in shared)
        return FindingPart(
            value=min(1.0, sum(getattr(part, what) for part in shared) / max(of, 1)),
            unit=unit,
            records=records,
            texts=min(records, max(part.texts for part in shared)),
            text=self.add_bytes((part.path, part.words) for part in shared),
            whole=whole,
        )

    def of_file(self, path: str) -> TextSize:
        """Return how much text a data file has."""
        return self._files[path]

    def add_bytes(self, words: Iterable[tuple[str, int]]) -> int | None:
        """Say how many bytes some words of several files have, about; None where the text of one was not counted.

        Args:
            words: paths, and how many words of each.
        """
        counts = [self.count_bytes(path, count) for path, count in words]
        return None if None in counts else sum(each or 0 for each in counts)

    def count_bytes(self, path: str, words: int) -> int | None:
        """Say how many bytes some words of a file have, about; None where its text was not counted.

        Args:
            path: of the file.
            words: how many.
        """
        size = self._files[path]
        return round(words * size.text / size.words) if size.words and size.text else None

    def _list_folders(self, source: str | None) -> Mapping[str, TextSize]:
        """Return the text below each folder that belongs to a source; "" is all of it."""
        if source not in self._folders:
            added: dict[str, list[TextSize]] = defaultdict(list)
            for path in self._paths[source]:
                for folder in _list_parents(path):
                    added[folder].append(self._files[path])
            self._folders[source] = {
                folder: TextSize(*map(sum, zip(*sizes, strict=True))) for folder, sizes in added.items()
            }
        return self._folders[source]


def select_parts(parts: Iterable[FindingPart]) -> tuple[FindingPart, ...]:
    """Leave out parts that are no more than another in any respect.

    Args:
        parts: in any order.

    Returns:
        The others: shares by records, then shares of text; of each the highest first.
    """
    kept: list[FindingPart] = []
    counts: list[tuple[int, int, int, bool]] = []  # of those with the unit of the last
    for part in sorted(parts, key=_order):
        own = (part.records, part.text or 0, part.texts or 0, part.whole)
        counts = counts if kept and kept[-1].unit == part.unit else []
        if not any(all(map(operator.ge, known, own)) for known in counts):
            kept.append(part)
            counts.append(own)
    return tuple(kept)


def _order(part: FindingPart) -> tuple[Any, ...]:
    most_first = (-part.value, -part.records, -(part.text or 0), -(part.texts or 0), not part.whole)
    return part.unit == _BY_TEXT, part.unit, *most_first


def _list_parents(path: str) -> Iterator[str]:
    """Yield the folders that hold a path, an archive being one, and "" for all of them."""
    at = path.rfind("/")
    while at > 0:
        yield path[:at]
        at = path.rfind("/", 0, at)
    yield ""


def _count_bytes(observations: pa.Table) -> dict[str, int]:
    """Return the bytes of text of each file: every readable record says where it is from, or does not."""
    counted = observations.filter(
        pc.and_(pc.equal(observations["detector"], "record-origin"), pc.equal(observations["kind"], "any"))
    )
    added = counted.group_by("path").aggregate([("bytes", "sum")])
    return dict(zip(added["path"].to_pylist(), added["bytes_sum"].to_pylist(), strict=True))


def measure_shared(items: Sequence[SharedRecords], sizes: TextSizes) -> tuple[FindingPart, ...]:
    """Measure what sources share under licences: by view and licence, each direction by itself.

    Args:
        items: rows of SHARED.
        sizes: of the text there is.

    Returns:
        As `TextSizes.measure`.
    """
    groups: dict[tuple[str | None, ...], list[SharedPart]] = defaultdict(list)
    for item in items:
        if item.records:
            part = SharedPart(item.path_a, item.records, item.texts, item.words, item.records_a)
            groups[item.view, item.source_a, item.source_b, item.licence_a, item.licence_b].append(part)
    return select_parts(part for group in groups.values() for part in sizes.measure(group))


def measure_uncounted(table: pa.Table, sizes: TextSizes) -> Iterator[tuple[dict[str, Any], FindingPart]]:
    """Measure what sources share of which no match is evidence: it is too short, or too common.

    Args:
        table: UNCOUNTED.
        sizes: of the text there is.

    Yields:
        Rows of files of which nothing is evidence there, the largest shares of most records first; what they would come
        to if it were.
    """
    found = []
    for row in table.filter(pc.equal(table["evident"], 0)).to_pylist():
        size = sizes.of_file(row["path_a"])
        value = min(1.0, row["records"] / max(size.records, 1))
        part = FindingPart(value, "share of records", row["records"], min(row["records"], size.distinct))
        place = tuple(str(row[name]) for name in ("source_a", "source_b", "view", "path_a", "licence_b"))
        found.append((-value * row["records"], place, row, part))
    for *_, row, part in sorted(found, key=lambda each: each[:2]):
        yield row, part


def make_uncounted(check: str, row: Mapping[str, Any], part: FindingPart, field: str | None = None) -> Finding:
    """Make a finding of no records: what two sources share is below what a profile counts as evidence.

    Args:
        check: whose it is.
        row: of UNCOUNTED.
        part: what it would come to.
        field: of the finding.
    """
    return Finding(
        check=check, source=row["source_a"], other=row["source_b"], field=field, path=row["path_a"], value=0.0,
        unit=part.unit, records=0, texts=0, uncounted=part,
        message=f"{count_noun(part.records, 'record')} of {row['path_a']} "
        f"{choose_verb(part.records, 'matches', 'match')} some of {row['source_b']}, and none is long and distinctive "
        "enough to count.",
        limits="Short records, and those that many sources have, stand everywhere.",
    )  # fmt: skip


def count_bytes(items: Sequence[SharedRecords], sizes: TextSizes) -> int | None:
    """Say how many bytes of text some files share, in the view in which it is most; None where they were not counted.

    Args:
        items: rows of SHARED of one pair of sources, one direction and one licence there.
        sizes: of the text there is.
    """
    views = {item.view for item in items}
    counts = [sizes.add_bytes((item.path_a, item.words) for item in items if item.view == view) for view in views]
    return max((count for count in counts if count is not None), default=None)


def measure_copied(items: Sequence[CopiedRecords], sizes: TextSizes) -> tuple[FindingPart, ...]:
    """Measure what of one source stands in another, whatever the licences.

    Args:
        items: rows of COPIED of one pair of sources.
        sizes: of the text there is.

    Returns:
        As `TextSizes.measure`.
    """
    return sizes.measure([SharedPart(item.path_a, item.records, item.texts, item.words) for item in items])
