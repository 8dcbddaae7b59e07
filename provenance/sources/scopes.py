"""Who covers what: from claims to sources, from a file to its source and licence.

The rules, which hold for every manifest format (DESIGN, section 2):

- A statement that names members covers those. Any other covers its folder and below: a card, README or native manifest
  up to the next source, a licence file up to the next licence file.
- A source is the scope of a manifest or card that holds at least one data file; a native manifest names a scope before
  a card does. A card without data lends its statements to the source above it. A plain README opens a source only where
  none is open above. Data that nothing covers is `undeclared:<its folder>`.
- Licence of a file: the nearest scope with evidence, then the strictest witness within it. Where a scope says something
  of its data, a bare LICENSE beside it may turn out to speak of the code alone.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa

from provenance.core import schemas
from provenance.core.tables.table_rows import iterate_rows
from provenance.readers.manifests import by_witness
from provenance.sources.licence_scopes import DecidedLicence, LicenceScopes
from provenance.sources.scope_paths import folder_of, folders_above
from provenance.sources.scope_patterns import expand_patterns
from provenance.sources.source_openings import (
    OPENING_FIELDS,
    UNDECLARED,
    Opening,
    assign_files,
    entry_pointer,
    find_openings,
    fit_headings,
    fold_sources,
    lend_manifests,
    licences_from_files,
    list_speakers,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from provenance.sources.scope_paths import Claim


@dataclass(frozen=True, slots=True)
class Source:
    """A source before its data was read.

    Args:
        id: declared id, else its folder; '.' is the root.
        scope: its folder with a closing '/', './' for the root.
        manifest: the file that opened it; None where nothing did.
        claims: statements about it, its own manifest's first.
    """

    id: str
    scope: str
    manifest: str | None
    claims: tuple[Claim, ...] = ()

    def stated(self, name: str) -> list[str]:
        """Return what is stated under a field, best witness first, each once."""
        return list(dict.fromkeys(claim["value"] for claim in self.claims if claim["field"] == name))


@dataclass(slots=True)
class Scopes:
    """The answer to "who covers this file?".

    Args:
        sources: by id.
        purpose: the purpose that decides which witness is strictest.
    """

    sources: dict[str, Source]
    purpose: str
    _file_source: dict[str, str]
    _licences: LicenceScopes
    _speakers: dict[tuple[str, str], str]
    _by_scope: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        # what names some files of a folder speaks of the rest only where nothing else does
        named = Counter(source.scope for source in self.sources.values() if self._licences.names(source.id))
        whole = [source for source in self.sources.values() if not self._licences.names(source.id)]
        alone = [source for source in self.sources.values() if named[source.scope] == 1]
        self._by_scope = {source.scope: source.id for source in (*reversed(alone), *reversed(whole))}

    def find_source(self, path: str) -> str:
        """Return the source that covers any path: of a data file its own, of others the nearest around it."""
        outer = path.split("!/", 1)[0]
        known = self._file_source.get(outer) or self._speakers.get((outer, ""))
        if known in self.sources:
            return known
        here = folder_of(path.rstrip("/"))
        nearest = next((self._by_scope[place] for place in folders_above(here) if place in self._by_scope), None)
        return nearest or UNDECLARED + here.rstrip("/")

    def add_speakers(self, claims: pa.Table) -> pa.Table:
        """Say of every statement which source it speaks of, or stands in.

        Args:
            claims: CLAIMS.

        Returns:
            CLAIMS with `source`; of what names files that are not there, the id that it declares.
        """
        found = pa.array([self._speaking(claim) for claim in claims.to_pylist()], pa.string())
        column = claims.schema.get_field_index("source")
        return claims.set_column(column, claims.schema.field(column), found)

    def _speaking(self, claim: Claim) -> str | None:
        entry, scope_ = entry_pointer(claim), claim["scope"]
        spoken = self._speakers.get((claim["manifest"], entry))
        own = spoken in self.sources or (spoken is not None and self._licences.names(spoken))
        if entry or (own and scope_ == folder_of(claim["manifest"])):
            return spoken
        if not scope_.endswith("/") or "!/" in scope_:
            source = self.find_source(scope_)
            return source if source in self.sources else None
        return next((self._by_scope[place] for place in folders_above(scope_) if place in self._by_scope), None)

    @property
    def list_holders(self) -> dict[str, str]:
        """Which source a manifest speaks for: by its path, and by its path and the pointer of one of its sources."""
        holders = {manifest: self.find_source(manifest) for manifest, _ in self._speakers}
        return holders | {
            f"{manifest} {entry}": source for (manifest, entry), source in self._speakers.items() if entry
        }

    def witnesses(self, files: pa.Table) -> pa.Table:
        """List who says what of the licence of each source's data.

        Args:
            files: FILES.

        Returns:
            WITNESSES, sorted by source and scope, the statement that decides first.
        """
        counts: dict[tuple[str, DecidedLicence], list[int]] = defaultdict(lambda: [0, 0])
        for row in iterate_rows(files.select(["path", "role", "records"])):
            if row["role"] == "data":
                of = counts[self.find_source(row["path"]), self.licence(row["path"])]
                of[0] += 1
                of[1] += row["records"]
        rows = [
            {name: claim[name] for name in ("manifest", "pointer", "value", "spdx", "subject")}
            | {"scope": (licence.decided or claim)["scope"]}
            | {"source": source, "speaks": speaks, "files": tally[0], "records": tally[1]}
            | {"decides": speaks and claim["spdx"] == licence.expression and claim not in licence.outer}
            | {"outer": claim in licence.outer}
            for (source, licence), tally in sorted(
                counts.items(), key=lambda each: (each[0][0], each[0][1].pointer or "")
            )
            for speaks, claims in ((True, licence.claims), (False, licence.code), (True, licence.outer))
            for claim in claims
        ]
        return schemas.rows(rows, schemas.WITNESSES)

    def licence(self, path: str) -> DecidedLicence:
        """Return the licence of a data file, and who says so."""
        outer = path.split("!/", 1)[0]
        return self._licences.decide_file(path, self._file_source[outer])


def decide_scopes(paths: pa.Table, claims: pa.Table, purpose: str) -> Scopes:
    """Decide which source and which licence statements cover each data file.

    Args:
        paths: PATHS.
        claims: CLAIMS of all manifests.
        purpose: one of model.PURPOSES.

    Returns:
        The scopes; every data file of `paths` has exactly one source.
    """
    files = [
        path for path, role in zip(*(paths[c].to_pylist() for c in ("path", "role")), strict=True) if role == "data"
    ]
    stated = expand_patterns(claims.to_pylist(), files)
    fit_headings(stated, files)
    stated += licences_from_files(stated)
    openings = find_openings(stated)
    owner, others = assign_files(files, openings)
    speakers = list_speakers(openings)
    lend_manifests(stated, openings, owner, speakers)
    fold_sources(owner, {opening.id for opening in openings if opening.strong})
    by_scope, by_source = _index_claims(stated, openings, speakers)
    for path, witnesses in others.items():
        for claim in (each for id_ in witnesses for each in by_source.get(id_, []) if each["field"] == "licence"):
            by_scope[path].append(claim | {"scope": path})
    sources = _make_sources(owner, openings, by_scope, by_source)
    homes = {id_: source.scope for id_, source in sources.items()}
    named = {opening.id for opening in openings if opening.members}
    licences = LicenceScopes(by_scope, by_source, homes, named, purpose)
    return Scopes(sources, purpose, owner, licences, speakers)


def _index_claims(
    claims: Iterable[Claim], openings: Iterable[Opening], speakers: Mapping[tuple[str, str], str]
) -> tuple[dict[str, list[Claim]], dict[str, list[Claim]]]:
    """Sort statements by the scope they cover; those of what names its source or its members, by that source."""
    by_scope: dict[str, list[Claim]] = defaultdict(list)
    by_source: dict[str, list[Claim]] = defaultdict(list)
    naming = {(opening.manifest, opening.entry): opening.scope for opening in openings if opening.members}
    for claim in claims:
        if claim["field"] in OPENING_FIELDS:
            continue
        key = (claim["manifest"], entry_pointer(claim))
        if by_witness(claim["witness"]).own or naming.get(key) == claim["scope"]:
            by_source[speakers[key]].append(claim)
        else:
            by_scope[claim["scope"]].append(claim)
    return by_scope, by_source


def _make_sources(
    owner: Mapping[str, str],
    openings: Sequence[Opening],
    by_scope: Mapping[str, list[Claim]],
    by_source: Mapping[str, list[Claim]],
) -> dict[str, Source]:
    opened: dict[str, Opening] = {}
    for opening in openings:
        opened.setdefault(opening.id, opening)
    sources = {}
    for id_ in sorted(set(owner.values())):
        opening_ = opened.get(id_)
        place = opening_.scope if opening_ else id_.removeprefix(UNDECLARED) + "/"
        # what stands around named members speaks of the folder, not of them
        around = [] if opening_ and opening_.members else by_scope.get(place, [])
        manifest = opening_.manifest if opening_ else None
        about = sorted(
            [*by_source.get(id_, []), *around], key=lambda claim: (claim["manifest"] != manifest, claim["manifest"])
        )
        sources[id_] = Source(id_, place, manifest, tuple(about))
    return sources
