"""What a worker does to compare views with each other: prompts and single columns are looked for in any view.

All views' texts are brought together, as `match_tasks.compare_view` brings together those of one, and compared at once:
so a text that a record has as a column and another as its whole is one node, and a column is looked for under any name.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from provenance.core.model import FIELD, VIEWS
from provenance.pipeline.matching.match_rows import RowDealer, pack_kinds
from provenance.pipeline.matching.view_matches import match_views
from provenance.readers.records.field_views import OTHERS
from provenance.similarity.candidates import containment, distinct_texts, near_pairs
from provenance.similarity.evidence import exact_matches

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy.typing as npt

    from provenance.core.scratch.partitions import DealtFiles
    from provenance.pipeline.matching.match_rows import RecordOrder
    from provenance.sources.read_results import BundleResult

    Ints = npt.NDArray[np.int64]

MOST_COLUMNS = 1 << 12
"""Columns of a scan that have a view of their own, by name and side."""


@dataclass(frozen=True, slots=True)
class ViewNames:
    """The views of a scan by number: those of model.VIEWS, then columns.

    Args:
        names: of each view; two columns may have one name.
        sides: what each column is a part of, see field_views; of the others 0.
    """

    names: tuple[str, ...]
    sides: tuple[int, ...]


NO_COLUMNS = ViewNames(VIEWS, tuple(0 for _ in VIEWS))
"""The views of a scan without columns."""


def name_views(bundles: Iterable[BundleResult]) -> tuple[ViewNames, dict[int, Ints]]:
    """Number the columns of a scan.

    Args:
        bundles: what was read.

    Returns:
        All views; of each bundle's columns, by its number: their numbers among those.
    """
    parts = list(bundles)
    known = sorted({column for part in parts for column in part.columns})
    kept = known[:MOST_COLUMNS]
    others = [(OTHERS, side) for side in range(3)]
    columns = sorted({*kept, *others})
    numbers = {column: len(VIEWS) + place for place, column in enumerate(columns)}
    names = (*VIEWS, *(f"{FIELD}:{name}" for name, _ in columns))
    sides = (*(0 for _ in VIEWS), *(side for _, side in columns))
    return ViewNames(names, sides), {
        part.bundle: np.array([numbers.get(each, numbers[OTHERS, each[1]]) for each in part.columns], np.int64)
        for part in parts
    }


@dataclass(frozen=True, slots=True)
class AcrossTask:
    """All views of the whole scan.

    Args:
        sets: scratch files of SETS of all views.
        members: scratch files of MEMBERS of all views, with the numbers of their views.
        sources: the number of each file's source, by the file's number.
        scratch: a folder of its own for what is put together from them.
        target: what the names of the files begin with to which matches are dealt.
        order: of records.
        threads: that work on it.
    """

    sets: tuple[str, ...]
    members: tuple[distinct_texts.MembersFile, ...]
    sources: np.ndarray[Any, Any]
    scratch: str
    target: str
    order: RecordOrder
    threads: int = 1


@dataclass(frozen=True, slots=True)
class AcrossResult:
    """What was found between views, matches left on disk.

    Args:
        rows: the files that its matches were dealt to.
        scratch: the folder that holds nodes.
        counts: records that have a column, by number of its view and of the file.
        not_anchored: nodes that were not looked for inside longer ones.
        thinned: nodes that stand in more longer ones than are kept.
        pivoted: nodes that were compared with pivots alone.
    """

    rows: DealtFiles
    scratch: str
    counts: Mapping[tuple[int, int], int]
    not_anchored: int
    thinned: int
    pivoted: int


def make_task(
    views: Mapping[str, Sequence[str]],
    members: Sequence[tuple[str, distinct_texts.MembersFile, int]],
    numbers: Mapping[int, Ints],
    **common: Any,
) -> AcrossTask:
    """Say what is to be compared.

    Args:
        views: scratch files of SETS by view.
        members: view, scratch file of MEMBERS and bundle.
        numbers: of each bundle's columns, from `name_views`.
        common: the rest of the task.
    """
    every = tuple(
        each._replace(views=numbers[bundle] if view == FIELD else np.array([VIEWS.index(view)], np.int64))
        for view, each, bundle in members
    )
    return AcrossTask(tuple(path for paths in views.values() for path in paths), every, **common)


def compare_across(task: AcrossTask) -> AcrossResult:
    """Compare the views of the whole scan with each other.

    Args:
        task: what to read, and where to write.

    Returns:
        Where prompts and columns stand in other views, without what is nothing but boilerplate.
    """
    folder = Path(task.scratch)
    folder.mkdir(exist_ok=True)
    counts = _count_columns(task.members)
    nodes = distinct_texts.build_nodes(
        task.sets, task.members, file_sources=task.sources, scratch=folder, least=containment.LEAST_SHINGLES
    )
    similar = near_pairs.find_similar(nodes, folder, task.threads, across=True)
    dealer = RowDealer(Path(task.target), task.order)
    for part in match_views(similar, folder, len(task.sources)):
        columns = {name: pa.array(getattr(part, name)) for name in exact_matches.ROWS.names}
        rows = pa.table(columns, schema=exact_matches.ROWS)
        dealer.add(rows, pack_kinds(part.view_a, part.view_b, part.exact).astype(np.int32))
    return AcrossResult(dealer.close(), str(folder), counts, similar.not_anchored, similar.thinned, similar.pivoted)


def _count_columns(members: Iterable[distinct_texts.MembersFile]) -> dict[tuple[int, int], int]:
    """Count the records that have a column, file by file."""
    counts: dict[tuple[int, int], int] = {}
    for path, numbers, views in members:
        if views is None or (len(views) == 1 and views[0] < len(VIEWS)):
            continue
        for batch in distinct_texts.read_batches(path):
            column = views[batch["row"].to_numpy() >> distinct_texts.ROW_BITS]
            keys, found = np.unique(column << 32 | numbers[batch["file"].to_numpy()], return_counts=True)
            for key, count in zip(keys.tolist(), found.tolist(), strict=True):
                place = key >> 32, key & 0xFFFFFFFF
                counts[place] = counts.get(place, 0) + count
    return counts
