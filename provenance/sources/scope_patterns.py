"""Which files the patterns cover by which a manifest states licences: of one manifest the last that matches holds."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

from provenance.readers.manifests import by_witness
from provenance.readers.manifests.file_patterns import compile_pattern

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provenance.sources.scope_paths import Claim


def expand_patterns(claims: Sequence[Claim], files: Sequence[str]) -> list[Claim]:
    """Replace statements of patterns by statements of the files that they cover.

    Args:
        claims: of all manifests.
        files: paths of the data files.

    Returns:
        The other claims, and one claim for each file that a manifest's patterns match, by the last that does.
    """
    kept: list[Claim] = []
    patterns: dict[str, list[Claim]] = defaultdict(list)
    for claim in claims:
        is_pattern = by_witness(claim["witness"]).patterns and not claim["scope"].endswith("/")
        (patterns[claim["manifest"]] if is_pattern else kept).append(claim)
    for stated in patterns.values():
        # pointers end in the number of a statement or of a line: the table sorts them as texts
        stated.sort(key=lambda claim: [int(number) for number in re.findall(r"\d+", claim["pointer"])], reverse=True)
        compiled = [(compile_pattern(claim["scope"]), claim) for claim in stated]
        for path in files:
            found = next((claim for pattern, claim in compiled if pattern.match(path)), None)
            if found is not None:
                kept.append(found | {"scope": path})
    return kept
