"""Builds provenance/data/unicode-14.0.0.npz from the standard library of Python 3.11, whose tables are Unicode 14.0.0.

Run by hand: `python tools/build_unicode_tables.py`. The tables never change: normalisation is defined by this version.
"""

from __future__ import annotations

import sys
import unicodedata
from pathlib import Path

import numpy as np

LAST = 0x110000
BLOCK = 256
JOINS, WORD, ALONE, EXPANDS = 1, 2, 4, 8

# Word characters that are words by themselves: Han, Hiragana, Katakana, Thai, Lao, Khmer, Myanmar (Scripts.txt).
ALONE_RANGES = (
    (0x0E01, 0x0E3A), (0x0E40, 0x0E59), (0x0E81, 0x0EDF), (0x1000, 0x109D), (0x1780, 0x17F9), (0x3005, 0x3005),
    (0x3007, 0x3007), (0x3021, 0x3029), (0x3038, 0x303B), (0x3041, 0x3096), (0x309D, 0x309F), (0x30A1, 0x30FA),
    (0x30FD, 0x30FF), (0x31F0, 0x31FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xA9E0, 0xA9FE), (0xAA60, 0xAA7F),
    (0xF900, 0xFAD9), (0xFF66, 0xFF6F), (0xFF71, 0xFF9D), (0x16FE3, 0x16FE3), (0x16FF0, 0x16FF1), (0x1AFF0, 0x1B167),
    (0x20000, 0x3134A),
)  # fmt: skip


# Left out by normalisation v2: Default_Ignorable_Code_Point (DerivedCoreProperties-14.0.0.txt), which the standard library
# does not know, and U+0640 ARABIC TATWEEL.
LEFT_OUT_RANGES = (
    (0x00AD, 0x00AD), (0x034F, 0x034F), (0x061C, 0x061C), (0x0640, 0x0640), (0x115F, 0x1160), (0x17B4, 0x17B5),
    (0x180B, 0x180F), (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF),
)  # fmt: skip


def _alone(code: int) -> bool:
    return any(first <= code <= last for first, last in ALONE_RANGES)


def _kind(code: int) -> int:
    if unicodedata.category(chr(code))[0] not in "LMN":
        return 0
    return ALONE if _alone(code) else WORD


def _pairs() -> dict[int, tuple[int, int]]:
    """Return the primary composites with their canonical pair, Hangul syllables (algorithmic) left out."""
    found = {}
    for code in range(LAST):
        mapping = unicodedata.decomposition(chr(code))
        if mapping and not mapping.startswith("<") and unicodedata.normalize("NFC", chr(code)) == chr(code):
            parts = [int(part, 16) for part in mapping.split()]
            if len(parts) == 2:
                found[code] = (parts[0], parts[1])
    return found


def main() -> None:
    if unicodedata.unidata_version != "14.0.0":
        sys.exit(f"needs Unicode 14.0.0 (Python 3.11), not {unicodedata.unidata_version}")
    pairs = _pairs()
    seconds = {second for _, second in pairs.values()} | set(range(0x1161, 0x1176)) | set(range(0x11A8, 0x11C3))
    flags = np.zeros(LAST, np.uint8)
    fold = np.arange(LAST, dtype=np.int32)
    decomposition = np.zeros(LAST, np.int32)
    marks = np.zeros(LAST, np.uint8)
    pool: list[int] = [0]  # index 0 means "none"

    def pooled(text: str) -> int:
        pool.extend([len(text), *map(ord, text)])
        return len(pool) - 1 - len(text)

    for code in range(LAST):
        if 0xD800 <= code < 0xE000:
            continue
        char = chr(code)
        marks[code] = unicodedata.combining(char)
        decomposed = unicodedata.normalize("NFKD", char)
        # what begins with a mark, or with the second half of a composite, may join what stands before it
        if unicodedata.combining(decomposed[0]) or ord(decomposed[0]) in seconds:
            flags[code] |= JOINS
        folded = unicodedata.normalize("NFKC", char).casefold()
        if len(folded) == 1:
            fold[code] = ord(folded)
            flags[code] |= _kind(ord(folded))
        else:
            fold[code] = pooled(folded)
            flags[code] |= EXPANDS
        if decomposed != char and not 0xAC00 <= code <= 0xD7A3:
            decomposition[code] = pooled(decomposed)
    blocks: dict[bytes, int] = {}
    stage1 = np.zeros(LAST // BLOCK, np.uint16)
    order: list[int] = []
    for block in range(LAST // BLOCK):
        part = slice(block * BLOCK, (block + 1) * BLOCK)
        relative = fold[part] - np.where(flags[part] & EXPANDS, 0, np.arange(LAST, dtype=np.int32)[part])
        key = flags[part].tobytes() + relative.tobytes() + decomposition[part].tobytes() + marks[part].tobytes()
        if key not in blocks:
            blocks[key] = len(order)
            order.append(block)
        stage1[block] = blocks[key]
    gather = np.concatenate([np.arange(block * BLOCK, (block + 1) * BLOCK) for block in order])
    keys = sorted((first << 21 | second, code) for code, (first, second) in pairs.items())
    np.savez_compressed(
        Path(__file__).parents[1] / "provenance" / "data" / "unicode-14.0.0.npz",
        stage1=stage1,
        flags=flags[gather],
        # a single folding is stored relative to its code point, so that blocks without folding are one block
        fold=np.where(flags[gather] & EXPANDS, fold[gather], fold[gather] - gather).astype(np.int32),
        decomposition=decomposition[gather],
        marks=marks[gather],
        pool=np.array(pool, np.int32),
        pair_keys=np.array([key for key, _ in keys], np.int64),
        pair_codes=np.array([code for _, code in keys], np.int32),
        left_out=np.array(LEFT_OUT_RANGES, np.int32),
    )


if __name__ == "__main__":
    main()
