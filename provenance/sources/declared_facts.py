"""What is declared of each source beside its licence: its kind, and the records of a contract, a crawl, a consent."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from provenance.core.wording import count_noun
from provenance.readers.manifests import by_witness

if TYPE_CHECKING:
    from collections.abc import Collection

    import pyarrow as pa

_DOCUMENTED = ("file", "sha256")


@dataclass(slots=True)
class DeclaredFacts:
    """What manifests state of one source that holds data.

    Args:
        source: its id.
        kind: as declared by the best witness; None = nobody says.
        native: whether a native manifest speaks of it.
        manifest: the file that states something of it, a native manifest first, then the one that opens the
            source; None where nothing does.
        stated: values by field.
        by: witnesses by field.
        records: by name (`contract`, `generator`, ...), each record's values by key.
    """

    source: str
    kind: str | None
    native: bool = False
    manifest: str | None = None
    stated: dict[str, list[str]] = field(default_factory=dict)
    by: dict[str, set[str]] = field(default_factory=dict)
    records: dict[str, list[dict[str, str]]] = field(default_factory=dict)

    def documented(self, name: str) -> bool:
        """Tell whether a record of this name gives a document: its file, or its digest.

        Args:
            name: contract | collection | consent.
        """
        return any(record.get(key) for record in self.records.get(name, []) for key in _DOCUMENTED)


def facts_by_source(sources: pa.Table, claims: pa.Table) -> list[DeclaredFacts]:
    """Sort statements by source and record.

    Args:
        sources: SOURCES.
        claims: CLAIMS, with `source`.

    Returns:
        One for each source, sorted by its id.
    """
    facts = {row["source"]: DeclaredFacts(row["source"], row["kind"]) for row in sources.to_pylist()}
    records: dict[tuple[str, str, str, str], dict[str, str]] = {}
    opened: dict[str, bool] = dict.fromkeys(facts, False)
    names = ("source", "manifest", "pointer", "field", "value", "witness")
    rows = claims.select(list(names)).to_pylist()
    for row in sorted(rows, key=lambda row: tuple(str(row[name]) for name in names)):
        one = facts.get(row["source"])
        if one is None:
            continue
        native = by_witness(row["witness"]).own
        opens = row["field"] in {"source", "source-weak"}
        if (
            one.manifest is None
            or (native and not one.native)
            or (opens and not native | one.native | opened[one.source])
        ):
            one.manifest = row["manifest"]
        opened[one.source] |= opens
        one.native |= native
        one.stated.setdefault(row["field"], []).append(row["value"])
        one.by.setdefault(row["field"], set()).add(row["witness"])
        name, dot, key = row["field"].partition(".")
        if dot:
            place = (row["source"], name, row["manifest"], _record_pointer(row["pointer"], name))
            if place not in records:
                records[place] = {}
                one.records.setdefault(name, []).append(records[place])
            records[place].setdefault(key, row["value"])
    return [facts[source] for source in sorted(facts)]


def _record_pointer(pointer: str, name: str) -> str:
    """Return the part of a JSON pointer that leads to a record: `/sources/0/contract/1/file` is of the second."""
    parts = pointer.split("/")
    if name not in parts:
        return ""
    at = parts.index(name) + 1
    return "/".join(parts[: at + (len(parts) > at and parts[at].isdigit())])


def describe_unasked(sources: pa.Table) -> str | None:
    """Say how many sources could not be asked for what their kind needs.

    Args:
        sources: SOURCES.

    Returns:
        One clause; None where every source says of what kind it is.
    """
    kinds = sources["kind"].to_pylist()
    silent = kinds.count(None)
    do = "does not say of what kind it is" if silent == 1 else "do not say of what kind they are"
    return f"{silent:,} of {count_noun(len(kinds), 'source')} {do}" if silent else None


def is_after(date: str, end: str) -> bool:
    """Tell whether a date is certainly after another, where both may be a year or a month.

    Args:
        date: ISO 8601.
        end: ISO 8601; the whole of that day, month or year.
    """
    return date + "-01-01"[len(date) - 4 :] > end + "-12-31"[len(end) - 4 :]


@dataclass(slots=True)
class RecordOrigins:
    """What the records of a source say of where they are from.

    Args:
        counts: records by what they say: `any` = an address or a source's name, `missing` = neither, `link` = an
            address and no text.
        paths: the first file that shows it.
        rows: the first record there that shows it.
    """

    counts: Counter[str] = field(default_factory=Counter)
    paths: dict[str, str] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Return the readable records."""
        return self.counts["any"] + self.counts["missing"]

    def share(self, what: str) -> float:
        """Return the share of the readable records, 0 where there are none.

        Args:
            what: any | missing | link.
        """
        return self.counts[what] / self.total if self.total else 0.0


NO_ORIGINS = RecordOrigins()
"""Of a source without records."""


def count_origins(observations: pa.Table, *, addressed: bool = False) -> dict[str, RecordOrigins]:
    """Add up what the detector `record-origin` saw.

    Args:
        observations: OBSERVATIONS.
        addressed: only files in which some record gives an address.

    Returns:
        By source.
    """
    rows = [row for row in observations.to_pylist() if row["detector"] == "record-origin" and row["source"] is not None]
    paths_with_url = {row["path"] for row in rows if row["kind"] == "url"}
    found: dict[str, RecordOrigins] = {}
    for row in sorted(rows, key=lambda row: str(row["path"])):
        what = "missing" if row["state"] == "missing" else row["kind"]
        if addressed and row["path"] not in paths_with_url:
            continue
        one = found.setdefault(row["source"], RecordOrigins())
        one.counts[what] += row["records"]
        one.paths.setdefault(what, row["path"])
        one.rows.setdefault(what, row["row"])
    return found


@dataclass(frozen=True, slots=True)
class NamedSource:
    """A statement in which one source names another.

    Args:
        where: `manifest:pointer`.
        upstream: whether it says that it comes from there; else it is an address that its documents give.
    """

    where: str
    upstream: bool


class Lineage:
    """Which sources name which others, and when each was acquired, as declared.

    A document speaks for the sources below its folder too, but not of two that both are.

    Args:
        sources: SOURCES.
        claims: CLAIMS, with `source`.
    """

    def __init__(self, sources: pa.Table, claims: pa.Table) -> None:
        columns = ("source", "name", "acquired", "parent", "manifest")
        self._about = {row["source"]: row for row in sources.select(columns).to_pylist()}
        lasts = Counter(_last(source) for source in self._about)
        self._shared = {name for name, count in lasts.items() if count > 1}
        self._addresses: dict[str, set[str]] = defaultdict(set)
        self._said: dict[str, set[tuple[bool, str, str]]] = defaultdict(set)
        self._prose: dict[str, set[str]] = defaultdict(set)
        native = set()
        for row in claims.select(["source", "field", "value", "manifest", "pointer", "scope", "witness"]).to_pylist():
            source, what, place = str(row["source"]), row["field"], f" {row['scope']}"
            if by_witness(row["witness"]).own:
                native.add(row["manifest"])
            if what in {"upstream", "link"}:
                mention = (what == "link", row["value"], f"{row['manifest']}:{row['pointer']}")
                for speaker in (source, place) if what == "link" else (source,):
                    self._said[speaker].add(mention)
            elif what in {"url", "homepage"}:
                self._addresses[source].add(_address(row["value"]))
            elif what == "prose":
                for speaker in (source, place):
                    self._prose[speaker].add(row["manifest"])
        self._around = {source: _around(source, about["manifest"], native) for source, about in self._about.items()}

    def names(self, source: str, other: str) -> NamedSource | None:
        """Return the first statement in which a source names another, one of its upstream before an address.

        A name is taken generously: who names a repository of that name, whoever owns it, has said something.

        Args:
            source: id of a source.
            other: id of another.
        """
        known = self._known(other)
        about = self._about.get(source)
        mentions = {each for speaker in self._speakers(source, other) for each in self._said.get(speaker, ())}
        for by_link, value, where in sorted(mentions):
            if known & {_plain(value), _last(value), _address(value)}:
                return NamedSource(where, upstream=not by_link)
        if about is not None and known & set(map(_plain, str(about["parent"] or "").split("; "))):
            return NamedSource(source, upstream=True)
        return None

    def _speakers(self, source: str, other: str) -> list[str]:
        """Return a source, and the folders around it that do not also hold the other one."""
        both = self._around.get(other, ())
        return [source, *(place for place in self._around.get(source, ()) if place not in both)]

    def _known(self, source: str) -> set[str]:
        """Return what a source may be called: its id, the last part of it, its name, its addresses."""
        about = self._about.get(source)
        last = {_last(source)} - self._shared  # what several are called names none of them
        called = {_plain(source), *last, _plain(str(about["name"] or "") if about else "")}
        return (called | self._addresses.get(source, set())) - {""}

    def rank(self, source: str, other: str) -> int:
        """Say how much speaks for a source having its text from another; the least number for the most.

        Args:
            source: id of a source.
            other: id of another.

        Returns:
            0 it names the other, 1 it was acquired later, 2 nothing is known, 3 the contrary of one of those.
        """
        names, named = self.names(source, other), self.names(other, source)
        if (names is None) != (named is None):
            return 0 if names else 3
        when, then = self._acquired(source), self._acquired(other)
        if when is None or then is None:
            return 2
        return 1 if is_after(when, then) else 3 if is_after(then, when) else 2

    def is_upstream(self, source: str, other: str) -> bool:
        """Tell whether another source says that it comes from this one, or links to it, and is not contradicted.

        Args:
            source: id of a source.
            other: id of another.
        """
        named, naming = self.names(other, source), self.names(source, other)
        return named is not None and (naming is None or (named.upstream and not naming.upstream))

    def called(self, source: str) -> str:
        """Return a source's id, with the date at which it was acquired where that is declared."""
        when = self._acquired(source)
        return f"{source} (acquired {when})" if when else source

    def sentence(self, source: str, other: str) -> str:
        """Say who of two sources names the other.

        Args:
            source: id of the source that carries a finding.
            other: id of the other.
        """
        for one, two in ((source, other), (other, source)):
            naming = self.names(one, two)
            if naming is not None:
                if naming.upstream:
                    where = f" ({naming.where})" if naming.where != one else ""
                    return f"{one} names {two} as its upstream{where}."
                return f"A document about {one} gives the address of {two}, or of a namesake ({naming.where})."
        both = [prose for prose in (self.prose(source, other), self.prose(other, source)) if prose]
        say = "says" if len(set(both)) == 1 else "say"
        read = f"; what {' and '.join(sorted(set(both)))} {say} in prose was not read" if both else ""
        return f"No manifest names either as the upstream of the other, and no document gives its address{read}."

    def prose(self, source: str, other: str) -> str | None:
        """Return the document that describes a source in prose, which may name the other; None where none does.

        Args:
            source: id of a source.
            other: id of another.
        """
        found = {each for speaker in self._speakers(source, other) for each in self._prose.get(speaker, ())}
        return min(found, key=lambda path: (path.count("/"), path), default=None)

    def _acquired(self, source: str) -> str | None:
        about = self._about.get(source)
        return str(about["acquired"]) if about and about["acquired"] else None


def _plain(value: str) -> str:
    return re.sub(r"[\W_]", "", value.casefold())


def _last(value: str) -> str:
    return _plain(value.rstrip("/").removesuffix(".git").rsplit("/", 1)[-1])


def _address(value: str) -> str:
    return re.sub(r"^https?://(?:\[removed\]@)?(?:www\.)?|\.git$|/$", "", value.casefold().strip())


def _around(source: str, manifest: str | None, native: Collection[str]) -> tuple[str, ...]:
    """Return the folders from that of a source's own manifest upwards; none of a native one, which says it all."""
    if manifest in native:
        return ()
    parts = (manifest.split("/")[:-1] if manifest else source.removeprefix("undeclared:").split("/")) or ["."]
    return tuple(f" {'/'.join(parts[:count])}/" for count in range(len(parts), 0, -1))
