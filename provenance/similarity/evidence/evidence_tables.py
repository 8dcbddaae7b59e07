"""From counts of matches to what checks read: SHARED, UNCOUNTED, COPIED, REANSWERED, LEAKS and REPEATS.

Numbers get names here, and sets of kinds become counts of records. Nothing in it grows with the records.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from provenance.core import schemas
from provenance.core.model import VIEWS
from provenance.core.tables import evidence_schemas
from provenance.similarity.evidence import match_kinds
from provenance.similarity.evidence.evidence_rules import FileCode
from provenance.similarity.evidence.match_kinds import (
    BETWEEN,
    BITS_PER_VIEW,
    DIFFERENT,
    PROMPT,
    WHOLE,
    number_views,
    pack_group,
)
from provenance.similarity.evidence.split_leaks import LeakSets, make_leaks

if TYPE_CHECKING:
    from provenance.similarity.evidence.evidence_rules import EvidenceRules

Ints = npt.NDArray[np.int64]

_NONE = np.iinfo(np.int64).max


def make_evidence_tables(
    counts: pa.Table, texts: tuple[Ints, Ints], rules: EvidenceRules, overlaps: pa.Table
) -> dict[str, pa.Table]:
    """Make the tables of evidence_schemas.COUNTED.

    Args:
        counts: COUNTS of all matches.
        texts: what texts are counted for, sorted, and how many there are.
        rules: by which they were counted.
        overlaps: OVERLAPS.

    Returns:
        The tables by name, each sorted by source and path.
    """
    made = _Evidence(counts, texts, rules, overlaps)
    tables = {
        "shared": pa.concat_tables([made.shared(view) for view in (WHOLE, PROMPT, BETWEEN)]),
        "uncounted": pa.concat_tables([made.uncounted(view) for view in (WHOLE, PROMPT)]),
        "copied": made.copied(),
        "reanswered": made.reanswered(),
        "leaks": make_leaks(made.leaks(), rules),
        "repeats": made.repeats(),
    }
    order = {name: [key for key in _ORDER if key in schema.names] for name, schema in evidence_schemas.COUNTED.items()}
    return {name: schemas.ordered(table, *order[name]) for name, table in tables.items()}


_ORDER = ("source", "source_a", "source_b", "view", "path", "path_a", "licence_b", "other")


class _Sets:
    """Sets of kinds of records, some places of each file."""

    def __init__(self, columns: dict[str, Ints], chosen: Any) -> None:
        file, other = (columns[name][chosen] for name in ("file", "other"))
        self._kinds, self._records, self._row = (columns[name][chosen] for name in ("kinds", "records", "row"))
        words = {WHOLE: "words", PROMPT: "prompt_words", BETWEEN: "between_words"}
        self._words = {view: columns[name][chosen] for view, name in words.items()}
        new = np.r_[True, (file[1:] != file[:-1]) | (other[1:] != other[:-1])] if len(file) else np.zeros(0, np.bool_)
        self._place = np.cumsum(new) - 1
        self.file, self.other = file[new], other[new]

    def shows(self, kind: int, view: int = WHOLE, *, differing: bool = False) -> npt.NDArray[np.bool_]:
        """Tell which sets have a kind."""
        shows: npt.NDArray[np.bool_] = self._kinds & (kind << (BITS_PER_VIEW * view + DIFFERENT * differing)) > 0
        return shows

    def count(self, chosen: npt.NDArray[np.bool_]) -> Ints:
        """Count the records of chosen sets by file and place."""
        total = np.zeros(len(self.file), np.int64)
        np.add.at(total, self._place[chosen], self._records[chosen])
        return total

    def add_words(self, view: int, chosen: npt.NDArray[np.bool_]) -> Ints:
        """Add up the words of chosen sets that are evidence in a view, by file and place."""
        total = np.zeros(len(self.file), np.int64)
        np.add.at(total, self._place[chosen], self._words[view][chosen])
        return total

    def count_matched(self, view: int, *, differing: bool = False) -> dict[str, Ints]:
        """Count the records that match in a view: `matched` in all, and those that are contained or contain alone."""
        copy, within, holds = (
            self.shows(kind, view, differing=differing)
            for kind in (match_kinds.COPY, match_kinds.WITHIN, match_kinds.HOLDS)
        )
        return {
            "matched": self.count(copy | within | holds),
            "contained_ab": self.count(within & ~copy),
            "contained_ba": self.count(holds & ~copy & ~within),
        }

    def first(self, chosen: npt.NDArray[np.bool_]) -> Ints:
        """Return the first record of chosen sets by file and place."""
        first = np.full(len(self.file), _NONE)
        np.minimum.at(first, self._place[chosen], self._row[chosen])
        return first


class _Evidence:
    """Counts on their way to tables."""

    def __init__(self, counts: pa.Table, texts: tuple[Ints, Ints], rules: EvidenceRules, overlaps: pa.Table) -> None:
        self._texts, self._rules, self._places = texts, rules, match_kinds.number_places(rules)
        self._codes = rules.codes
        columns = {name: counts[name].to_numpy() for name in counts.column_names}
        bounds = [0, self._places.files, self._places.first_source, self._places.training, self._places.end]
        self._files, self._groups, self._sources, self._training = (
            _Sets(columns, (columns["other"] >= first) & (columns["other"] < last)) for first, last in pairwise(bounds)
        )
        self._sizes = self._read_sizes(overlaps)

    def _read_sizes(self, overlaps: pa.Table) -> Ints:
        """Return how many records of each file have each view, of files that match any."""
        of_files = overlaps.filter(pc.is_valid(overlaps["path_a"]))
        sizes = np.zeros((BETWEEN + 1, len(self._rules.paths)), np.int64)
        file = pc.index_in(of_files["path_a"], value_set=self._rules.paths).to_numpy()
        np.maximum.at(sizes, (number_views(of_files), file), of_files["records_a"].to_numpy())
        sizes[BETWEEN] = self._codes[FileCode.RECORDS]
        return sizes

    def _count_texts(self, kind: int, a: Ints, b: Ints, within: Ints) -> Ints:
        """Count distinct texts; those inside longer ones of a file that has no text twice are each one."""
        groups, totals = self._texts
        wanted = pack_group(kind, a, b, self._places)
        place = np.searchsorted(groups, wanted)
        found = place < len(groups)
        found[found] = groups[place[found]] == wanted[found]
        counted = np.zeros(len(wanted), np.int64)
        counted[found] = totals[place[found]]
        _, pair = np.unique(wanted, return_inverse=True)
        least = np.zeros(pair.max(initial=-1) + 1, np.int64)
        np.maximum.at(least, pair, within)
        most: Ints = np.maximum(counted, least[pair])
        return most

    def _count_unique(self, sets: _Sets, chosen: npt.NDArray[np.bool_]) -> Ints:
        """Count the records of chosen sets in files that have no text twice."""
        counted: Ints = sets.count(chosen) * self._codes[FileCode.UNIQUE, sets.file]
        return counted

    def _paths(self, files: Ints) -> pa.Array:
        return self._rules.paths.take(pa.array(files))

    def _source_names(self, sources: Ints) -> pa.Array:
        return self._rules.sources.take(pa.array(sources))

    def _licence_names(self, licences: Ints) -> pa.Array:
        return self._rules.licences.take(pa.array(licences, mask=licences == 0))

    def shared(self, view: int) -> pa.Table:
        """Make SHARED of one view."""
        sets, codes = self._groups, self._codes
        licensed = sets.shows(match_kinds.LICENSED, view)
        count = sets.count_matched(view) | {
            "records": sets.count(licensed),
            "exact": sets.count(sets.shows(match_kinds.SAME_WORDS, view)),
            "explained": sets.count(sets.shows(match_kinds.EVIDENT, view)) - sets.count(licensed),
            "words": sets.add_words(view, licensed),
            "row": sets.first(licensed),
        }
        within = self._count_unique(sets, licensed & sets.shows(match_kinds.WITHIN)) * (view == WHOLE)
        kept = np.flatnonzero(count["records"])
        a, group = sets.file[kept], sets.other[kept] - self._places.files
        source, licence = self._rules.groups[:, group]
        best, share = self._find_best(view, a, group)
        columns: dict[str, Any] = {name: values[kept] for name, values in count.items()} | {
            "view": pa.repeat((*VIEWS, evidence_schemas.BETWEEN_VIEWS)[view], len(a)),
            "source_a": self._source_names(codes[FileCode.SOURCE, a]),
            "path_a": self._paths(a),
            "licence_a": self._licence_names(codes[FileCode.LICENCE, a]),
            "source_b": self._source_names(source),
            "path_b": self._paths(best),
            "licence_b": self._licence_names(licence),
            "texts": self._count_texts(
                match_kinds.LICENSED_BETWEEN if view == BETWEEN else view, codes[FileCode.GROUP, a], group, within[kept]
            ),
            "records_a": self._sizes[view, a],
            "share": share,
        }
        return schemas.conform(pa.table(columns), evidence_schemas.SHARED)

    def uncounted(self, view: int) -> pa.Table:
        """Make UNCOUNTED of one view."""
        sets, codes = self._groups, self._codes
        evident = sets.shows(match_kinds.EVIDENT, view)
        matched = sets.shows(match_kinds.COPY | match_kinds.WITHIN | match_kinds.HOLDS, view)
        records = sets.count(matched & ~evident)
        kept = np.flatnonzero(records)
        a, (source, licence) = sets.file[kept], self._rules.groups[:, sets.other[kept] - self._places.files]
        columns: dict[str, Any] = {
            "view": pa.repeat(VIEWS[view], len(a)),
            "source_a": self._source_names(codes[FileCode.SOURCE, a]),
            "path_a": self._paths(a),
            "licence_a": self._licence_names(codes[FileCode.LICENCE, a]),
            "source_b": self._source_names(source),
            "licence_b": self._licence_names(licence),
            "records": records[kept],
            "evident": sets.count(evident)[kept],
        }
        return schemas.conform(pa.table(columns), evidence_schemas.UNCOUNTED)

    def _find_best(self, view: int, file: Ints, group: Ints) -> tuple[Ints, npt.NDArray[np.float64]]:
        """Find the other file that holds most, the first of equal ones, and the highest share of any two files."""
        sets, codes, sizes = self._files, self._codes, self._sizes[view]
        between = codes[FileCode.SOURCE, sets.file] != codes[FileCode.SOURCE, sets.other]
        count = np.where(between, sets.count(sets.shows(match_kinds.LICENSED, view)), 0)
        some = np.flatnonzero(count)
        a, b, count = sets.file[some], sets.other[some], count[some]
        forth, back = a * self._places.files + b, b * self._places.files + a
        place = np.searchsorted(forth, back)
        returned = np.zeros(len(count), np.int64)
        both = place < len(forth)
        both[both] = forth[place[both]] == back[both]
        returned[both] = count[place[both]]
        share = np.maximum(count / np.maximum(sizes[a], 1), returned / np.maximum(sizes[b], 1))
        keys = file * self._places.groups + group  # ascending, as its sets are
        key = np.searchsorted(keys, a * self._places.groups + codes[FileCode.GROUP, b])
        highest = np.zeros(len(keys))
        np.maximum.at(highest, key, share)
        order = np.lexsort((b, -count, key))
        first = np.flatnonzero(np.diff(key[order], prepend=-1))
        return b[order][first], highest

    def _count_copied(self, *, differing: bool) -> tuple[Ints, dict[str, Any]]:
        """Count what stands in each other source: which rows to keep, and columns."""
        sets = self._sources

        def shows(kind: int, view: int = WHOLE) -> npt.NDArray[np.bool_]:
            return sets.shows(kind, view, differing=differing)

        whole, prompt = (shows(match_kinds.UNEXPLAINED, view) for view in (WHOLE, PROMPT))
        alone = prompt & ~shows(match_kinds.FROM_OTHERS)
        crossed = sets.shows(match_kinds.UNEXPLAINED, BETWEEN) & differing
        records, prompts, reanswered = map(sets.count, (whole | crossed, prompt, alone))
        firsts = [sets.first(kind) for kind in (alone, whole | crossed, prompt)]
        row = np.select([reanswered > 0, records > 0], firsts[:2], firsts[2])
        other = sets.other - self._places.first_source
        source = self._codes[FileCode.SOURCE, sets.file]
        of_prompts = {
            name.replace("matched", "prompts_matched").replace("contained", "prompts"): count
            for name, count in sets.count_matched(PROMPT, differing=differing).items()
        }
        columns: dict[str, Any] = sets.count_matched(WHOLE, differing=differing) | of_prompts | {
            "source_a": source, "path_a": sets.file, "source_b": other, "records": records, "prompts": prompts,
            "words": sets.add_words(WHOLE, whole) if differing else sets.add_words(PROMPT, alone),
            "reanswered": reanswered, "row": row,
            "within": self._count_unique(sets, shows(match_kinds.WITHIN) & whole),
        }  # fmt: skip
        if differing:
            every = match_kinds.COPY | match_kinds.WITHIN | match_kinds.HOLDS
            columns["crossed"] = sets.count(sets.shows(every, BETWEEN) & ~shows(every))
            columns["matched"] = columns["matched"] + columns["crossed"]
            columns["words"] = columns["words"] + sets.add_words(BETWEEN, crossed & ~whole)
        kept = np.flatnonzero((source != other) & ((records > 0) | (prompts > 0)))
        return kept, {name: values[kept] for name, values in columns.items()}

    def copied(self) -> pa.Table:
        """Make COPIED."""
        _, columns = self._count_copied(differing=True)
        a, b, within = (columns[name] for name in ("source_a", "source_b", "within"))
        kinds = (match_kinds.COPIED, match_kinds.COPIED_BETWEEN)
        texts = np.maximum(*(self._count_texts(kind, a, b, within) for kind in kinds))
        return self._name_copied(columns | {"texts": texts}, evidence_schemas.COPIED)

    def reanswered(self) -> pa.Table:
        """Make REANSWERED."""
        _, columns = self._count_copied(differing=False)
        none = np.zeros(len(columns["within"]), np.int64)  # prompts may stand twice in what has no record twice
        texts = self._count_texts(match_kinds.REANSWERED, columns["source_a"], columns["source_b"], none)
        names = ("records_a", "prompts_a")
        sizes = {name: self._sizes[view, columns["path_a"]] for name, view in zip(names, (WHOLE, PROMPT), strict=True)}
        return self._name_copied(columns | {"texts": texts} | sizes, evidence_schemas.REANSWERED)

    def _name_copied(self, columns: dict[str, Any], schema: pa.Schema) -> pa.Table:
        named = {name: self._source_names(columns[name]) for name in ("source_a", "source_b")}
        named["path_a"] = self._paths(columns["path_a"])
        return schemas.conform(pa.table({name: (columns | named)[name] for name in schema.names}), schema)

    def leaks(self) -> LeakSets:
        """Return what LEAKS is made of."""
        return LeakSets(self._training, self._files, self._places.training)

    def repeats(self) -> pa.Table:
        """Make REPEATS."""
        sets = self._sources
        near = sets.shows(match_kinds.ENOUGH) & ~sets.shows(match_kinds.SAME_WORDS)
        source = self._codes[FileCode.SOURCE, sets.file]
        records = np.where(source == sets.other - self._places.first_source, sets.count(near), 0)
        kept = np.flatnonzero(records)
        columns = {
            "source": self._source_names(source[kept]),
            "path": self._paths(sets.file[kept]),
            "records": records[kept],
            "row": sets.first(near)[kept],
        }
        return schemas.conform(pa.table(columns), evidence_schemas.REPEATS)
