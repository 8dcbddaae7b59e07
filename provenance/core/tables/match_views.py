"""Rows of MATCHES and OVERLAPS by view: those within a view, and those between two."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow.compute as pc

if TYPE_CHECKING:
    import pyarrow as pa


def select_within(table: pa.Table) -> pa.Table:
    """Return the rows of which `view_b` is `view`: a whole beside a whole, a prompt beside a prompt.

    Args:
        table: MATCHES or OVERLAPS.

    Returns:
        The same table where it has no others; what stands in files stays there where those rows come first, as sealed.
    """
    return _select(table, within=True)


def select_between(table: pa.Table) -> pa.Table:
    """Return the rows of which `view_b` is another view, or that are of single columns.

    Args:
        table: MATCHES or OVERLAPS.
    """
    return _select(table, within=False)


def _select(table: pa.Table, *, within: bool) -> pa.Table:
    if not table.num_rows:
        return table
    same = pc.and_(pc.equal(table["view"], table["view_b"]), pc.invert(pc.starts_with(table["view"], "field:")))
    count = pc.sum(same).as_py()
    if pc.all(same.slice(0, count), min_count=0).as_py():  # as it is sealed: nothing is copied
        return table.slice(0, count) if within else table.slice(count)
    return table.filter(same if within else pc.invert(same))
