"""Layouts as real folders have them: which source covers a file, and under which licence it is.

A layout maps paths to contents; `("->", target)` is a link. The expectation maps data files to (source, licence); every data
file of the layout stands in it, so that a file nobody thought of cannot slip through.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import time
import zipfile

import pyarrow as pa
import pytest

from provenance.core import schemas
from provenance.pipeline import examine
from provenance.pipeline.reading.read_pass import Bundle, observe
from provenance.sources import claims as claims_
from provenance.sources import scopes as scopes_
from provenance.sources.inventory import inventory
from provenance.sources.scope_paths import matching

LINE = '{"text": "the quick brown fox jumps over the lazy dog every single morning"}\n'
MIT = "SPDX-License-Identifier: MIT\n"
APACHE = "SPDX-License-Identifier: Apache-2.0\n"
NC = "CC BY-NC 4.0\n"
README = "# A set\n\nNothing on rights.\n"
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "a" * 64 + "\nsize 1234567\n"
BLOBS = "datasets--a--b/blobs"
SNAPSHOT = "datasets--a--b/snapshots/0123"


def card(licence="mit", **more):
    lines = [f"license: {licence}"] if licence else ["pretty_name: A set"]
    return "\n".join(["---", *lines, *(f"{key}: {value}" for key, value in more.items()), "---", "# A set", ""])


def croissant(*paths, licence="mit"):
    nodes = [{"@type": "FileObject", "@id": path, "contentUrl": path, "encodingFormat": "text/plain"} for path in paths]
    stated = {"license": licence} if licence else {}
    context = {"@vocab": "https://schema.org/", "cr": "http://mlcommons.org/croissant/"}
    return json.dumps({"@context": context, "@type": "Dataset", "name": "n", "distribution": nodes} | stated)


def package(*resources, licence="MIT"):
    licences = {"licenses": [{"name": licence}]} if licence else {}
    return json.dumps({"name": "n", "resources": list(resources)} | licences)


def native(*entries):
    return "provenance: 1\nsources:\n" + "".join(f"  - {{ {entry} }}\n" for entry in entries)


def archive(**members):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)
    return held.getvalue()


def licences(*values):
    return "".join(f'{{"text": "record {k}", "license": {value}}}\n' for k, value in enumerate(values))


LAYOUTS = {
    # manifests of others, which name files
    "a Croissant covers the files it names, and no others": (
        {"a/metadata.json": croissant("x.jsonl"), "a/x.jsonl": LINE, "a/output/y.jsonl": LINE},
        {"a/x.jsonl": ("a", "MIT"), "a/output/y.jsonl": ("undeclared:a/output", None)},
    ),
    "a Croissant of which files are elsewhere covers its folder": (
        {"a/metadata.json": croissant("https://x.org/x.zip"), "a/output/y.jsonl": LINE},
        {"a/output/y.jsonl": ("a", "MIT")},
    ),
    "one of several of a folder covers only what it names": (
        {"a/one.json": croissant("https://x.org/x.zip"), "a/two.json": croissant("x.jsonl"), "a/x.jsonl": LINE},
        {"a/x.jsonl": ("a/two", "MIT")},
    ),
    "two manifests name one file: the strictest speaks": (
        {
            "a/datapackage.json": package({"path": "x.jsonl"}),
            "a/other.json": croissant("x.jsonl", licence="cc-by-nc-4.0"),
            "a/x.jsonl": LINE,
        },
        {"a/x.jsonl": ("a", "CC-BY-NC-4.0")},
    ),
    "a native manifest for the folder comes first, and a stricter Croissant still speaks": (
        {
            "provenance.yaml": native("id: own, path: a, licence: MIT"),
            "a/metadata.json": croissant("x.jsonl", licence="cc-by-nc-4.0"),
            "a/x.jsonl": LINE,
            "a/y.jsonl": LINE,
        },
        {"a/x.jsonl": ("own", "CC-BY-NC-4.0"), "a/y.jsonl": ("own", "MIT")},
    ),
    "a native manifest that is stricter than the Croissant": (
        {
            "provenance.yaml": native("id: own, path: a, licence: CC-BY-NC-4.0"),
            "a/metadata.json": croissant("x.jsonl"),
            "a/x.jsonl": LINE,
        },
        {"a/x.jsonl": ("own", "CC-BY-NC-4.0")},
    ),
    "a card and a package in one folder": (
        {
            "a/README.md": card("cc-by-4.0"),
            "a/datapackage.json": package({"path": "x.jsonl"}),
            "a/x.jsonl": LINE,
            "a/y.jsonl": LINE,
        },
        {"a/x.jsonl": ("a (a/datapackage.json)", "MIT"), "a/y.jsonl": ("a", "CC-BY-4.0")},
    ),
    "a resource's own licence": (
        {
            "a/datapackage.json": package(
                {"path": "x.jsonl"}, {"path": "y.jsonl", "licenses": [{"name": "CC-BY-NC-4.0"}]}
            ),
            "a/x.jsonl": LINE,
            "a/y.jsonl": LINE,
        },
        {"a/x.jsonl": ("a", "MIT"), "a/y.jsonl": ("a", "CC-BY-NC-4.0")},
    ),
    "a licence file beside a package that states none": (
        {"LICENSE": APACHE, "a/datapackage.json": package({"path": "x.jsonl"}, licence=None), "a/x.jsonl": LINE},
        {"a/x.jsonl": ("a", "Apache-2.0")},
    ),
    "what a card says ends at the package": (
        {"README.md": card(), "a/datapackage.json": package({"path": "x.jsonl"}, licence=None), "a/x.jsonl": LINE},
        {"a/x.jsonl": ("a", None)},
    ),
    "what a package says ends at the next card": (
        {
            "a/metadata.json": croissant("https://x.org/x.zip"),
            "a/x.jsonl": LINE,
            "a/b/README.md": card(None),
            "a/b/y.jsonl": LINE,
        },
        {"a/x.jsonl": ("a", "MIT"), "a/b/y.jsonl": ("a/b", None)},
    ),
    "each corpus is a source of its own, packed or unpacked": (
        {
            "n/one.xml": '<package id="one" license="public domain"/>',
            "n/one.zip": archive(**{"one/a.txt": "A line of text."}),
            "n/two.xml": '<package id="two" license="For non-commercial use only."/>',
            "n/two/b.txt": "Another line.",
            "n/three.xml": '<package id="three"/>',
            "n/three.zip": archive(**{"three/c.txt": "A third line."}),
        },
        {
            "n/one.zip": ("n/one", "LicenseRef-provenance-public-domain"),
            "n/one.zip!/one/a.txt": ("n/one", "LicenseRef-provenance-public-domain"),
            "n/two/b.txt": ("n/two", "LicenseRef-provenance-noncommercial"),
            "n/three.zip": ("n/three", None),
            "n/three.zip!/three/c.txt": ("n/three", None),
        },
    ),
    "each entry of a register is a source of its own": (
        {
            "LICENSE": APACHE,
            "README.md": README,
            "data/dataset_info.json": '{"one": {"file_name": "one.json"}, "two": {"hf_hub_url": "a/b"}}',
            "data/one.json": f"[{LINE}]",
            "data/else.json": f"[{LINE}]",
        },
        {"data/one.json": ("data/one", "Apache-2.0"), "data/else.json": (".", "Apache-2.0")},
    ),
    "what the datasets library writes beside a split ends no card": (
        {
            "README.md": card(),
            "train/dataset_info.json": '{"features": {}, "license": ""}',
            "train/x.jsonl": LINE,
        },
        {"train/x.jsonl": (".", "MIT")},
    ),
    "what the datasets library says in a folder without data": (
        {
            "README.md": README,
            "x.jsonl": LINE,
            "hf/dataset_infos.json": '{"default": {"license": "MIT", "homepage": "https://x.org"}}',
        },
        {"x.jsonl": (".", "MIT")},
    ),
    "a README's heading names a folder by its initials": (
        {
            "README.md": "# Sets\n\n## Grade School Math 8k (~7,500)\nLicense: Permissive Unknown\n\n"
            "## Good Songs\nLicense: MIT\n",
            "LICENSE": NC,
            "gsm_8k/x.json": f"[{LINE}]",
            "gs/x.json": f"[{LINE}]",
        },
        {"gsm_8k/x.json": (".", None), "gs/x.json": (".", "CC-BY-NC-4.0")},
    ),
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
    # native manifests
    "a native manifest with a path": (
        {"provenance.yaml": native("id: acme/set, path: a, licence: MIT"), "a/x.jsonl": LINE, "b.jsonl": LINE},
        {"a/x.jsonl": ("acme/set", "MIT"), "b.jsonl": ("undeclared:.", None)},
    ),
    "several sources in one manifest": (
        {
            "provenance.yaml": native("id: one, path: a, licence: MIT", "id: two, path: b, licence: CC-BY-NC-4.0"),
            "a/x.jsonl": LINE,
            "b/y.jsonl": LINE,
        },
        {"a/x.jsonl": ("one", "MIT"), "b/y.jsonl": ("two", "CC-BY-NC-4.0")},
    ),
    "named files, a glob, and the rest": (
        {
            "provenance.yaml": native(
                'id: one, files: [x.jsonl, "part-*.jsonl"], licence: MIT', "id: rest, licence: CC-BY-NC-4.0"
            ),
            "x.jsonl": LINE,
            "part-1.jsonl": LINE,
            "deep/part-2.jsonl": LINE,
            "y.jsonl": LINE,
        },
        {
            "x.jsonl": ("one", "MIT"),
            "part-1.jsonl": ("one", "MIT"),
            "deep/part-2.jsonl": ("rest", "CC-BY-NC-4.0"),
            "y.jsonl": ("rest", "CC-BY-NC-4.0"),
        },
    ),
    "globs below a path, and a folder as a member": (
        {
            "provenance.yaml": native('id: one, path: a, files: ["*.jsonl"]', "id: two, files: [b]"),
            "a/deep/x.jsonl": LINE,
            "a/y.csv": "text\nhello\n",
            "b/c/z.jsonl": LINE,
        },
        {
            "a/deep/x.jsonl": ("one", None),
            "a/y.csv": ("undeclared:a", None),
            "b/c/z.jsonl": ("two", None),
        },
    ),
    "a member whose name looks like a glob": (
        {"provenance.yaml": native('id: one, files: ["x[1].jsonl"]'), "x[1].jsonl": LINE, "x1.jsonl": LINE},
        {"x[1].jsonl": ("one", None), "x1.jsonl": ("undeclared:.", None)},
    ),
    "a native manifest and a card for one folder": (
        {
            "provenance.yaml": native("id: gsm, path: a, licence: MIT"),
            "a/README.md": card("cc-by-nc-4.0"),
            "a/x.jsonl": LINE,
        },
        {"a/x.jsonl": ("gsm", "CC-BY-NC-4.0")},
    ),
    "a native manifest beside the card it corrects": (
        {"provenance.yaml": native("id: gsm, licence: CC-BY-NC-4.0"), "README.md": card(), "x.jsonl": LINE},
        {"x.jsonl": ("gsm", "CC-BY-NC-4.0")},
    ),
    "named members stay the strictest of the manifest and the folder's own card": (
        {
            "provenance.yaml": native("id: gsm, files: [a/x.jsonl], licence: MIT"),
            "a/README.md": card("cc-by-nc-4.0"),
            "a/x.jsonl": LINE,
            "a/y.jsonl": LINE,
        },
        {"a/x.jsonl": ("gsm", "CC-BY-NC-4.0"), "a/y.jsonl": ("a", "CC-BY-NC-4.0")},
    ),
    "a root card does not speak for members that a manifest names": (
        {
            "README.md": card("cc-by-nc-4.0"),
            "provenance.yaml": native("id: gsm, files: [x.jsonl], licence: MIT"),
            "x.jsonl": LINE,
            "y.jsonl": LINE,
        },
        {"x.jsonl": ("gsm", "MIT"), "y.jsonl": (".", "CC-BY-NC-4.0")},
    ),
    "two entries for one folder are two witnesses": (
        {"provenance.yaml": native("id: a, licence: MIT", "id: b, licence: CC-BY-NC-4.0"), "x.jsonl": LINE},
        {"x.jsonl": ("a", "CC-BY-NC-4.0")},
    ),
    "two manifests declare one id for two folders": (
        {
            "a/provenance.yaml": native("id: set, licence: MIT"),
            "a/x.jsonl": LINE,
            "b/provenance.yaml": native("id: set, licence: CC-BY-NC-4.0"),
            "b/y.jsonl": LINE,
        },
        {"a/x.jsonl": ("set", "MIT"), "b/y.jsonl": ("set (b/provenance.yaml)", "CC-BY-NC-4.0")},
    ),
    "two manifests declare one id for one folder": (
        {
            "provenance.yaml": native("id: set, path: a, licence: MIT"),
            "a/provenance.yaml": native("id: set, licence: CC-BY-NC-4.0"),
            "a/x.jsonl": LINE,
        },
        {"a/x.jsonl": ("set", "CC-BY-NC-4.0")},
    ),
    "an entry whose folder is absent lends nothing": (
        {
            "provenance.yaml": native("id: gone, path: gone, licence: MIT", "id: here, licence: CC-BY-4.0"),
            "x.jsonl": LINE,
        },
        {"x.jsonl": ("here", "CC-BY-4.0")},
    ),
    "a licence file that a manifest points at": (
        {"provenance.yaml": native("id: a, licence: { file: legal/LICENSE }"), "legal/LICENSE": NC, "x.jsonl": LINE},
        {"x.jsonl": ("a", "CC-BY-NC-4.0")},
    ),
    "a text that a manifest at the root names as a licence is no data": (
        {"provenance.yaml": native("id: a, licence: { file: terms.txt }"), "terms.txt": NC, "x.jsonl": LINE},
        {"x.jsonl": ("a", "CC-BY-NC-4.0")},
    ),
    "a manifest elsewhere takes no file out of the data": (
        {"s/provenance.yaml": native("id: a, licence: { file: terms.txt }"), "s/terms.txt": MIT, "s/x.jsonl": LINE},
        {"s/terms.txt": ("a", None), "s/x.jsonl": ("a", None)},
    ),
    "a licence file that was not read as one is unknown": (
        {"provenance.yaml": native("id: a, licence: { file: LICENSE }"), "LICENSE": "Ask Bob.\n", "x.jsonl": LINE},
        {"x.jsonl": ("a", None)},
    ),
    "what a manifest says of code is not said of data": (
        {"provenance.yaml": native("id: a, licence: { expression: MIT, covers: [code] }"), "x.jsonl": LINE},
        {"x.jsonl": ("a", None)},
    ),
    # archives
    "a zip with a manifest beside it": (
        {"a/README.md": card(), "a/x.zip": archive(**{"m.jsonl": LINE})},
        {"a/x.zip": ("a", "MIT"), "a/x.zip!/m.jsonl": ("a", "MIT")},
    ),
    "a zip that a manifest names": (
        {
            "provenance.yaml": native("id: zipped, files: [x.zip], licence: MIT"),
            "x.zip": archive(**{"m.jsonl": LINE}),
            "y.jsonl": LINE,
        },
        {"x.zip": ("zipped", "MIT"), "x.zip!/m.jsonl": ("zipped", "MIT"), "y.jsonl": ("undeclared:.", None)},
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


def lay(root, layout):
    for name, content in layout.items():
        path = root / os.fsdecode(name)
        if content is None:
            path.mkdir(parents=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, tuple):
            path.symlink_to(content[1])
        else:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def scoped(root, scratch):
    """The audit's own steps up to the scopes, in this process."""
    paths = inventory(root)
    stated, refused = claims_.read(root, paths)
    paths, stated = claims_.named_licences(root, paths, stated)
    observed = observe(Bundle(0, tuple(examine._files(root, paths, stated, refused, scratch)), str(scratch), 1))
    claims = claims_.table(stated + claims_.of_records([observed]))
    seen = sorted(observed.files["path"].to_pylist())
    on_disk = dict(zip(paths["path"].to_pylist(), paths["role"].to_pylist(), strict=True))
    data = [path for path in seen if on_disk[path.split("!/")[0]] == "data"]
    return scopes_.scope(paths, claims, "commercial-service"), data, claims


@pytest.mark.parametrize(("layout", "expected"), LAYOUTS.values(), ids=LAYOUTS)
def test_layouts(layout, expected, tmp_path, tmp_path_factory):
    lay(tmp_path, layout)
    scopes, data, _ = scoped(tmp_path, tmp_path_factory.mktemp("scratch"))
    assert {path: (scopes.covering(path), scopes.licence(path).expression) for path in data} == expected
    assert set(scopes.sources) == {source for source, _ in expected.values()}


def test_more_than_a_thousand_implicit_sources_collapse(tmp_path):
    paths = [f"{top}/{k}/x.jsonl" for top in ("many", "few") for k in range(1001 if top == "many" else 3)]
    scopes = scopes_.scope(listed(paths), schemas.empty(schemas.CLAIMS), "research")
    assert sorted(scopes.sources) == ["undeclared:few/0", "undeclared:few/1", "undeclared:few/2", "undeclared:many"]


def test_readmes_that_collapse_keep_their_licences():
    folders = [f"many/{k}" for k in range(1001)]
    stated = [claim("source-weak", folder, f"{folder}/") for folder in folders]
    stated += [claim("licence", "MIT", "many/7/"), claim("licence", "CC-BY-NC-4.0", "many/8/")]
    scopes = scopes_.scope(
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
    assert list(matching(pattern, ["a.y", "a/b/x", "a/x", "ab", "b[1]/x"])) == named


def test_the_order_of_claims_does_not_matter(tmp_path, tmp_path_factory):
    """They are sorted by pointer, where `/files/0` stands before `/id`."""
    lay(tmp_path, LAYOUTS["named files, a glob, and the rest"][0])
    forth, data, claims = scoped(tmp_path, tmp_path_factory.mktemp("scratch"))
    back = scopes_.scope(inventory(tmp_path), claims.take(pa.array(range(claims.num_rows))[::-1]), "commercial-service")
    assert [(forth.covering(p), forth.licence(p).pointer) for p in data] == [
        (back.covering(p), back.licence(p).pointer) for p in data
    ]


def test_witnesses_say_each_statement_once_a_source(tmp_path, tmp_path_factory):
    """A card covers three folders: that is one statement of three files."""
    lay(tmp_path, {"README.md": card("other"), "LICENSE": MIT} | {f"{k}/x.jsonl": LINE for k in "abc"})
    scopes, data, _ = scoped(tmp_path, tmp_path_factory.mktemp("scratch"))
    files = [{"path": path, "role": "data", "records": 1} for path in data]
    rows = scopes.witnesses(pa.Table.from_pylist(files)).to_pylist()
    assert [(row["manifest"], row["spdx"], row["decides"], row["files"]) for row in rows] == [
        ("README.md", None, True, 3),
        ("LICENSE", "MIT", False, 3),
    ]


def test_every_statement_says_of_which_source_it_speaks(tmp_path, tmp_path_factory):
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
    lay(tmp_path, layout)
    scopes, _, claims = scoped(tmp_path, tmp_path_factory.mktemp("scratch"))
    stated = scopes.speaking(claims).to_pylist()
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
    scopes = scopes_.scope(listed(paths), schemas.rows(stated, schemas.CLAIMS), "research")
    decided = {scopes.licence(path).expression for path in paths}
    readmes = {scopes.covering(f"{k // 100}/{k}/README.md") for k in range(10_000)}
    assert (len(scopes.sources), decided, len(readmes)) == (15_000, {"MIT", "Apache-2.0"}, 10_000)
    assert len(scopes.holders) == 10_000 + 1 + 5_000
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
