"""Layouts of folders, cards and licence files as real folders have them: which source covers a file, under which licence.

A layout maps paths to contents; `("->", target)` is a link. The expectation maps data files to (source, licence); every data
file of the layout stands in it, so that a file nobody thought of cannot slip through.
"""

from __future__ import annotations

import gzip
import time

import pyarrow as pa
import pytest

from provenance.core import schemas
from provenance.sources import scopes as scopes_
from provenance.sources.scope_paths import find_matching

from .conftest import APACHE, LINE, MIT, NC, README, card, licences, native

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "a" * 64 + "\nsize 1234567\n"
BLOBS = "datasets--a--b/blobs"
SNAPSHOT = "datasets--a--b/snapshots/0123"


LAYOUTS = {
    # nothing says anything
    "data alone at the root": ({"a.jsonl": LINE}, {"a.jsonl": ("undeclared:.", None)}),
    "data alone in folders": (
        {"a/x.jsonl": LINE, "a/b/y.jsonl": LINE},
        {"a/x.jsonl": ("undeclared:a", None), "a/b/y.jsonl": ("undeclared:a/b", None)},
    ),
    "a licence file opens no source": (
        {"a/LICENSE": MIT, "a/x.jsonl": LINE},
        {"a/x.jsonl": ("undeclared:a", "MIT")},
    ),
    "a licence file in a folder without data covers nothing": (
        {"legal/LICENSE": MIT, "a/README.md": README, "a/x.jsonl": LINE},
        {"a/x.jsonl": ("a", None)},
    ),
    "empty folders": ({"empty/": None, "a/x.jsonl": LINE}, {"a/x.jsonl": ("undeclared:a", None)}),
    # READMEs
    "the root as a source": ({"README.md": README, "a/x.jsonl": LINE}, {"a/x.jsonl": (".", None)}),
    "two levels of READMEs: the upper opens": (
        {"a/README.md": README, "a/b/README.md": "# B\n\nLicense: MIT\n", "a/b/x.jsonl": LINE, "a/y.jsonl": LINE},
        {"a/b/x.jsonl": ("a", "MIT"), "a/y.jsonl": ("a", None)},
    ),
    "READMEs side by side": (
        {"a/README.md": README, "b/readme.txt": "License: MIT\n", "a/x.jsonl": LINE, "b/x.jsonl": LINE},
        {"a/x.jsonl": ("a", None), "b/x.jsonl": ("b", "MIT")},
    ),
    "a README in a folder without data lends nothing": (
        {"a/README.md": README, "a/docs/README.md": "License: MIT\n", "a/x.jsonl": LINE},
        {"a/x.jsonl": ("a", None)},
    ),
    "headings name a folder and a file": (
        {
            "README.md": "# Sets\n\n## Dolly 15k\n\nLicense: CC-BY-SA-3.0\n\n## other.jsonl\n\nLicense: MIT\n",
            "dolly-15k/x.jsonl": LINE,
            "other.jsonl": LINE,
            "third.jsonl": LINE,
        },
        {
            "dolly-15k/x.jsonl": (".", "CC-BY-SA-3.0"),
            "other.jsonl": (".", "MIT"),
            "third.jsonl": (".", None),
        },
    ),
    "what stands in the folder is nearer than a heading above": (
        {
            "README.md": "# Sets\n\n## dolly\n\nLicense: CC-BY-SA-3.0\n\n## gsm\n\nLicense: MIT\n",
            "dolly/LICENSE": APACHE,
            "dolly/x.jsonl": LINE,
            "gsm/x.jsonl": LINE,
        },
        {"dolly/x.jsonl": (".", "Apache-2.0"), "gsm/x.jsonl": (".", "MIT")},
    ),
    # cards
    "data/ below a card": (
        {"set/README.md": card(), "set/data/train.jsonl": LINE},
        {"set/data/train.jsonl": ("set", "MIT")},
    ),
    "a card at the root": ({"README.md": card(), "x.jsonl": LINE}, {"x.jsonl": (".", "MIT")}),
    "a card below a card": (
        {"README.md": card("cc-by-4.0"), "x.jsonl": LINE, "sub/README.md": card(), "sub/y.jsonl": LINE},
        {"x.jsonl": (".", "CC-BY-4.0"), "sub/y.jsonl": ("sub", "MIT")},
    ),
    "what a card says ends where the next source begins": (
        {"README.md": card(), "x.jsonl": LINE, "sub/README.md": card(None), "sub/y.jsonl": LINE},
        {"x.jsonl": (".", "MIT"), "sub/y.jsonl": ("sub", None)},
    ),
    "a card above a README": (
        {"a/README.md": card(), "a/b/README.md": README, "a/b/x.jsonl": LINE},
        {"a/b/x.jsonl": ("a", "MIT")},
    ),
    "a card above a README above a card": (
        {
            "README.md": card("cc-by-4.0"),
            "a/README.md": README,
            "a/x.jsonl": LINE,
            "a/b/README.md": card(),
            "a/b/y.jsonl": LINE,
        },
        {"a/x.jsonl": (".", "CC-BY-4.0"), "a/b/y.jsonl": ("a/b", "MIT")},
    ),
    "a card without data speaks for the source above": (
        {"gsm8k/README.md": README, "gsm8k/x.jsonl": LINE, "gsm8k/hf/README.md": card()},
        {"gsm8k/x.jsonl": ("gsm8k", "MIT")},
    ),
    "a card without data does not speak for a sibling": (
        {
            "README.md": README,
            "a/hf/README.md": card(),
            "b/README.md": card("cc-by-nc-4.0"),
            "b/x.jsonl": LINE,
            "y.jsonl": LINE,
        },
        {"b/x.jsonl": ("b", "CC-BY-NC-4.0"), "y.jsonl": (".", "MIT")},
    ),
    "a card without data and the card above it disagree": (
        {"a/README.md": card(), "a/x.jsonl": LINE, "a/hf/README.md": card("cc-by-nc-4.0")},
        {"a/x.jsonl": ("a", "CC-BY-NC-4.0")},
    ),
    "a broken card still opens its source": (
        {"README.md": card(), "x.jsonl": LINE, "sub/README.md": "---\nlicense: [\n---\n# Sub\n", "sub/y.jsonl": LINE},
        {"x.jsonl": (".", "MIT"), "sub/y.jsonl": ("sub", None)},
    ),
    # licence files
    "a LICENSE covers sources below": (
        {"LICENSE": MIT, "a/README.md": README, "a/x.jsonl": LINE, "b/README.md": card(None), "b/y.jsonl": LINE},
        {"a/x.jsonl": ("a", "MIT"), "b/y.jsonl": ("b", "MIT")},
    ),
    "a nested LICENSE is nearer": (
        {"a/README.md": README, "a/LICENSE": NC, "a/ext/LICENSE": MIT, "a/ext/x.jsonl": LINE, "a/y.jsonl": LINE},
        {"a/ext/x.jsonl": ("a", "MIT"), "a/y.jsonl": ("a", "CC-BY-NC-4.0")},
    ),
    "a DATA_LICENSE beside a LICENSE": (
        {"a/README.md": README, "a/LICENSE": APACHE, "a/DATA_LICENSE": NC, "a/x.jsonl": LINE},
        {"a/x.jsonl": ("a", "CC-BY-NC-4.0")},
    ),
    "the LICENSE of a repository whose card speaks of the data": (
        {"a/README.md": card("cc-by-4.0"), "a/LICENSE": APACHE, "a/x.jsonl": LINE},
        {"a/x.jsonl": ("a", "CC-BY-4.0")},
    ),
    "the strictest of one scope": (
        {"a/README.md": card(), "a/LICENSE": NC, "a/x.jsonl": LINE},
        {"a/x.jsonl": ("a", "CC-BY-NC-4.0")},
    ),
    "unknown does not pass": (
        {"a/README.md": card("other"), "a/LICENSE": MIT, "a/x.jsonl": LINE},
        {"a/x.jsonl": ("a", None)},
    ),
    "the weights' licence is not the data's": (
        {"a/README.md": README, "a/WEIGHT_DIFF_LICENSE": NC, "a/x.jsonl": LINE},
        {"a/x.jsonl": ("a", None)},
    ),
    "a folder whose name ends in '!'": (
        {"wow!/README.md": card(), "wow!/x.jsonl": LINE},
        {r"wow\x21/x.jsonl": (r"wow\x21", "MIT")},
    ),
    # records
    "a licence column in every record": (
        {"README.md": card("cc-by-4.0"), "x.jsonl": licences('"MIT"', '"CC-BY-NC-4.0"')},
        {"x.jsonl": (".", "CC-BY-NC-4.0")},
    ),
    "records that state a milder licence than the card": (
        {"README.md": card("other"), "x.jsonl": licences('"MIT"', '"Apache-2.0"')},
        {"x.jsonl": (".", "Apache-2.0")},
    ),
    "a licence column in some records: the card speaks for the others": (
        {"README.md": card("cc-by-nc-4.0"), "x.jsonl": licences('"MIT"', "null")},
        {"x.jsonl": (".", "CC-BY-NC-4.0")},
    ),
    "a licence column in some records, and nothing for the others": (
        {"README.md": README, "x.jsonl": licences('"MIT"', "null")},
        {"x.jsonl": (".", None)},
    ),
    "a licence column of nulls says nothing": (
        {"README.md": card(), "x.jsonl": licences("null", "null")},
        {"x.jsonl": (".", "MIT")},
    ),
    "more licences than anybody can have": (
        {
            "README.md": card(),
            "x.jsonl": licences(*(f'"MIT" , "n": "{k}"' if k == 0 else f'"L{k}"' for k in range(1200))),
        },
        {"x.jsonl": (".", None)},
    ),
    # names, links and folders that are left out
    "a name that is no UTF-8": (
        {b"caf\xe9/README.md": card(), b"caf\xe9/x.jsonl": LINE},
        {r"caf\xe9/x.jsonl": (r"caf\xe9", "MIT")},
    ),
    "version control and hidden folders": (
        {
            ".git/config": "x",
            ".cache/x.jsonl": LINE,
            "README.md": card(),
            "x.jsonl": LINE,
            ".hidden.jsonl": LINE,
            ".h": "x",
        },
        {"x.jsonl": (".", "MIT"), ".hidden.jsonl": (".", "MIT")},
    ),
    "a link inside the data is read once": (
        {"a/README.md": card(), "a/x.jsonl": LINE, "b/x.jsonl": ("->", "../a/x.jsonl")},
        {"a/x.jsonl": ("a", "MIT")},
    ),
    "a snapshot of a Hugging Face cache": (
        {
            f"{BLOBS}/aaaa": LINE,
            f"{BLOBS}/bbbb": card(),
            "datasets--a--b/refs/main": "0123",
            f"{SNAPSHOT}/train.jsonl": ("->", "../../blobs/aaaa"),
            f"{SNAPSHOT}/README.md": ("->", "../../blobs/bbbb"),
        },
        {f"{SNAPSHOT}/train.jsonl": (SNAPSHOT, "MIT")},
    ),
    "a Git LFS pointer is data that was not fetched": (
        {"README.md": card(), "train.parquet": POINTER},
        {"train.parquet": (".", "MIT")},
    ),
    "a gzip file beside its card": (
        {"README.md": card(), "x.jsonl.gz": gzip.compress(LINE.encode())},
        {"x.jsonl.gz": (".", "MIT")},
    ),
}


@pytest.mark.parametrize(("layout", "expected"), LAYOUTS.values(), ids=LAYOUTS)
def test_layouts(layout, expected, scoped):
    scopes, data, _ = scoped(layout)
    assert {path: (scopes.find_source(path), scopes.licence(path).expression) for path in data} == expected
    assert set(scopes.sources) == {source for source, _ in expected.values()}


def test_more_than_a_thousand_implicit_sources_collapse(tmp_path):
    paths = [f"{top}/{k}/x.jsonl" for top in ("many", "few") for k in range(1001 if top == "many" else 3)]
    scopes = scopes_.decide_scopes(listed(paths), schemas.empty(schemas.CLAIMS), "research")
    assert sorted(scopes.sources) == ["undeclared:few/0", "undeclared:few/1", "undeclared:few/2", "undeclared:many"]


def test_readmes_that_collapse_keep_their_licences():
    folders = [f"many/{k}" for k in range(1001)]
    stated = [claim("source-weak", folder, f"{folder}/") for folder in folders]
    stated += [claim("licence", "MIT", "many/7/"), claim("licence", "CC-BY-NC-4.0", "many/8/")]
    scopes = scopes_.decide_scopes(
        listed([f"{folder}/x.jsonl" for folder in folders]), schemas.rows(stated, schemas.CLAIMS), "research"
    )
    assert list(scopes.sources) == ["undeclared:many"]
    assert [scopes.licence(f"many/{k}/x.jsonl").expression for k in (6, 7, 8)] == [None, "MIT", "CC-BY-NC-4.0"]


def listed(paths, role="data"):
    rows = [{"path": path, "role": role, "bytes": 1} for path in sorted(paths)]
    return schemas.rows(rows, schemas.PATHS)


def claim(field, value, scope, witness="readme", pointer="L1", manifest=None, subject="any"):
    return {
        "manifest": manifest or scope.removeprefix("./") + "README.md", "subject": subject, "field": field, "value": value,
        "scope": scope, "witness": witness, "pointer": pointer, "digest": "", "spdx": value if field == "licence" else None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("pattern", "named"),
    [
        ("a/x", ["a/x"]),
        ("a", ["a/b/x", "a/x"]),
        ("a/", ["a/b/x", "a/x"]),
        ("a/*", ["a/b/x", "a/x"]),
        ("*x", ["a/b/x", "a/x", "b[1]/x"]),
        ("a/?", ["a/x"]),
        ("b[1]/x", ["b[1]/x"]),
        ("nothing", []),
        ("nothing*", []),
        ("", []),
    ],
)
def test_a_member_names_paths(pattern, named):
    assert list(find_matching(pattern, ["a.y", "a/b/x", "a/x", "ab", "b[1]/x"])) == named


def test_witnesses_say_each_statement_once_a_source(scoped):
    """A card covers three folders: that is one statement of three files."""
    scopes, data, _ = scoped({"README.md": card("other"), "LICENSE": MIT} | {f"{k}/x.jsonl": LINE for k in "abc"})
    files = [{"path": path, "role": "data", "records": 1} for path in data]
    rows = scopes.witnesses(pa.Table.from_pylist(files)).to_pylist()
    assert [(row["manifest"], row["spdx"], row["decides"], row["files"]) for row in rows] == [
        ("README.md", None, True, 3),
        ("LICENSE", "MIT", False, 3),
    ]


def test_every_statement_says_of_which_source_it_speaks(scoped):
    layout = {
        "README.md": "# All of it\n",
        "provenance.yaml": native("id: one, path: a, kind: crawl", "id: gone, path: gone, kind: user"),
        "a/x.jsonl": LINE,
        "a/README.md": README,
        "a/deep/README.md": README,
        "b/README.md": card(),
        "b/x.jsonl": licences('"MIT"'),
        "b/legal/LICENSE": MIT,
        "c/x.jsonl": licences('"MIT"'),
        "d/hf/README.md": card(),
        "d/README.md": README,
        "d/x.jsonl": LINE,
    }
    scopes, _, claims = scoped(layout)
    stated = scopes.add_speakers(claims).to_pylist()
    spoken = {(row["manifest"], row["pointer"][:10]): row["source"] for row in stated}
    assert {key: value for key, value in spoken.items() if key[0] == "provenance.yaml"} == {
        ("provenance.yaml", "/sources/0"): "one",
        ("provenance.yaml", "/sources/1"): "gone",
    }
    assert {manifest: source for (manifest, _), source in spoken.items() if manifest != "provenance.yaml"} == {
        "README.md": ".",
        "a/README.md": "one",
        "a/deep/README.md": "one",
        "b/README.md": "b",
        "b/x.jsonl": "b",
        "b/legal/LICENSE": "b",
        "c/x.jsonl": ".",
        "d/hf/README.md": ".",
        "d/README.md": ".",
    }


def test_a_hundred_thousand_files_take_seconds():
    """10,000 folders with a README each, 10,000 files named by a manifest: nothing here may be quadratic."""
    paths = [f"{k // 100}/{k}/{n}.jsonl" for k in range(10_000) for n in range(10)]
    stated = [row for k in range(10_000) for row in card_claims(f"{k // 100}/{k}/")]
    stated += [row for k in range(5_000) for row in native_claims(k)]
    began = time.perf_counter()
    scopes = scopes_.decide_scopes(listed(paths), schemas.rows(stated, schemas.CLAIMS), "research")
    decided = {scopes.licence(path).expression for path in paths}
    readmes = {scopes.find_source(f"{k // 100}/{k}/README.md") for k in range(10_000)}
    assert (len(scopes.sources), decided, len(readmes)) == (15_000, {"MIT", "Apache-2.0"}, 10_000)
    assert len(scopes.list_holders) == 10_000 + 1 + 5_000
    assert time.perf_counter() - began < 30


def card_claims(scope):
    return [
        claim("source", scope.rstrip("/"), scope, "hf-card"),
        claim("licence", "MIT", scope, "hf-card", "/license", subject="data"),
    ]


def native_claims(k):
    at = {"witness": "native", "manifest": "provenance.yaml"}
    return [
        claim("source", f"n{k}", "./", pointer=f"/sources/{k}/id", **at),
        claim("members", f"{k // 100}/{k}/0.jsonl", "./", pointer=f"/sources/{k}/files/0", **at),
        claim("licence", "Apache-2.0", "./", pointer=f"/sources/{k}/licence", subject="data", **at),
    ]
