"""From Arrow columns, nested ones too, to a tape of values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numba import njit

from provenance.readers.records import string_kernels
from provenance.readers.records.column_roles import META, RECORD, decide_role, is_text_role
from provenance.readers.records.value_tape import END, GROUP, KIND, RANK, REC, START, drop_useless

if TYPE_CHECKING:
    from provenance.readers.records.column_roles import Roles


@njit(nogil=True, cache=True)
def _check_texts(buf: Any, tape: Any, errors: Any) -> None:
    for k in range(tape.shape[0]):
        error = string_kernels.check_text(buf, tape[k, START], tape[k, END])
        if error != string_kernels.OK:
            errors[tape[k, REC]] = error


@dataclass(slots=True)
class _LeafColumns:
    """Leaves of nested columns on their way to a tape."""

    roles: Roles
    parts: list[Any]
    tapes: list[Any]
    orders: list[Any]
    bytes: int = 0
    groups: int = 0

    def add_column(self, array: Any, kind: int, rank: int, where: Any) -> None:
        """Descend into a column; `where` is int64[:, 4]: record, group, place in the outermost list, in one or not."""
        if kind == META:
            return
        type_ = array.type
        if isinstance(array, pa.ExtensionArray):
            self.add_column(array.storage, kind, rank, where)
        elif pa.types.is_dictionary(type_):
            self.add_column(array.dictionary_decode(), kind, rank, where)
        elif pa.types.is_struct(type_):
            self._add_struct(array, kind, rank, where)
        elif pa.types.is_map(type_):
            self._add_list(
                array.cast(pa.list_(pa.struct([("key", type_.key_type), ("value", type_.item_type)]))),
                kind,
                rank,
                where,
            )
        elif pa.types.is_list(type_) or pa.types.is_large_list(type_) or pa.types.is_fixed_size_list(type_):
            self._add_list(array, kind, rank, where)
        else:
            self._add_leaf(array, kind, rank, where)

    def _add_struct(self, array: Any, kind: int, rank: int, where: Any) -> None:
        valid = np.asarray(array.is_valid())
        where, array = where[valid], array.filter(pa.array(valid))
        if is_text_role(kind) and len(where) and where[0, 1] < 0:
            where[:, 1] = np.arange(self.groups, self.groups + len(where))
            self.groups += len(where)
        for number, field in enumerate(array.type):
            inner, inner_rank = decide_role(kind, rank, *self.roles.find_role(field.name))
            self.add_column(array.field(number), int(inner), int(inner_rank), where)

    def _add_list(self, array: Any, kind: int, rank: int, where: Any) -> None:
        import pyarrow.compute as pc

        lengths = np.asarray(pc.fill_null(pc.list_value_length(array), 0)).astype(np.int64)
        inner = np.repeat(where, lengths, axis=0)
        if len(where) and not where[0, 3]:
            inner[:, 2] = np.arange(len(inner))
        inner[:, 3] = 1
        self.add_column(pc.list_flatten(array), kind, rank, inner)

    def _add_leaf(self, array: Any, kind: int, rank: int, where: Any) -> None:
        text = _find_texts(array, numbers=is_text_role(kind) and not (len(where) and where[0, 3]))
        if text is None:
            return
        valid = np.asarray(text.is_valid())
        offsets = np.frombuffer(text.buffers()[1], np.int64)[text.offset : text.offset + len(text) + 1]
        tape = np.zeros((int(valid.sum()), 7), np.int64)
        tape[:, REC], tape[:, KIND], tape[:, RANK], tape[:, GROUP] = where[valid, 0], kind, rank, where[valid, 1]
        tape[:, START], tape[:, END] = (
            offsets[:-1][valid] - offsets[0] + self.bytes,
            offsets[1:][valid] - offsets[0] + self.bytes,
        )
        data_ = text.buffers()[2]
        part = np.frombuffer(data_ or b"", np.uint8)[offsets[0] : offsets[-1]]
        self.bytes += len(part)
        self.parts.append(part)
        self.tapes.append(tape)
        self.orders.append(where[valid, 2])


def _find_texts(array: Any, *, numbers: bool) -> Any:
    """Return a column as bytes behind 64-bit offsets; None where it holds no text."""
    type_ = array.type
    if pa.types.is_string(type_) or pa.types.is_large_string(type_) or type_ == pa.string_view():
        return array.cast(pa.large_string())
    if pa.types.is_binary(type_) or pa.types.is_large_binary(type_):
        return array.cast(pa.large_binary())
    if numbers and (pa.types.is_integer(type_) or pa.types.is_floating(type_) or pa.types.is_decimal(type_)):
        return array.cast(pa.string()).cast(pa.large_string())
    return None


def flatten_batch(part: pa.RecordBatch, roles: Roles) -> tuple[Any, Any, Any]:
    """Put the columns of an Arrow batch on a tape, nested ones by the same keys as JSON.

    Args:
        part: any columns; those that hold no text are left out.
        roles: which column means what.

    Returns:
        Bytes, tape, and an error code a row (invalid UTF-8 or NUL in a value that a view would hold).
    """
    leaves = _LeafColumns(roles, [], [], [])
    columns = []
    for number, name in enumerate(part.schema.names):
        kind, rank = decide_role(RECORD, 0, *roles.find_role(name))
        where = np.zeros((part.num_rows, 4), np.int64)
        where[:, 0], where[:, 1] = np.arange(part.num_rows), -1
        before = len(leaves.tapes)
        leaves.add_column(part.column(number), int(kind), int(rank), where)
        columns += [number] * (len(leaves.tapes) - before)
    errors = np.zeros(part.num_rows, np.int32)
    if not leaves.tapes:
        return np.empty(0, np.uint8), np.empty((0, 7), np.int32), errors
    if leaves.bytes >= 1 << 31:
        raise pa.ArrowInvalid("a batch holds more than 2 GiB of text")
    buf, tape = np.concatenate(leaves.parts), np.concatenate(leaves.tapes).astype(np.int32)
    sizes = [len(each) for each in leaves.tapes]
    order = np.lexsort((np.concatenate(leaves.orders), np.repeat(columns, sizes), tape[:, REC]))
    tape = tape[order]
    _check_texts(buf, tape, errors)
    tape = drop_useless(buf, tape[errors[tape[:, REC]] == 0], roles.answers)
    return buf, tape, errors
