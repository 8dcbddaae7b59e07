"""The gate between what is stated and CLAIMS: every value passes here, whatever manifest or record states it.

What a value is decides what happens to it:

- a digest, size or number stays;
- what names a path or a column of the data is an identifier and stays, if it is there: COVERAGE says how many paths
  hold what looks like personal data. What names nothing that is there is a text like any other;
- whom it names (`people.ROLES`) becomes a role and a keyed id, an organisation stays;
- of a citation stay title, year, addresses and identifiers;
- of any other text credentials are removed, personal data is replaced by its kind, people that it names as such by role
  and id, and so are people whom another statement names.

Ids, pointers and scopes must go on telling things apart: in them a value is replaced by its kind and keyed id.
The licence that a statement was read as, its SPDX expression, was read from the value as written.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from provenance.core import schemas
from provenance.core.model import DOCUMENTS
from provenance.core.wording import count_noun
from provenance.readers.manifests.yaml_documents import escape
from provenance.sources.licence_scopes import GAP
from provenance.sources.privacy import credentials, identity, masking, people
from provenance.sources.scope_paths import find_matching, folder_of, folders_above, resolved_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

_Contact = tuple[str, str, str]
Rows = list[dict[str, Any]]

STEP = "personal-data-in-paths"
"""Name of the row of COVERAGE that says how many paths hold what looks like personal data."""

_TYPED = frozenset(
    {"sha256", "md5", "sha1", "bytes", "whole-bytes", "tokens.count", "filter.in", "filter.out", "signal.status"}
)
"""Fields of digests, sizes and counts."""

_NUMBER = re.compile(r"[0-9a-fA-F]{32,128}|-?\d{1,20}")
_PATHS = frozenset({"members", "file", "licence-file", "signal.file", "signal.folder", "split-files", *DOCUMENTS})
_SOURCES = frozenset({"source", "source-weak"})
_IDS = frozenset({"upstream", "column"})
"""Fields whose values tell things apart."""

_VERSIONS = frozenset({"revision", "generator.version", "consent.version", "filter.version"})
_NAMES = frozenset({"name", "generator.name", "generator.model", "generator.provider", "upstream", "source"})
"""Fields that name data and models: in them only those are replaced of whom it is certain that they are people."""

_CITATIONS = frozenset({"citation"})
_RECORDS = frozenset({"record-column", GAP})
_LINE = re.compile(r"L\d+")
_INDEX = re.compile(r"[0-9]{1,6}")  # of a list: too short for a number of anybody
_CUTS = frozenset({99, 100, 119, 120, 160, 200, 300, 500, 1000, 2000})  # characters at which readers cut
_WORD = re.compile(r"\w+")
_QUOTED = re.compile(r"(?<!\w)(['\"])((?:(?!\1).)*)\1(?!\w)")
_DIGESTS = frozenset({"sha256-malformed", "digest", "whole-digest", "md5", "sha1"})
_DIGEST = re.compile(
    r"[a-z]{1,10}\d{0,3}|(?:[A-Za-z0-9-]{2,12}[:=-])?(?:[0-9a-fA-F]{4,128}|[A-Za-z0-9+/]{20,120}={1,2})"
)
_MOST_OF_A_NAME = 80  # characters
_MOST_WORDS = 5
_SPACELESS = re.compile(r"[\u3400-\u9fff\uac00-\ud7af·]{2,}")


@dataclass(slots=True)
class Gate:
    """What cleans the statements of one scan, and remembers whom they name.

    Args:
        key: what ids are made with.
        paths: every path of the data, as in PATHS.
    """

    key: identity.IdentityKey
    paths: Sequence[str] = ()
    _known: tuple[list[str], frozenset[str]] = field(init=False, repr=False)
    _contacts: dict[tuple[str, ...], dict[str, Any]] = field(default_factory=dict, init=False, repr=False)
    _named: dict[str, tuple[str, bool]] = field(default_factory=dict, init=False, repr=False)
    _told: dict[str, set[str]] = field(default_factory=dict, init=False, repr=False)
    _cleaned: dict[tuple[Any, ...], tuple[str, tuple[_Contact, ...]]] = field(
        default_factory=dict, init=False, repr=False
    )
    _learnt: set[tuple[Any, ...]] = field(default_factory=set, init=False, repr=False)
    _parts: dict[str, str] = field(default_factory=dict, init=False, repr=False)
    _by_word: dict[str, set[str]] = field(default_factory=dict, init=False, repr=False)
    _spaceless: set[str] = field(default_factory=set, init=False, repr=False)

    def __post_init__(self) -> None:
        folders = {folder for path in self.paths for folder in folders_above(folder_of(path))}
        self._known = sorted({*self.paths}), frozenset({*self.paths, *folders})

    def clean(self, rows: Iterable[Mapping[str, Any]]) -> Rows:
        """Clean statements.

        Args:
            rows: of CLAIMS as they were made, with `party` where the manifest says who a party is.

        Returns:
            The same, each once where records state it; `party` is gone.
        """
        all_rows = list(rows)
        for row in all_rows:
            self._learn(row)
        self._learnt.clear()
        self._parts.clear()
        self._cleaned.clear()  # who was learnt now is no stranger any more
        made: Rows = []
        seen: set[tuple[Any, ...]] = set()
        for row in map(self._row, all_rows):
            of_record = row["witness"] in _RECORDS
            if not of_record or tuple(row.values()) not in seen:  # two values may have become one
                made.append(row)
            if of_record:
                seen.add(tuple(row.values()))
        return made

    def reason(self, text: str) -> str:
        """Clean a sentence that may quote data: why something was not read.

        Args:
            text: the sentence.
        """
        if text.startswith("no valid "):  # what a manifest's fault quotes may be a name; keys and ids hold no space
            text = _QUOTED.sub(lambda found: "'…'" if " " in found[2] else found[0], text)
        return self._prose(text, _Place({}, record=True))

    def reasons(self, files: pa.Table) -> pa.Table:
        """Clean the reasons why bytes were skipped.

        Args:
            files: FILES.

        Returns:
            FILES.
        """
        written = [None if each is None else self.reason(each) for each in files["skip_reason"].to_pylist()]
        at = files.schema.get_field_index("skip_reason")
        return files.set_column(at, files.schema.field(at), pa.array(written, pa.string()))

    def held(self, files: pa.Table) -> int:
        """Count the paths that hold what looks like personal data or a secret, and are kept.

        Args:
            files: FILES.
        """
        return sum(_holds(path) for path in files["path"].to_pylist())

    def contacts(self) -> pa.Table:
        """Return CONTACTS: whom the statements named so far."""
        rows = [self._contacts[key] for key in sorted(self._contacts)]
        return schemas.rows(rows, schemas.CONTACTS)

    # -- whom a statement names -------------------------------------------------------------------------------------

    def _learn(self, row: Mapping[str, Any]) -> None:
        """Remember the people of a statement before any text is cleaned: others name them too."""
        role, cites = people.ROLES.get(row["field"]), row["field"] in _CITATIONS
        stated = (row["manifest"] if not (role or cites) else "", row["field"], row["value"], row.get("party"))
        if row["witness"] in _RECORDS or stated in self._learnt:
            return
        self._learnt.add(stated)
        if not (role or cites):
            self._learn_prose(row)
            return
        found: list[tuple[str, bool]] = []
        text = masking.mask(credentials.clean(row["value"]), lambda kind, _: f"[{kind}]")

        def note(*, sure: bool) -> Callable[[str, str], str]:
            def noted(_role: str, name: str) -> str:
                found.append((name, sure))
                return name

            return noted

        if role is not None:
            people.replace(text, role, row.get("party") or "", note(sure=bool(row.get("party"))))
        elif text.lstrip().startswith("@"):  # BibTeX says who its authors are
            people.in_citation(text, note(sure=True))
        for name, sure in found:
            self._remember(name, sure=sure)

    def _learn_prose(self, row: Mapping[str, Any]) -> None:
        """Remember whom a text names as a person: all of that manifest is without the name, and nothing else is."""
        stated, value = row["field"], str(row["value"])
        if stated in _TYPED or stated in _PATHS or stated in _SOURCES or stated in _IDS or " " not in value:
            return
        for name in _named_in(value, stated.startswith("licence")):
            plain = " ".join(name.split())
            if people.has_form(plain) and not identity.ID.search(plain):
                self._told.setdefault(row["manifest"], set()).add(plain)

    def _remember(self, name: str, *, sure: bool) -> None:
        plain = " ".join(name.split())
        if not _is_name(plain, sure=sure):
            return
        for written in {plain, _turned(plain)}:
            self._named[written] = (plain, sure or self._named.get(written, ("", False))[1])
            first = re.split(r"\W", written, maxsplit=1)[0].casefold()
            self._by_word.setdefault(first, set()).add(written)
            if not first.isascii():
                self._spaceless.add(first)

    def _row(self, row: Mapping[str, Any]) -> dict[str, Any]:
        place = _Place(row, record=row["witness"] in _RECORDS)
        made = {name: value for name, value in row.items() if name != "party"}
        made["value"] = self._value(row, place)
        made["pointer"] = self._pointer(row["pointer"], place)
        made["scope"] = self._scope(row, place)
        if row.get("date") is not None:
            made["date"] = self._prose(row["date"], place)
        return made

    def _value(self, row: Mapping[str, Any], place: _Place) -> str:
        stated, value = row["field"], str(row["value"])
        kept = stated == "view" or (stated in _TYPED and _NUMBER.fullmatch(value))  # a column of the data, a number
        if kept or ((stated in _PATHS or stated in _SOURCES) and self._is_path(row)):
            return value
        if stated in _DIGESTS:
            return self._digest(value, place)
        if stated == "split":
            name, equals, examples = value.rpartition("=")
            count = examples if _NUMBER.fullmatch(examples) else self._prose(examples, place)
            return self._identifier(name, place) + equals + count
        if stated in _IDS or stated in _PATHS or stated in _SOURCES:
            return self._identifier(value, place)
        return self._once(("text", stated, value, row.get("party")), place, lambda: self._text(value, row, place))

    def _once(self, key: tuple[Any, ...], place: _Place, make: Callable[[], str]) -> str:
        """Clean a value once: whoever states it again names the same people."""
        manifest = str(place.row.get("manifest"))
        key += (place.record, manifest if manifest in self._told else "")
        if key not in self._cleaned:
            before = len(place.found)
            self._cleaned[key] = make(), tuple(place.found[before:])
            return self._cleaned[key][0]
        text, found = self._cleaned[key]
        for role, kind, value in found:
            self._contact(place, role, kind, value)
        return text

    def _text(self, value: str, row: Mapping[str, Any], place: _Place) -> str:
        """Clean what people wrote for people."""
        role = people.ROLES.get(row["field"])
        if role is not None:
            return self._party(value, role, row.get("party") or "", place)
        if row["field"] in _CITATIONS:
            text = people.in_citation(credentials.clean(value), self._person(place, "citation"))
            return self._people(self._masked(text + " ", place).rstrip(), place)
        return self._prose(value, place)

    def _digest(self, value: str, place: _Place) -> str:
        """Keep what is written as a digest; behind one may stand the address that has it."""
        digest, space, rest = value.partition(" ")
        written = digest if _DIGEST.fullmatch(digest) else f"[no digest: {count_noun(len(digest), 'character')}]"
        written = self._prose(digest, place) if "://" in digest else written
        return written + space + self._prose(rest, place)

    def _party(self, value: str, role: str, stated: str, place: _Place) -> str:
        text = self._masked(value, place)
        text = people.replace(text, role, stated, self._person(place, people.PERSON))
        return self._people(text, place) if stated != people.ORGANISATION else text

    def _prose(self, value: str, place: _Place) -> str:
        text = self._masked(value, place)
        return self._people(text, place)

    def _people(self, text: str, place: _Place) -> str:
        """Put role and id in place of those whom a text names as such, and those whom another statement names."""
        text = people.in_prose(text, self._person(place, people.PERSON), licence=place.field.startswith("licence"))
        return self._without_known(text, place)

    def _identifier(self, value: str, place: _Place) -> str:
        """Clean what tells things apart: what is replaced is replaced by what tells it from others."""
        return self._once(("identifier", place.field, value), place, lambda: self._distinct(value, place))

    def _distinct(self, value: str, place: _Place) -> str:

        def name(kind: str, found: str) -> str:
            self._contact(place, "contact", kind, found)
            return f"[{kind} {self.key.id(found)}]"

        text = credentials.clean(value)
        text = masking.mask(text, name, addresses=False) if masking.has_value(text) else text
        text = people.in_prose(text, self._person(place, people.PERSON), works=False)
        return self._without_known(text, place, sure=True)

    def _masked(self, value: str, place: _Place) -> str:
        def name(kind: str, found: str) -> str:
            self._contact(place, people.ROLES.get(place.field, "contact"), kind, found)
            return f"[{kind}]"

        text = credentials.clean(value)
        if masking.has_value(text):
            text = masking.mask(text, name, addresses=place.field not in _VERSIONS)
        return _whole(text) if len(value) in _CUTS else text

    def _without_known(self, text: str, place: _Place, *, sure: bool = False) -> str:
        """Put role and id in place of those whom another statement names."""
        sure = sure or place.field in _NAMES
        words = {word.casefold() for word in _WORD.findall(text)} if self._named else set()
        if not text.isascii():
            words |= self._spaceless
        near = {
            name
            for word in words & self._by_word.keys()
            for name in self._by_word[word]
            if _SPACELESS.fullmatch(name) or _words_of(name) <= words
        }
        titled = place.field == "name" and " " in text.strip()  # a title, no id
        known_here = self._told.get(str(place.row.get("manifest")), set()) if titled or not sure else set()
        near = {
            each for each in near if self._named[each][1] or not sure or (titled and people.has_form(each))
        } | known_here
        names = tuple(sorted(near, key=lambda x: (-len(x), x)))
        if not names:
            return text
        parts, at = [], 0
        for found in credentials.URL.finditer(text):
            parts += [self._instead(text[at : found.start()], names), found[0]]
            at = found.end()
        return "".join([*parts, self._instead(text[at:], names)])

    def _instead(self, text: str, names: tuple[str, ...]) -> str:
        written = {" ".join(name.split()).casefold(): self._named.get(name, (name,))[0] for name in names}

        def person(found: re.Match[str]) -> str:
            return self.key.person("contact", written[" ".join(found[0].split()).casefold()])

        return _pattern(names).sub(person, text) if text.strip() else text

    def _person(self, place: _Place, kind: str) -> Callable[[str, str], str]:
        def name(role: str, found: str) -> str:
            if identity.ID.fullmatch(found):
                return found
            self._contact(place, role, kind, found)
            return self.key.person(role, found)

        return name

    def _contact(self, place: _Place, role: str, kind: str, value: str) -> None:
        """Keep whom or what a manifest names; what records hold is never kept."""
        if place.record or (kind not in {people.PERSON, "citation"} and kind not in masking.CONTACTS):
            return
        place.found.append((role, kind, value))
        row = place.row
        key = (row["manifest"], row["pointer"], row["field"], role, kind, value)
        if key in self._contacts:
            return
        self._contacts[key] = {
            "id": self.key.id(value), "role": role, "kind": kind, "value": value, "manifest": row["manifest"],
            "pointer": self._pointer(row["pointer"], _Place(row, record=True)), "field": row["field"],
            "digest": row["digest"], "salt": self.key.salt(*key),
        }  # fmt: skip

    # -- identifiers ------------------------------------------------------------------------------------------------

    def _is_path(self, row: Mapping[str, Any]) -> bool:
        """Tell whether a value names something that is there: a path, a folder, or a glob over paths."""
        value = row["value"].partition("=")[2] if row["field"] == "split-files" else row["value"]
        ordered, known = self._known
        near = [value, resolved_path(dict(row) | {"value": value})]
        if row["field"] in _SOURCES:
            paths = {row["manifest"], row["scope"].rstrip("/"), _stem(row["manifest"])}
            return value in paths or value in known or f"{value}/" in known
        return any(each in known or f"{each}/" in known or find_matching(each, ordered) for each in near if each)

    def _scope(self, row: Mapping[str, Any], place: _Place) -> str:
        scope = row["scope"]
        own = scope in {"./", row["manifest"], folder_of(row["manifest"])} or scope in self._known[1]
        if own or find_matching(scope, self._known[0]):
            return str(scope)
        closing = "/" if scope.endswith("/") else ""
        return self._identifier(scope.removesuffix("/"), place) + closing

    def _pointer(self, pointer: str, place: _Place) -> str:
        if _LINE.fullmatch(pointer):
            return pointer
        names_people = place.row.get("manifest") in self._told
        if not names_people and pointer in self._parts:
            return self._parts[pointer]
        before = len(place.found)
        made = "/".join(
            part if not part or _INDEX.fullmatch(part) else self._part(part, place, names_people=names_people)
            for part in pointer.split("/")
        )
        if not names_people and len(place.found) == before:
            self._parts[pointer] = made
        return made

    def _part(self, written: str, place: _Place, *, names_people: bool) -> str:
        """Clean a key of a pointer: the same keys stand in thousands of pointers."""
        if not names_people and written in self._parts:
            return self._parts[written]
        before = len(place.found)
        made = escape(self._identifier(written.replace("~1", "/").replace("~0", "~"), place))
        if not names_people and len(place.found) == before:  # whom it names is kept with each statement
            self._parts[written] = made
        return made


@dataclass(slots=True)
class _Place:
    """Where a value stands.

    Args:
        row: the statement.
        record: whether it is what records say, or a reason: nothing of it is kept.
        found: whom or what it names, each as role, kind and value.
    """

    row: Mapping[str, Any]
    record: bool
    found: list[_Contact] = field(default_factory=list)

    @property
    def field(self) -> str:
        """What is stated."""
        return str(self.row.get("field", ""))


@lru_cache(maxsize=1 << 14)
def _words_of(name: str) -> frozenset[str]:
    return frozenset(word.casefold() for word in _WORD.findall(name))


@lru_cache(maxsize=1 << 8)
def _pattern(names: tuple[str, ...]) -> re.Pattern[str]:
    written = ("\\s+".join(map(re.escape, name.split())) for name in names)
    spaceless = any(_SPACELESS.fullmatch(name) for name in names)
    before, after = ("", "") if spaceless else (r"(?<![\w:/@])", r"(?!\w)")
    return re.compile(rf"{before}(?:{'|'.join(written)}){after}", re.IGNORECASE)


@lru_cache(maxsize=1 << 12)
def _named_in(value: str, licence: bool) -> tuple[str, ...]:
    """Return whom a text names as a person."""
    found: list[str] = []

    def noted(_role: str, name: str) -> str:
        found.append(name)
        return name

    text = credentials.clean(value)
    text = masking.clean(text) if masking.has_value(text) else text
    people.in_prose(text, noted, licence=licence)
    return tuple(found)


def _holds(path: str) -> bool:
    return masking.has_value(path) or credentials.clean(path) != path


def _is_name(text: str, *, sure: bool) -> bool:
    """Tell whether a name may be looked for in other texts: a single word may mean anything."""
    if "//" in text or len(text) >= _MOST_OF_A_NAME or not re.search(r"[^\W\d_]", text):
        return False
    if _SPACELESS.fullmatch(text):
        return True
    if not sure and (text[0].islower() or len(text.split()) > _MOST_WORDS):
        return False
    return len(text) > 3 and (sure or len(text.split()) > 1)


def _turned(name: str) -> str:
    """Return "Doe, Jane" as "Jane Doe", and the other way round."""
    surname, comma, given = name.partition(", ")
    if comma:
        return f"{given} {surname}"
    words = name.split()
    return f"{words[-1]}, {' '.join(words[:-1])}" if len(words) > 1 else name


def _stem(path: str) -> str:
    """Return a manifest's path without its ending: the id of a source that it gives no id."""
    return re.sub(r"\.(?:jsonld|json|ya?ml|xml)$", "", path, flags=re.IGNORECASE)


def _whole(text: str) -> str:
    """Drop the last word of a text that was cut, where it may be the beginning of an address or number."""
    head, space, last = text.rpartition(" ")
    return f"{head}{space}…" if re.fullmatch(r"[^/\s]*@[^/\s]*|[+(]?\d[\d().\-]{3,}", last) else text
