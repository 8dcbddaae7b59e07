"""LLaMA-Factory's `dataset_info.json`: one entry a data set, each with its file here or its address elsewhere.

Source: hiyouga/LLaMA-Factory, data/README.md; src/llamafactory/data/parser.py.
"""

from __future__ import annotations

import re
from typing import Any

from provenance.core.model import Claim
from provenance.errors import ManifestError
from provenance.readers.manifests.manifest_format import ManifestFormat, file_name
from provenance.readers.manifests.yaml_documents import escape, folder, inside, load_json, remote, strings

_HUBS = {
    "hf_hub_url": "https://huggingface.co/datasets/",
    "ms_hub_url": "https://modelscope.cn/datasets/",
    "om_hub_url": "https://modelers.cn/datasets/",
    "script_url": "",
    "cloud_file_name": "",
}


def read(path: str, data: bytes, format: str) -> list[Claim]:  # noqa: A002 - the family's signature
    """Read the register of data sets.

    Args:
        path: the file's path.
        data: its bytes.
        format: "llama-factory".

    Returns:
        For each entry with a file: `source`, `name`, `members`, `upstream`, `formatting`, `sha1`, and `column`
        (role=column; the table of column roles is not overridden by it). For each other: `remote`, its address. For
        one that is no object, or whose file lies outside the manifest's folder: `entry-unread`, the reason.

    Raises:
        ManifestError: not JSON, or no entry can be read.
    """
    document = load_json(path, data)
    if not isinstance(document, dict):
        raise ManifestError(f"{path} is not a JSON object")
    claims: list[Claim] = []
    for name, entry in document.items():
        try:
            claims += _entry(path, format, name, entry)
        except ManifestError as fault:  # which costs that entry alone
            reason = str(fault).removeprefix(f"{path}: ")[:_REASON]
            claims.append(Claim("entry-unread", reason, folder(path), format, f"/{escape(name)}", "data"))
    if not any(claim.field != "entry-unread" for claim in claims) and claims:
        raise ManifestError(f"{path}: {claims[0].value}")
    return claims


def _entry(path: str, format_: str, name: str, entry: Any) -> list[Claim]:
    if not isinstance(entry, dict):
        raise ManifestError(f"{path}: at /{escape(name)}, an entry is not an object")
    scope, pointer = folder(path), f"/{escape(name)}"
    home = scope.removeprefix("./")
    hubs = [(base + value, at) for key, base in _HUBS.items() for value, at in strings(entry.get(key), f"/{key}")]
    files = strings(entry.get("file_name"), "/file_name")
    stated = [("remote", value, at, scope) for value, at in (*hubs, *files) if remote(value)]
    here = [(home + inside(path, value, pointer + at), at) for value, at in files if not remote(value)]
    if here:
        stated = [("source", home + name, "", scope), ("name", name, "", scope)]
        stated += [("members", member, at, scope) for member, at in here]
        stated += [("upstream", value, at, scope) for value, at in hubs]
        stated += [("sha1", value, at, here[0][0]) for value, at in strings(entry.get("file_sha1"), "/file_sha1")]
        stated += [("formatting", value, at, scope) for value, at in strings(entry.get("formatting"), "/formatting")]
        columns = entry.get("columns")
        stated += [
            ("column", f"{role}={column}", f"/columns/{escape(role)}", scope)
            for role, column in (columns.items() if isinstance(columns, dict) else ())
            if isinstance(column, str)
        ]
    return [Claim(field, value[:1000], where, format_, pointer + at, "data") for field, value, at, where in stated]


_REASON = 300  # characters of why an entry cannot be read

_PLACES = re.compile(rb"\"(?:file_name|hf_hub_url|ms_hub_url|script_url)\"")


def _is_register(path: str, head: bytes) -> bool:
    return file_name(path) == "dataset_info.json" and _PLACES.search(head) is not None


MANIFEST_FORMAT = ManifestFormat(
    "llama-factory",
    read,
    suffixes=("json",),
    guess=_is_register,
    names_members=True,
    entry_depth=2,  # /alpaca_en
)
