"""What two ledgers have in common, and what changed between two scans of one folder; nobody's data is needed.

Shares are of distinct shingles (runs of five words), never of records: phrases that everybody uses are shared by
everybody, and text that was translated or reworded is not found. Nobody is said to have copied.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from provenance import ledger
from provenance.core import schemas
from provenance.core.model import VIEWS
from provenance.errors import InputError, VerificationError
from provenance.similarity.index import source_sketches

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    import pyarrow as pa

VERSION = 1

LEAST_SHARE = 0.15
"""A pair is listed if surely this share of one source stands in the other.

Common speech is shared by sources that have nothing to do with each other, the more so the smaller and plainer they
are: of the 2,017 prompts of CodeAlpaca's small file, which has no record in common with Stanford Alpaca, 11.4 % of the
runs of five words ("write a function to calculate ...") stand there too. Among 18 public sets of instructions,
benchmarks, news and crawled pages nothing unrelated shared more. Where whole files had been copied it was 60 % and
more; where a source had taken some hundred prompts among others (LLaMA-Factory's demo), 8 %: so small a part of a
source no sketch tells from chance.
"""

_FIELDS = ("licence_declared", "licence_concluded", "records")  # of SOURCES, which are compared


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two scans, and how far it may be believed.

    Args:
        ledger: as it was named.
        entry: number of the entry.
        data: name of the scan's root.
        kind: draft | assessment.
        finished: when the scan ended, as it claims.
        sources: how many it has.
        key: fingerprint of the key that the entry says it is signed by.
        whose: whose key that is; None where nobody pinned it.
        verified: exit code of `verify`, see `ledger.verify`.
        meaning: the same in words.
    """

    ledger: str
    entry: int
    data: str
    kind: str
    finished: str
    sources: int
    key: str
    whose: str | None
    verified: int
    meaning: str

    def as_json(self) -> dict[str, Any]:
        """Return what `--format json` prints of it."""
        return {
            "ledger": self.ledger, "entry": self.entry, "data": self.data, "kind": self.kind,
            "finishedOn": self.finished, "sources": self.sources,
            "signed_by": {"fingerprint": self.key, "whose": self.whose},
            "verification": {"exit_code": self.verified, "meaning": self.meaning},
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Difference:
    """What two scans have in common, and what changed.

    Args:
        a: the one.
        b: the other.
        gaps: what could not be compared, one sentence each.
        overlaps: ESTIMATES of the pairs of sources of which surely LEAST_SHARE of one stands in the other, the most
            first.
        below: pairs, by view, that share less than LEAST_SHARE, in either direction.
        open: pairs, by view, whose sketches do not tell whether they share more or less.
        same_data: whether both scans saw the same bytes; None where an entry does not say.
        changes: CHANGES from a to b, where both are scans of one folder; None where they are not.
    """

    a: Side
    b: Side
    gaps: tuple[str, ...]
    overlaps: pa.Table
    below: int
    open: int
    same_data: bool | None
    changes: pa.Table | None

    def as_json(self) -> dict[str, Any]:
        """Return what `--format json` prints; its schema is `data/schemas/difference.schema.json`."""
        return {
            "difference": VERSION,
            "a": self.a.as_json(),
            "b": self.b.as_json(),
            "method": {"unit": "distinct shingles", "level": source_sketches.CONFIDENCE, "floor": LEAST_SHARE},
            "not_compared": list(self.gaps),
            "pairs": {"listed": self.overlaps.num_rows, "below": self.below, "open": self.open},
            "overlaps": self.overlaps.to_pylist(),
            "same_data": self.same_data,
            "changes": None if self.changes is None else self.changes.to_pylist(),
        }


def diff(
    a: str | os.PathLike[str],
    b: str | os.PathLike[str],
    index_a: int | None = None,
    index_b: int | None = None,
    *,
    verified: bool = True,
    warn: Callable[[str], None] = lambda _: None,
) -> Difference:
    """Estimate which sources of two ledgers share text, and say what changed between two scans of one folder.

    Args:
        a: a ledger.
        b: another, or the same.
        index_a: number of a's entry; None = its newest scan.
        index_b: number of b's entry.
        verified: whether a ledger that does not verify is an error; False compares it all the same.
        warn: is told what is read over, and whose keys nobody vouches for, one sentence each.

    Returns:
        Estimates with their intervals. Both ledgers are verified as `provenance verify` does, against the user's own
        keys, and what that says is said.

    Raises:
        ConfigError: a folder is no ledger.
        InputError: a ledger has no such scan. VerificationError: it does not verify.
    """
    first, second = (_Scan(path, at, warn, verified=verified) for path, at in ((a, index_a), (b, index_b)))
    gaps = [*_gaps("a", first), *_gaps("b", second)]
    compared = _PairEstimates()
    for view, kind in product(_views(first, second), _kinds(first, second)):
        compared.add(view, first.sketched(view, kind), second.sketched(view, kind))
    gaps += _one_sided_gaps(first, second)
    digests = [scan.facts.get("dataDigest") for scan in (first, second)]
    return Difference(
        a=first.side,
        b=second.side,
        gaps=tuple(gaps),
        overlaps=compared.table(),
        below=compared.below,
        open=compared.open,
        same_data=digests[0] == digests[1] if all(digests) else None,
        changes=_changes(first, second) if _is_one_folder(first, second) else None,
    )


class _Scan:
    """What is read of a side."""

    def __init__(
        self, path: str | os.PathLike[str], index: int | None, warn: Callable[[str], None], *, verified: bool
    ) -> None:
        reader = ledger.open_reader(Path(path), index, verified=verified, warn=warn)
        self.side = self._side(reader, str(path), verified=verified)
        self.facts: Mapping[str, Any] = reader.statement().predicate
        self.sources: pa.Table = reader.tables(names=["sources"])["sources"]
        self.unread: str | None = None
        try:
            self.sketches: pa.Table = reader.tables(names=["sketches"])["sketches"]
        except InputError as cause:
            self.sketches, self.unread = schemas.empty(schemas.SKETCHES), str(cause)
        if wrong := source_sketches.find_fault(self.sketches):
            self.sketches, self.unread = schemas.empty(schemas.SKETCHES), f"they are damaged: {wrong}"
        if "sketches" not in self.facts["tables"]:
            self.unread = "it was written by a version that made no sketches; scan the data again"
        self.side = replace(self.side, sources=self.sources.num_rows)

    def _side(self, reader: ledger.Reader, named: str, *, verified: bool) -> Side:
        from provenance.ledger.verification.results import EQUIVOCATION, INVALID

        checked, key, facts = ledger.verify(reader.folder), reader.envelope().keyid, reader.statement().predicate
        broken = checked.exit_code in {INVALID, EQUIVOCATION} or checked.root != reader.root
        if broken and verified:
            raise VerificationError(
                f"{named} does not verify, so nothing is compared with it; run provenance verify {named} "
                "(--unverified compares it all the same)"
            )
        if broken and not reader.faults:
            failed = next((step.detail for step in checked.steps if step.status == "failed"), "")
            reader.warn(f"{named} does not verify, and is read all the same: {failed}")
        whose = (each.whose for each in checked.signers if (each.fingerprint, each.role) == (key, "statement"))
        return Side(
            ledger=named,
            entry=reader.index,
            data=facts["data"],
            kind=facts["kind"],
            finished=facts["finishedOn"],
            sources=0,
            key=key,
            whose=next(whose, None),
            verified=checked.exit_code,
            meaning=checked.meaning,
        )

    def values(self, name: str) -> list[str]:
        return list(dict.fromkeys(self.sketches[name].to_pylist()))

    def sketched(self, view: str, kind: str) -> _SideSketches:
        triples = zip(*(self.sketches[name].to_pylist() for name in ("source", "view", "shingle")), strict=True)
        rows = {source: row for row, (source, *of) in enumerate(triples) if of == [view, kind]}
        return _SideSketches(list(rows), [source_sketches.read_sketch(self.sketches, row) for row in rows.values()])


@dataclass(frozen=True, slots=True)
class _SideSketches:
    """The sketches of one side's sources, of one view and kind of shingle."""

    names: list[str]
    sketches: list[source_sketches.Sketch]

    def counts(self, scale: int) -> list[int]:
        """How many hashes each would hold at a scale, or at its own where that is coarser."""
        return [len(source_sketches.coarsen(each, max(scale, each.scale))) for each in self.sketches]


class _PairEstimates:
    """Pairs of sources, as they are gone through."""

    def __init__(self) -> None:
        self._rows: list[dict[str, Any]] = []
        self.below = self.open = 0

    def add(self, view: str, a: _SideSketches, b: _SideSketches) -> None:
        """Compare every source of a with every source of b."""
        if not b.sketches:
            return
        owner = np.repeat(np.arange(len(b.sketches)), [len(each.hashes) for each in b.sketches])
        hashes = np.concatenate([each.hashes for each in b.sketches])
        order = np.argsort(hashes, kind="stable")
        hashes, owner = hashes[order], owner[order]
        counts_a = {scale: a.counts(scale) for scale in {each.scale for each in b.sketches}}
        counts_b = {scale: b.counts(scale) for scale in {each.scale for each in a.sketches}}
        for i, (name, sketch) in enumerate(zip(a.names, a.sketches, strict=True)):
            # what is in both lies below both limits; only what each holds depends on the coarser scale
            shared = np.bincount(owner[_find_places(hashes, sketch.hashes)], minlength=len(b.sketches)).tolist()
            for other, other_sketch, count, both in zip(
                b.names, b.sketches, counts_b[sketch.scale], shared, strict=True
            ):
                of = counts_a[other_sketch.scale][i], count
                self._pair(view, (name, other), max(sketch.scale, other_sketch.scale), both, of)

    def _pair(self, view: str, names: tuple[str, str], scale: int, shared: int, of: tuple[int, int]) -> None:
        sides = [source_sketches.compare_share(shared, count, LEAST_SHARE) for count in of]
        if max(sides) < 1:
            self.below += max(sides) < 0
            self.open += max(sides) == 0
            return
        row: dict[str, Any] = {"view": view, "scale": scale, "shared": shared}
        for each, name, count in zip(("a", "b"), names, of, strict=True):
            share, low, high = source_sketches.estimate(shared, count)
            row |= {f"source_{each}": name, f"hashes_{each}": count}
            row |= {f"share_{each}": share, f"low_{each}": low, f"high_{each}": high}
        self._rows.append(row)

    def table(self) -> pa.Table:
        """Return ESTIMATES, the pairs of which most is sure first, whole before its parts."""
        best: dict[tuple[str, str], float] = {}
        for row in self._rows:
            pair = row["source_a"], row["source_b"]
            best[pair] = max(best.get(pair, 0.0), row["low_a"], row["low_b"])
        place = {view: number for number, view in enumerate(VIEWS)}

        def rank(row: Mapping[str, Any]) -> tuple[Any, ...]:
            pair = row["source_a"], row["source_b"]
            return -best[pair], pair, place.get(row["view"], len(place)), row["view"]

        return schemas.rows(sorted(self._rows, key=rank), schemas.ESTIMATES)


def _find_places(hashes: Any, wanted: Any) -> Any:
    """Return the places at which any of `wanted` stands among sorted hashes."""
    first, last = (np.searchsorted(hashes, wanted, side) for side in ("left", "right"))
    counts = last - first
    ends = np.cumsum(counts)
    return np.repeat(first - np.r_[0, ends[:-1]], counts) + np.arange(ends[-1] if len(ends) else 0)


def _views(a: _Scan, b: _Scan) -> list[str]:
    return [*VIEWS, *sorted({*a.values("view"), *b.values("view")} - set(VIEWS))]


def _kinds(a: _Scan, b: _Scan) -> list[str]:
    return sorted(set(a.values("shingle")) & set(b.values("shingle")))


def _gaps(name: str, scan: _Scan) -> Iterator[str]:
    """Say what of one side cannot be compared with anything."""
    if scan.side.verified in {1, 6}:
        yield f"{name}: {scan.side.meaning}: whoever changed it may have changed what follows; run provenance verify"
    if scan.unread:
        yield f"{name}: no sketches: {scan.unread}"
        return
    if sample := (scan.facts.get("config") or {}).get("sample"):
        share = sample.get("share") if isinstance(sample, dict) else None
        part = f" ({share:.2%} of the bytes)" if isinstance(share, float) else ""
        yield f"{name}: only a sample of its data was read{part}: shares are of that"
    with_sketch = set(scan.sketches["source"].to_pylist())
    if silent := [source for source in scan.sources["source"].to_pylist() if source not in with_sketch]:
        yield f"{name}: without text: {_list_some(silent)}"
    rows = scan.sketches.select(["source", "view", "shingles"]).to_pylist()
    if little := [row["source"] for row in rows if row["view"] == VIEWS[0] and not row["shingles"]]:
        yield f"{name}: too little text for a sketch: {_list_some(little)}"


def _one_sided_gaps(a: _Scan, b: _Scan) -> Iterator[str]:
    """Say what one side has and the other has nothing to set against."""
    for name, scan, other in (("a", a, b), ("b", b, a)):
        if other.unread or scan.unread:
            return
        for kind in sorted(set(scan.values("shingle")) - set(other.values("shingle"))):
            if other.sketches.num_rows:
                yield f"{name}: text cut as {kind!r}, as none of the other is: scan both with one version"
        for view in sorted(set(scan.values("view")) - set(other.values("view"))):
            yield f"{name}: the view {view}, which no source of the other has"


def _list_some(names: Sequence[str]) -> str:
    more = f" and {len(names) - 5:,} more" if len(names) > 5 else ""
    return f"{len(names):,} source{'s' * (len(names) != 1)} ({', '.join(names[:5])}{more})"


def _is_one_folder(a: _Scan, b: _Scan) -> bool:
    """Tell whether two scans are of one folder: in one log, or by one name under one key."""
    return a.facts["log"]["origin"] == b.facts["log"]["origin"] or (a.side.data, a.side.key) == (
        b.side.data,
        b.side.key,
    )


def _changes(a: _Scan, b: _Scan) -> pa.Table:
    """Make CHANGES from a to b, sorted by source."""
    before, after = ({row["source"]: row for row in scan.sources.to_pylist()} for scan in (a, b))
    return schemas.rows(list(_changed(before, after)), schemas.CHANGES)


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    for source in sorted({*before, *after}):
        if source not in before or source not in after:
            change = "added" if source not in before else "removed"
            records = str((after if source in after else before)[source]["records"])
            counts = {"before": None, "after": records} if change == "added" else {"before": records, "after": None}
            yield {"source": source, "change": change, "field": "records", **counts}
            continue
        for field in _FIELDS:
            was, now = before[source][field], after[source][field]
            if was != now:
                values = {"before": None if was is None else str(was), "after": None if now is None else str(now)}
                yield {"source": source, "change": "changed", "field": field, **values}
