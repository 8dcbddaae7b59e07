"""From Arrow columns, nested ones too, to a tape of values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
from numba import njit

from provenance.readers.records import field_views, json_strings, personal_columns, string_kernels
from provenance.readers.records.column_roles import (
    CHAT,
    HISTORY,
    META,
    OTHER,
    RECORD,
    SIDE,
    decide_role,
    is_column,
    is_metadata,
    is_text_role,
)
from provenance.readers.records.value_tape import (
    END,
    FIELD,
    GROUP,
    KIND,
    NAME,
    RANK,
    REC,
    START,
    WIDTH,
    drop_useless,
)

if TYPE_CHECKING:
    from provenance.readers.records.column_roles import Roles


@njit(nogil=True, cache=True)
def _check_texts(buf: Any, tape: Any, errors: Any, sound: Any) -> None:
    for k in range(tape.shape[0]):
        error = string_kernels.check_text(buf, tape[k, START], tape[k, END])
        sound[k] = error == string_kernels.OK
        if error != string_kernels.OK and tape[k, KIND] != META:
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
    column: str = ""
    names: list[str] = field(default_factory=list)
    unread: dict[str, int] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)

    def add_column(self, array: Any, kind: int, rank: int, where: Any, *, name: int = 0, path: str = "") -> None:
        """Descend into a column.

        Args:
            array: it.
            kind: its kind.
            rank: its rank.
            where: int64[:, 4]: record, group, place in the outermost list, in one or not.
            name: its name's number in `names` from 1, if it is called as personal data is; else 0.
            path: names of the columns around it and its own, joined by dots.
        """
        type_ = array.type
        if isinstance(array, pa.ExtensionArray):
            self.add_column(array.storage, kind, rank, where, name=name, path=path)
        elif pa.types.is_dictionary(type_):
            self.add_column(array.dictionary_decode(), kind, rank, where, name=name, path=path)
        elif pa.types.is_struct(type_):
            self._add_struct(array, kind, rank, where, name, path)
        elif pa.types.is_map(type_):
            self._add_list(
                array.cast(pa.list_(pa.struct([("key", type_.key_type), ("value", type_.item_type)]))),
                kind,
                rank,
                where,
                name,
                path,
            )
        elif pa.types.is_list(type_) or pa.types.is_large_list(type_) or pa.types.is_fixed_size_list(type_):
            self._add_list(array, kind, rank, where, name, path)
        else:
            self._add_leaf(array, kind, rank, where, name, path)

    def _add_struct(self, array: Any, kind: int, rank: int, where: Any, name: int, path: str) -> None:
        valid = np.asarray(array.is_valid())
        where, array = where[valid], array.filter(pa.array(valid))
        if is_text_role(kind) and len(where) and where[0, 1] < 0:
            where[:, 1] = np.arange(self.groups, self.groups + len(where))
            self.groups += len(where)
        for number, member in enumerate(array.type):
            inner, inner_rank = decide_role(kind, rank, *self.roles.find_role(member.name))
            own = self.number_name(member.name) or name
            self.add_column(
                array.field(number), int(inner), int(inner_rank), where, name=own, path=f"{path}.{member.name}"
            )

    def _add_list(self, array: Any, kind: int, rank: int, where: Any, name: int, path: str) -> None:
        import pyarrow.compute as pc

        lengths = np.asarray(pc.fill_null(pc.list_value_length(array), 0)).astype(np.int64)
        inner = np.repeat(where, lengths, axis=0)
        if len(where) and not where[0, 3]:
            inner[:, 2] = np.arange(len(inner))
        inner[:, 3] = 1
        self.add_column(pc.list_flatten(array), kind, rank, inner, name=name, path=path)

    def _add_leaf(self, array: Any, kind: int, rank: int, where: Any, name: int, path: str) -> None:
        if _is_binary(array.type) and (kind in (META, SIDE) or not _holds_text(array)):
            self.unread[self.column] = self.unread.get(self.column, 0) + array.nbytes
            return
        if self._add_json(array, kind, rank, where, name, path):
            return
        in_list = len(where) > 0 and bool(where[0, 3])
        text = _find_texts(array, numbers=not in_list if is_text_role(kind) else name > 0)
        if text is None:
            return
        valid = np.asarray(text.is_valid())
        offsets = np.frombuffer(text.buffers()[1], np.int64)[text.offset : text.offset + len(text) + 1]
        tape = np.zeros((int(valid.sum()), WIDTH), np.int64)
        column = self._number_column(path) if is_column(kind) or is_metadata(kind) else 0
        tape[:, NAME], tape[:, FIELD] = name, column
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

    def _number_column(self, path: str) -> int:
        """Return the number of a column from 1; 0 where there are too many."""
        if path not in self.numbers and len(self.numbers) >= field_views.MOST_COLUMNS:
            return 0
        return self.numbers.setdefault(path, len(self.numbers) + 1)

    def _add_json(self, array: Any, kind: int, rank: int, where: Any, name: int, path: str) -> bool:
        """Add a column whose strings hold JSON as what they write; return False where they do not all."""
        if kind not in (CHAT, HISTORY, OTHER, SIDE) or len(where) == 0 or bool(where[0, 3]):
            return False
        parsed = _parse_strings(array)
        if parsed is not None:
            self.add_column(parsed, kind, rank, where, name=name, path=path)
        return parsed is not None

    def number_name(self, name: str) -> int:
        """Return the number of a column's name from 1 if it is called as personal data is; else 0."""
        if not personal_columns.load_names().find_class(name):
            return 0
        self.names.append(name)
        return len(self.names)


def _is_binary(type_: Any) -> bool:
    return bool(pa.types.is_binary(type_) or pa.types.is_large_binary(type_) or pa.types.is_fixed_size_binary(type_))


@njit(nogil=True, cache=True)
def _count_texts(buf: Any, offsets: Any) -> int:
    count = 0
    for k in range(offsets.shape[0] - 1):
        count += string_kernels.check_text(buf, offsets[k], offsets[k + 1]) == string_kernels.OK
    return count


def _holds_text(array: Any) -> bool:
    """Tell whether most values of a binary column are UTF-8: an image is none, a text with a broken value is."""
    if pa.types.is_fixed_size_binary(array.type):
        return False
    values = array.drop_null().cast(pa.large_binary())
    offsets = np.frombuffer(values.buffers()[1] or b"\0" * 8, np.int64)[values.offset : values.offset + len(values) + 1]
    data = np.frombuffer(values.buffers()[2] or b"", np.uint8)
    return 2 * int(_count_texts(data, offsets)) >= len(values)


_JSON_BEGINS = r"^\s*[\[{]"
_JSON_SAMPLE = 64  # values that are parsed one by one before all are


def _parse_strings(array: Any) -> Any:
    """Return what the strings of a column write in JSON; None where one of them writes no object or array."""
    import pyarrow.compute as pc
    from pyarrow import json

    if not (pa.types.is_string(array.type) or pa.types.is_large_string(array.type)):
        return None
    values = array.drop_null()
    if not len(values) or not pc.all(pc.match_substring_regex(values, _JSON_BEGINS)).as_py():
        return None
    if not json_strings.find_wrapped_array(values.slice(0, _JSON_SAMPLE).to_pylist()):
        return None
    lines = pc.fill_null(pc.replace_substring_regex(array.cast(pa.large_string()), r"[\r\n]", " "), "null")
    opened, closed, between = (pa.scalar(part, pa.large_string()) for part in ('{"v":', "}\n", ""))
    wrapped = pc.binary_join_element_wise(opened, lines, closed, between)
    text = wrapped.buffers()[2]  # one value behind the other
    try:
        options = json.ReadOptions(use_threads=False, block_size=max(1 << 20, text.size + 1))
        parsed = json.read_json(pa.BufferReader(text), read_options=options)
    except (pa.ArrowException, ValueError, OverflowError):
        return None
    column = parsed["v"].combine_chunks() if "v" in parsed.column_names else None
    return column if column is not None and len(column) == len(array) else None


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


class FlatColumns(NamedTuple):
    """The columns of an Arrow batch on a tape.

    Args:
        buf: bytes.
        tape: one row a value, see value_tape.
        errors: an error code a row (invalid UTF-8 or NUL in a value that a view would hold).
        names: of columns that are called as personal data is, as the tape numbers them.
        unread: bytes of columns that nothing looks at, by their name.
        columns: names of columns by number, the first one empty.
    """

    buf: Any
    tape: Any
    errors: Any
    names: list[str]
    unread: dict[str, int]
    columns: list[str]


def flatten_batch(part: pa.RecordBatch, roles: Roles) -> FlatColumns:
    """Put the columns of an Arrow batch on a tape, nested ones by the same keys as JSON.

    Args:
        part: any columns; those that hold no text are left out.
        roles: which column means what.

    Returns:
        Its values.
    """
    leaves = _LeafColumns(roles, [], [], [])
    columns = []
    for number, name in enumerate(part.schema.names):
        kind, rank = decide_role(RECORD, 0, *roles.find_role(name))
        where = np.zeros((part.num_rows, 4), np.int64)
        where[:, 0], where[:, 1] = np.arange(part.num_rows), -1
        before = len(leaves.tapes)
        leaves.column = name
        leaves.add_column(part.column(number), int(kind), int(rank), where, name=leaves.number_name(name), path=name)
        columns += [number] * (len(leaves.tapes) - before)
    errors = np.zeros(part.num_rows, np.int32)
    if not leaves.tapes:
        none = np.empty(0, np.uint8), np.empty((0, WIDTH), np.int32)
        return FlatColumns(*none, errors, leaves.names, leaves.unread, ["", *leaves.numbers])
    if leaves.bytes >= 1 << 31:
        raise pa.ArrowInvalid("a batch holds more than 2 GiB of text")
    buf, tape = np.concatenate(leaves.parts), np.concatenate(leaves.tapes).astype(np.int32)
    sizes = [len(each) for each in leaves.tapes]
    order = np.lexsort((np.concatenate(leaves.orders), np.repeat(columns, sizes), tape[:, REC]))
    tape = tape[order]
    sound = np.empty(len(tape), np.bool_)
    _check_texts(buf, tape, errors, sound)
    tape = drop_useless(buf, tape[sound & (errors[tape[:, REC]] == 0)], roles.answers)
    return FlatColumns(buf, tape, errors, leaves.names, leaves.unread, ["", *leaves.numbers])
