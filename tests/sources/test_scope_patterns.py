from __future__ import annotations

import pytest

from provenance.readers.manifests.file_patterns import compile_pattern
from provenance.sources.scope_patterns import expand_patterns

FILES = ["a.csv", "logs/a.csv", "logs/deep/b.csv", "logs/c.txt"]


@pytest.mark.parametrize(
    ("pattern", "matched"),
    [
        ("*.csv", ["a.csv"]),
        ("**.csv", ["a.csv", "logs/a.csv", "logs/deep/b.csv"]),
        ("logs/*", ["logs/a.csv", "logs/c.txt"]),
        ("logs/?.csv", ["logs/a.csv"]),
        ("\\*.csv", []),
    ],
)
def test_a_pattern_matches_whole_paths(pattern: str, matched: list[str]) -> None:
    assert [path for path in FILES if compile_pattern(pattern).match(path)] == matched


def _claim(number: int, scope: str, value: str) -> dict[str, str]:
    pointer = f"/annotations/{number}/SPDX-License-Identifier"
    return {"manifest": "REUSE.toml", "witness": "reuse", "scope": scope, "value": value, "pointer": pointer}


def test_the_last_statement_of_a_manifest_holds() -> None:
    claims = [_claim(10, "logs/a.csv", "tenth"), _claim(2, "**.csv", "second"), _claim(1, "./", "first")]

    found = {claim["scope"]: claim["value"] for claim in expand_patterns(claims, FILES)}

    assert found == {"./": "first", "a.csv": "second", "logs/a.csv": "tenth", "logs/deep/b.csv": "second"}
