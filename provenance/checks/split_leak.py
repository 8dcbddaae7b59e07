"""Records that a source holds out for a test or validation also stand in its training file.

Why:          a model that was trained on them is measured by what it has seen; the figure is worth nothing.
Source:       Lee et al., arXiv 2107.06499; Kapoor and Narayanan, arXiv 2207.07048; Interim Measures, Article 7(4).
Reads:        MATCHES(view, source_a, path_a, row_a, source_b, path_b, method, distinctive), FILES(path, source, role,
              records), CLAIMS(source, field, value, scope); a profile's minimum of distinctive shingles for a match
              to count. Which split a file is says a card (`configs: data_files`), else its path (split-names.yaml).
Yields:       at most one finding per source and split that is held out (`test`, `validation`).
Units:        share of the records of the file where it is highest, [0, 1].
Silent when:  neither a card nor a whole word of a path names the split, or a path names two; what stands before the
              word differs (`arc-train`, `boolq-test`), or both have another word, or number of a cut, behind it
              (`train-fold1`, `test-fold2`); the path names what a model made (`outputs/`); a split is a column; a
              record is short, or common to many sources; it was rephrased; the answers alone are the same.
Flagged:      30 of the 100 records of data/test.jsonl also stand in data/train.jsonl.
Clean:        data/train.jsonl without them.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from provenance.core.model import CheckSpec, Finding
from provenance.core.package_data import load_table
from provenance.similarity.evidence import shared_text
from provenance.similarity.evidence.match_batches import RecordCounts, iterate_by_record
from provenance.sources.scope_paths import find_matching

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LIMITS = (
    "It does not prove that a model was trained on the one or measured by the other, and a split is known by what a "
    "card or a path calls it."
)

_TRAIN = "train"
_ENDING = re.compile(r"(?:\.(?:jsonl?|ndjson|csv|tsv|parquet|arrow|txt|xml|warc|gz|bz2|xz|zst|zip|tar|tgz))+$")


@dataclass(frozen=True, slots=True)
class _Split:
    """Which split a file is, and of what.

    Args:
        name: train | validation | test.
        before: what stands in the path before the word that says so, as tokens; a card's files have none.
        behind: what stands behind it, shards left out.
    """

    name: str
    before: tuple[str, ...] = ()
    behind: tuple[str, ...] = ()

    def holds_out_from(self, other: _Split) -> bool:
        """Tell whether this is held out from what another is, of one cut of the same data."""
        alike = not self.behind or not other.behind or self.behind == other.behind
        return self.name != _TRAIN and other.name == _TRAIN and self.before == other.before and alike


def find(matches: pa.Table, files: pa.Table, claims: pa.Table, minimum: int) -> Iterator[Finding]:
    """Yield sources of which what is held out stands in what is trained on.

    Args:
        matches: MATCHES.
        files: FILES.
        claims: CLAIMS.
        minimum: distinctive shingles that a match must rest on.
    """
    splits = _splits(files, claims)
    sizes = dict(zip(*(files[name].to_pylist() for name in ("path", "records")), strict=True))
    held_out = pa.array(sorted(path for path, split in splits.items() if split.name != _TRAIN), pa.string())
    leaks = _Leaks()
    for part in iterate_by_record(matches) if len(held_out) else ():
        inside = part.filter(pc.is_in(part["path_a"], value_set=held_out))
        inside = inside.filter(pc.equal(inside["source_a"], inside["source_b"]))
        inside = inside.filter(pc.not_equal(inside["view"], "answer"))  # the same answer to another question is no leak
        leaks.add(_leaking(shared_text.select_evidence(inside, minimum), splits))
    found: dict[tuple[str, str], list[tuple[str, str, int, int, int]]] = defaultdict(list)
    for path, counts in sorted(leaks.counted().items()):
        found[counts[0], splits[path].name].append((path, *counts[1:]))
    for (source, split), split_leaks in sorted(found.items()):
        path, trained, records, whole, row = max(
            split_leaks, key=lambda leak: (leak[2] / sizes[leak[0]], leak[2], leak[0])
        )
        more = f" So do records of {len(split_leaks) - 1:,} more of its files." if len(split_leaks) > 1 else ""
        yield Finding(
            check="split-leak",
            source=source,
            field=split,
            message=f"{records:,} of {sizes[path]:,} records of {path}, which is its {split} split, also stand in "
            f"{trained}, which is for training: {_how(whole, records)}.{more}",
            limits=LIMITS,
            path=path,
            row=row,
            value=records / sizes[path],
            unit="share of records",
            records=sum(leak[2] for leak in split_leaks),
        )


def _how(whole: int, records: int) -> str:
    if whole == records:
        return "whole, word for word or nearly so"
    prompts = f"{records - whole:,} by their prompt alone"
    return f"{whole:,} whole and {prompts}" if whole else prompts


def _leaking(matches: pa.Table, splits: Mapping[str, _Split]) -> pa.Table:
    """Leave the matches of what is held out with what it is held out from."""
    pairs = matches.group_by(["path_a", "path_b"]).aggregate([]).to_pylist()
    kept = [
        f"{pair['path_a']}\0{pair['path_b']}"
        for pair in pairs
        if pair["path_a"] in splits
        and pair["path_b"] in splits
        and splits[pair["path_a"]].holds_out_from(splits[pair["path_b"]])
    ]
    both = pc.binary_join_element_wise(*(matches[name].cast(pa.string()) for name in ("path_a", "path_b")), "\0")
    return matches.filter(pc.is_in(both, value_set=pa.array(kept, pa.string())))


class _Leaks:
    """Records of held-out files that stand in training files, counted piece by piece."""

    def __init__(self) -> None:
        self._every, self._whole, self._pairs = RecordCounts(), RecordCounts(), RecordCounts()

    def add(self, matches: pa.Table) -> None:
        """Count what leaks in a piece of MATCHES."""
        self._every.add(matches, ["source_a", "path_a"])
        self._whole.add(matches.filter(pc.equal(matches["view"], "whole")), ["source_a", "path_a"])
        self._pairs.add(matches, ["path_a", "path_b"])

    def counted(self) -> dict[str, tuple[str, str, int, int, int]]:
        """Return by held-out file: source, training file with most of it, records, those that are whole, the first."""
        most: dict[str, tuple[int, str]] = {}
        for (path, other), count in self._pairs.counts.items():
            most[path] = max(most.get(path, (0, "")), (count, other))
        return {
            path: (
                source,
                most[path][1],
                count,
                self._whole.counts.get((source, path), 0),
                self._every.first[source, path],
            )
            for (source, path), count in self._every.counts.items()
        }


def _splits(files: pa.Table, claims: pa.Table) -> dict[str, _Split]:
    """Return which split data files are: by a card, else by their path."""
    paths = sorted(files.filter(pc.equal(files["role"], "data"))["path"].to_pylist())
    found = {path: _of_path(path) for path in paths}
    declared: dict[str, list[_Split]] = defaultdict(list)
    for claim in claims.filter(pc.equal(claims["field"], "split-files")).to_pylist():
        name, _, pattern = claim["value"].partition("=")
        config = claim["pointer"].partition("/data_files")[0]
        split = _of_words((_words(name),), (claim["manifest"], config))
        for path in find_matching(f"{claim['scope'].removeprefix('./')}{pattern}", paths):
            declared[path].append(split or _Split(""))
    for path, splits in declared.items():
        first = min(splits, key=lambda split: split.before)
        found[path] = first if len({split.name for split in splits}) == 1 else None
    return {path: split for path, split in found.items() if split is not None}


def _of_path(path: str) -> _Split | None:
    """Return which split a path names, None where a model or program made what stands there."""
    stem = _ENDING.sub("", path.replace("!/", "/").casefold())
    parts = tuple(map(_words, stem.split("/")))
    made = set(load_table("split-names")["made"])
    return None if any(made & set(words) for words in parts) else _of_words(parts)


def _of_words(parts: tuple[tuple[str, ...], ...], around: tuple[str, ...] = ()) -> _Split | None:
    """Return which split the words of a path's parts name, the last that do; None where they name none, or two."""
    known = {word: name for name, words in load_table("split-names")["splits"].items() for word in words}
    words = [(place, word) for place, part in enumerate(parts) for word in part]
    named = [at for at, (_, word) in enumerate(words) if word in known]
    if len({known[words[at][1]] for at in named}) != 1:
        return None
    at = named[-1]
    before = tuple(f"{place} {word}" for place, word in words[:at] if word not in known)
    return _Split(known[words[at][1]], (*around, *before), _behind([word for _, word in words[at + 1 :]]))


def _words(part: str) -> tuple[str, ...]:
    """Cut a name into words and numbers; a shard's place, and the hash behind it, are neither."""
    return tuple(re.findall(r"[^\W\d_]+|\d+", re.sub(r"\d+-of-\d+(?:-[0-9a-f]{16})?", "", part.casefold())))


def _behind(words: list[str]) -> tuple[str, ...]:
    """Return what tells cuts apart: words, and the numbers behind some of them; other numbers are those of shards."""
    cuts = set(load_table("split-names")["cuts"])
    return tuple(word for k, word in enumerate(words) if not word.isdigit() or (k and words[k - 1] in cuts))


CHECK = CheckSpec("split-leak", find)
