"""A work that must not be in the data stands in it, whole or in passages.

Why:          whoever may decide on the work did not allow it, or the operator promised to keep it out.
Source:       Interim Measures, Article 7(2); Directive (EU) 2019/790, Article 4(3); the holder's index.
Reads:        REFERENCES(kind, title, item, source, path, shared, distinct, records, best_shared, best_distinct), a row
              per view of an item and file, and per source; the indexes that were given.
Yields:       at most one finding per source and index.
Units:        largest share of a work's shingles that stands in the source, [0, 1].
Silent when:  the work was translated or put in other words; a passage is less than 24 words, or than a twentieth of a
              long record; the work has fewer than eight words that few others of the index have.
Flagged:      a chapter of a novel in a file of texts, the novel being in `--reference works.index`.
Clean:        the same texts without it; a sentence quoted in a long review.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from provenance.core.model import CheckSpec, Finding
from provenance.core.wording import choose_verb, count_noun

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pyarrow as pa

LIMITS = (
    "It does not prove that the use is unlawful: a quotation, a licence or a lapsed right may cover it; nor that no "
    "other work is in the data."
)


def find(references: pa.Table, indexes: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    """Yield sources that hold works of an index.

    Args:
        references: REFERENCES.
        indexes: what was looked for.
    """
    about = {index["title"]: index for index in indexes}
    found: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in references.to_pylist():
        if row["kind"] == "protected":
            found[row["source"], row["title"]].append(row)
    for (source, title), rows in sorted(found.items()):
        works: dict[str, dict[str, Any]] = {}
        for row in sorted(rows, key=_most):
            if row["path"] is None:
                works[row["item"]] = row  # the view with the largest share comes last
        worst = max(works.values(), key=_most)
        where = max(
            (row for row in rows if row["path"] is not None and row["item"] == worst["item"]),
            key=lambda row: (row["best_shared"], row["shared"], row["path"], row["view"]),
        )
        count, total = len(works), about[title]["items"]
        yield Finding(
            check="protected-work-contained",
            source=source,
            field=title,
            message=f"{count:,} of the {total:,} works of {title} stand{'s' * (count == 1)} in it, whole or in "
            f"passages; most of {worst['item']}: {worst['shared']:,} of its {worst['distinct']:,} shingles, in "
            f"{worst['records']:,} record{'s' * (worst['records'] != 1)}; record {where['row']:,} of {where['path']} "
            f"has {where['best_shared']:,}, of {where['best_distinct']:,} of its own.",
            limits=LIMITS,
            path=where["path"],
            row=where["row"],
            value=worst["shared"] / worst["distinct"],
            unit="largest share of a work",
            records=max(row["records"] for row in works.values()),
            texts=count,
        )


def unseen(indexes: Sequence[Mapping[str, Any]]) -> str | None:
    """Say how many works are too short, or too much like others, to be looked for.

    Args:
        indexes: what was looked for.
    """
    short = [index for index in indexes if index["kind"] == "protected" and index["short"]]
    sentences = [
        f"{each['short']:,} of {count_noun(each['items'], 'work')} of {each['title']} "
        f"{choose_verb(each['short'])} too short"
        for each in short
    ]
    return "; ".join(f"{each}, or too much like others, to be looked for" for each in sentences) or None


def idle(indexes: Sequence[Mapping[str, Any]]) -> str | None:
    """Say that there is nothing to look for.

    Args:
        indexes: what was looked for.
    """
    given = any(index["kind"] == "protected" for index in indexes)
    return None if given else "no index of protected works was given"


def _most(row: Mapping[str, Any]) -> tuple[float, int, str, str]:
    return row["shared"] / row["distinct"], row["shared"], row["item"], row["view"]


CHECK = CheckSpec("protected-work-contained", find, unseen=unseen, idle=idle)
