"""Notices of licences in the text of records, and in JSON that stands in their strings: columns, not a loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Iterator

HEAD = 4000
"""Characters at the beginning of a record in which its own notice stands."""

_COMMENT = r"(?:^|\n)[ \t]*(?:/\*+|\*+|//+|#+|--+|;+|%+|<!--+|\"{3}|'{3}|\.\.|\(\*|dnl|rem)?[ \t!*]*"
_TAG = rf"(?i){_COMMENT}SPDX-License-Identifier:[ \t]*(?P<licence>[\w.+() -]{{2,100}}?)[ \t]*(?:\*/|-->|\n|\r|$)"
_GNU = (
    r"(?i)free software:? (?:you can|you may) redistribute it and or modify it under the terms of the "
    r"(?P<licence>gnu (?:lesser |library |affero )?general public license)(?:.{0,120}? (?P<version>version [0-9.]+))?"
    r"(?P<later> of the license,? or,? \(?at your option\)?,? any later version)?"
)
_APACHE = r"(?i)licensed under the (?P<licence>apache license,? version 2\.0)"
_RESERVED = (
    r"(?i)(?P<licence>proprietary and confidential|confidential and proprietary|unauthorized copying of this file)"
)
_JSON = (
    r"(?i)\"(?:licen[cs]e|licen[cs]es|license_name|licen[cs]e_type|licen[cs]e_url|detected_licenses)\"\s*:\s*\[?\s*"
    r"(?P<licence>\"[^\"\\]{2,300}\"(?:\s*,\s*\"[^\"\\:{}]{2,100}\"(?:\s*[,\]]))*)"
)
_SECRECY = ("proprietary and confidential", "confidential and proprietary", "unauthorized copying of this file")
_ANY = "(?i)" + "|".join(["license-identifier", "redistribute", "apache license", *_SECRECY])
RESERVED_NOTICE = "All rights reserved"
"""What a notice of secrecy at the head of a record states."""


def find_text_notices(batch: pa.RecordBatch) -> Iterator[pa.Array]:
    """Find what records say of their own licence outside a column of that name.

    Args:
        batch: rows of RECORDS.

    Yields:
        Arrays as long as the batch of statements, null where there is none: SPDX tags, notices of the GNU and Apache
        licences and of secrecy at the head of a text, and the value of a key on licences in JSON within a string.
    """
    whole = batch["whole"]
    heads = pc.binary_slice(whole.cast(pa.large_binary()), 0, 4 * HEAD)  # bytes: a code point has at most four
    if pc.any(pc.match_substring_regex(heads, _ANY)).as_py():
        yield from _find_in_heads(whole)
    aside = batch["aside"]
    if aside.null_count < len(aside) and _holds(aside, "licen"):
        listed = pc.replace_substring_regex(_extract(aside, "licen", _JSON, tidy=False), r'"\s*,\s*"', " , ")
        yield pc.utf8_trim(listed, ' ",]')


def _find_in_heads(whole: pa.Array) -> Iterator[pa.Array]:
    if _holds(whole, "license-identifier"):
        yield _extract(whole, "license-identifier", _TAG, tidy=False)
    if _holds(whole, "redistribute"):
        yield _extract(whole, "redistribute", _GNU)
    if _holds(whole, "apache license"):
        yield _extract(whole, "apache license", _APACHE)
    for phrase in _SECRECY:
        if _holds(whole, phrase):
            found = _extract(whole, phrase, _RESERVED)
            yield pc.if_else(pc.is_valid(found), pa.scalar(RESERVED_NOTICE), None)


def _holds(column: pa.Array, phrase: str) -> bool:
    return bool(pc.any(pc.match_substring(column, phrase, ignore_case=True)).as_py())


def _extract(column: pa.Array, phrase: str, pattern: str, *, tidy: bool = True) -> pa.Array:
    """Extract a statement from the head of each record that holds a phrase."""
    present = pc.fill_null(pc.match_substring(column, phrase, ignore_case=True), False)
    places = pc.indices_nonzero(present)
    heads = pc.utf8_slice_codeunits(column.take(places), 0, HEAD).cast(pa.string())
    if tidy:  # a notice in a comment runs over lines that begin with its marks
        heads = pc.replace_substring_regex(heads, r"[\s*#/;%!\-]+", " ")
    found = pc.extract_regex(heads, pattern)
    parts = [pc.fill_null(pc.struct_field(found, name), "") for name in _group_names(found.type)]
    joined = parts[0] if len(parts) == 1 else pc.binary_join_element_wise(*parts, " ")
    values = pc.if_else(pc.is_valid(found), joined, None)
    back = pc.index_in(pa.array(np.arange(len(column), dtype=np.uint64)), value_set=places.cast(pa.uint64()))
    return pc.utf8_trim_whitespace(values.take(back)).cast(pa.string())


def _group_names(kind: pa.StructType) -> list[str]:
    return [kind.field(place).name for place in range(kind.num_fields)]
