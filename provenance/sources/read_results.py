"""What the files of a scan held, as columns: one row a file or member, never one object.

An archive may have a million members, and a folder as many files: what is kept of each is a few hundred bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from provenance import detectors
from provenance.core import schemas
from provenance.core.model import VIEWS, Claim
from provenance.readers.records.small_files import ACCOUNTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from provenance.readers.records import Account

Ints = npt.NDArray[np.int64]

COUNTS = ("tokens", *VIEWS, "unlicensed", "short_fields")
"""Columns of SEEN that are added up batch by batch: words, records that have a view, records that state no licence, and
texts of columns that are too short to be compared by themselves."""

_ACCOUNT = tuple(zip(ACCOUNTS.names, ACCOUNTS.types, strict=True))
_MORE = (("role", pa.string()), ("records_root", pa.string()))
_NULLABLE = {"format", "skip_reason", "sha256", "role", "records_root"}

SEEN = pa.schema(
    [
        pa.field(name, type_, nullable=name in _NULLABLE)
        for name, type_ in (*_ACCOUNT, *_MORE, *((name, pa.int64()) for name in COUNTS))
    ],
    metadata={
        "table": "SEEN",
        "grain": "one file or member: its account; its role, where it is a member; the root of its record tree; COUNTS",
    },
)

STATED = pa.schema(
    [
        pa.field("file", pa.int64(), nullable=False),
        pa.field("field", pa.string(), nullable=False),
        pa.field("value", pa.string(), nullable=False),
    ],
    metadata={
        "table": "STATED",
        "grain": "one different value of a licence or origin column of one file, in its order",
    },
)

_CHUNK = 4096  # rows that are held as Python objects before they become columns


@dataclass(frozen=True, slots=True)
class BundleResult:
    """What a bundle held.

    Args:
        bundle: its number.
        files: SEEN, every file and member, members before their archive; MEMBERS.file is a place in this table.
        observed: what detectors saw, detectors.BY_FILE; `file` is a place in `files`.
        stated: STATED, likewise.
        claims: what licences and documents inside archives state, by place in `files`.
        parts: scratch files of MEMBERS as (view, path).
        sets: scratch files of SETS as (view, path); what they speak of stands in `hashes`.
        sketches: scratch files of SKETCHED as (view, path); its `file` is as that of MEMBERS.
        columns: of fields, by number: name and side.
    """

    bundle: int
    files: pa.Table
    observed: pa.Table = field(default_factory=detectors.BY_FILE.empty_table)
    stated: pa.Table = field(default_factory=STATED.empty_table)
    claims: Mapping[int, tuple[Claim, ...]] = field(default_factory=dict)
    parts: tuple[tuple[str, str], ...] = ()
    sets: tuple[tuple[str, str], ...] = ()
    sketches: tuple[tuple[str, str], ...] = ()
    columns: tuple[tuple[str, int], ...] = ()


class Register:
    """The rows of SEEN of a bundle while it is read."""

    def __init__(self) -> None:
        self._entered = 0
        self._counts = {name: np.zeros(_CHUNK, np.int64) for name in (*COUNTS, "rows")}
        self._numbers: list[int] = []
        self._rows: list[tuple[Any, ...]] = []
        self._tables: list[pa.Table] = []
        self._stated: list[tuple[int, str, str]] = []
        self._claims: dict[int, tuple[Claim, ...]] = {}
        self._observed: list[pa.Table] = []

    def enter(self) -> int:
        """Give the next file or member its number."""
        return int(self.enter_many(1)[0])

    def enter_many(self, count: int) -> Ints:
        """Give the next files or members their numbers.

        Args:
            count: how many.
        """
        self._entered += count
        return np.arange(self._entered - count, self._entered)

    def add(self, name: str, numbers: Ints, counts: Ints) -> None:
        """Add counts of some files.

        Args:
            name: one of COUNTS, or `rows` for records.
            numbers: of the files, each once.
            counts: one a file.
        """
        column = self._counts[name]
        if len(column) < self._entered:
            column = self._counts[name] = np.concatenate([column, np.zeros(max(len(column), self._entered), np.int64)])
        column[numbers] += counts

    def rows(self, number: int) -> int:
        """Return how many records of a file were counted so far."""
        column = self._counts["rows"]
        return int(column[number]) if number < len(column) else 0

    def observe(self, observed: pa.Table) -> None:
        """Take what detectors saw, detectors.BY_FILE."""
        if observed.num_rows:
            self._observed.append(observed)
        if len(self._observed) >= detectors.BATCHES_HELD:
            self._observed = [detectors.add_by_file(self._observed)]

    def close(
        self,
        number: int,
        account: Account,
        *,
        role: str | None = None,
        root: str | None = None,
        stated: Iterable[tuple[str, str]] = (),
        claims: tuple[Claim, ...] = (),
    ) -> None:
        """Enter the account of a file that was read.

        Args:
            number: of the file.
            account: its account.
            role: of a member.
            root: of its record tree.
            stated: field and value of its licence and origin columns, each once.
            claims: what it states as a licence or document.
        """
        self._numbers.append(number)
        self._rows.append((*(getattr(account, name) for name, _ in _ACCOUNT), role, root))
        self._stated += [(number, name, value) for name, value in stated]
        if claims:
            self._claims[number] = claims
        if len(self._rows) >= _CHUNK:
            self._settle()

    def close_many(
        self,
        numbers: Ints,
        accounts: pa.Table,
        *,
        role: str | None,
        roots: Mapping[int, str | None],
        stated: Iterable[tuple[int, str, str]],
    ) -> None:
        """Enter the accounts of files that were read together.

        Args:
            numbers: of the files.
            accounts: ACCOUNTS of them.
            role: of all of them, where they are members.
            roots: of their record trees, by number.
            stated: number, field and value of their licence and origin columns, each once.
        """
        self._settle()
        self._numbers += numbers.tolist()
        known = [roots.get(number) for number in numbers.tolist()] if roots else pa.nulls(len(numbers), pa.string())
        more = [pa.repeat(pa.scalar(role, pa.string()), len(numbers)), pa.array(known, pa.string())]
        names = [name for name, _ in (*_ACCOUNT, *_MORE)]
        self._tables.append(pa.table([*accounts.columns, *more], names=names))
        self._stated += stated

    def _settle(self) -> None:
        if not self._rows and self._tables:
            return
        columns = zip(*self._rows, strict=True) if self._rows else ([] for _ in (*_ACCOUNT, *_MORE))
        arrays = [pa.array(column, type_) for column, (_, type_) in zip(columns, (*_ACCOUNT, *_MORE), strict=True)]
        self._tables.append(pa.table(arrays, names=[name for name, _ in (*_ACCOUNT, *_MORE)]))
        self._rows = []

    def result(self, bundle: int, scratch: Mapping[str, tuple[tuple[Any, ...], ...]]) -> BundleResult:
        """Return what the bundle held, all of its files being closed.

        Args:
            bundle: its number.
            scratch: its scratch files, by field of Observed.
        """
        self._settle()
        order = np.argsort(np.array(self._numbers, np.int64), kind="stable")
        files = pa.concat_tables(self._tables).take(pa.array(order))
        silent = np.ones(len(order), np.bool_)  # a file of which no record states a licence misses none
        silent[[number for number, name, _ in self._stated if name == "licence"]] = False
        for name in COUNTS:
            counts = np.zeros(len(order), np.int64)
            column = self._counts[name][: len(order)]
            counts[: len(column)] = column
            files = files.append_column(name, pa.array(np.where(silent, 0, counts) if name == "unlicensed" else counts))
        columns = zip(*self._stated, strict=True) if self._stated else ([], [], [])
        stated = pa.table([pa.array(each, kind) for each, kind in zip(columns, STATED.types, strict=True)], STATED)
        observed = detectors.add_by_file(self._observed)
        return BundleResult(bundle, schemas.conform(files, SEEN), observed, stated, self._claims, **scratch)


def enter_accounts(accounts: Sequence[Account], bundle: int) -> BundleResult:
    """Return what is known of files of which nothing but their accounts is.

    Args:
        accounts: the accounts.
        bundle: the number to give them.
    """
    register = Register()
    for account in accounts:
        register.close(register.enter(), account)
    return register.result(bundle, {})


@dataclass(frozen=True, slots=True)
class FileResult:
    """What all files of a scan held.

    Args:
        files: SEEN, sorted by path.
        observed: detectors.BY_FILE; `file` is a place in `files`.
        places: of each bundle's files, by its number: their places in `files`.
    """

    files: pa.Table
    observed: pa.Table
    places: Mapping[int, npt.NDArray[np.int64]]


def gather_results(observed: Sequence[BundleResult]) -> FileResult:
    """Bring together what bundles held.

    Args:
        observed: any, in any order.

    Returns:
        The same whatever the bundles.
    """
    files = pa.concat_tables([SEEN.empty_table(), *(each.files for each in observed)]).combine_chunks()
    order = np.asarray(pc.sort_indices(files, sort_keys=[("path", "ascending")])).astype(np.int64)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    places, first, tables = {}, 0, [detectors.BY_FILE.empty_table()]
    for each in observed:
        places[each.bundle] = own = place[first : first + each.files.num_rows]
        first += each.files.num_rows
        tables.append(
            each.observed.set_column(0, detectors.BY_FILE.field(0), pa.array(own[np.asarray(each.observed["file"])]))
        )
    return FileResult(files.take(pa.array(order)), pa.concat_tables(tables), places)
