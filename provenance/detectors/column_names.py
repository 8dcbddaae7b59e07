"""What the names of columns add to personal data found by its shape: `customer_email`, `phone`, `name`.

A reader says of each record which of its columns are called as personal data is and hold what looks like it. That
counts unless the shapes tell otherwise: a column of e-mail addresses needs one that is a person's, and one of phone
numbers none that is an example's or an office's alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from provenance.readers.records import personal_columns

if TYPE_CHECKING:
    from provenance.detectors.counting import Ints

COLUMN = "column:"
"""What a kind begins with that is the name of a column."""

KINDS = ("id-number", "name", "address", "birth-date")
"""Kinds that only the name of a column tells of."""

_PERSONAL = "personal"


def count_named(named: pa.Array, keys: dict[tuple[str, str], int], codes: Ints, places: Ints) -> tuple[Ints, Ints]:
    """Add what columns are called to what was found in their values.

    Args:
        named: RECORDS.named.
        keys: kinds and states by their code; gains those of columns.
        codes: of each value found the code of its kind and state.
        places: of each value found the place of its record.

    Returns:
        Codes and places of what is added: one for each column that counts, with its class; one of kind `any` for each
        record of which nothing personal was found otherwise.
    """
    none = np.zeros(0, np.int64)
    if named.null_count == len(named):
        return none, none
    labels = pc.list_flatten(named).dictionary_encode()
    place = np.asarray(pc.list_parent_indices(named)).astype(np.int64)
    label = np.asarray(labels.indices).astype(np.int64)
    classes, names = zip(*(each.split(":", 1) for each in labels.dictionary.to_pylist()), strict=True)
    of_label = np.array([personal_columns.CLASSES.index(each) for each in classes])[label]

    def seen(kind: str, state: str) -> Any:
        mask = np.zeros(len(named), np.bool_)
        mask[places[codes == keys.get((kind, state), -1)]] = True
        return mask

    is_class = {each: of_label == number for number, each in enumerate(personal_columns.CLASSES)}
    counts = np.ones(len(label), np.bool_)
    counts[is_class["email"]] = seen("email", _PERSONAL)[place[is_class["email"]]]
    other = (seen("phone", "example") | seen("phone", "role")) & ~seen("phone", _PERSONAL)
    counts[is_class["phone"]] = ~other[place[is_class["phone"]]]
    supported = seen("any", _PERSONAL)
    weak = np.isin(of_label + 1, personal_columns.load_names().strong, invert=True)
    supported[place[counts & ~weak]] = True
    birth = np.zeros((2, len(named)), np.bool_)
    birth[0, place[is_class["name"]]] = birth[1, place[is_class["birth-date"]]] = True
    counts &= ~weak | (supported | birth.all(axis=0))[place]
    label, place = label[counts], place[counts]
    code_of_label = np.array([keys.setdefault((f"{COLUMN}{name}", _PERSONAL), len(keys)) for name in names])
    added, at = [code_of_label[label]], [place]
    for class_ in sorted(set(classes)):
        known = seen(class_, _PERSONAL)
        new = np.unique(place[is_class[class_][counts]])
        at.append(new[~known[new]])
        added.append(np.full(len(at[-1]), keys.setdefault((class_, _PERSONAL), len(keys))))
    new = np.unique(place)
    at.append(new[~seen("any", _PERSONAL)[new]])
    added.append(np.full(len(at[-1]), keys.setdefault(("any", _PERSONAL), len(keys))))
    return np.concatenate(added).astype(np.int64), np.concatenate(at).astype(np.int64)
