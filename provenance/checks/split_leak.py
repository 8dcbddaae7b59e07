"""Records that are held out for a test or validation also stand in what is trained on, in their source or another.

Why:          a model that was trained on them is measured by what it has seen; the figure is worth nothing.
Source:       Lee et al., arXiv 2107.06499; Kapoor and Narayanan, arXiv 2207.07048; Interim Measures, Article 7(4).
Reads:        LEAKS, one row per file that is held out and source that is trained on, counted of MATCHES by a profile's
              minimum of distinctive shingles: exact, near, and contained in either direction; FILES(path, role,
              records), CLAIMS(source, field, value, scope). Which split a file is says a card (`configs: data_files`),
              else its path (split-names.yaml).
Yields:       at most one finding per split that is held out (`test`, `validation`) and source that is trained on; the
              latter carries it. Field `test unnamed` is of files of another source of which nothing says what they are
              for: data to train on, as far as anybody knows.
Units:        share of the records of the file that is held out where it is highest, [0, 1].
Silent when:  neither a card nor a word of a path names the split, or a path names two; within a source, what stands
              before the word differs (`arc-train`, `boolq-test`), or both have another word behind it; they are of
              different folds (`train-fold1`, `test-fold2`); the path names what a model made (`outputs/`); a split is a
              column; a record is short, or common to many sources; it was rephrased; the answers alone are the same, or
              the ids, which no table holds.
Flagged:      30 of the 100 records of data/test.jsonl also stand in data/train.jsonl, or in another source's.
Clean:        the training file without them.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from provenance.core.model import CheckSpec, Finding
from provenance.core.wording import choose_verb, count_noun
from provenance.sources.file_splits import find_splits

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pyarrow as pa

LIMITS = (
    "It does not prove that a model was trained on the one or measured by the other, and a split is known by what a "
    "card or a path calls it."
)

_UNNAMED = " unnamed"
"""How the field of a finding ends where nothing says that the other file is for training."""


def find(leaks: pa.Table, files: pa.Table, claims: pa.Table) -> Iterator[Finding]:
    """Yield what is held out and stands in what is trained on.

    Args:
        leaks: LEAKS.
        files: FILES.
        claims: CLAIMS.
    """
    rows = [row for row in leaks.to_pylist() if row["records"]]
    if not rows:
        return
    splits = find_splits(files, claims)
    sizes = dict(zip(*(files[name].to_pylist() for name in ("path", "records")), strict=True))
    found: dict[tuple[str, str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        field = splits[row["path"]].name + ("" if row["trained"] else _UNNAMED)
        found[row["source"], row["other"], field].append(row)
    for (source, other, field), of_split in sorted(found.items()):
        worst = max(of_split, key=lambda leak: (leak["records"] / sizes[leak["path"]], leak["records"], leak["path"]))
        own = source == other
        yield Finding(
            check="split-leak",
            source=other,
            other=None if own else source,
            field=field,
            message=_describe(worst, sizes, field.removesuffix(_UNNAMED), own=own) + _describe_more(of_split),
            limits=LIMITS,
            path=worst["path"] if own else worst["other_path"],
            row=worst["row"] if own else worst["other_row"],
            value=worst["records"] / sizes[worst["path"]],
            unit="share of records",
            records=sum(leak["records"] for leak in of_split),
        )


def _describe(leak: Mapping[str, Any], sizes: Mapping[str, int], split: str, *, own: bool) -> str:
    path, place = leak["path"], leak["other_path"]
    use = "is for training" if leak["trained"] else "no card or path holds out"
    which = f"its {split} split" if own else f"the {split} split of {leak['source']}"
    files = "" if own else f" of {leak['other']}"
    rest = leak["records"] - leak["held"]
    where = (
        f"{place}{files}"
        if not rest
        else f"{'training ' * leak['trained']}files{files}, {leak['held']:,} of them in {place}"
    )
    count = f"{leak['records']:,} of {sizes[path]:,} records of {path}"
    return f"{count}, which is {which}, also stand in {where}, which {use}: {_how(leak)}."


def _describe_more(of_split: Sequence[Mapping[str, Any]]) -> str:
    more = len(of_split) - 1
    return f" So do records of {more:,} more of its files." if more else ""


def _how(leak: Mapping[str, Any]) -> str:
    """Say how records stand there: whole, by their prompt, inside longer ones."""
    whole, prompts = leak["whole"], leak["prompts"]
    part = leak["records"] - whole - prompts
    if whole == leak["records"]:
        return "whole, word for word or nearly so"
    counts = {
        f"{whole:,} whole": whole,
        f"{prompts:,} by their prompt alone": prompts,
        f"{part:,} inside a longer record, or around one": part,
    }
    named = [sentence for sentence, count in counts.items() if count]
    return " and ".join([", ".join(named[:-1]), named[-1]] if len(named) > 1 else named)


def idle(files: pa.Table, claims: pa.Table) -> str | None:
    """Return why nothing is sought, None where something is known to be held out.

    Args:
        files: FILES.
        claims: CLAIMS.
    """
    if any(split.held_out for split in find_splits(files, claims).values()):
        return None
    return "no file is known to be held out: neither a card nor a path names a test or validation split"


def unseen(leaks: pa.Table, files: pa.Table, claims: pa.Table) -> str | None:
    """Say which files belong to no known split, and what stands in both and is too little to count.

    Args:
        leaks: LEAKS.
        files: FILES.
        claims: CLAIMS.
    """
    count, known = files["role"].to_pylist().count("data"), len(find_splits(files, claims))
    short = sum(row["matched"] - row["records"] for row in leaks.select(["matched", "records"]).to_pylist())
    sentences = []
    if known < count:
        sentences.append(f"{count - known:,} of {count:,} data files are of no known split")
    if short:
        amount = f"{count_noun(short, 'record')} that {choose_verb(short)} held out"
        verb = choose_verb(short, "stands", "stand")
        sentences.append(
            f"{amount} also {verb} in what is trained on, too short, too common or too small a part to count"
        )
    return "; ".join(sentences) or None


CHECK = CheckSpec("split-leak", find, unseen=unseen, idle=idle)
