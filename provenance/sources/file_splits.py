"""Splits: which file of a data set is trained on, and which is held out for a test or validation.

A card says it (`configs: data_files`), else a word of the path (split-names.yaml).
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from provenance.core.package_data import load_table
from provenance.sources.scope_paths import find_matching

if TYPE_CHECKING:
    import pyarrow as pa

TRAIN = "train"
_HELD_OUT = re.compile(r"(?<![a-z])(held|hold)[-_ ]out(?![a-z])")
_IN_CHINESE = re.compile("训练集|訓練集|验证集|驗證集|开发集|開發集|测试集|測試集|评测集|評測集|评估集|評估集")
"""Chinese words are not set apart: of these, which name nothing else, each is a word wherever it stands."""
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

    @property
    def folds(self) -> tuple[tuple[str, str], ...]:
        """The folds of a cross-validation that it names: what one holds out another trains on."""
        folds = load_table("split-names")["folds"]
        return tuple((word, number) for word, number in pairwise(self.behind) if number.isdigit() and word in folds)


def find_splits(files: pa.Table, claims: pa.Table) -> dict[str, Split]:
    """Find which split data files are: by a card, else by their path.

    Args:
        files: FILES.
        claims: CLAIMS.

    Returns:
        Splits by path; a file of which nothing tells, or that two splits are named for, is not there.
    """
    paths = _list_data(files)
    found = {path: _of_path(path) for path in paths}
    for path, splits in _read_cards(paths, claims).items():
        first = min(splits, key=lambda split: split.before)
        found[path] = first if first.name and len({split.name for split in splits}) == 1 else None
    return {path: split for path, split in found.items() if split is not None}


def _list_data(files: pa.Table) -> list[str]:
    paths: list[str] = files.filter(pc.equal(files["role"], "data"))["path"].to_pylist()
    return sorted(paths)


def _read_cards(paths: list[str], claims: pa.Table) -> dict[str, list[Split]]:
    """Return which splits cards call files; one of which the name says nothing has none."""
    declared: dict[str, list[Split]] = defaultdict(list)
    for claim in claims.filter(pc.equal(claims["field"], "split-files")).to_pylist():
        name, _, pattern = claim["value"].partition("=")
        config = claim["pointer"].partition("/data_files")[0]
        split = _of_words((_words(name),), (claim["manifest"], config))
        for path in find_matching(f"{claim['scope'].removeprefix('./')}{pattern}", paths):
            declared[path].append(split or Split(""))
    return declared


def find_unnamed(files: pa.Table, claims: pa.Table) -> list[str]:
    """Find the data files of which nothing says which split they are: as far as anybody knows, they are trained on.

    Args:
        files: FILES.
        claims: CLAIMS.

    Returns:
        Their paths, sorted. A file whose path names two splits, or what a model made of one, is not among them, nor
        one that a card calls a split of whatever name.
    """
    paths = _list_data(files)
    declared = _read_cards(paths, claims)
    names = _known_words().keys() | set(load_table("split-names")["made"])
    return [
        path
        for path in paths
        if path not in declared and names.isdisjoint(word for part in _parts(path) for word in part)
    ]


def _of_path(path: str) -> Split | None:
    """Return which split a path names, None where a model or program made what stands there."""
    parts = _parts(path)
    made = set(load_table("split-names")["made"])
    return None if any(made & set(words) for words in parts) else _of_words(parts)


def _parts(path: str) -> tuple[tuple[str, ...], ...]:
    """Return the words of each part of a path, without what a file is packed in."""
    return tuple(map(_words, _ENDING.sub("", path.replace("!/", "/").casefold()).split("/")))


def _known_words() -> dict[str, str]:
    """Return the words that name a split, and which."""
    return {word: name for name, words in load_table("split-names")["splits"].items() for word in words}


def _of_words(parts: tuple[tuple[str, ...], ...], around: tuple[str, ...] = ()) -> Split | None:
    """Return which split the words of a path's parts name, the last that do; None where they name none, or two."""
    known = _known_words()
    words = [(place, word) for place, part in enumerate(parts) for word in part]
    named = [at for at, (_, word) in enumerate(words) if word in known]
    if len({known[words[at][1]] for at in named}) != 1:
        return None
    at = named[-1]
    before = tuple(f"{place} {word}" for place, word in words[:at] if word not in known)
    return Split(known[words[at][1]], (*around, *before), _behind([word for _, word in words[at + 1 :]]))


def _words(part: str) -> tuple[str, ...]:
    """Cut a name into words and numbers; a shard's place, and the hash behind it, are neither."""
    plain = re.sub(r"\d+-of-\d+(?:-[0-9a-f]{16})?", "", part.casefold())
    plain = _HELD_OUT.sub(r"\1out", _IN_CHINESE.sub(r" \g<0> ", plain))
    return tuple(re.findall(r"[^\W\d_]+|\d+", plain))


def _behind(words: list[str]) -> tuple[str, ...]:
    """Return what tells cuts apart: words, and the numbers behind some of them; other numbers are those of shards."""
    cuts = set(load_table("split-names")["cuts"])
    return tuple(word for k, word in enumerate(words) if not word.isdigit() or (k and words[k - 1] in cuts))
