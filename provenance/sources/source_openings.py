"""What opens a source: manifests, cards and READMEs, the files that each covers, and whom it speaks for."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from provenance.readers.manifests import by_witness
from provenance.sources.scope_paths import depth_of, find_matching, folder_of, folders_above, resolved_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from provenance.sources.scope_paths import Claim

MOST_IMPLICIT = 1000
"""Implicit sources that one folder may hold; more of them collapse into it."""

UNDECLARED = "undeclared:"

OPENING_FIELDS = {"source", "source-weak", "members"}


def fit_headings(claims: Sequence[Claim], files: Iterable[str]) -> None:
    """Find the folder or file that a README's heading names: `Databricks Dolly 15k` is `databricks-dolly-15k/`.

    Or the one that its initials name: `Grade School Math 8k (~7,500)` is `gsm_8k/`.

    Args:
        claims: of all manifests; the scopes of headings are changed in place.
        files: paths of the data files.
    """
    known: dict[str, dict[str, str]] = defaultdict(dict)
    folders = {folder for path in files for folder in folders_above(folder_of(path))}
    for place in (*folders, *files):
        known[folder_of(place.rstrip("/"))][_keep_letters(place.rstrip("/").rsplit("/", 1)[-1])] = place
    for claim in claims:
        # only a heading makes a scope that is not the document's own folder
        if by_witness(claim["witness"]).headings and claim["scope"] != folder_of(claim["manifest"]):
            parent, name = folder_of(claim["scope"].rstrip("/")), claim["scope"].rstrip("/").rsplit("/", 1)[-1]
            near = known[parent]
            claim["scope"] = near.get(_keep_letters(name)) or near.get(_initials(name)) or claim["scope"]


def licences_from_files(claims: Sequence[Claim]) -> list[Claim]:
    """State what the licence files say that a manifest points at; one that was not read as such is unknown."""
    by_manifest: dict[str, list[Claim]] = defaultdict(list)
    for claim in claims:
        if claim["field"] == "licence" and not by_witness(claim["witness"]).own:
            by_manifest[claim["manifest"]].append(claim)
    return [
        claim | {"field": "licence", "value": found["value"], "spdx": found["spdx"]}
        for claim in claims
        if claim["field"] == "licence-file"
        for found in by_manifest.get(resolved_path(claim), [{"value": f"see {claim['value']}", "spdx": None}])
    ]


def _keep_letters(name: str) -> str:
    return re.sub(r"\W|_", "", name.casefold())


def _initials(name: str) -> str:
    """Return a name's initials, numbers whole, what stands in brackets left out; '' of fewer than three words."""
    words = re.findall(r"[^\W\d_]+|\d[^\W_]*", re.sub(r"\(.*?\)", " ", name).casefold())
    return "".join(word if word[0].isdigit() else word[0] for word in words) if len(words) > 2 else ""


@dataclass(slots=True)
class Opening:
    """What opens a source.

    Args:
        id: declared id, else its folder.
        scope: its folder with a closing '/', './' for the root.
        manifest: the file that says so.
        strong: False of a plain README.
        entry: pointer of the source in a manifest that describes many; else ''.
        members: what it names; [] = all of its scope.
        own: its manifest is written for this program, as `ManifestFormat.own` says.
    """

    id: str
    scope: str
    manifest: str
    strong: bool
    entry: str
    members: list[str] = field(default_factory=list)
    own: bool = False


def entry_pointer(claim: Mapping[str, Any]) -> str:
    """Return the pointer of the source that a statement is about, where one manifest describes many sources."""
    return "/".join(claim["pointer"].split("/")[: by_witness(claim["witness"]).entry_depth])


def find_openings(claims: Iterable[Claim]) -> list[Opening]:
    """Return what opens a source, by scope, the one that comes first there first."""
    found: dict[tuple[str, str], Opening] = {}
    members: dict[tuple[str, str], list[str]] = defaultdict(list)
    for claim in claims:
        key = (claim["manifest"], entry_pointer(claim))
        if claim["field"] in {"source", "source-weak"}:
            strong = claim["field"] == "source"
            id_ = claim["value"] if strong and claim["value"] else claim["scope"].rstrip("/")
            own = by_witness(claim["witness"]).own
            found[key] = Opening(id_, claim["scope"], claim["manifest"], strong, key[1], members[key], own)
        elif claim["field"] == "members":
            members[key].append(claim["value"])
    openings = sorted(found.values(), key=_precedence)
    _separate_sources(openings)
    return openings


def _precedence(opening: Opening) -> tuple[str, bool, bool, int, str, str]:
    """Of one scope: what declares an id before a card, a card before a README, the nearest manifest first."""
    depth = depth_of(folder_of(opening.manifest))
    return opening.scope, not opening.strong, not opening.entry, -depth, opening.manifest, opening.entry


def _separate_sources(openings: Iterable[Opening]) -> None:
    """Two manifests that declare one id are two sources, unless both cover the same folder as a whole."""
    holder: dict[str, Opening] = {}
    for opening in openings:
        first = holder.setdefault(opening.id, opening)
        together = first.scope == opening.scope and not first.members and not opening.members
        if first.manifest != opening.manifest and not together:
            opening.id = f"{opening.id} ({opening.manifest})"


def assign_files(files: Sequence[str], openings: Sequence[Opening]) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Give every data file its source: named members first, then the nearest card, then the topmost README.

    Of several manifests that name a file a native one, then the nearest comes first; one of another format yields to a
    native one for the same folder.

    Args:
        files: paths of the data files.
        openings: what opens a source, as of `find_openings`.

    Returns:
        Source by file; by file the other sources that name it, which are witnesses of it.
    """
    owner: dict[str, str] = {}
    others: dict[str, list[str]] = defaultdict(list)
    ordered = sorted(files)
    declared = {opening.scope for opening in openings if opening.own and not opening.members}
    named = [opening for opening in openings if opening.members]
    for opening in sorted(named, key=lambda o: (not o.own, -depth_of(folder_of(o.manifest)))):
        yields = not opening.own and opening.scope in declared
        for path in dict.fromkeys(path for member in opening.members for path in find_matching(member, ordered)):
            if yields or owner.setdefault(path, opening.id) != opening.id:
                others[path].append(opening.id)
    strong, weak = _openings_by_folder(openings)
    by_folder: dict[str, str] = {}
    for path in files:
        here = folder_of(path)
        if here not in by_folder:
            nearest = _nearest_opening(folders_above(here), strong, weak)
            by_folder[here] = nearest.id if nearest is not None else UNDECLARED + here.rstrip("/")
        owner.setdefault(path, by_folder[here])
    return owner, others


def _openings_by_folder(openings: Sequence[Opening]) -> tuple[dict[str, Opening], dict[str, Opening]]:
    """Return what opens each folder as a whole: manifests and cards, and plain READMEs."""
    whole = [opening for opening in reversed(openings) if not opening.members]
    return {o.scope: o for o in whole if o.strong}, {o.scope: o for o in whole if not o.strong}


def _nearest_opening(
    folders: Iterable[str], strong: Mapping[str, Opening], weak: Mapping[str, Opening]
) -> Opening | None:
    """Return the nearest card, else the topmost README."""
    places = list(folders)
    nearest = next((strong[place] for place in places if place in strong), None)
    return nearest or next((weak[place] for place in reversed(places) if place in weak), None)


def list_speakers(openings: Sequence[Opening]) -> dict[tuple[str, str], str]:
    """Say which source each manifest, and each entry of a native one, speaks for.

    Two entries for one folder, neither of which names members, are two witnesses of one source.
    """
    strong, _ = _openings_by_folder(openings)
    return {
        (opening.manifest, opening.entry): strong[opening.scope].id
        if opening.strong and not opening.members
        else opening.id
        for opening in openings
    }


def lend_manifests(
    claims: Iterable[Claim],
    openings: Sequence[Opening],
    owner: Mapping[str, str],
    speakers: dict[tuple[str, str], str],
) -> None:
    """Let a card or manifest that stands in a folder without data speak for the source above it.

    A plain README does not: in a folder without data it may well speak of data that is elsewhere. Nor does an entry for
    a folder other than the manifest's own: that data is absent.

    Args:
        claims: of all manifests; the scopes of what is lent are changed in place.
        openings: what opens a source, as of `find_openings`.
        owner: source by data file.
        speakers: as of `list_speakers`; gains whom the lent speak for.
    """
    holding = {folder for path in owner for folder in folders_above(folder_of(path))}
    strong, weak = _openings_by_folder(openings)
    takers: dict[str, Opening] = {}
    for opening in openings:
        elsewhere = opening.members or opening.scope != folder_of(opening.manifest)
        if elsewhere or not opening.strong or opening.scope in holding:
            continue
        taker = _nearest_opening((place for place in folders_above(opening.scope) if place in holding), strong, weak)
        if taker is not None:
            takers[opening.scope] = taker
            speakers[opening.manifest, opening.entry] = taker.id
    for claim in claims:
        if claim["scope"] in takers and claim["field"] not in OPENING_FIELDS:
            claim["scope"] = takers[claim["scope"]].scope


def fold_sources(owner: dict[str, str], declared: set[str]) -> None:
    """Fold more than MOST_IMPLICIT undeclared or README sources of one folder into that folder, from the deepest up.

    Args:
        owner: source by data file; changed in place.
        declared: ids of sources that a manifest or card opens.
    """
    while True:
        places = {source: source.removeprefix(UNDECLARED) for source in set(owner.values()) - declared}
        children = Counter(folder_of(place) for place in places.values() if place != ".")
        crowded = {folder for folder, count in children.items() if count > MOST_IMPLICIT}
        if not crowded:
            return
        deepest = max(map(depth_of, crowded))
        folded = {
            source: UNDECLARED + folder_of(place).rstrip("/")
            for source, place in places.items()
            if place != "." and folder_of(place) in crowded and depth_of(folder_of(place)) == deepest
        }
        owner.update({path: folded[source] for path, source in owner.items() if source in folded})
