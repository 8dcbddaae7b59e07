"""What a JSON document that is one object holds: tables of records, columns, splits, or one record.

The shapes are those that libraries write: `DataFrame.to_json` in each orientation, rows of a data set viewer, COCO,
SQuAD, a mapping from ids to records, one list of records a split, and a list with something around it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from provenance.core.package_data import load_table
from provenance.readers.records import column_roles
from provenance.readers.records.json_survey import list_elements, survey_members

if TYPE_CHECKING:
    from provenance.readers.records.column_roles import Roles

BRACKET, BRACE = ord("["), ord("{")

_MOST_MEMBERS = 1 << 20  # of an object; of a larger one all that is asked is whether they are alike
_MOST_NAMED = 4096  # members that are looked at by name
_SAMPLE = 8  # members or elements that tell what all are
_FEWEST_STRINGS = 4  # strings by id that make a table
_WRAPPERS = frozenset(
    {
        "annotations", "articles", "data", "dataset", "documents", "entries", "examples", "hits", "instances", "items",
        "list", "pairs", "questions", "records", "results", "rows", "samples", "values",
    }
)  # fmt: skip


class JsonMember(NamedTuple):
    """A member of an object.

    Args:
        name: as it is written.
        name_start: where its name begins.
        start: where its value begins.
        end: where that ends.
        elements: of a container.
        objects: all of them are objects.
        numbered: they are named 0, 1, 2, ...
    """

    name: str
    name_start: int
    start: int
    end: int
    elements: int
    objects: bool
    numbered: bool


@dataclass(frozen=True, slots=True)
class RecordTable:
    """Records that stand in a container, each an element or member.

    Args:
        start: where the container begins.
        end: where it ends.
        split: which split they are; "" where the document does not say.
        columns: they stand by column: its members; () where they do not.
        names: of the cells, where each record is an array of them.
        questions: each element is an article with paragraphs and questions (SQuAD).
    """

    start: int
    end: int
    split: str = ""
    columns: tuple[JsonMember, ...] = ()
    names: tuple[str, ...] = ()
    questions: bool = False


@dataclass(frozen=True, slots=True)
class Shape:
    """What a document holds.

    Args:
        tables: in their order; none = the document is one record.
        around: something stands around them.
    """

    tables: tuple[RecordTable, ...] = field(default=())
    around: bool = False


ONE_RECORD = Shape()


def find_shape(data: Any, start: int, end: int, *, roles: Roles, levels: int = 2) -> Shape:
    """Find out what a valid JSON object holds.

    Args:
        data: bytes.
        start: where the object begins.
        end: where it ends.
        roles: which key means what.
        levels: objects around the records that are looked into.

    Returns:
        Its tables, or that it is one record.
    """
    members = _list_members(data, start, end)
    if members is None:
        return Shape((RecordTable(start, end),)) if _are_alike_by_sample(data, start, end) else ONE_RECORD
    nested = [each for each in members if data[each.start] in (BRACKET, BRACE)]
    scalars = [each for each in members if data[each.start] not in (BRACKET, BRACE)]
    if not nested:
        return Shape((RecordTable(start, end),)) if _maps_strings(data, members) else ONE_RECORD
    tables = (
        _find_splits(data, nested, scalars, roles, levels)
        or _find_known(data, nested)
        or _find_columns(data, nested, scalars, roles)
        or _find_records(data, start, end, nested, scalars, roles, levels)
    )
    inner = {(each.start, each.end) for each in nested}
    whole = len(scalars) == 0 and all((each.start, each.end) in inner for each in tables) and len(tables) == len(nested)
    here = len(tables) == 1 and tables[0].start == start
    return Shape(tables, bool(tables) and not (whole or here or tables[0].columns))


def _list_members(data: Any, start: int, end: int, most: int = _MOST_NAMED) -> list[JsonMember] | None:
    """List members by name, of repeated names the last; None where there are too many to look at each."""
    part = data[start:end]
    out = np.empty((min(most, len(part) // 4 + 1), 7), np.int32)
    count = int(survey_members(part, len(part), out))
    if count < 0:
        return None
    found: dict[str, JsonMember] = {}
    for row in out[:count].tolist():
        name = part[row[0] : row[1]].tobytes().decode("utf-8", "replace")
        about = (row[4], bool(row[5]), bool(row[6])) if part[row[2]] in (BRACKET, BRACE) else (0, False, False)
        found[name] = JsonMember(name, row[0] + start, row[2] + start, row[3] + start, *about)
    return list(found.values())


def _list_names(data: Any, start: int, end: int) -> set[str]:
    """Return the names of an object's members; none of what is no object."""
    members = _list_members(data, start, end) if data[start] == BRACE else None
    return {each.name for each in members or ()}


def _list_first(data: Any, member: JsonMember) -> list[tuple[int, int]]:
    """Return where the first elements of a container begin and end."""
    out = np.empty((_SAMPLE, 2), np.int32)
    part = data[member.start : member.end]
    count = int(list_elements(part, len(part), out))
    return [(first + member.start, last + member.start) for first, last in out[:count].tolist()]


def _are_alike(data: Any, places: list[tuple[int, int]]) -> bool:
    """Tell whether objects are records of one table: they share half of their keys."""
    keys = [_list_names(data, *place) for place in places]
    shared = set.intersection(*keys) if keys else set()
    return bool(shared) and all(2 * len(shared) >= len(each) for each in keys)


def _are_alike_by_sample(data: Any, start: int, end: int) -> bool:
    """Tell whether an object of very many members maps ids to records."""
    part = data[start:end]
    out = np.empty((min(_MOST_MEMBERS, len(part) // 4 + 1), 7), np.int32)
    count = int(survey_members(part, len(part), out))
    rows = out if count < 0 else out[:count]
    kinds = np.unique(part[rows[:, 2]])
    if len(kinds) != 1:
        return False
    if kinds[0] == BRACE:
        return _are_alike(data, [(first + start, last + start) for first, last in rows[:_SAMPLE, 2:4].tolist()])
    return bool(kinds[0] == ord('"') or kinds[0] == BRACKET)


_ENDS_IN_NUMBER = re.compile(r".*\d|[0-9a-f-]{16,}", re.IGNORECASE)


def _maps_strings(data: Any, members: list[JsonMember]) -> bool:
    """Tell whether an object maps ids to texts."""
    return len(members) >= _FEWEST_STRINGS and all(
        data[each.start] == ord('"') and _ENDS_IN_NUMBER.fullmatch(each.name) for each in members
    )


def _find_role(name: str, roles: Roles) -> int:
    kind, _ = column_roles.decide_role(column_roles.RECORD, 0, *roles.find_role(name))
    return int(kind)


def _has_text_role(name: str, roles: Roles) -> bool:
    return bool(column_roles.is_text_role(_find_role(name, roles)))


def _is_turn(data: Any, place: tuple[int, int], roles: Roles) -> bool:
    """Tell whether an object is a turn of a chat: it names who speaks."""
    return any(roles.find_role(name)[2] == column_roles.SPEAKER for name in _list_names(data, *place))


def _find_split(name: str) -> str:
    """Return which split a key names, in the words of split-names.yaml; "" where it names none."""
    known = {word: split for split, words in load_table("split-names")["splits"].items() for word in words}
    words = re.findall(r"[^\W\d_]+", name.casefold())
    found = {known[word] for word in words if word in known}
    return name if len(found) == 1 else ""


def _find_splits(
    data: Any, nested: list[JsonMember], scalars: list[JsonMember], roles: Roles, levels: int
) -> tuple[RecordTable, ...]:
    """Find one table a split, where every container is called as a split is."""
    if not all(_find_split(each.name) for each in nested):
        return ()
    tables: list[RecordTable] = []
    for each in nested:
        if data[each.start] == BRACKET:
            if not each.objects and scalars:
                return ()
            tables.append(RecordTable(each.start, each.end, each.name))
            continue
        inner = find_shape(data, each.start, each.end, roles=roles, levels=levels - 1) if levels else ONE_RECORD
        if not inner.tables:
            return ()
        tables += [
            RecordTable(one.start, one.end, each.name, one.columns, one.names, one.questions) for one in inner.tables
        ]
    return tuple(tables)


def _find_known(data: Any, nested: list[JsonMember]) -> tuple[RecordTable, ...]:
    """Find the tables of formats that are known by their keys."""
    by_name = {each.name: each for each in nested}
    data_, columns = by_name.get("data"), by_name.get("columns")
    if data_ is not None and data[data_.start] == BRACKET and data_.elements:
        first = _list_first(data, data_)[0]
        if columns is not None and by_name.keys() <= {"columns", "data", "index"} and data[first[0]] == BRACKET:
            names = _read_strings(data, columns)
            return (RecordTable(data_.start, data_.end, names=names),) if names else ()
        if data_.objects and "paragraphs" in _list_names(data, *first):
            return (RecordTable(data_.start, data_.end, questions=True),)
    rows = by_name.get("rows")
    if rows is not None and rows.elements and rows.objects and data[rows.start] == BRACKET:
        first = _list_first(data, rows)[0]
        if "row" in _list_names(data, *first):
            return (RecordTable(rows.start, rows.end),)
    notes = by_name.get("annotations")
    coco = {"images", "categories"} & by_name.keys()
    if notes is not None and coco and notes.objects and data[notes.start] == BRACKET:
        return (RecordTable(notes.start, notes.end),)
    return ()


def _read_strings(data: Any, member: JsonMember) -> tuple[str, ...]:
    """Return the strings of an array; none where it holds something else."""
    found = json.loads(data[member.start : member.end].tobytes().decode("utf-8", "replace"), strict=False)
    return tuple(map(str, found)) if isinstance(found, list) and len(found) <= _MOST_NAMED else ()


def _find_columns(
    data: Any, nested: list[JsonMember], scalars: list[JsonMember], roles: Roles
) -> tuple[RecordTable, ...]:
    """Find columns: every member holds as many values, by place or by the same keys."""
    lengths = {each.elements for each in nested}
    arrays = sum(data[each.start] == BRACKET for each in nested)
    if scalars or len(lengths) > 1 or not min(lengths) or arrays not in (0, len(nested)):
        return ()
    named = any(_find_role(each.name, roles) not in (column_roles.OTHER, column_roles.RECORD) for each in nested)
    first = nested[0]
    if arrays:
        texts = any(_has_text_role(each.name, roles) for each in nested)
        if all(each.objects for each in nested) and (len(nested) == 1 or not texts):
            return ()  # tables of records, one or several
    elif not all(each.numbered for each in nested):
        keys = [[one.name for one in _list_members(data, each.start, each.end) or ()] for each in nested]
        inside = any(_has_text_role(name, roles) for name in keys[0])
        if not named or inside or not keys[0] or any(each != keys[0] for each in keys):
            return ()
    return (RecordTable(first.start, first.end, columns=tuple(nested)),)


def _find_records(
    data: Any, start: int, end: int, nested: list[JsonMember], scalars: list[JsonMember], roles: Roles, levels: int
) -> tuple[RecordTable, ...]:
    """Find records in lists with something around them, or under their ids."""
    if any(_has_text_role(each.name, roles) for each in scalars):
        return ()  # what a record has beside its lists
    lists = [each for each in nested if data[each.start] == BRACKET and each.elements and each.objects]
    speaking = [each for each in lists if _is_turn(data, _list_first(data, each)[0], roles)]
    if speaking:
        by_id = (
            not scalars
            and len(speaking) == len(nested) > 1
            and not any(roles.find_role(each.name)[0] >= 0 for each in nested)
        )
        return (RecordTable(start, end),) if by_id else ()
    wrappers = [each for each in lists if each.name.lower() in _WRAPPERS]
    if len(nested) == len(lists) == 1 or (len(wrappers) == 1 == len(lists)):
        one = wrappers[0] if wrappers else lists[0]
        return (RecordTable(one.start, one.end),)
    unnamed = not any(_has_text_role(each.name, roles) for each in nested)
    if len(lists) == len(nested) and unnamed:
        return tuple(RecordTable(each.start, each.end) for each in lists)
    objects = [each for each in nested if data[each.start] == BRACE]
    if len(objects) == len(nested) == 1 and levels and (unnamed or nested[0].name.lower() in _WRAPPERS):
        inner = find_shape(data, nested[0].start, nested[0].end, roles=roles, levels=levels - 1)
        return inner.tables
    if len(objects) == len(nested) > 1 and not scalars and unnamed:
        return (
            (RecordTable(start, end),)
            if _are_alike(data, [(each.start, each.end) for each in objects[:_SAMPLE]])
            else ()
        )
    return ()
