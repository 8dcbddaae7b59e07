"""Splits: which file of a data set is trained on, and which is held out for a test or validation.

A card says it (`configs: data_files`), else a word of the path (split-names.yaml).
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from provenance.core.package_data import load_table
from provenance.sources.scope_paths import find_matching

if TYPE_CHECKING:
    import pyarrow as pa

TRAIN = "train"
_ENDING = re.compile(r"(?:\.(?:jsonl?|ndjson|csv|tsv|parquet|arrow|txt|xml|warc|gz|bz2|xz|zst|zip|tar|tgz))+$")


@dataclass(frozen=True, slots=True)
class Split:
    """Which split a file is, and of what.

    Args:
        name: train | validation | test.
        before: what stands in the path before the word that says so, as tokens; a card's files have none.
        behind: what stands behind it, shards left out.

    A split is held out from the training files that have the same words before, and the same behind or none.
    """

    name: str
    before: tuple[str, ...] = ()
    behind: tuple[str, ...] = ()

    @property
    def held_out(self) -> bool:
        """Whether it is held out, or else trained on."""
        return self.name != TRAIN


def find_splits(files: pa.Table, claims: pa.Table) -> dict[str, Split]:
    """Find which split data files are: by a card, else by their path.

    Args:
        files: FILES.
        claims: CLAIMS.

    Returns:
        Splits by path; a file of which nothing tells, or that two splits are named for, is not there.
    """
    paths = sorted(files.filter(pc.equal(files["role"], "data"))["path"].to_pylist())
    found = {path: _of_path(path) for path in paths}
    declared: dict[str, list[Split]] = defaultdict(list)
    for claim in claims.filter(pc.equal(claims["field"], "split-files")).to_pylist():
        name, _, pattern = claim["value"].partition("=")
        config = claim["pointer"].partition("/data_files")[0]
        split = _of_words((_words(name),), (claim["manifest"], config))
        for path in find_matching(f"{claim['scope'].removeprefix('./')}{pattern}", paths):
            declared[path].append(split or Split(""))
    for path, splits in declared.items():
        first = min(splits, key=lambda split: split.before)
        found[path] = first if len({split.name for split in splits}) == 1 else None
    return {path: split for path, split in found.items() if split is not None}


def _of_path(path: str) -> Split | None:
    """Return which split a path names, None where a model or program made what stands there."""
    stem = _ENDING.sub("", path.replace("!/", "/").casefold())
    parts = tuple(map(_words, stem.split("/")))
    made = set(load_table("split-names")["made"])
    return None if any(made & set(words) for words in parts) else _of_words(parts)


def _of_words(parts: tuple[tuple[str, ...], ...], around: tuple[str, ...] = ()) -> Split | None:
    """Return which split the words of a path's parts name, the last that do; None where they name none, or two."""
    known = {word: name for name, words in load_table("split-names")["splits"].items() for word in words}
    words = [(place, word) for place, part in enumerate(parts) for word in part]
    named = [at for at, (_, word) in enumerate(words) if word in known]
    if len({known[words[at][1]] for at in named}) != 1:
        return None
    at = named[-1]
    before = tuple(f"{place} {word}" for place, word in words[:at] if word not in known)
    return Split(known[words[at][1]], (*around, *before), _behind([word for _, word in words[at + 1 :]]))


def _words(part: str) -> tuple[str, ...]:
    """Cut a name into words and numbers; a shard's place, and the hash behind it, are neither."""
    return tuple(re.findall(r"[^\W\d_]+|\d+", re.sub(r"\d+-of-\d+(?:-[0-9a-f]{16})?", "", part.casefold())))


def _behind(words: list[str]) -> tuple[str, ...]:
    """Return what tells cuts apart: words, and the numbers behind some of them; other numbers are those of shards."""
    cuts = set(load_table("split-names")["cuts"])
    return tuple(word for k, word in enumerate(words) if not word.isdigit() or (k and words[k - 1] in cuts))
