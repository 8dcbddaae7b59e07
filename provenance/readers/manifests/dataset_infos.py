"""`dataset_infos.json` and `dataset_info.json`, which the datasets library writes beside the data it prepared.

Its download checksums are digests of the upstream's files: a file here that has one of them is that upstream's file.

Source: huggingface/datasets, src/datasets/info.py, DatasetInfo.
"""

from __future__ import annotations

import re
from typing import Any

from provenance.core.model import Claim
from provenance.errors import ManifestError
from provenance.readers.manifests.manifest_format import ManifestFormat, file_name
from provenance.readers.manifests.yaml_documents import escape, folder, load_json, sha256, strings


def read(path: str, data: bytes, format: str) -> list[Claim]:  # noqa: A002 - the family's signature
    """Read what the datasets library states.

    Args:
        path: the file's path.
        data: its bytes.
        format: "hf-dataset-infos".

    Returns:
        Claims `source` (`source-weak` of a file that states neither a licence nor where the data is from), `licence`,
        `url`, `citation`, `revision`, `name`, `split` (name=examples), and `upstream-sha256`, a digest and the address
        that has it; each statement once, however many configurations repeat it.

    Raises:
        ManifestError: not JSON, or not of this shape.
    """
    document = load_json(path, data)
    if not isinstance(document, dict):
        raise ManifestError(f"{path} is not a JSON object")
    infos = [("", document)] if _is_info(document) else [(f"/{escape(name)}", info) for name, info in document.items()]
    stated: dict[tuple[str, str], str] = {}
    for pointer, info in infos:
        if not isinstance(info, dict):
            raise ManifestError(f"{path}: at {pointer}, a configuration is not an object")
        for field, value, at in _of(info):
            stated.setdefault((field, value), pointer + at)
    scope = folder(path)
    says = {field for field, _ in stated} & {"licence", "url", "upstream-sha256"}
    opened = Claim("source" if says else "source-weak", scope.removesuffix("/"), scope, format, "/")
    return [opened] + [Claim(field, value, scope, format, at, "data") for (field, value), at in stated.items()]


def _is_info(document: dict[str, Any]) -> bool:
    """Tell one configuration from a mapping of many by its name."""
    return not document or any(not isinstance(value, dict) for value in document.values()) or "features" in document


def _of(info: dict[str, Any]) -> list[tuple[str, str, str]]:
    """List field, value and pointer."""
    found = [
        (field, value, at)
        for field, key in (("licence", "license"), ("url", "homepage"), ("citation", "citation"))
        for value, at in strings(info.get(key), f"/{key}")
    ]
    found += [("name", *each) for each in strings(info.get("builder_name"), "/builder_name")]
    found += [("revision", *each) for each in strings(info.get("version"), "/version", ("version_str",))]
    found += [
        ("split", f"{name}={split['num_examples']}", f"/splits/{escape(name)}/num_examples")
        for name, split in _objects(info.get("splits"))
        if isinstance(split.get("num_examples"), int)
    ]
    for address, download in _objects(info.get("download_checksums")):
        at = f"/download_checksums/{escape(address)}/checksum"
        for stated, _ in strings(download.get("checksum"), at):
            digest = sha256(stated)
            field = "upstream-sha256" if digest else "sha256-malformed"
            found.append((field, f"{digest or stated[:100]} {address[:1000]}", at))
    return found


def _objects(value: Any) -> list[tuple[str, dict[str, Any]]]:
    members = value.items() if isinstance(value, dict) else ()
    return [(name, each) for name, each in members if isinstance(each, dict)]


_FEATURES = re.compile(
    rb'"(?:features|splits|download_(?:size|checksums)|dataset_size|builder_name|config_name|supervised_keys|num_examples'
    rb'|citation|homepage|description)"\s*:'
)


def _says_nothing(head: bytes, _size: int) -> bool:
    body = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return len(body) > len(b"{}\r\n") and not _FEATURES.search(head)


MANIFEST_FORMAT = ManifestFormat(
    "hf-dataset-infos",
    read,
    names=re.compile(r"dataset_infos\.json", re.IGNORECASE),
    suffixes=("json",),
    guess=lambda path, _: file_name(path) == "dataset_info.json",  # as LLaMA-Factory's register is called
    contradicts=_says_nothing,
    inline=("rows",),
    inside_archives=True,
)
