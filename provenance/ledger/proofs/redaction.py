"""Redaction: what stays of a ledger when a source, a file or a table is withheld, and what proves that it stays whole.

A table of which some lines are withheld stands in `redacted/<8 digits>/<table>.jsonl`: each line as it was signed, or
`{"withheld":"<leaf hash>"}` in its place. The leaf hashes still make the root that was signed, so a line that is shown
cannot have been changed, nor one dropped unseen; the salt in each line keeps a withheld one from being guessed.

A line that names what is withheld, in whatever column, goes too. So do all Parquet files, stored trees (they tell how
long lines are), content sets (they answer whether a content is there), reports, and every document that names it.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from provenance.core import schemas
from provenance.errors import ConfigError, ManifestError, VerificationError
from provenance.ledger.format import signed_lines
from provenance.ledger.format.row_keys import RowKeys
from provenance.ledger.format.statement import SCAN
from provenance.ledger.trees import stored_trees
from provenance.readers.manifests import yaml_documents

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from pathlib import Path

    from provenance.ledger.format.statement import Statement

KINDS = ("table", "source", "file")
"""What can be withheld by name, as `table=NAME`; anything else is the path of a file that an entry binds."""

_MARK = re.compile(rb'\{"withheld":"([0-9a-f]{64})"\}')
_WORD = re.compile(r"\w+")
_REPORT = re.compile(r"scans/[0-9]{8}/report\.[a-z]+")


def path(index: int, table: str) -> str:
    """Return where a table stands of which lines are withheld, relative to the ledger.

    Args:
        index: number of the scan's entry, from 0.
        table: its name.
    """
    return f"redacted/{index:08d}/{table}.jsonl"


@dataclass(frozen=True, slots=True)
class Names:
    """What is not to be named.

    Args:
        given: sources and files, as the user names them.
        paths: all files of those sources.
    """

    given: tuple[str, ...] = ()
    paths: frozenset[str] = frozenset()
    _pattern: list[re.Pattern[str]] = field(default_factory=list, repr=False)
    _by_word: dict[str, list[str]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self._pattern.extend(re.compile(rf"(?<!\w){re.escape(name.rstrip('/'))}(?![\w-])") for name in self.given)
        # A source may have a million paths: each is looked for only where its rarest word stands.
        often = Counter(word for name in self.paths for word in _WORD.findall(name))
        for name in self.paths:
            rarest = min(_WORD.findall(name), key=lambda word: often[word], default="")
            self._by_word.setdefault(rarest, []).append(name)

    def stand_in(self, value: Any) -> bool:
        """Tell whether a JSON value names one of them anywhere in any of its texts."""
        if isinstance(value, str):
            return (
                value in self.paths
                or any(_stands_in(name, value) for name in self._likely(value))
                or any(pattern.search(value) for pattern in self._pattern)
            )
        if isinstance(value, dict):
            return any(self.stand_in(item) for item in value.values())
        return isinstance(value, list) and any(self.stand_in(item) for item in value)

    def _likely(self, text: str) -> Iterator[str]:
        for word in {"", *_WORD.findall(text)} & self._by_word.keys():
            yield from self._by_word[word]


@dataclass(slots=True)
class RedactionPlan:
    """What is withheld of a ledger.

    Args:
        withheld: files that entries bind, by path.
        tables: of each table that is shown in part, where it will stand, and where its lines stand.
        names: what its lines must not name.
    """

    withheld: set[str] = field(default_factory=set)
    tables: dict[str, str] = field(default_factory=dict)
    names: Names = field(default_factory=Names)


def plan(folder: Path, entries: Sequence[Statement], requests: Collection[str]) -> RedactionPlan:
    """Decide what has to be withheld for something not to be told.

    Args:
        folder: the ledger, all of whose entries verify.
        entries: what its entries say, in order.
        requests: `table=NAME`, `source=ID`, `file=PATH`, or paths of files that entries bind.

    Returns:
        The plan.

    Raises:
        ConfigError: there is no such thing, or an entry itself names it, which nobody can take back.
    """
    bound = {name for entry_statement in entries for name in entry_statement.folder}
    made = RedactionPlan(names=_names(folder, entries, requests))
    scans = [entry_statement for entry_statement in entries if entry_statement.kind == SCAN]
    for each in requests:
        kind, _, name = each.partition("=")
        if kind == "table":
            made.withheld |= _table(scans, name)
        elif kind not in KINDS and each not in bound:
            raise ConfigError(f"no entry binds {each}, so it cannot be withheld")
        elif kind not in KINDS:
            made.withheld.add(each)
    tables = {each.partition("=")[2] for each in requests if each.startswith("table=")}
    if tables - set(schemas.OPTIONAL) or made.names.given:  # no report says what stands in an optional table
        made.withheld |= {name for name in bound if _REPORT.fullmatch(name)}
    if made.names.given:
        _hide(folder, entries, made)
    return made


def lines(source: Path, names: Names) -> Iterator[bytes]:
    """Redact the lines of a table.

    Args:
        source: the file of its lines.
        names: what must not be named.

    Yields:
        Each line, or its leaf hash in its place, closed by a newline.
    """
    with source.open("rb") as file:
        for chunk in stored_trees.read_chunks(file):
            for line in chunk.splitlines():
                hidden = names.stand_in(json.loads(line))
                yield b'{"withheld":"%s"}\n' % _leaf(line).hex().encode() if hidden else line + b"\n"


@dataclass(slots=True)
class RedactionCheck:
    """What came of checking tables that are shown in part.

    Args:
        files: those files, by name.
        shown: lines that are those that were signed.
        hidden: lines that are withheld.
        faults: one sentence each.
    """

    files: set[str] = field(default_factory=set)
    shown: int = 0
    hidden: int = 0
    faults: list[str] = field(default_factory=list)


def check(folder: Path, entries: Iterable[Statement], files: Collection[str]) -> RedactionCheck:
    """Hold every table that is shown in part to the root that was signed.

    Args:
        folder: the ledger.
        entries: what its entries say.
        files: the names of its files, relative to it.

    Returns:
        What came of it; total: the files may be anything.

    Raises:
        OSError: a file cannot be read.
    """
    found = RedactionCheck()
    for entry_statement in entries:
        for table, stated in entry_statement.predicate.get("tables", {}).items():
            name = path(entry_statement.place.index, table)
            if name not in files or "tree" not in stated:
                continue
            found.files.add(name)
            tree, hidden, keys = stored_trees.TreeBuilder(), 0, RowKeys(table)
            try:
                with (folder / name).open("rb") as file:
                    for chunk in stored_trees.read_chunks(file):
                        marks = [_MARK.fullmatch(line) for line in chunk[:-1].split(b"\n")]
                        rows = list(zip(chunk[:-1].split(b"\n"), marks, strict=True))
                        # What is shown has the one form of a line.
                        keys.add_rows(signed_lines.read_row(line) for line, mark in rows if not mark)
                        tree.add([bytes.fromhex(mark[1].decode()) if mark else _leaf(line) for line, mark in rows])
                        hidden += len(marks) - marks.count(None)
                keys.finish()
            except VerificationError as cause:
                found.faults.append(f"{name}: {cause}")
                continue
            if (tree.size, tree.root().hex()) != (stated["tree"]["size"], stated["tree"]["root"]):
                found.faults.append(f"{name} does not have the root that entry {entry_statement.place.index} signs")
                continue
            found.shown += tree.size - hidden
            found.hidden += hidden
    return found


def _leaf(line: bytes) -> bytes:
    return sha256(b"\0" + line).digest()


def _names(folder: Path, entries: Sequence[Statement], requests: Collection[str]) -> Names:
    sources = {each.partition("=")[2] for each in requests if each.startswith("source=")}
    given = sources | {each.partition("=")[2] for each in requests if each.startswith("file=")}
    files = given - sources
    paths, listed = set(), set()
    for row in _rows(folder, entries, "files"):
        if row.get("source") in sources:
            paths.add(row["path"])
        if row["path"] in files:
            listed.add(row["path"])
    named = {row["source"] for row in _rows(folder, entries, "sources")} if sources else set()
    if strange := sorted(sources - named):
        raise ConfigError(f"there is no source {strange[0]!r} in any scan of this ledger whose sources are at hand")
    names = Names(tuple(sorted(given)), frozenset(paths))
    for entry_statement in entries:
        facts = {
            key: value for key, value in entry_statement.predicate.items() if key not in {"folder", "tables", "log"}
        }
        if given and names.stand_in(facts):
            raise ConfigError(
                f"entry {entry_statement.place.index} itself names what is to be withheld; "
                "what was signed cannot be taken back"
            )
    if strange := sorted(files - listed):
        raise ConfigError(f"there is no file {strange[0]!r} in any scan of this ledger whose files are at hand")
    return names


def _rows(folder: Path, entries: Iterable[Statement], table: str) -> Iterator[dict[str, Any]]:
    for entry_statement in entries:
        name = entry_statement.predicate.get("tables", {}).get(table, {}).get("lines")
        if name is not None and (folder / name).exists():
            with (folder / name).open("rb") as file:
                for chunk in stored_trees.read_chunks(file):
                    yield from map(json.loads, chunk.splitlines())


def _table(scans: Iterable[Statement], name: str) -> set[str]:
    """Every file that a table stands in; of FILES also the content set, which is made of it."""
    found = set()
    for entry_statement in scans:
        stated = entry_statement.predicate["tables"].get(name, {})
        found |= {stated[what] for what in ("parquet", "lines", "nodes") if what in stated}
        if name == "files" and "contentSet" in entry_statement.predicate:
            found.add(entry_statement.predicate["contentSet"]["object"])
    if not found:
        raise ConfigError(f"there is no table {name!r} in any scan of this ledger")
    return found


def _hide(folder: Path, entries: Iterable[Statement], made: RedactionPlan) -> None:
    """Withhold whatever names what is not to be named, or may."""
    for entry_statement in entries:
        stated = entry_statement.predicate.get("tables", {}) if entry_statement.kind == SCAN else {}
        whole = {table[what] for table in stated.values() for what in ("parquet", "nodes") if what in table}
        whole |= (
            {entry_statement.predicate["contentSet"]["object"]} if "contentSet" in entry_statement.predicate else set()
        )
        for name, table in stated.items():
            listed = table.get("lines")
            if listed is not None:
                if "tree" in table and listed not in made.withheld and (folder / listed).exists():
                    made.tables[path(entry_statement.place.index, name)] = listed
                whole.add(listed)
        # What is bound beside tables are texts: documents, profiles, keys.
        others = entry_statement.folder.keys() - whole - made.withheld
        made.withheld |= whole | {name for name in others if _speaks(folder / name, made.names)}


def _speaks(document: Path, names: Names) -> bool:
    if not document.exists():
        return False
    text = document.read_bytes().decode("utf-8", "replace")
    return names.stand_in(text) or any(names.stand_in(value) for value in _read_values(text))


def _read_values(text: str) -> list[Any]:
    """Read a document as who reads it does: quotes and escapes, in which a name is written otherwise, hide none."""
    try:
        return [json.loads(line) for line in text.rstrip("\n").split("\n")]
    except (ValueError, RecursionError):
        pass
    try:
        return [yaml_documents.load("document", text)[0]]
    except ManifestError:  # a key or a certificate, of which the bytes are all there is
        return []


def _stands_in(name: str, text: str) -> bool:
    """Tell whether a text names a path: not as a part of a longer path."""
    return name in text and re.search(rf"(?<![\w/-]){re.escape(name)}(?![\w/-]|\.\w)", text) is not None
