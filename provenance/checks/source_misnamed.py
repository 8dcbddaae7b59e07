"""The records of a source are those of a well-known data set that its name and manifest do not name.

Why:          licence, upstream and parts of a data set are known, and those of a folder with another name are not.
Source:       Longpre et al., arXiv 2310.16787 (licences lost as data sets travel); the facts in manifests/known.
Reads:        REFERENCES(kind, title, part, view, source, path, records, records_view, records_index, texts_index), one
              row per part of a known set and source; FILES(source, records, sha256); SOURCES(source, name, parent);
              CLAIMS(source, field, value) of names and upstreams.
Yields:       at most one finding per source.
Units:        share of the records, or of the prompts, that are the set's, word for word, [0, 1].
Silent when:  the set is not in the list that ships; the records were changed by a word; a source under a name of its
              own is a copy (its upstream is for others to ask); it names the set, or declares it as its upstream.
Flagged:      a folder without any description, of which all records are those of GSM8K.
Clean:        the same with a manifest that names GSM8K.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from provenance.core.model import CheckSpec, Finding
from provenance.core.tables.table_rows import iterate_rows
from provenance.origins import known_datasets

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

LIMITS = "That the words are those of the set does not prove that they were taken from it; both may have an ancestor."

_NAMES = {"source", "name", "url"}
_UPSTREAMS = {"upstream", "parent", "derived-from"}


@dataclass(frozen=True, slots=True)
class _Share:
    """How much of a source is a known set's."""

    title: str
    part: str | None
    view: str
    records: int
    of: int
    texts: int
    scale: int = 1
    original: int = 0

    @property
    def value(self) -> float:
        return self.records / self.of if self.of else 0.0


def find(
    references: pa.Table,
    files: pa.Table,
    sources: pa.Table,
    claims: pa.Table,
) -> Iterator[Finding]:
    """Yield undeclared sources that are known sets, and sources that are another set than the one they name.

    Args:
        references: REFERENCES.
        files: FILES.
        sources: SOURCES.
        claims: CLAIMS.
    """
    shares = _shares(references, files)
    stated_names, upstream = _said(claims, _NAMES), _said(claims, _UPSTREAMS)
    for row in sorted(sources.to_pylist(), key=lambda each: str(each["source"])):
        source, set_shares = row["source"], shares.get(row["source"], {})
        if not set_shares:
            continue
        undeclared = source.startswith("undeclared:")
        names = _sets([*stated_names[source], row["name"], *([] if undeclared else [source])])
        parents = _sets([*upstream[source], *str(row["parent"] or "").split("; ")])
        if undeclared:
            best = max(set_shares.values(), key=_order)
            yield _finding(source, best, "undeclared", "No manifest, card or README covers this data, but")
        elif names:
            whole = {title: share for title, share in set_shares.items() if share.view == "whole"}
            own = max((share.value for title, share in whole.items() if title in names), default=0.0)
            above = {parent for name in names for parent in known_datasets.known_by_name()[name].upstream}
            accounted = names | parents | above
            others = [each for each in whole.values() if each.title not in accounted and each.value > own]
            if others:
                best = max(others, key=_order)
                yield _finding(source, best, "misnamed", f"It names itself {', '.join(sorted(names))}, but")


def _shares(references: pa.Table, files: pa.Table) -> dict[str, dict[str, _Share]]:
    """Return of every source and known set the larger share of its whole records and its prompts."""
    rows = [row for row in references.to_pylist() if row["of"] == "texts" and row["path"] is None]
    added: dict[tuple[str, str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        added[row["source"], row["title"], row["view"]].append(row)
    exact: dict[tuple[str, str], int] = defaultdict(int)
    total: dict[str, int] = defaultdict(int)
    digests = known_datasets.known_by_digest()
    for row in iterate_rows(files.select(["source", "role", "records", "sha256"])):
        if row["role"] == "data" and row["source"] is not None:
            total[row["source"]] += row["records"]
            if row["sha256"] in digests:
                exact[row["source"], digests[row["sha256"]].id] += row["records"]
    found: dict[str, dict[str, _Share]] = defaultdict(dict)
    for (source, title), count in sorted(exact.items()):
        found[source][title] = _Share(title, None, "whole", count, total[source], count, original=count)
    for (source, title, view), parts in sorted(added.items(), reverse=True):  # whole records before prompts
        most = max(parts, key=lambda row: (row["records"], str(row["part"])))
        # a record that stands in two parts is one record
        looked, records, texts = (parts[0][name] for name in ("records_view", "records_index", "texts_index"))
        part = most["part"] if len(parts) == 1 or most["records"] == records else None
        share = _Share(title, part, view, records, looked, texts, parts[0]["scale"], exact[source, title])
        if title not in found[source] or share.value > found[source][title].value:
            found[source][title] = share
    return found


def _said(claims: pa.Table, fields: set[str]) -> dict[str, list[str]]:
    values_by_source: dict[str, list[str]] = defaultdict(list)
    for row in claims.to_pylist():
        if row["field"] in fields and row["source"] is not None:
            values_by_source[row["source"]].append(row["value"])
    return values_by_source


def _sets(values: list[str | None]) -> set[str]:
    """Return the ids of known sets among names."""
    entries = (known_datasets.find_known(value) for value in values if value)
    return {entry.id for entry in entries if entry is not None}


def _order(share: _Share) -> tuple[float, int, str]:
    return share.value, share.texts, share.title


def _finding(source: str, share: _Share, field: str, begins: str) -> Finding:
    entry = known_datasets.find_known(share.title)
    facts = [each for each in (entry.licence, entry.url) if each] if entry else []
    noun = "prompts" if share.view == "prompt" else "records"
    looked = f" looked up, one in {share.scale}" if share.scale > 1 else ""
    part = f", part {share.part}" if share.part and share.part != share.title else ""
    details = f" ({', '.join(facts)})" if facts else ""
    bytes_ = f"; {share.original:,} of its records stand in original files, byte for byte" if share.original else ""
    return Finding(
        check="source-misnamed",
        source=source,
        field=field,
        message=f"{begins} {share.value:.0%} of its {noun} ({share.records:,} of {share.of:,}{looked}) are {noun} of "
        f"{share.title}{part}{details}, word for word{bytes_}.",
        limits=LIMITS,
        value=share.value,
        unit=f"share of {noun}",
        records=share.records,
        texts=share.texts,
    )


CHECK = CheckSpec("source-misnamed", find)
