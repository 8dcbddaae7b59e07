"""The licence of a file: the nearest scope with evidence, then the strictest witness within it.

All manifests and licence files of one folder are one scope, also where one of them names the files that it speaks of.
What is stated around it, and is stricter, decides nothing and stays evidence; only what a file's records or headers
state of themselves never makes milder what is stated of the whole.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from provenance.licences import terms
from provenance.licences.compatibility import find_losses
from provenance.readers.manifests import by_witness
from provenance.sources.scope_paths import folder_of, folders_above, is_within
from provenance.sources.source_openings import entry_pointer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from provenance.sources.scope_paths import Claim

_DATA, _NO_DATA = {"data", "database", "content"}, {"code", "model"}

_ENTRY = re.compile(r"/\d+$")

GAP = "record-gap"
"""Witness of the records that state no licence in a file of which others do."""


@dataclass(frozen=True, slots=True, eq=False)
class DecidedLicence:
    """What decides the licence of some files.

    Args:
        expression: SPDX; None = unknown, or nothing stated.
        claims: every statement of the nearest scope that speaks of data, best first; () = nothing stated.
        decided: the statement that decides.
        code: statements of that scope that speak of code or models.
        outer: statements of scopes around it that are stricter.
    """

    expression: str | None = None
    claims: tuple[Claim, ...] = ()
    decided: Claim | None = None
    code: tuple[Claim, ...] = ()
    outer: tuple[Claim, ...] = ()

    @property
    def pointer(self) -> str | None:
        """Return `manifest:pointer` of the statement that decides."""
        return f"{self.decided['manifest']}:{self.decided['pointer']}" if self.decided else None

    @property
    def evidence(self) -> str:
        """Return how good the best witness is: none | tag | card | licence-text | consistent."""
        agreeing = [claim for claim in self.claims if claim["spdx"] == self.expression and self.expression]
        texts = [claim for claim in agreeing if _is_text(claim)]
        if not agreeing:
            return "none"
        if not texts:
            return "card" if any(claim["pointer"].startswith("L") for claim in agreeing) else "tag"
        others = {claim["manifest"] for claim in agreeing} - {texts[0]["manifest"]}
        return "consistent" if others and len(agreeing) == len(self.claims) else "licence-text"


class LicenceScopes:
    """Licence statements by the scope they cover.

    Args:
        by_scope: statements by what they cover.
        by_source: statements of what names its source or its members, by that source.
        homes: scope of each source.
        named: sources that consist of named members.
        purpose: one of model.PURPOSES.
    """

    def __init__(
        self,
        by_scope: Mapping[str, list[Claim]],
        by_source: Mapping[str, list[Claim]],
        homes: Mapping[str, str],
        named: set[str],
        purpose: str,
    ) -> None:
        self._by_scope = _list_licences(by_scope)
        self._by_source = _list_licences(by_source)
        self._homes = homes
        self._named = named
        self._purpose = purpose
        self._around: dict[tuple[str, str], DecidedLicence] = {}
        self._own: dict[str, DecidedLicence] = {}

    def names(self, source: str) -> bool:
        """Tell whether a source consists of named members."""
        return source in self._named

    def decide_file(self, path: str, source: str) -> DecidedLicence:
        """Return what decides the licence of a data file.

        Args:
            path: of the file, or of a member of an archive.
            source: its source.
        """
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
        if source in self._named or any(by_witness(claim["witness"]).names_members for claim in stated):
            stated = stated + self._by_source.get(source, [])
        if around.claims:  # which then speaks for the records that are silent
            silent = [claim for claim in stated if claim["witness"] == GAP]
            stated = [claim for claim in stated if claim not in silent] + (list(around.claims) if silent else [])
        licence = decide_licence(stated, self._purpose)
        if not licence.claims:
            return around
        own = licence.expression is not None and all(claim["manifest"] == path for claim in licence.claims)
        covering = _find_covering(licence, around) if own else []
        # what a file's records or headers say takes nothing from what is stated of the whole
        stricter = [
            claim
            for claim in around.claims
            if own and claim not in covering and find_losses(licence.expression, claim["spdx"])
        ]
        licence = decide_licence([*stated, *stricter], self._purpose) if stricter else licence
        return self._add_outer(licence, folder_of(path), covering)

    def _of_folder(self, folder: str, source: str) -> DecidedLicence:
        passed = []
        licence = DecidedLicence()
        for place in folders_above(folder):
            passed.append(place)
            if (place, source) in self._around:
                licence = self._around[place, source]
                break
            licence = self._at(place, source)
            if licence.claims:
                licence = self._add_outer(licence, place)
                break
        for place in passed:
            self._around[place, source] = licence
        return licence

    def _at(self, place: str, source: str) -> DecidedLicence:
        """Decide among the statements of one scope; what a source says of named members goes to each of them."""
        covering = self._covering(place, source)
        # what stands inside the scope is nearer than what is said of it from above
        inside = [claim for claim in covering if is_within(claim["manifest"], place)]
        own, home = self._by_source.get(source, []), place == self._homes[source]
        if own and home:
            # an entry of a register is nearer to what it names than what stands beside the register
            is_entry = source in self._named and any(entry_pointer(claim) for claim in own)
            return decide_licence(own if is_entry else own + inside, self._purpose)
        for claims in (inside, covering):
            licence = decide_licence(claims + own if claims and source in self._named else claims, self._purpose)
            if licence.claims:
                return licence
        return DecidedLicence()

    def _add_outer(self, licence: DecidedLicence, folder: str, covering: Sequence[Claim] = ()) -> DecidedLicence:
        """Add what is stated of a folder, or of those around it, decides nothing, and is stricter."""
        known = {id(claim) for claim in (*licence.claims, *licence.code, *covering)}
        rank = terms.find_right(licence.expression, self._purpose).rank
        outer = [
            claim
            for place in folders_above(folder)
            for claim in self._by_scope.get(place, ())  # also of documents around the source, which do not decide
            if id(claim) not in known and claim["subject"] not in _NO_DATA and claim["spdx"] is not None
            if terms.find_right(claim["spdx"], self._purpose).rank < rank
        ]
        return replace(licence, outer=tuple(outer)) if outer else licence

    def _covering(self, place: str, source: str) -> list[Claim]:
        """A licence file covers all below it; what a manifest or README says ends where the next source begins."""
        home = self._homes[source]
        return [claim for claim in self._by_scope.get(place, ()) if _is_text(claim) or is_within(claim["scope"], home)]


def _find_covering(licence: DecidedLicence, around: DecidedLicence) -> list[Claim]:
    """Return the entries of lists that hold every licence which a file's records state: no conflict with any of it."""
    lists: dict[str, list[Claim]] = defaultdict(list)
    for claim in around.claims:
        lists[_name_list(claim)].append(claim)
    stated = {claim["spdx"] for claim in licence.claims}
    covering = [entries for entries in lists.values() if stated <= {claim["spdx"] for claim in entries}]
    return [claim for entries in covering if len(entries) > 1 for claim in entries]


def _name_list(claim: Claim) -> str:
    """Name the list that a statement is an entry of, or else the statement itself."""
    return f"{claim['manifest']}:{_ENTRY.sub('/*', claim['pointer'])}"


def _list_licences(claims: Mapping[str, list[Claim]]) -> dict[str, list[Claim]]:
    found = {
        key: [claim for claim in scope_claims if claim["field"] == "licence"] for key, scope_claims in claims.items()
    }
    return {key: scope_claims for key, scope_claims in found.items() if scope_claims}


def _is_text(claim: Claim, subject: str | None = None) -> bool:
    """Tell whether a licence file states something, of those that speak of a subject where one is asked for."""
    form = by_witness(claim["witness"])
    return form.role == "licence" and subject in {None, form.subject}


def decide_licence(claims: Sequence[Claim], purpose: str) -> DecidedLicence:
    """Choose the licence of the data from the statements of one scope.

    Args:
        claims: licence statements of one scope, with `spdx`.
        purpose: one of model.PURPOSES.

    Returns:
        The strictest for the purpose; of equally strict ones, what speaks of the data before what speaks of anything.
        Without a statement that may speak of data: no claims.
    """
    code = [claim for claim in claims if claim["subject"] in _NO_DATA]
    data = [claim for claim in claims if claim["subject"] in _DATA]
    rest = [claim for claim in claims if claim["subject"] == "any"]
    if data:
        named = any(_is_text(claim, "data") for claim in data)
        bare = [claim for claim in rest if named and _is_text(claim, "any")]
        of_code = {c["spdx"] for c in (*code, *bare) if c["subject"] != "model"} - {None}
        moved = [c for c in rest if c in bare or c["spdx"] in of_code]
        code += moved
        rest = [c for c in rest if c not in moved]
    data, rest = (_drop_families(part, [*data, *rest]) for part in (data, rest))
    speaking = [*data, *rest]
    if not speaking:
        return DecidedLicence(code=tuple(code))
    chosen = [_choose_strictest(part, purpose) for part in (data, rest) if part]
    chosen.sort(key=lambda claim: terms.find_right(claim["spdx"], purpose).rank)  # stable: data first among equals
    ordered = sorted(speaking, key=lambda claim: claim["spdx"] != chosen[0]["spdx"])
    return DecidedLicence(chosen[0]["spdx"], tuple(ordered), chosen[0], tuple(code))


_FAMILIES = {"bsd": "BSD-", "cc": "CC-", "creative commons": "CC-"}


def _drop_families(claims: Sequence[Claim], beside: Sequence[Claim]) -> list[Claim]:
    """Leave out a name of a family where a licence of that family is stated beside it: it says no more."""
    exact = [claim["spdx"] for claim in beside if claim["spdx"] and " " not in claim["spdx"]]
    return [
        claim
        for claim in claims
        if claim["spdx"] is not None
        or not any(each.startswith(_FAMILIES.get(claim["value"].strip().lower(), " ")) for each in exact)
    ]


def _choose_strictest(claims: Sequence[Claim], purpose: str) -> Claim:
    expression = terms.choose_strictest([claim["spdx"] for claim in claims], purpose)
    best = [claim for claim in claims if claim["spdx"] == expression]
    return min(best, key=lambda claim: (not _is_text(claim), claim["manifest"], claim["pointer"]))
