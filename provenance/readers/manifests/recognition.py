"""Which files are manifests, and of which format: by name first, by their first bytes where the name does not say."""

from __future__ import annotations

import re

UNREAD = (
    "cyclonedx",
    "dcat",
    "dvc",
    "spdx",
    "zenodo",
)
"""Formats that are recognised, so that they are never taken for data, and that no reader reads yet."""

_LICEN = r"(?:licen[sc]es?|copying(?:\.lesser)?|copyright|unlicen[sc]e)"
_ENDING = r"(?:\.(?:txt|md|rst|markdown|html?))?"
_NAMES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(pattern, re.IGNORECASE))
    for name, pattern in (
        ("native", r"provenance\.ya?ml"),
        ("data-licence", rf"(?:(?:data|dataset)[_.-]?{_LICEN}|{_LICEN}[_.-](?:data|dataset)){_ENDING}"),
        (
            "weights-licence",
            rf"(?:(?:weights?(?:[_-]diff)?|model)[_.-]?{_LICEN}|{_LICEN}[_.-](?:weights?|model)){_ENDING}",
        ),
        ("licence", rf"(?:[\w.+]{{1,30}}[_-])?{_LICEN}(?:[_.-][\w.+-]{{1,40}}?)?{_ENDING}"),
        ("notice", rf"(?:third[_-]?party[_-]?)?notices?{_ENDING}"),
        ("dvc", r".+\.dvc|dvc\.(?:yaml|lock)"),
        ("hf-dataset-infos", r"dataset_infos\.json"),
        ("zenodo", r"\.zenodo\.json"),
    )
)
_DATA_ENDING = re.compile(
    r"\.(?:jsonl?|ndjson|csv|tsv|parquet|arrow|py|js|ts|ya?ml|xml|zip|gz|zst|xz|bz2|tar|pdf|png|svg|ttl|rdf)$",
    re.IGNORECASE,
)
_DOCUMENT = re.compile(
    r"(?:readme(?:[._-][\w.-]{1,30})?|(?:data[_-]?)?(?:sheet|card)|dataset[_-]?card|model[_-]?card|datasheet[\w-]{0,30})"
    r"(?:\.(?:md|markdown|rst|txt))?",
    re.IGNORECASE,
)
_OWN_KEYS = (
    rb"dataset_info|configs|pretty_name|task_categories|size_categories|annotations_creators|source_datasets|"
    rb"language_creators|multilinguality|license_name"
)
_CARD_KEYS = re.compile(rb"^(?:" + _OWN_KEYS + rb"|licen[sc]es?|languages?|tags)\s*:", re.MULTILINE)
# Notes and blogs have tags, languages and licences as well: but for a README, a card needs a key of its own.
_CARD_KEYS_ELSEWHERE = re.compile(rb"^(?:" + _OWN_KEYS + rb")\s*:", re.MULTILINE)
_FRONT = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*---[ \t]*\r?\n(.*?)(?:^---[ \t]*\r?$|\Z)", re.DOTALL | re.MULTILINE)


_RECORDS_ENDING = re.compile(
    r"\.(?:jsonl?|ndjson|jsonlines|csv|tsv|tab|psv|parquet|arrow|feather|warc|zip|gz|zst|xz|bz2|tar|tgz)$",
    re.IGNORECASE,
)


def metadata_of(data: bytes) -> bytes:
    """Return the metadata that a card begins with, its marks included; nothing where there is none.

    Args:
        data: the card, or its first bytes.
    """
    front = _FRONT.match(data)
    return front[0] if front else b""


def recognise(path: str, head: bytes) -> str | None:
    """Name the manifest format of a file.

    Args:
        path: relative to the scan root, '/' between parts.
        head: its first bytes, at most 64 KiB.

    Returns:
        The format, one of `READERS` or `UNREAD`; None if it is not a manifest.
    """
    name = path.rsplit("/", 1)[-1]
    for format_, pattern in _NAMES:
        if pattern.fullmatch(name) and not (format_ in _TEXTS and _DATA_ENDING.search(name)):
            return format_
    if "/licenses/" in f"/{path.lower()}" and name.lower().endswith((".txt", ".md")):
        return "licence"  # REUSE keeps one text a licence there
    return _document(name, head) or _structured(name, head)


_TEXTS = frozenset({"data-licence", "weights-licence", "licence", "notice"})


def _document(name: str, head: bytes) -> str | None:
    if name.lower().endswith((".md", ".markdown")):
        front = _FRONT.match(head)
        keys = _CARD_KEYS if name.lower().startswith("readme") else _CARD_KEYS_ELSEWHERE
        if front and (keys.search(front[1]) or b"Dataset Card for" in head):
            return "hf-card"
    # A markdown file of any other name may be a text of a corpus.
    return "readme" if _DOCUMENT.fullmatch(name) and not _RECORDS_ENDING.search(name) else None


def _structured(name: str, head: bytes) -> str | None:
    lower = name.lower()
    if lower.endswith((".json", ".jsonld")):
        return _json(lower, head)
    if lower.endswith((".yaml", ".yml")):
        packaged = re.search(rb"^resources\s*:", head, re.MULTILINE)
        return "frictionless" if "package" in lower and packaged else None
    if lower.endswith((".xml", ".rdf", ".ttl")):
        return _markup(lower, head)
    return None


def _json(lower: str, head: bytes) -> str | None:
    rules = (
        ("croissant", b'"@context"' in head and _says(head, rb"mlcommons\.org/croissant|\"(?:sc:)?recordSet\"|\"cr:")),
        ("spdx", _says(head, rb"spdx\.org/rdf/3|\"spdxVersion\"|\"spdxId\"")),
        ("cyclonedx", b'"bomFormat"' in head and b"CycloneDX" in head),
        ("dcat", _says(head, rb"\"dcat:|w3\.org/ns/dcat|\"@type\"\s*:\s*\"(?:dcat:)?Catalog\"")),
        ("croissant", b'"@context"' in head and _says(head, rb"\"@type\"\s*:\s*\"(?:sc:)?Dataset\"")),
        ("frictionless", "package" in lower and b'"resources"' in head),
        ("zenodo", b'"conceptrecid"' in head and b"zenodo" in head.lower()),
        (
            "llama-factory",
            lower == "dataset_info.json" and _says(head, rb"\"(?:file_name|hf_hub_url|ms_hub_url|script_url)\""),
        ),
        ("hf-dataset-infos", lower == "dataset_info.json"),
        ("dpi-summary", b'"Unique Dataset Identifier"' in head and _says(head, rb'"Licenses"\s*:')),
    )
    return next((format_ for format_, holds in rules if holds), None)


def _markup(lower: str, head: bytes) -> str | None:
    if b"w3.org/ns/dcat" in head:
        return "dcat"
    if b"cyclonedx.org/schema/bom" in head:
        return "cyclonedx"
    root = re.match(rb"\A(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--.{0,4000}?-->\s*)?<(\w+)", head, re.DOTALL)
    attributes = b'id="' in head[:8192] or b'name="' in head[:8192]
    return "nltk-xml" if lower.endswith(".xml") and root and root[1] in {b"package", b"corpus"} and attributes else None


def _says(head: bytes, pattern: bytes) -> bool:
    return re.search(pattern, head) is not None
