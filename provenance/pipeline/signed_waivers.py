"""The waivers that an entry was signed with, as `guard` reads them: what has no known form does not count."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from provenance.profiles.waivers import Waiver


def list_waivers(predicate: Mapping[str, Any]) -> Sequence[object]:
    """Return the waivers that an entry was signed with; what is no list is one that cannot be read.

    Args:
        predicate: of the entry.
    """
    given = predicate.get("waivers", ())
    return given if isinstance(given, list | tuple) else (given,)


def read_waiver(given: object) -> tuple[str, str, Sequence[str]] | None:
    """Return state, last day and findings of a signed waiver; None where it has another form.

    Args:
        given: one of `list_waivers`.
    """
    match given:
        case {"state": str(state), "expires": str(expires), "findings": list(marks)}:
            if re.fullmatch(r"\d{4}-\d\d-\d\d", expires) and all(isinstance(mark, str) for mark in marks):
                return state, expires, marks
    return None


def find_waived(predicate: Mapping[str, Any], standing: Iterable[Waiver], today: str) -> set[str]:
    """Name findings whose waiver holds today: it may have expired since the scan, or been signed after it.

    Args:
        predicate: of the entry.
        standing: waivers that were signed later.
        today: ISO date.

    Returns:
        Their fingerprints.
    """
    read = [waiver for each in list_waivers(predicate) if (waiver := read_waiver(each)) is not None]
    scanned = {mark for state, expires, marks in read if state == "holds" and expires >= today for mark in marks}
    return scanned | {each.fingerprint for each in standing if each.fingerprint and each.expires >= today}
