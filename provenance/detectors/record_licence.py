"""Under which licence each record states that it is: records by licence, where a column or a notice in it says so."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.compute as pc

from provenance.core import schemas
from provenance.core.model import STATED
from provenance.detectors.counting import BY_FILE, count_values
from provenance.detectors.detector import Detector
from provenance.licences.expressions import normalise
from provenance.licences.text_notices import find_text_notices

if TYPE_CHECKING:
    import pyarrow as pa

    from provenance.detectors.counting import Ints

UNRECOGNISED = "unrecognised"
"""Kind of records of which the statement names no licence that is known."""

_MOST_REMEMBERED = 1 << 16  # statements


def observe(batch: pa.RecordBatch, files: Ints | None = None) -> pa.Table:
    """Count records by the licence that they state.

    Args:
        batch: rows of RECORDS.
        files: as for `detectors.observe`.

    Returns:
        OBSERVED, by file where there are several: the kind is an SPDX expression or UNRECOGNISED, the state `stated` of
        what a column of that name says, `notice` of tags and notices in its text. Records that state nothing are not
        counted. Values are records.
    """
    keys: dict[tuple[str, str], int] = {}
    codes: list[Ints] = []
    places: list[Ints] = []
    for column, state in ((batch["licence"], "stated"), *((each, "notice") for each in find_text_notices(batch))):
        if column.null_count < len(column):
            statements = pc.if_else(pc.is_null(batch["error"]), column, None).dictionary_encode()
            kinds = [_name(value) for value in statements.dictionary.to_pylist()]
            of_values = [-1 if kind is None else keys.setdefault((kind, state), len(keys)) for kind in kinds]
            code = np.array([*of_values, -1], np.int64)[np.asarray(pc.fill_null(statements.indices, len(kinds)))]
            places.append(np.flatnonzero(code >= 0))
            codes.append(code[places[-1]])
    if not keys:
        return (schemas.OBSERVED if files is None else BY_FILE).empty_table()
    order = np.argsort(np.concatenate(codes), kind="stable")
    every = [np.concatenate(each)[order] for each in (codes, places)]
    return count_values("record-licence", batch, files, keys=[*keys], codes=every[0], places=every[1])


_PLATE = re.compile(r"(?=.*\d\d)[A-Z0-9]{1,4}(?:[- ][A-Z0-9]{1,5}){0,2}")
_PROSE = re.compile(r"[a-z]+(?: (?:[a-z]+|[A-Z])){2,}")
_OF_LICENCES = re.compile(
    r"licen[sc]|copy|reserved|public|domain|commons|permi|terms|tos\b|policy|commerc|research|academic|educat|non|\bfree\b|"
    r"open|propriet|private|internal|confidential|restrict|\bus(?:e|age)|shar|\bown|ask|contact|see|vari|other|unknown|custom|"
    r"mixed|any|only|agreement|attribution|allow|forbid|prohibit|gutenberg|reddit|rule|no\b|not\b|upon|request|fair"
)


@lru_cache(_MOST_REMEMBERED)
def is_about_licences(statement: str) -> bool:
    """Tell whether a value of a licence column may state one: a number plate, or "freedom of speech", does not.

    Args:
        statement: the value.

    Returns:
        False only of what has the form of a number plate, and of words in lower case none of which speaks of use, and
        that name no licence.
    """
    text = statement.strip()
    other = _PLATE.fullmatch(text) or (_PROSE.fullmatch(text) and not _OF_LICENCES.search(text))
    return not other or normalise(text).expression is not None


@lru_cache(_MOST_REMEMBERED)
def _name(statement: str) -> str | None:
    if not statement.strip() or not is_about_licences(statement):
        return None
    # what was cut was not read whole; a long list of licences is the legend of a data set, not what a record is under
    expression = normalise(statement).expression if len(statement) < STATED else None
    return UNRECOGNISED if expression is None else expression


DETECTOR = Detector("record-licence", observe)
