"""Folders laid out for a test, and the audit's own steps up to who covers what."""

from __future__ import annotations

import os

import pytest

from provenance.pipeline import examine
from provenance.pipeline.reading.read_pass import FileBundle, observe
from provenance.sources import claims as claims_
from provenance.sources import scopes as scopes_
from provenance.sources.inventory import list_paths

LINE = '{"text": "the quick brown fox jumps over the lazy dog every single morning"}\n'
MIT = "SPDX-License-Identifier: MIT\n"
APACHE = "SPDX-License-Identifier: Apache-2.0\n"
NC = "CC BY-NC 4.0\n"
README = "# A set\n\nNothing on rights.\n"


def card(licence="mit", **more):
    lines = [f"license: {licence}"] if licence else ["pretty_name: A set"]
    return "\n".join(["---", *lines, *(f"{key}: {value}" for key, value in more.items()), "---", "# A set", ""])


def native(*entries):
    return "provenance: 1\nsources:\n" + "".join(f"  - {{ {entry} }}\n" for entry in entries)


def licences(*values):
    return "".join(f'{{"text": "record {k}", "license": {value}}}\n' for k, value in enumerate(values))


@pytest.fixture
def scoped(tmp_path, tmp_path_factory):
    """Lay a folder out in `tmp_path`; return its scopes, its data files and its claims.

    A layout maps paths to contents; `("->", target)` is a link, None a folder.
    """

    def run(layout):
        lay(tmp_path, layout)
        return find_scopes(tmp_path, tmp_path_factory.mktemp("scratch"))

    return run


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


def find_scopes(root, scratch):
    """The audit's own steps up to the scopes, in this process."""
    paths = list_paths(root)
    stated, refused = claims_.read_claims(root, paths)
    paths, stated = claims_.take_named_licences(root, paths, stated)
    observed = observe(
        FileBundle(0, tuple(examine._files_to_read(root, paths, stated, refused, scratch)), str(scratch), 1)
    )
    claims = claims_.make_table(stated + claims_.claims_of_records([observed]))
    seen = sorted(observed.files["path"].to_pylist())
    on_disk = dict(zip(paths["path"].to_pylist(), paths["role"].to_pylist(), strict=True))
    data = [path for path in seen if on_disk[path.split("!/")[0]] == "data"]
    return scopes_.decide_scopes(paths, claims, "commercial-service"), data, claims
