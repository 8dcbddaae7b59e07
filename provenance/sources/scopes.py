"""Who covers what: from claims to sources, from a file to its source and licence, from overlaps to what is concluded.

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

import fnmatch
import re
from bisect import bisect_left
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from provenance.core import schemas
from provenance.core.model import UNSAMPLED
from provenance.licences import terms
from provenance.licences.expressions import conjunction

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

IMPLICIT = 1000
"""Implicit sources that one folder may hold; more of them collapse into it."""

UNDECLARED = "undeclared:"
_TEXTS = {"licence-file", "data-licence-file", "notice-file"}
_BELOW = _TEXTS | {"weights-licence-file"}
"""Witnesses that speak of all below them; what a manifest, card or README says ends where the next source begins."""

_DATA = {"data", "database", "content"}
_CARDS = {"hf-card", "readme"}
_NAMING = {"croissant", "frictionless", "llama-factory", "nltk-xml"}
"""Manifests of others that name members: where they speak of one file, so does what the source's own manifest says."""
GAP = "record-gap"
"""Witness of the records that state no licence in a file of which others do."""

_OPENING = {"source", "source-weak", "members"}

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
class DecidedLicence:
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
    _speakers: dict[tuple[str, str], str]
    _by_scope: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        # what names some files of a folder speaks of the rest only where nothing else does
        named = Counter(source.scope for source in self.sources.values() if self._licences.names(source.id))
        whole = [source for source in self.sources.values() if not self._licences.names(source.id)]
        alone = [source for source in self.sources.values() if named[source.scope] == 1]
        self._by_scope = {source.scope: source.id for source in (*reversed(alone), *reversed(whole))}

    def covering(self, path: str) -> str:
        """Return the source that covers any path: of a data file its own, of others the nearest around it."""
        outer = path.split("!/", 1)[0]
        known = self._file_source.get(outer) or self._speakers.get((outer, ""))
        if known in self.sources:
            return known
        here = folder_of(path.rstrip("/"))
        nearest = next((self._by_scope[place] for place in above(here) if place in self._by_scope), None)
        return nearest or UNDECLARED + here.rstrip("/")

    def speaking(self, claims: pa.Table) -> pa.Table:
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
        entry, scope_ = _entry(claim), claim["scope"]
        spoken = self._speakers.get((claim["manifest"], entry))
        own = spoken in self.sources or (spoken is not None and self._licences.names(spoken))
        if entry or (own and scope_ == folder_of(claim["manifest"])):
            return spoken
        if not scope_.endswith("/") or "!/" in scope_:
            source = self.covering(scope_)
            return source if source in self.sources else None
        return next((self._by_scope[place] for place in above(scope_) if place in self._by_scope), None)

    @property
    def holders(self) -> dict[str, str]:
        """Which source a manifest speaks for: by its path, and by its path and the pointer of one of its sources."""
        held = {manifest: self.covering(manifest) for manifest, _ in self._speakers}
        return held | {f"{manifest} {entry}": source for (manifest, entry), source in self._speakers.items() if entry}

    def witnesses(self, files: pa.Table) -> pa.Table:
        """List who says what of the licence of each source's data.

        Args:
            files: FILES.

        Returns:
            WITNESSES, sorted by source and scope, the statement that decides first.
        """
        counts: dict[tuple[str, DecidedLicence], list[int]] = defaultdict(lambda: [0, 0])
        for row in files.select(["path", "role", "records"]).to_pylist():
            if row["role"] == "data":
                of = counts[self.covering(row["path"]), self.licence(row["path"])]
                of[0] += 1
                of[1] += row["records"]
        rows = [
            {name: claim[name] for name in ("manifest", "pointer", "value", "spdx", "subject")}
            | {"scope": (licence.decided or claim)["scope"]}
            | {"source": source, "speaks": speaks, "files": held[0], "records": held[1]}
            | {"decides": speaks and claim["spdx"] == licence.expression}
            for (source, licence), held in sorted(
                counts.items(), key=lambda each: (each[0][0], each[0][1].pointer or "")
            )
            for speaks, claims in ((True, licence.claims), (False, licence.code))
            for claim in claims
        ]
        return schemas.rows(rows, schemas.WITNESSES)

    def licence(self, path: str) -> DecidedLicence:
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
    stated += _from_files(stated)
    openings = _openings(stated)
    owner, others = _assign(files, openings)
    speakers = _speakers(openings)
    _lend(stated, openings, owner, speakers)
    _collapse(owner, {opening.id for opening in openings if opening.strong})
    by_scope, by_source = _indexed(stated, openings, speakers)
    for path, witnesses in others.items():
        for claim in (each for id_ in witnesses for each in by_source.get(id_, []) if each["field"] == "licence"):
            by_scope[path].append(claim | {"scope": path})
    sources = _sources(owner, openings, by_scope, by_source)
    named = {opening.id for opening in openings if opening.members}
    licences = _LicenceScopes(by_scope, by_source, sources, named, purpose)
    return Scopes(sources, purpose, owner, licences, speakers)


def folder_of(path: str) -> str:
    """Return the folder of a path with its closing '/', './' at the root."""
    return path.rsplit("/", 1)[0] + "/" if "/" in path else "./"


def above(folder: str) -> Iterator[str]:
    """Yield a folder and all above it, the nearest first, './' last.

    Args:
        folder: with a closing '/', './' for the root.
    """
    while folder != "./":
        yield folder
        folder = folder_of(folder.rstrip("/"))
    yield "./"


def _depth(scope: str) -> int:
    return 0 if scope == "./" else scope.rstrip("/").count("/") + 1


def within(path: str, scope: str) -> bool:
    """Tell whether a scope covers a path.

    Args:
        path: relative to the scan root.
        scope: './' for all, a folder with a closing '/' for what is below it, else one path.
    """
    return scope in {"./", path} or (scope.endswith("/") and path.startswith(scope))


def _fit_headings(claims: Sequence[Claim], files: Iterable[str]) -> None:
    """Find the folder or file that a README's heading names: `Databricks Dolly 15k` is `databricks-dolly-15k/`.

    Or the one that its initials name: `Grade School Math 8k (~7,500)` is `gsm_8k/`.
    """
    known: dict[str, dict[str, str]] = defaultdict(dict)
    folders = {folder for path in files for folder in above(folder_of(path))}
    for place in (*folders, *files):
        known[folder_of(place.rstrip("/"))][_plain(place.rstrip("/").rsplit("/", 1)[-1])] = place
    for claim in claims:
        # only a heading makes a scope that is not the document's own folder
        if claim["witness"] in _CARDS and claim["scope"] != folder_of(claim["manifest"]):
            parent, name = folder_of(claim["scope"].rstrip("/")), claim["scope"].rstrip("/").rsplit("/", 1)[-1]
            near = known[parent]
            claim["scope"] = near.get(_plain(name)) or near.get(_initials(name)) or claim["scope"]


def _from_files(claims: Sequence[Claim]) -> list[Claim]:
    """State what the licence files say that a manifest points at; one that was not read as such is unknown."""
    said: dict[str, list[Claim]] = defaultdict(list)
    for claim in claims:
        if claim["field"] == "licence" and claim["witness"] != "native":
            said[claim["manifest"]].append(claim)
    return [
        claim | {"field": "licence", "value": found["value"], "spdx": found["spdx"]}
        for claim in claims
        if claim["field"] == "licence-file"
        for found in said.get(resolved_path(claim), [{"value": f"see {claim['value']}", "spdx": None}])
    ]


def resolved_path(claim: Claim) -> str:
    """Return the path that a claim's value names, relative to its manifest's folder."""
    return f"{folder_of(claim['manifest'])}{claim['value'].removeprefix('./')}".removeprefix("./")


def _plain(name: str) -> str:
    return re.sub(r"\W|_", "", name.casefold())


def _initials(name: str) -> str:
    """Return a name's initials, numbers whole, what stands in brackets left out; '' of fewer than three words."""
    words = re.findall(r"[^\W\d_]+|\d[^\W_]*", re.sub(r"\(.*?\)", " ", name).casefold())
    return "".join(word if word[0].isdigit() else word[0] for word in words) if len(words) > 2 else ""


@dataclass(slots=True)
class _Opening:
    id: str
    scope: str
    manifest: str
    strong: bool
    entry: str
    members: list[str] = field(default_factory=list)
    native: bool = False


_ENTRIES = {"native": 3, "llama-factory": 2}
"""Manifests that describe many sources -> how many parts of a pointer name one: /sources/0, /alpaca_en."""


def _entry(claim: Claim) -> str:
    """Return the pointer of the source that a statement is about, where one manifest describes many sources."""
    parts = _ENTRIES.get(claim["witness"], 0)
    return "/".join(claim["pointer"].split("/")[:parts])


def _openings(claims: Iterable[Claim]) -> list[_Opening]:
    found: dict[tuple[str, str], _Opening] = {}
    members: dict[tuple[str, str], list[str]] = defaultdict(list)
    for claim in claims:
        key = (claim["manifest"], _entry(claim))
        if claim["field"] in {"source", "source-weak"}:
            strong = claim["field"] == "source"
            id_ = claim["value"] if strong and claim["value"] else claim["scope"].rstrip("/")
            native = claim["witness"] == "native"
            found[key] = _Opening(id_, claim["scope"], claim["manifest"], strong, key[1], members[key], native)
        elif claim["field"] == "members":
            members[key].append(claim["value"])
    openings = sorted(found.values(), key=_precedence)
    _tell_apart(openings)
    return openings


def _precedence(opening: _Opening) -> tuple[str, bool, bool, int, str, str]:
    """Of one scope: what declares an id before a card, a card before a README, the nearest manifest first."""
    depth = _depth(folder_of(opening.manifest))
    return opening.scope, not opening.strong, not opening.entry, -depth, opening.manifest, opening.entry


def _tell_apart(openings: Iterable[_Opening]) -> None:
    """Two manifests that declare one id are two sources, unless both cover the same folder as a whole."""
    holder: dict[str, _Opening] = {}
    for opening in openings:
        first = holder.setdefault(opening.id, opening)
        together = first.scope == opening.scope and not first.members and not opening.members
        if first.manifest != opening.manifest and not together:
            opening.id = f"{opening.id} ({opening.manifest})"


def matching(pattern: str, paths: Sequence[str]) -> Sequence[str]:
    """Return the paths that a member of a manifest names: a file, a folder and all below it, or a glob.

    An archive that is not there stands for the folder of its name, into which it was unpacked.

    Args:
        pattern: relative to the scan root; `*` crosses '/'. A file of exactly this name comes before the glob.
        paths: sorted.
    """
    at = bisect_left(paths, pattern)
    if paths[at : at + 1] == [pattern]:
        return [pattern]
    below = _starting(pattern.rstrip("/") + "/", paths)
    literal = re.split(r"[*?\[]", pattern, maxsplit=1)[0]
    if below or literal == pattern:
        unpacked = _ARCHIVE.sub("/", pattern)
        return below if below or unpacked == pattern else _starting(unpacked, paths)
    glob = re.compile(fnmatch.translate(pattern))
    return [path for path in _starting(literal, paths) if glob.match(path)]


_ARCHIVE = re.compile(r"\.(?:zip|tar|tgz|tar\.(?:gz|bz2|xz|zst))$")


def _starting(prefix: str, paths: Sequence[str]) -> Sequence[str]:
    return paths[bisect_left(paths, prefix) : bisect_left(paths, prefix + "\U0010ffff")]


def _assign(files: Sequence[str], openings: Sequence[_Opening]) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Give every data file its source: named members first, then the nearest card, then the topmost README.

    Of several manifests that name a file a native one, then the nearest comes first; one of another format yields to a
    native one for the same folder. The second value is what the others are: witnesses of that file.
    """
    owner: dict[str, str] = {}
    others: dict[str, list[str]] = defaultdict(list)
    ordered = sorted(files)
    declared = {opening.scope for opening in openings if opening.native and not opening.members}
    named = [opening for opening in openings if opening.members]
    for opening in sorted(named, key=lambda o: (not o.native, -_depth(folder_of(o.manifest)))):
        yields = not opening.native and opening.scope in declared
        for path in dict.fromkeys(path for member in opening.members for path in matching(member, ordered)):
            if yields or owner.setdefault(path, opening.id) != opening.id:
                others[path].append(opening.id)
    strong, weak = _by_folder(openings)
    by_folder: dict[str, str] = {}
    for path in files:
        here = folder_of(path)
        if here not in by_folder:
            nearest = _nearest(above(here), strong, weak)
            by_folder[here] = nearest.id if nearest is not None else UNDECLARED + here.rstrip("/")
        owner.setdefault(path, by_folder[here])
    return owner, others


def _by_folder(openings: Sequence[_Opening]) -> tuple[dict[str, _Opening], dict[str, _Opening]]:
    """Return what opens each folder as a whole: manifests and cards, and plain READMEs."""
    whole = [opening for opening in reversed(openings) if not opening.members]
    return {o.scope: o for o in whole if o.strong}, {o.scope: o for o in whole if not o.strong}


def _nearest(folders: Iterable[str], strong: Mapping[str, _Opening], weak: Mapping[str, _Opening]) -> _Opening | None:
    """Return the nearest card, else the topmost README."""
    places = list(folders)
    nearest = next((strong[place] for place in places if place in strong), None)
    return nearest or next((weak[place] for place in reversed(places) if place in weak), None)


def _speakers(openings: Sequence[_Opening]) -> dict[tuple[str, str], str]:
    """Say which source each manifest, and each entry of a native one, speaks for.

    Two entries for one folder, neither of which names members, are two witnesses of one source.
    """
    strong, _ = _by_folder(openings)
    return {
        (opening.manifest, opening.entry): strong[opening.scope].id
        if opening.strong and not opening.members
        else opening.id
        for opening in openings
    }


def _lend(
    claims: Iterable[Claim],
    openings: Sequence[_Opening],
    owner: Mapping[str, str],
    speakers: dict[tuple[str, str], str],
) -> None:
    """Let a card or manifest that stands in a folder without data speak for the source above it.

    A plain README does not: in a folder without data it may well speak of data that is elsewhere. Nor does an entry for
    a folder other than the manifest's own: that data is absent.
    """
    holding = {folder for path in owner for folder in above(folder_of(path))}
    strong, weak = _by_folder(openings)
    takers: dict[str, _Opening] = {}
    for opening in openings:
        elsewhere = opening.members or opening.scope != folder_of(opening.manifest)
        if elsewhere or not opening.strong or opening.scope in holding:
            continue
        taker = _nearest((place for place in above(opening.scope) if place in holding), strong, weak)
        if taker is not None:
            takers[opening.scope] = taker
            speakers[opening.manifest, opening.entry] = taker.id
    for claim in claims:
        if claim["scope"] in takers and claim["field"] not in _OPENING:
            claim["scope"] = takers[claim["scope"]].scope


def _indexed(
    claims: Iterable[Claim], openings: Iterable[_Opening], speakers: Mapping[tuple[str, str], str]
) -> tuple[dict[str, list[Claim]], dict[str, list[Claim]]]:
    """Sort statements by the scope they cover; those of what names its source or its members, by that source."""
    by_scope: dict[str, list[Claim]] = defaultdict(list)
    by_source: dict[str, list[Claim]] = defaultdict(list)
    naming = {(opening.manifest, opening.entry): opening.scope for opening in openings if opening.members}
    for claim in claims:
        if claim["field"] in _OPENING:
            continue
        key = (claim["manifest"], _entry(claim))
        if claim["witness"] == "native" or naming.get(key) == claim["scope"]:
            by_source[speakers[key]].append(claim)
        else:
            by_scope[claim["scope"]].append(claim)
    return by_scope, by_source


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


def _sources(
    owner: Mapping[str, str],
    openings: Sequence[_Opening],
    by_scope: Mapping[str, list[Claim]],
    by_source: Mapping[str, list[Claim]],
) -> dict[str, Source]:
    opened: dict[str, _Opening] = {}
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


class _LicenceScopes:
    """Licence statements by the scope they cover."""

    def __init__(
        self,
        by_scope: Mapping[str, list[Claim]],
        by_source: Mapping[str, list[Claim]],
        sources: Mapping[str, Source],
        named: set[str],
        purpose: str,
    ) -> None:
        self._by_scope = _licences(by_scope)
        self._by_source = _licences(by_source)
        self._sources = sources
        self._named = named
        self._purpose = purpose
        self._around: dict[tuple[str, str], DecidedLicence] = {}
        self._own: dict[str, DecidedLicence] = {}

    def names(self, source: str) -> bool:
        """Tell whether a source consists of named members."""
        return source in self._named

    def of(self, path: str, source: str) -> DecidedLicence:
        outer = path.split("!/", 1)[0]
        around = self._of_folder(folder_of(path), source)
        place = next((place for place in (path, outer) if place in self._by_scope), None)
        if place is None:
            return around
        if place not in self._own:
            self._own[place] = self._of_file(place, around, source)
        return self._own[place]

    def _of_file(self, path: str, around: DecidedLicence, source: str) -> DecidedLicence:
        """Decide between statements about one file: its records', or a document's that names it."""
        stated = self._covering(path, source)
        if source in self._named or any(claim["witness"] in _NAMING for claim in stated):
            stated = stated + self._by_source.get(source, [])
        if around.claims:  # which then speaks for the records that are silent
            silent = [claim for claim in stated if claim["witness"] == GAP]
            stated = [claim for claim in stated if claim not in silent] + (list(around.claims) if silent else [])
        licence = decide(stated, self._purpose)
        return licence if licence.claims else around

    def _of_folder(self, folder: str, source: str) -> DecidedLicence:
        passed = []
        licence = DecidedLicence()
        for place in above(folder):
            passed.append(place)
            if (place, source) in self._around:
                licence = self._around[place, source]
                break
            licence = self._at(place, source)
            if licence.claims:
                break
        for place in passed:
            self._around[place, source] = licence
        return licence

    def _at(self, place: str, source: str) -> DecidedLicence:
        """Decide among the statements of one scope; what a source says of named members goes to each of them."""
        covering = self._covering(place, source)
        # what stands inside the scope is nearer than what is said of it from above
        inside = [claim for claim in covering if within(claim["manifest"], place)]
        own, home = self._by_source.get(source, []), place == self._sources[source].scope
        if own and home:
            return decide(own if source in self._named else own + inside, self._purpose)
        for claims in (inside, covering):
            licence = decide(claims + own if claims and source in self._named else claims, self._purpose)
            if licence.claims:
                return licence
        return DecidedLicence()

    def _covering(self, place: str, source: str) -> list[Claim]:
        """A licence file covers all below it; what a manifest or README says ends where the next source begins."""
        home = self._sources[source].scope
        return [
            claim
            for claim in self._by_scope.get(place, ())
            if claim["witness"] in _BELOW or within(claim["scope"], home)
        ]


def _licences(claims: Mapping[str, list[Claim]]) -> dict[str, list[Claim]]:
    found = {key: [claim for claim in held if claim["field"] == "licence"] for key, held in claims.items()}
    return {key: held for key, held in found.items() if held}


def decide(claims: Sequence[Claim], purpose: str) -> DecidedLicence:
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
        return DecidedLicence(code=tuple(code))
    chosen = [_strictest(part, purpose) for part in (data, rest) if part]
    chosen.sort(key=lambda claim: terms.right(claim["spdx"], purpose).rank)  # stable: data first among equals
    ordered = sorted(speaking, key=lambda claim: claim["spdx"] != chosen[0]["spdx"])
    return DecidedLicence(chosen[0]["spdx"], tuple(ordered), chosen[0], tuple(code))


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
    # a sample's file that was not opened may state its licence in a column
    opened = [row for row in files if row["skip_reason"] != UNSAMPLED]
    licences = list(dict.fromkeys(scopes.licence(row["path"]) for row in opened or files))
    declared = dict.fromkeys(claim["spdx"] or claim["value"] for licence in licences for claim in licence.claims)
    levels = ("none", "tag", "card", "licence-text", "consistent")
    records = sum(row["records"] for row in files)

    def first(name: str) -> str | None:
        return next(iter(source.stated(name)), None)

    return {
        "source": source.id,
        "name": first("name"),
        "kind": first("kind"),
        "licence_declared": "; ".join(declared) or None,
        "licence_concluded": _joined([licence.expression for licence in licences]),
        "evidence": min((licence.evidence for licence in licences), key=levels.index, default="none"),
        "records": records,
        "bytes": sum(row["bytes"] for row in files if "!/" not in row["path"]),
        "tokens": sum(row["tokens"] for row in files),
        "acquired": first("acquired"),
        "revision": first("revision"),
        "country": first("country"),
        "languages": source.stated("language") or None,
        "modality": first("modality") or ("text" if records else None),
        "parent": "; ".join(source.stated("upstream")) or None,
        "manifest": source.manifest,
    }


def _joined(expressions: Sequence[str | None]) -> str | None:
    """Join several files' licences; where one of them has none, the source's is unknown."""
    known = sorted({expression for expression in expressions if expression})
    return conjunction(known) if known and None not in expressions else None
