"""Builds provenance/data/chinese-v1.npz from OpenCC's table of traditional characters and their simplified ones.

Run by hand: `python tools/build_chinese_table.py TSCharacters.txt`, with the file of that name of OpenCC (Apache-2.0), as the
package opencc-python-reimplemented 0.1.7 has it. Of several simplified characters the first counts; what a simplified
character is the traditional form of is followed to its end, so that folding twice changes nothing. The table never
changes: chinese/v1 is defined by it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from provenance.similarity.text.unicode_tables import load_tables

ALONE = 4  # the flag of a code point that is a word by itself, as Han is


def main() -> None:
    first = {}
    for line in Path(sys.argv[1]).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            traditional, simplified = line.split("\t")[:2]
            first[ord(traditional)] = ord(simplified.split(" ")[0])
    flags = load_tables().flags
    pairs = {}
    for code, target in sorted(first.items()):
        seen = {code}
        while target not in seen and target in first:
            seen.add(target)
            target = first[target]  # noqa: PLW2901 - followed to its end
        if code != target and flags[code] & ALONE and flags[target] & ALONE:
            pairs[code] = target
    assert not set(pairs) & set(pairs.values())
    np.savez_compressed(
        Path(__file__).parents[1] / "provenance" / "data" / "chinese-v1.npz",
        traditional=np.array(list(pairs), np.int32),
        simplified=np.array(list(pairs.values()), np.int32),
    )


if __name__ == "__main__":
    main()
