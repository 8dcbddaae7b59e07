"""The tables of Unicode 14.0.0 that normalisation reads: what a code point folds to, decomposes to, joins and is."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from provenance.core.package_data import DATA_FOLDER

VERSIONS = (1, 2)
"""Versions of normalisation; tables of the last one leave some code points out."""

JOINS_PREVIOUS, WORD, WORD_ALONE, HAS_SEVERAL_FOLDINGS, LEFT_OUT = 1, 2, 4, 8, 16
"""Flags of a code point."""

Bytes = npt.NDArray[np.uint8]
Offsets = npt.NDArray[np.int64]


class Tables(NamedTuple):
    """The Unicode tables: the first four have a row a code point, `joining_leads` one a first byte of UTF-8."""

    flags: Bytes
    fold: npt.NDArray[np.int32]
    decomposition: npt.NDArray[np.int32]
    marks: Bytes
    pool: npt.NDArray[np.int32]
    pair_keys: Offsets
    pair_codes: npt.NDArray[np.int32]
    joining_leads: npt.NDArray[np.bool_]


@cache
def load_chinese_folding() -> dict[int, int]:
    """Return the simplified code point of every traditional one."""
    with np.load(DATA_FOLDER / "chinese-v1.npz") as stored:
        return dict(zip(stored["traditional"].tolist(), stored["simplified"].tolist(), strict=True))


def load_tables(*, fold_chinese: bool = False, version: int = VERSIONS[-1]) -> Tables:
    """Return the tables of Unicode 14.0.0, read and unfolded from their two stages once.

    Args:
        fold_chinese: whether traditional characters fold to their simplified ones.
        version: of the normalisation, 1 or 2: which code points are left out.
    """
    # by place: a cache would keep the same tables once more for each way to ask
    return _tables(fold_chinese, version)


@cache
def _load_stages() -> dict[str, Any]:
    with np.load(DATA_FOLDER / "unicode-14.0.0.npz") as stored:
        return {name: stored[name] for name in stored.files}


@cache
def load_left_out() -> tuple[int, ...]:
    """Return the code points that version 2 leaves out of the NFKC text, ascending."""
    first, last = _load_stages()["left_out"].T
    return tuple(code for low, high in zip(first.tolist(), last.tolist(), strict=True) for code in range(low, high + 1))


def _leave_out(tables: Tables) -> Tables:
    """Return tables of which some code points are left out: they join what stands before them, and are no words."""
    codes = np.array(load_left_out())
    flags = tables.flags.copy()
    flags[codes] = flags[codes] & HAS_SEVERAL_FOLDINGS | LEFT_OUT | JOINS_PREVIOUS
    # a form for display that decomposes to one of them, such as a mark on a tatweel
    before = np.concatenate([[0], np.cumsum(flags[tables.pool] & LEFT_OUT != 0)])
    decomposed = np.flatnonzero(tables.decomposition)
    start = tables.decomposition[decomposed] + 1
    holds = before[start + tables.pool[start - 1]] > before[start]
    flags[decomposed[holds]] |= JOINS_PREVIOUS
    return tables._replace(flags=flags, joining_leads=_joining_lead_bytes(flags))


@cache
def _tables(fold_chinese: bool, version: int) -> Tables:
    if fold_chinese:
        unfolded = load_tables(version=version)
        simplified = np.arange(unfolded.fold.shape[0], dtype=np.int32)
        simplified[list(load_chinese_folding())] = list(load_chinese_folding().values())
        # where a code point has several foldings, `fold` is a place in the pool, whose lengths are below any character
        fold = np.where(unfolded.flags & HAS_SEVERAL_FOLDINGS, unfolded.fold, simplified[unfolded.fold])
        return unfolded._replace(fold=fold, pool=simplified[unfolded.pool])
    if version > 1:
        return _leave_out(load_tables(version=1))
    stored = _load_stages()
    blocks = stored["stage1"].astype(np.int64)
    rows = (blocks[:, None] * 256 + np.arange(256)).ravel()
    flags = stored["flags"][rows]
    fold = stored["fold"][rows]
    single = (flags & HAS_SEVERAL_FOLDINGS) == 0
    fold[single] += np.flatnonzero(single).astype(np.int32)  # stored relative to the code point
    pool, keys, codes = (stored[name] for name in ("pool", "pair_keys", "pair_codes"))
    return Tables(
        flags,
        fold,
        stored["decomposition"][rows],
        stored["marks"][rows],
        pool,
        keys,
        codes,
        _joining_lead_bytes(flags),
    )


def _joining_lead_bytes(flags: Bytes) -> npt.NDArray[np.bool_]:
    """Tell of every byte whether a code point that begins with it may join what stands before it."""
    leads = np.zeros(256, np.bool_)
    leads[[chr(code).encode("utf-8", "surrogatepass")[0] for code in np.flatnonzero(flags & JOINS_PREVIOUS)]] = True
    return leads
