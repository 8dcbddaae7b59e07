"""Which column means what: the table of column roles, compiled for kernels.

A key has a *role* by its name alone (`data/column-roles.yaml`). A role holds for every string and number below it
(numbers not in lists), except below keys that are ids or other metadata. Below a key without a role no key has one.
"""


# numba compiles chained comparisons and loops to jumps, and knows neither sets nor all().

# ruff: noqa: PLR1714, SIM109 - a kernel is one automaton in one piece

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

from provenance.core import package_data
from provenance.errors import ConfigError
from provenance.readers.records import string_kernels

if TYPE_CHECKING:
    from pathlib import Path

(
    RECORD,
    SYSTEM,
    HISTORY,
    CHAT,
    INSTRUCTION,
    INPUT,
    TEXT,
    ANSWER,
    URL,
    LICENCE,
    ORIGIN,
    OTHER,
    SIDE,
    META,
    INSIDE,
    SPEAKER,
) = range(16)
CONTENT, SAID = 16, 17
"""What a value is, by where it stands: CONTENT is what a turn says, SAID what the assistant says."""

SLOTS = 4096  # a power of two


@dataclass(frozen=True)
class Roles:
    """The table of column roles, compiled for kernels.

    Args:
        hashes: hash of a name by slot, 0 where empty (open addressing).
        names: kind, rank, and kind within a turn, by slot.
        answers: hashes of the speakers whose turns are answers.
    """

    hashes: Any
    names: Any
    answers: Any

    def find_role(self, name: str) -> tuple[int, int, int]:
        """Return kind, rank and kind within a turn of a name; kind -1 where it has none."""
        raw = np.frombuffer(name.encode("utf-8", "surrogatepass"), np.uint8)
        kind, rank, turn = find_role(
            self.hashes, self.names, np.uint64(string_kernels.hash_folded_name(raw, 0, len(raw)))
        )
        return int(kind), int(rank), int(turn)


def _hash_name(name: str) -> int:
    raw = np.frombuffer(name.encode(), np.uint8)
    return int(string_kernels.hash_folded_name(raw, 0, len(raw)))


@cache
def load_roles(path: Path | None = None) -> Roles:
    """Read a table of column roles.

    Args:
        path: a YAML file like `data/column-roles.yaml`; that one if None.

    Returns:
        The table, compiled.

    Raises:
        ConfigError: it is not such a table.
    """
    import yaml

    place = path or package_data.DATA_FOLDER / "column-roles.yaml"
    try:
        table = package_data.parse_yaml(place.read_bytes())
        return _compile_roles(table)
    except (OSError, yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
        raise ConfigError(f"{place} is no table of column roles: {error}") from error


@cache
def override_roles(overrides: tuple[tuple[str, str], ...]) -> Roles:
    """Compile the published table with other roles for some columns.

    Args:
        overrides: column and role, the role as the table names it; they stand first in their role, in this order.

    Returns:
        The table, compiled.

    Raises:
        ConfigError: there is no such role.
    """
    table = deepcopy(package_data.load_table("column-roles"))
    lists = table["text"] | {name: names for name, names in table.items() if isinstance(names, list)}
    columns = {_hash_name(column): (column, role) for column, role in overrides}
    for names in lists.values():
        names[:] = [name for name in names if _hash_name(name) not in columns]
    for column, role in reversed(columns.values()):
        if role not in lists:
            raise ConfigError(f"there is no column role {role!r}; there are: {', '.join(sorted(lists))}")
        lists[role].insert(0, column)
    return _compile_roles(table)


def _compile_roles(table: dict[str, Any]) -> Roles:
    text = table["text"]
    kinds = [(SYSTEM, text["system"]), (HISTORY, text["history"]), (CHAT, table["chat"])]
    kinds += [
        (INSTRUCTION, text["instruction"]),
        (INPUT, text["input"]),
        (TEXT, text["text"]),
        (ANSWER, text["answer"]),
    ]
    kinds += [(URL, table["url"]), (LICENCE, table["licence"]), (ORIGIN, table["origin"])]
    kinds += [(SIDE, table["side"]), (INSIDE, table["inside"]), (META, table["meta"])]
    found: dict[int, list[int]] = {}
    rank = 0
    for kind, names in kinds:
        for name in names:
            rank += 1
            if _hash_name(name) in found:
                raise ConfigError(f"the table of column roles names {name!r} twice")
            found[_hash_name(name)] = [kind, rank, -1]
    for turn, names in ((SPEAKER, table["turn"]["speaker"]), (CONTENT, table["turn"]["content"])):
        for name in names:
            found.setdefault(_hash_name(name), [-1, 0, -1])[2] = turn
    if len(found) * 2 > SLOTS:
        raise ConfigError(f"the table of column roles names more than {SLOTS // 2} columns")
    hashes, slots = np.zeros(SLOTS, np.uint64), np.full((SLOTS, 3), -1, np.int32)
    for value, row in found.items():
        at = value % SLOTS
        while hashes[at]:
            at = (at + 1) % SLOTS
        hashes[at], slots[at] = value, row
    answers = np.array(sorted(_hash_name(name) for name in table["turn"]["answers"]), np.uint64)
    return Roles(hashes, slots, answers)


@njit(nogil=True, cache=True)
def find_role(hashes: Any, names: Any, value: np.uint64) -> Any:
    """Return kind, rank and kind within a turn of the name that hashes to `value`; -1, 0, -1 where there is none."""
    at = np.int64(value & np.uint64(SLOTS - 1))
    while hashes[at] != 0:
        if hashes[at] == value:
            return np.int64(names[at, 0]), np.int64(names[at, 1]), np.int64(names[at, 2])
        at = (at + 1) & (SLOTS - 1)
    return -1, 0, -1


@njit(nogil=True, cache=True)
def decide_role(kind: int, rank: int, name: int, name_rank: int, turn: int) -> Any:
    """Say what a value is that stands below a key.

    Args:
        kind: what the object is in which the key stands.
        rank: that object's rank.
        name: kind of the key's name, or -1.
        name_rank: its rank.
        turn: its kind within a turn, or -1.

    Returns:
        Kind and rank of the value.
    """
    aside = name == META or name == URL or name == LICENCE or name == ORIGIN or name == SIDE
    if kind == RECORD:
        if name == INSIDE:
            return RECORD, 0
        if name == -1:
            return (META if turn == SPEAKER else OTHER), 0
        return name, name_rank
    if kind == CHAT:
        if turn >= 0:
            return turn, rank
        if name == ANSWER:
            return SAID, rank
        if SYSTEM <= name <= TEXT:
            return CONTENT, rank
        return (META if aside else OTHER), 0
    if kind == SIDE:
        if URL <= name <= ORIGIN:
            return name, name_rank + SLOTS  # what the record says itself comes first
        return SIDE, 0
    if SYSTEM <= kind <= ANSWER or kind == CONTENT or kind == SAID:
        if turn == SPEAKER:
            return SPEAKER, rank
        return (META if aside else kind), rank
    if kind == OTHER:
        return (META if aside or turn == SPEAKER else OTHER), 0
    return kind, rank


@njit(nogil=True, cache=True)
def is_text_role(kind: int) -> bool:
    """Say whether a kind belongs to `whole`."""
    return SYSTEM <= kind <= ANSWER or kind == CONTENT or kind == SAID


@njit(nogil=True, cache=True)
def is_column(kind: int) -> bool:
    """Say whether values of a kind are compared column by column: what is said in a chat is not."""
    return (SYSTEM <= kind <= ANSWER and kind != CHAT) or kind == OTHER


@njit(nogil=True, cache=True)
def is_metadata(kind: int) -> bool:
    """Say whether a kind is metadata by its name: only sentences among its values are compared, column by column."""
    return URL <= kind <= ORIGIN or kind == SIDE or kind == META
