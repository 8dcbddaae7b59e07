"""Fields of schemas: a name, a type, what a value means, and its unit."""

from __future__ import annotations

import pyarrow as pa


def make_field(name: str, type_: pa.DataType, doc: str, *, unit: str = "", null: bool = False) -> pa.Field:
    """Make a field that says what it means.

    Args:
        name: of the column.
        type_: of its values.
        doc: what a value means.
        unit: of a value, where there is one.
        null: whether a value may be null.
    """
    metadata = {"doc": doc} | ({"unit": unit} if unit else {})
    return pa.field(name, type_, nullable=null, metadata=metadata)


FIELDS = pa.list_(
    pa.struct(
        [
            pa.field("name", pa.string(), nullable=False),
            pa.field("side", pa.int8(), nullable=False),
            pa.field("text", pa.large_string(), nullable=False),
        ]
    )
)
"""Texts of columns: of each its name, whether it is of the prompt (0), the answer (1) or neither (2), and the text."""
