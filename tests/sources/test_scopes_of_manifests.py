"""Layouts with manifests that name sources or files: which source covers a file, and under which licence it is.

A layout maps paths to contents; `("->", target)` is a link. The expectation maps data files to (source, licence); every data
file of the layout stands in it, so that a file nobody thought of cannot slip through.
"""

from __future__ import annotations

import io
import json
import zipfile

import pyarrow as pa
import pytest

from provenance.sources import scopes as scopes_
from provenance.sources.inventory import list_paths

from .conftest import APACHE, LINE, NC, README, card, native


def croissant(*paths, licence="mit"):
    nodes = [{"@type": "FileObject", "@id": path, "contentUrl": path, "encodingFormat": "text/plain"} for path in paths]
    stated = {"license": licence} if licence else {}
    context = {"@vocab": "https://schema.org/", "cr": "http://mlcommons.org/croissant/"}
    return json.dumps({"@context": context, "@type": "Dataset", "name": "n", "distribution": nodes} | stated)


def package(*resources, licence="MIT"):
    licences = {"licenses": [{"name": licence}]} if licence else {}
    return json.dumps({"name": "n", "resources": list(resources)} | licences)


def archive(**members):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)
    return held.getvalue()


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
        {"a/x.jsonl": ("a (a/datapackage.json)", "CC-BY-4.0"), "a/y.jsonl": ("a", "CC-BY-4.0")},
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
        {
            "s/provenance.yaml": native("id: a, licence: { file: paper.txt }"),
            "s/paper.txt": "Ask Bob.\n",
            "s/x.jsonl": LINE,
        },
        {"s/paper.txt": ("a", None), "s/x.jsonl": ("a", None)},
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
}


@pytest.mark.parametrize(("layout", "expected"), LAYOUTS.values(), ids=LAYOUTS)
def test_layouts(layout, expected, scoped):
    scopes, data, _ = scoped(layout)
    assert {path: (scopes.find_source(path), scopes.licence(path).expression) for path in data} == expected
    assert set(scopes.sources) == {source for source, _ in expected.values()}


def test_the_order_of_claims_does_not_matter(tmp_path, scoped):
    """They are sorted by pointer, where `/files/0` stands before `/id`."""
    forth, data, claims = scoped(LAYOUTS["named files, a glob, and the rest"][0])
    back = scopes_.decide_scopes(
        list_paths(tmp_path), claims.take(pa.array(range(claims.num_rows))[::-1]), "commercial-service"
    )
    assert [(forth.find_source(p), forth.licence(p).pointer) for p in data] == [
        (back.find_source(p), back.licence(p).pointer) for p in data
    ]
