"""Who covers what: from claims to sources, from a file to its source and licence, from overlaps to what is concluded.

The rules, which hold for every manifest format (DESIGN, section 2):

- A statement that names members covers those. Any other covers its folder and below: a card, README or native manifest
  up to the next source, a licence file up to the next licence file.
- A source is the scope of a manifest or card that holds at least one data file. A card without data lends its
  statements to the source above it. A plain README opens a source only where none is open above. Data that nothing
  covers is `undeclared:<its folder>`.
- Licence of a file: the nearest scope with evidence, then the strictest witness within it. Where a scope says something
  of its data, a bare LICENSE beside it may turn out to speak of the code alone.
"""

from __future__ import annotations

import fnmatch
import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from provenance import schemas
from provenance.licences import terms
from provenance.licences.expressions import conjunction

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import pyarrow as pa

IMPLICIT = 1000
"""Implicit sources that one folder may hold; more of them collapse into it."""

UNDECLARED = "undeclared:"
_TEXTS = {"licence-file", "data-licence-file", "notice-file"}
_DATA = {"data", "database", "content"}
_CARDS = {"hf-card", "native", "readme"}

Claim = dict[str, Any]


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


@dataclass(frozen=True, slots=True, eq=False)
class Licence:
    """What decides the licence of some files.

    Args:
        expression: SPDX; None = unknown, or nothing stated.
        claims: every statement of the nearest scope that speaks of data, best first; () = nothing stated.
        decided: the statement that decides.
        code: statements of that scope that speak of code or models.
    """

    expression: str | None = None
    claims: tuple[Claim, ...] = ()
    decided: Claim | None = None
    code: tuple[Claim, ...] = ()

    @property
    def pointer(self) -> str | None:
        """Return `manifest:pointer` of the statement that decides."""
        return f"{self.decided['manifest']}:{self.decided['pointer']}" if self.decided else None

    @property
    def evidence(self) -> str:
        """Return how good the best witness is: none | tag | card | licence-text | consistent."""
        agreeing = [claim for claim in self.claims if claim["spdx"] == self.expression and self.expression]
        texts = [claim for claim in agreeing if claim["witness"] in _TEXTS]
        if not agreeing:
            return "none"
        if not texts:
            return "card" if any(claim["pointer"].startswith("L") for claim in agreeing) else "tag"
        others = {claim["manifest"] for claim in agreeing} - {texts[0]["manifest"]}
        return "consistent" if others and len(agreeing) == len(self.claims) else "licence-text"


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
    _licences: _LicenceScopes
    _openings: list[_Opening]

    def covering(self, path: str) -> str:
        """Return the source that covers any path: of a data file its own, of others the nearest around it."""
        known = self._file_source.get(path.split("!/", 1)[0])
        if known is not None:
            return known
        by_scope = {source.scope: source.id for source in self.sources.values()}
        here = folder_of(path.rstrip("/"))
        nearest = next((by_scope[place] for place in _above(here) if place in by_scope), None)
        return nearest or UNDECLARED + here.rstrip("/")

    @property
    def holders(self) -> dict[str, str]:
        """Which source a manifest speaks for: by its path, and by its path and the pointer of one of its sources."""
        held = {opening.manifest: self.covering(opening.manifest) for opening in self._openings}
        for opening in self._openings:
            if opening.pointer:
                held[f"{opening.manifest} {opening.pointer}"] = opening.id
        return held

    def witnesses(self, files: pa.Table) -> pa.Table:
        """List who says what of the licence of each source's data.

        Args:
            files: FILES.

        Returns:
            WITNESSES, sorted by source and scope, the statement that decides first.
        """
        counts: dict[tuple[str, Licence], list[int]] = defaultdict(lambda: [0, 0])
        for row in files.select(["path", "role", "records"]).to_pylist():
            if row["role"] == "data":
                of = counts[self.covering(row["path"]), self.licence(row["path"])]
                of[0] += 1
                of[1] += row["records"]
        rows = [
            {name: claim[name] for name in ("scope", "manifest", "pointer", "value", "spdx", "subject")}
            | {"source": source, "speaks": speaks, "files": held[0], "records": held[1]}
            | {"decides": speaks and claim["spdx"] == licence.expression}
            for (source, licence), held in sorted(
                counts.items(), key=lambda each: (each[0][0], each[0][1].pointer or "")
            )
            for speaks, claims in ((True, licence.claims), (False, licence.code))
            for claim in claims
        ]
        return schemas.rows(rows, schemas.WITNESSES)

    def licence(self, path: str) -> Licence:
        """Return the licence of a data file, and who says so."""
        outer = path.split("!/", 1)[0]
        return self._licences.of(path, self._file_source[outer])


def scope(paths: pa.Table, claims: pa.Table, purpose: str) -> Scopes:
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
    stated: list[Claim] = claims.to_pylist()
    _fit_headings(stated, files)
    openings = _openings(stated)
    owner = _assign(files, openings)
    _lend(stated, openings, owner)
    _collapse(owner, {opening.id for opening in openings if opening.strong})
    sources = _sources(owner, openings, stated)
    return Scopes(sources, purpose, owner, _LicenceScopes(stated, sources, openings, purpose), openings)


def folder_of(path: str) -> str:
    """Return the folder of a path with its closing '/', './' at the root."""
    return path.rsplit("/", 1)[0] + "/" if "/" in path else "./"


def _above(folder: str) -> Iterator[str]:
    """Yield a folder and all above it, the nearest first, './' last."""
    while folder != "./":
        yield folder
        folder = folder_of(folder.rstrip("/"))
    yield "./"


def _depth(scope: str) -> int:
    return 0 if scope == "./" else scope.rstrip("/").count("/") + 1


def _within(path: str, scope: str) -> bool:
    return scope in {"./", path} or (scope.endswith("/") and path.startswith(scope))


def _fit_headings(claims: Sequence[Claim], files: Iterable[str]) -> None:
    """Find the folder or file that a README's heading names: `Databricks Dolly 15k` is `databricks-dolly-15k/`."""
    known: dict[str, dict[str, str]] = defaultdict(dict)
    folders = {folder for path in files for folder in _above(folder_of(path))}
    for place in (*folders, *files):
        known[folder_of(place.rstrip("/"))][_plain(place.rstrip("/").rsplit("/", 1)[-1])] = place
    for claim in claims:
        if claim["witness"] in {"readme", "hf-card"} and claim["scope"] not in folders and claim["scope"] != "./":
            parent, name = folder_of(claim["scope"].rstrip("/")), claim["scope"].rstrip("/").rsplit("/", 1)[-1]
            claim["scope"] = known[parent].get(_plain(name), claim["scope"])


def _plain(name: str) -> str:
    return re.sub(r"\W|_", "", name.casefold())


@dataclass(slots=True)
class _Opening:
    id: str
    scope: str
    manifest: str
    strong: bool
    pointer: str
    members: list[str] = field(default_factory=list)


def _openings(claims: Iterable[Claim]) -> list[_Opening]:
    found: list[_Opening] = []
    for claim in claims:
        if claim["field"] in {"source", "source-weak"}:
            strong = claim["field"] == "source"
            prefix = claim["pointer"].rsplit("/", 1)[0] if strong and claim["pointer"].startswith("/") else ""
            id_ = claim["value"] if strong and claim["value"] else claim["scope"].rstrip("/")
            found.append(_Opening(id_, claim["scope"], claim["manifest"], strong, prefix))
        elif claim["field"] == "members":
            for opening in found:
                if opening.manifest == claim["manifest"] and claim["pointer"].startswith(opening.pointer + "/"):
                    opening.members.append(claim["value"])
    found.sort(key=lambda opening: (opening.scope, not opening.strong, opening.manifest, opening.pointer))
    _tell_apart(found)
    return found


def _tell_apart(openings: Iterable[_Opening]) -> None:
    """Two manifests that declare one id for two scopes are two sources."""
    holder: dict[str, _Opening] = {}
    for opening in openings:
        first = holder.setdefault(opening.id, opening)
        if first.manifest != opening.manifest and first.scope != opening.scope:
            opening.id = f"{opening.id} ({opening.manifest})"


def _assign(files: Sequence[str], openings: Sequence[_Opening]) -> dict[str, str]:
    """Give every data file its source: named members first, then the nearest card, then the topmost README."""
    owner: dict[str, str] = {}
    for opening in sorted((o for o in openings if o.members), key=lambda o: -_depth(folder_of(o.manifest))):
        exact = {member for member in opening.members if not re.search(r"[*?\[]", member)}
        globs = [re.compile(fnmatch.translate(member)) for member in opening.members if member not in exact]
        for path in files:
            if path not in owner and (path in exact or any(glob.match(path) for glob in globs)):
                owner[path] = opening.id
    strong = {o.scope: o.id for o in reversed(openings) if o.strong and not o.members}
    weak = {o.scope: o.id for o in reversed(openings) if not o.strong}
    by_folder: dict[str, str] = {}
    for path in files:
        here = folder_of(path)
        if here not in by_folder:
            by_folder[here] = _covering(here, strong, weak)
        owner.setdefault(path, by_folder[here])
    return owner


def _covering(folder: str, strong: Mapping[str, str], weak: Mapping[str, str]) -> str:
    above = list(_above(folder))
    nearest = next((strong[place] for place in above if place in strong), None)
    topmost = next((weak[place] for place in reversed(above) if place in weak), None)
    return nearest or topmost or UNDECLARED + folder.rstrip("/")


def _lend(claims: Iterable[Claim], openings: Sequence[_Opening], owner: Mapping[str, str]) -> None:
    """Move the statements of a card's scope without data to the source above it.

    A plain README does not lend: in a folder without data it may well speak of data that is elsewhere.
    """
    holding = {folder for path in owner for folder in _above(folder_of(path))}
    strong = {o.scope: o for o in reversed(openings) if o.strong and not o.members}
    weak = {o.scope: o for o in reversed(openings) if not o.strong}
    lenders = {o.scope for o in openings if o.strong and o.scope not in holding}
    for claim in claims:
        if claim["scope"] not in lenders or claim["field"] in {"source", "source-weak", "members"}:
            continue
        above = [place for place in _above(claim["scope"]) if place != claim["scope"] and place in holding]
        taker = next((strong[place] for place in above if place in strong), None)
        taker = taker or next((weak[place] for place in reversed(above) if place in weak), None)
        if taker:
            claim["scope"] = taker.scope


def _collapse(owner: dict[str, str], declared: set[str]) -> None:
    """Fold more than IMPLICIT undeclared or README sources of one folder into that folder, from the deepest up."""
    while True:
        places = {source: source.removeprefix(UNDECLARED) for source in set(owner.values()) - declared}
        children = Counter(folder_of(place) for place in places.values() if place != ".")
        crowded = {folder for folder, count in children.items() if count > IMPLICIT}
        if not crowded:
            return
        deepest = max(map(_depth, crowded))
        folded = {
            source: UNDECLARED + folder_of(place).rstrip("/")
            for source, place in places.items()
            if place != "." and folder_of(place) in crowded and _depth(folder_of(place)) == deepest
        }
        owner.update({path: folded[source] for path, source in owner.items() if source in folded})


def _sources(owner: Mapping[str, str], openings: Sequence[_Opening], claims: Sequence[Claim]) -> dict[str, Source]:
    opened: dict[str, _Opening] = {}
    for opening in openings:
        opened.setdefault(opening.id, opening)
    by_scope: dict[str, list[Claim]] = defaultdict(list)
    for claim in claims:
        by_scope[claim["scope"]].append(claim)
    sources = {}
    for id_ in sorted(set(owner.values())):
        own = opened.get(id_)
        place = own.scope if own else id_.removeprefix(UNDECLARED) + "/"
        manifest = own.manifest if own else None
        about = [claim for claim in by_scope[place] if _speaks(claim, own)]
        about.sort(key=lambda claim: (claim["manifest"] != manifest, claim["manifest"]))
        sources[id_] = Source(id_, place, manifest, tuple(about))
    return sources


def _speaks(claim: Claim, opening: _Opening | None) -> bool:
    """Tell whether a statement is about this source and not about another of the same manifest."""
    if claim["field"] in {"source", "source-weak", "members"}:
        return False
    if opening is None or claim["manifest"] != opening.manifest or not opening.pointer:
        return bool(claim["witness"] != "native")
    return str(claim["pointer"]).startswith(opening.pointer + "/")


class _LicenceScopes:
    """Licence statements by the scope they cover."""

    def __init__(
        self, claims: Iterable[Claim], sources: Mapping[str, Source], openings: Iterable[_Opening], purpose: str
    ) -> None:
        self._by_scope: dict[str, list[Claim]] = defaultdict(list)
        for claim in claims:
            if claim["field"] == "licence":
                self._by_scope[claim["scope"]].append(claim)
        self._sources = sources
        self._opening = {opening.id: opening for opening in openings}
        self._purpose = purpose
        self._known: dict[tuple[str, str], Licence] = {}

    def of(self, path: str, source: str) -> Licence:
        own = [place for place in (path, path.split("!/", 1)[0]) if place in self._by_scope]
        key = (own[0] if own else folder_of(path.split("!/", 1)[0]), source)
        if key not in self._known:
            self._known[key] = self._find(own, folder_of(path.split("!/", 1)[0]), source)
        return self._known[key]

    def _find(self, own: list[str], folder: str, source: str) -> Licence:
        for place in (*own, *_above(folder)):
            covering = [claim for claim in self._by_scope.get(place, ()) if self._covers(claim, source)]
            # what stands inside the scope is nearer than what is said of it from above
            inside = [claim for claim in covering if _within(claim["manifest"], place)]
            for claims in (inside, covering):
                licence = decide(claims, self._purpose)
                if licence.claims:
                    return licence
        return Licence()

    def _covers(self, claim: Claim, source: str) -> bool:
        """A licence file covers all below it; what a card or README says ends where the next source begins."""
        if claim["witness"] not in _CARDS:
            return True
        opening = self._opening.get(source)
        place = self._sources[source].scope
        if claim["witness"] == "native":
            return opening is not None and _speaks(claim, opening)
        return _within(claim["scope"], place)


def decide(claims: Sequence[Claim], purpose: str) -> Licence:
    """Choose the licence of the data from the statements of one scope.

    Args:
        claims: licence statements of one scope, with `spdx`.
        purpose: one of model.PURPOSES.

    Returns:
        The strictest for the purpose; of equally strict ones, what speaks of the data before what speaks of anything.
        Without a statement that may speak of data: no claims.
    """
    code = [claim for claim in claims if claim["subject"] in {"code", "model"}]
    data = [claim for claim in claims if claim["subject"] in _DATA]
    rest = [claim for claim in claims if claim["subject"] == "any"]
    if data:
        named = any(claim["witness"] == "data-licence-file" for claim in data)
        bare = [c for c in rest if named and c["witness"] == "licence-file"]
        of_code = {c["spdx"] for c in (*code, *bare) if c["subject"] != "model"} - {None}
        moved = [c for c in rest if c in bare or c["spdx"] in of_code]
        code += moved
        rest = [c for c in rest if c not in moved]
    speaking = [*data, *rest]
    if not speaking:
        return Licence(code=tuple(code))
    chosen = [_strictest(part, purpose) for part in (data, rest) if part]
    chosen.sort(key=lambda claim: terms.right(claim["spdx"], purpose).rank)  # stable: data first among equals
    ordered = sorted(speaking, key=lambda claim: claim["spdx"] != chosen[0]["spdx"])
    return Licence(chosen[0]["spdx"], tuple(ordered), chosen[0], tuple(code))


def _strictest(claims: Sequence[Claim], purpose: str) -> Claim:
    expression = terms.strictest([claim["spdx"] for claim in claims], purpose)
    best = [claim for claim in claims if claim["spdx"] == expression]
    return min(best, key=lambda claim: (claim["witness"] not in _TEXTS, claim["manifest"], claim["pointer"]))


def conclude(scopes: Scopes, files: pa.Table, distinct: Mapping[str, int], texts: Mapping[str, int]) -> pa.Table:
    """Say of every source what is claimed, what is concluded and how well it is evidenced.

    Args:
        scopes: who covers what.
        files: FILES, with sources.
        distinct: distinct normalised texts by source.
        texts: records with text by source.

    Returns:
        SOURCES, one row a source that holds data; sorted by source.
    """
    held: dict[str, list[dict[str, Any]]] = defaultdict(list)
    names = ("path", "source", "role", "bytes", "records", "tokens", "skip_reason")
    for row in files.select(names).to_pylist():
        if row["role"] == "data":
            held[row["source"]].append(row)
    rows = [
        _conclude(scopes, source, held[id_])
        | {"records_text": texts.get(id_, 0), "records_distinct": distinct.get(id_, 0)}
        for id_, source in scopes.sources.items()
    ]
    return schemas.ordered(schemas.rows(rows, schemas.SOURCES), "source")


def _conclude(scopes: Scopes, source: Source, files: Sequence[dict[str, Any]]) -> dict[str, object]:
    licences = {row["path"]: scopes.licence(row["path"]) for row in files}
    declared = dict.fromkeys(
        claim["spdx"] or claim["value"] for licence in licences.values() for claim in licence.claims
    )
    levels = ("none", "tag", "card", "licence-text", "consistent")
    records = sum(row["records"] for row in files)

    def first(name: str) -> str | None:
        return next(iter(source.stated(name)), None)

    return {
        "source": source.id,
        "name": first("name"),
        "kind": first("kind"),
        "licence_declared": "; ".join(declared) or None,
        "licence_concluded": _joined([licence.expression for licence in licences.values()]),
        "evidence": min((licence.evidence for licence in licences.values()), key=levels.index, default="none"),
        "records": records,
        "bytes": sum(row["bytes"] for row in files if "!/" not in row["path"]),
        "tokens": sum(row["tokens"] for row in files),
        "acquired": first("acquired"),
        "revision": first("revision"),
        "country": first("country"),
        "languages": source.stated("language") or None,
        "modality": first("modality") or ("text" if records else None),
        "parent": first("upstream"),
        "manifest": source.manifest,
    }


def _joined(expressions: Sequence[str | None]) -> str | None:
    """Join several files' licences; where one of them has none, the source's is unknown."""
    known = sorted({expression for expression in expressions if expression})
    return conjunction(known) if known and None not in expressions else None
