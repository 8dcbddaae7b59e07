"""JSON documents that are one object: tables of records, columns, splits, or one record (`json_shapes`)."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from provenance.core import schemas
from provenance.readers.records import column_roles, json_columns, json_shapes, json_strings, personal_columns
from provenance.readers.records.column_roles import RECORD, is_column, is_metadata
from provenance.readers.records.json_buffers import RecordBuffer, is_full, make_batch
from provenance.readers.records.json_kernel import (
    AFTER,
    ARRAY,
    BATCH_VALUES,
    DONE,
    LINES,
    MOST_VALUES,
    OBJECT,
    OPEN,
    PHASE,
    RECORDS,
    scan_records,
)
from provenance.readers.records.json_shapes import BRACE, BRACKET, JsonMember, RecordTable, Shape
from provenance.readers.records.json_survey import name_cells, spread_questions
from provenance.readers.records.record_format import Section
from provenance.readers.records.string_kernels import MANY
from provenance.readers.records.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provenance.readers.records.json_kernel import Work

_KEYS = tuple(np.frombuffer(name, np.uint8) for name in (b"paragraphs", b"context", b"qas", b"title"))
_ROOM = 4  # times the bytes of a document that its records may take once they are written one a line


def read_tables(buffer: RecordBuffer, tally: Tally) -> Iterator[pa.RecordBatch | Section] | None:
    """Read a valid document that is one object.

    Args:
        buffer: all of its bytes.
        tally: gains counts.

    Returns:
        RECORDS batches, and a `Section` for each split; None where the document is one record.
    """
    data = buffer.data
    start = int(np.argmax(data == BRACE))
    shape = json_shapes.find_shape(data, start, len(data), roles=buffer.roles)
    if not shape.tables:
        return None
    batches = _read_shape(shape, buffer, tally)
    return _add_surroundings(batches, shape, buffer) if shape.around else batches


def _read_shape(shape: Shape, buffer: RecordBuffer, tally: Tally) -> Iterator[pa.RecordBatch | Section]:
    parts: dict[str, list[RecordTable]] = {}
    for table in shape.tables:
        parts.setdefault(table.split, []).append(table)
    for split, tables in parts.items():
        if not split:
            for table in tables:
                yield from _read_table(table, buffer, tally)
            continue
        content = b"".join(buffer.data[table.start : table.end].tobytes() for table in tables)
        own = Tally()
        digest = hashlib.sha256(content).hexdigest()
        batches = (batch for table in tables for batch in _read_table(table, buffer, own))
        yield Section(split, len(content), digest, own, batches)


def _read_table(table: RecordTable, buffer: RecordBuffer, tally: Tally) -> Iterator[pa.RecordBatch]:
    if table.columns:
        return _read_columns(table.columns, buffer, tally)
    if table.names or table.questions:
        lines = _write_lines(table, buffer)
        if lines is not None:
            return _read_lines(lines, buffer, tally)
    return _read_container(table, buffer, tally)


def _write_lines(table: RecordTable, buffer: RecordBuffer) -> Any:
    """Write records that stand in arrays of cells, or below articles, one a line; None where that is not possible."""
    data = buffer.data[table.start : table.end]
    out = np.empty(_ROOM * len(data) + (1 << 20), np.uint8)
    if table.questions:
        size = int(spread_questions(data, len(data), _KEYS, out))
    else:
        names = [("," if k else "{") + json.dumps(name) + ":" for k, name in enumerate(table.names)]
        parts = [name.encode() for name in names]
        joined = np.frombuffer(b"".join(parts), np.uint8)
        size = int(name_cells(data, len(data), joined, np.cumsum([0, *map(len, parts)]), out))
    return out[:size].copy() if size >= 0 else None


def _read_lines(lines: Any, buffer: RecordBuffer, tally: Tally) -> Iterator[pa.RecordBatch]:
    inner = RecordBuffer(buffer.stream, buffer.limits, buffer.roles)
    lines.flags.writeable = False
    inner.data, inner.final = lines, True
    yield from _scan(inner, 0, len(lines), LINES, tally)


def _read_container(table: RecordTable, buffer: RecordBuffer, tally: Tally) -> Iterator[pa.RecordBatch]:
    """Read the elements of an array, or the members of an object."""
    data = buffer.data
    is_array = data[table.start] == BRACKET
    if is_array:
        head = data[table.start + 1 : table.end].tobytes()
        wrapped = json_strings.find_wrapped(head, buffer.roles, by_lines=False)
        if wrapped is not None:
            store = np.frombuffer(bytearray(head), np.uint8)
            json_strings.unwrap(
                store, len(store), wrapped=wrapped, depth=buffer.limits.nesting_levels, roles=buffer.roles
            )
            inner = RecordBuffer(buffer.stream, buffer.limits, buffer.roles)
            inner.data, inner.final = store.view(), True
            inner.data.flags.writeable = False
            yield from _scan(inner, 0, len(store), ARRAY, tally)
            return
    yield from _scan(buffer, table.start + 1, table.end, ARRAY if is_array else OBJECT, tally)


def _scan(buffer: RecordBuffer, start: int, end: int, shape: int, tally: Tally) -> Iterator[pa.RecordBatch]:
    buffer.prepare_work().counts[PHASE] = OPEN
    more = True
    while more:
        start, work = buffer.scan_records(start, shape, n=end)
        more = is_full(work) if shape == LINES else work.counts[PHASE] < DONE
        if work.counts[RECORDS]:
            yield make_batch(buffer.data, work, tally)


def _find_role(name: str, roles: column_roles.Roles) -> tuple[int, int]:
    kind, rank = column_roles.decide_role(RECORD, 0, *roles.find_role(name))
    return int(kind), int(rank)


def _read_columns(members: tuple[JsonMember, ...], buffer: RecordBuffer, tally: Tally) -> Iterator[pa.RecordBatch]:
    """Read columns, whose elements are values of the same records."""
    personal = personal_columns.load_names()
    columns = [
        (
            *_find_role(each.name, buffer.roles),
            each.name_start if personal.find_class(each.name) else 0,
            each.name,
            each.start,
            each.end,
        )
        for each in members
    ]
    count = members[0].elements
    places, phases = [start + 1 for *_, start, _ in columns], OPEN
    most, row = max(1, BATCH_VALUES // len(columns)), 0
    while row < count:
        most = min(most, count - row)
        found, errors, work = _scan_across(columns, places, phases, most, buffer)
        if most > 1 and MANY in errors:
            most = max(1, most // 16)  # cells of many values: fewer rows at a time
            continue
        places, phases, row = found, AFTER, row + most
        work.records[:most] = 0
        work.records[:most, 2] = errors
        work.counts[RECORDS] = most
        yield make_batch(buffer.data, work, tally)


def _scan_across(
    columns: list[tuple[int, int, int, str, int, int]], places: list[int], phase: int, most: int, buffer: RecordBuffer
) -> tuple[list[int], Any, Work]:
    """Read `most` elements of each column; return where each stopped, the records' error codes, and what was found."""
    work, data, found, errors = buffer.prepare_work(), buffer.data, [], np.zeros(most, np.int32)
    for number, ((kind, rank, name, key, start, end), place) in enumerate(zip(columns, places, strict=True), 1):
        work.counts[RECORDS], work.counts[PHASE] = 0, phase
        compared = is_column(kind) or is_metadata(kind)
        work.columns.counts[json_columns.AROUND] = _number_column(key, number, work) if compared else 0
        shape = ARRAY if data[start] == BRACKET else OBJECT
        stop = scan_records(data, place, end, True, shape, len(data), most, MOST_VALUES, kind, rank, name, work)
        found.append(int(stop))
        errors = np.maximum(errors, work.records[:most, 2] if work.counts[RECORDS] == most else MANY)
    work.columns.counts[json_columns.AROUND] = 0
    return found, errors, work


def _number_column(name: str, number: int, work: Work) -> int:
    """Return the number of a column of a document; in the place of its hash is one that no hash is likely to be."""
    key = np.frombuffer(name.encode("utf-8", "replace"), np.uint8)
    return int(json_columns.number_column(key, 0, len(key), np.uint64(number), 0, work.columns))


def _add_surroundings(
    batches: Iterator[pa.RecordBatch | Section], shape: Shape, buffer: RecordBuffer
) -> Iterator[pa.RecordBatch | Section]:
    """Give each record the licence that stands beside them all; what else does is for detectors, with the first."""
    around = _read_surroundings(shape, buffer)
    licence = around["licence"][0]
    texts = [around[name][0].as_py() for name in ("whole", "aside", "url", "origin")]
    waiting = "\n".join(text for text in texts if text)
    for found in batches:
        if isinstance(found, Section):
            found.batches = (_fill(batch, licence, "") for batch in found.batches)
            yield found
            continue
        yield _fill(found, licence, waiting)
        waiting = ""


def _fill(batch: pa.RecordBatch, licence: Any, text: str) -> pa.RecordBatch:
    names = schemas.RECORDS.names
    columns = dict(zip(names, batch.columns, strict=True))
    if licence.is_valid:
        columns["licence"] = pc.if_else(
            batch["error"].is_valid(), batch["licence"], pc.fill_null(batch["licence"], licence)
        )
    if text and len(batch):
        first = "\n".join(filter(None, [batch["aside"][0].as_py(), text]))
        columns["aside"] = pa.concat_arrays([pa.array([first], pa.large_string()), batch["aside"].slice(1)])
    return pa.RecordBatch.from_arrays(list(columns.values()), schema=batch.schema)


def _read_surroundings(shape: Shape, buffer: RecordBuffer) -> pa.RecordBatch:
    """Read a document without its tables, as one record."""
    parts, at = [], 0
    for table in sorted(shape.tables, key=lambda each: each.start):
        parts += [buffer.data[at : table.start].tobytes(), b"null"]
        at = table.end
    rest = np.frombuffer(b"[" + b"".join([*parts, buffer.data[at:].tobytes()]) + b"]", np.uint8)
    inner = RecordBuffer(buffer.stream, buffer.limits, buffer.roles)
    inner.data, inner.final = rest, True
    return next(_scan(inner, 1, len(rest), ARRAY, Tally()))
