"""Records that a source holds out for a test or validation also stand in its training file.

Why:          a model that was trained on them is measured by what it has seen; the figure is worth nothing.
Source:       Lee et al., arXiv 2107.06499; Kapoor and Narayanan, arXiv 2207.07048; Interim Measures, Article 7(4).
Reads:        LEAKS, one row per file that is held out, counted of MATCHES by a profile's minimum of distinctive
              shingles; FILES(path, role, records), CLAIMS(source, field, value, scope). Which split a file is says a
              card (`configs: data_files`), else its path (split-names.yaml).
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

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from provenance.core.model import CheckSpec, Finding
from provenance.sources.file_splits import find_splits

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

LIMITS = (
    "It does not prove that a model was trained on the one or measured by the other, and a split is known by what a "
    "card or a path calls it."
)


def find(leaks: pa.Table, files: pa.Table, claims: pa.Table) -> Iterator[Finding]:
    """Yield sources of which what is held out stands in what is trained on.

    Args:
        leaks: LEAKS.
        files: FILES.
        claims: CLAIMS.
    """
    if not leaks.num_rows:
        return
    splits = find_splits(files, claims)
    sizes = dict(zip(*(files[name].to_pylist() for name in ("path", "records")), strict=True))
    found: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in leaks.to_pylist():
        found[row["source"], splits[row["path"]].name].append(row)
    for (source, split), of_split in sorted(found.items()):
        worst = max(of_split, key=lambda leak: (leak["records"] / sizes[leak["path"]], leak["records"], leak["path"]))
        path, records = worst["path"], worst["records"]
        more = f" So do records of {len(of_split) - 1:,} more of its files." if len(of_split) > 1 else ""
        yield Finding(
            check="split-leak",
            source=source,
            field=split,
            message=f"{records:,} of {sizes[path]:,} records of {path}, which is its {split} split, also stand in "
            f"{worst['other_path']}, which is for training: {_how(worst['whole'], records)}.{more}",
            limits=LIMITS,
            path=path,
            row=worst["row"],
            value=records / sizes[path],
            unit="share of records",
            records=sum(leak["records"] for leak in of_split),
        )


def idle(files: pa.Table, claims: pa.Table) -> str | None:
    """Return why nothing is sought, None where something is known to be held out.

    Args:
        files: FILES.
        claims: CLAIMS.
    """
    if any(split.held_out for split in find_splits(files, claims).values()):
        return None
    return "no file is known to be held out: neither a card nor a path names a test or validation split"


def unseen(files: pa.Table, claims: pa.Table) -> str:
    """Say which files belong to no known split, and where what is held out was not sought.

    Args:
        files: FILES.
        claims: CLAIMS.
    """
    count, known = files["role"].to_pylist().count("data"), len(find_splits(files, claims))
    whole = "what is held out was sought in the training files of its own source alone"
    return whole if known == count else f"{count - known:,} of {count:,} data files are of no known split; {whole}"


def _how(whole: int, records: int) -> str:
    if whole == records:
        return "whole, word for word or nearly so"
    prompts = f"{records - whole:,} by their prompt alone"
    return f"{whole:,} whole and {prompts}" if whole else prompts


CHECK = CheckSpec("split-leak", find, unseen=unseen, idle=idle)
