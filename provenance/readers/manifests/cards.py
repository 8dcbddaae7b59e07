"""Hugging Face data set cards: YAML front matter, and the prose below it.

Source: huggingface/hub-docs, datasetcard.md and docs/hub/datasets-cards.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from provenance.core.model import Claim
from provenance.errors import ManifestError
from provenance.licences.expressions import CUT, find_restrictions, is_placeholder, normalise
from provenance.readers.manifests.licence_names import choose_names
from provenance.readers.manifests.manifest_format import ManifestFormat, file_name
from provenance.readers.manifests.readmes import prose
from provenance.readers.manifests.unread_licences import read_lines
from provenance.readers.manifests.yaml_documents import decode, folder, load, metadata_of

LONGEST_VALUE = 4000
"""Characters of a value of the front matter that are read: a prompt at a gate may be long."""

_FRONT = re.compile(r"\A\s*---[ \t]*\r?\n(.*?)^---[ \t]*\r?$", re.DOTALL | re.MULTILINE)
_CODE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8}){0,3}")
_RESTRICTING = re.compile(
    r"(?:non|not?)[-_ ]?(?:for[-_ ])?commercial.*|(?:research|academic)[-_ ](?:use[-_ ])?only", re.IGNORECASE
)
_NO_UPSTREAM = re.compile(r"original$|extended$|(?:extended\|)?(?:other|original)(?:[-_|\s].*)?$|.*\s", re.IGNORECASE)
"""Values of `source_datasets` that name no data set: its own, some other, or a sentence."""

_MODALITIES = frozenset(
    {"audio", "document", "geospatial", "image", "tabular", "text", "time-series", "timeseries", "video", "3d"}
)


def read(path: str, data: bytes, format: str) -> list[Claim]:  # noqa: A002 - the family's signature
    """Read a card.

    Args:
        path: the card's path.
        data: its bytes.
        format: "hf-card".

    Returns:
        Claims `source`, `name`, `licence`, `language`, `upstream`, `kind`, `modality`, `split` (split=examples),
        `split-files` (split=path or pattern) from the front matter (pointers are JSON pointers into it), and those of
        the prose (pointers L<line>).

    Raises:
        ManifestError: there is no front matter, or it is not a YAML mapping within bounds.
    """
    text = decode(path, data)
    front = _FRONT.match(text)
    if front is None:
        raise ManifestError(f"{path} opens with --- but its front matter never closes with ---")
    card, _ = load(path, front[1], first_line=text.count("\n", 0, front.start(1)) + 1)
    if not isinstance(card, dict):
        raise ManifestError(f"{path}: its front matter is not a YAML mapping")
    scope = folder(path)
    below = text[front.end() :]
    claims = [Claim("source", scope.removesuffix("/"), scope, format, "L1")]
    claims += [Claim(field, value, scope, format, pointer, subject) for field, value, pointer, subject in _front(card)]
    stated = prose(path, below, format, text.count("\n", 0, front.end()) + 1)
    named = any(claim.field == "name" for claim in claims)
    # A data set's card speaks of the data unless it says otherwise.
    stated = [replace(claim, subject="data") if claim.subject == "any" else claim for claim in stated]
    return _set_aside(claims + [claim for claim in stated if claim.field != "name" or not named])


def _read_unread(path: str, data: bytes, format: str) -> list[Claim]:  # noqa: A002 - the family's signature
    """Read the lines that state a licence in front matter that is no YAML, and the prose below it."""
    text = decode(path, data)
    front = _FRONT.match(text)
    end = front.end() if front else text.find("\n\n") + 1 or len(text)
    stated = read_lines(path, text[:end], format)
    return stated + [
        replace(claim, subject="data") for claim in prose(path, text[end:], format, text.count("\n", 0, end) + 1)
    ]


def _set_aside(claims: list[Claim]) -> list[Claim]:
    """Make a note of a placeholder, and of the tag `unknown` where the card does say which licence it is."""
    known = any(claim.field == "licence" and normalise(claim.value).expression for claim in claims)
    return [
        replace(claim, field="licence-note")
        if claim.field == "licence"
        and (is_placeholder(claim.value) or (known and claim.value.strip().lower() == "unknown"))
        else claim
        for claim in claims
    ]


def _front(card: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    """List field, value, pointer, subject."""
    found = [("licence", value, pointer, "data") for value, pointer in (*_licences(card), *_gates(card))]
    found += [("name", value, pointer, "data") for value, pointer in _strings(card, "pretty_name")]
    found += [
        ("language", value, pointer, "data")
        for key in ("language", "languages")
        for value, pointer in _strings(card, key)
        if _CODE.fullmatch(value)
    ]
    found += [
        ("upstream", value.removeprefix("extended|").strip(), pointer, "data")
        for value, pointer in _strings(card, "source_datasets")
        if not _NO_UPSTREAM.match(value)
    ]
    for value, pointer in _strings(card, "tags"):
        if value.lower() == "synthetic":
            found.append(("kind", "synthetic", pointer, "data"))
        elif value.startswith("modality:") or value.lower() in _MODALITIES:
            found.append(("modality", value.removeprefix("modality:").lower(), pointer, "data"))
    found += [("split", value, pointer, "data") for value, pointer in _counts(card)]
    return found + [("split-files", value, pointer, "data") for value, pointer in _splits(card)]


def _counts(card: dict[str, Any]) -> list[tuple[str, str]]:
    """List how many examples each split has, as `dataset_info: splits` says it."""
    info = card.get("dataset_info")
    infos = [("/dataset_info", info)] if isinstance(info, dict) else []
    infos += [(f"/dataset_info/{i}", each) for i, each in enumerate(_objects(info))]
    return [
        (f"{split['name']}={split['num_examples']}", f"{at}/splits/{j}/num_examples")
        for at, each in infos
        for j, split in enumerate(_objects(each.get("splits")))
        if str(split.get("num_examples", "")).isdigit() and isinstance(split.get("name"), str)
    ]


def _gates(card: dict[str, Any]) -> list[tuple[str, str]]:
    """List the terms that whoever wants access is prompts to accept, as far as they restrict or name a licence."""
    keys = ("prompt", "description", "heading", "button_content")
    prompts = [each for key in keys for each in _strings(card, f"extra_gated_{key}")]
    fields = card.get("extra_gated_fields")
    for name, value in fields.items() if isinstance(fields, dict) else ():
        choices = _choices(value) if "only" in name.lower() else ""
        prompts.append((f"{name.strip()} {choices}".strip(), f"/extra_gated_fields/{_escape(name)}"))
    found = []
    for text, pointer in prompts:
        sentences = [part for part in re.split(r"(?<=[.!?。])\s+|\n", text) if part.strip()]
        found += [(each.strip()[:390], pointer) for each in sentences if find_restrictions(each)]
    return found


def _choices(field: Any) -> str:
    """Return what a field lets people choose from: "I use it only for: ..." says nothing without it."""
    options = field.get("options") if isinstance(field, dict) else None
    names = [each.get("label") if isinstance(each, dict) else each for each in options or []]
    return ", ".join(each for each in names if isinstance(each, str)).lower()


def _escape(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _splits(card: dict[str, Any]) -> list[tuple[str, str]]:
    """List which files are of which split, as `configs: data_files` says it."""
    found = []
    for i, config in enumerate(_objects(card.get("configs"))):
        files = config.get("data_files")
        if isinstance(files, str | list):  # files without a split are trained on
            plain = [files] if isinstance(files, str) else files
            found += [
                (f"train={path.removeprefix('./')}", f"/configs/{i}/data_files")
                for path in plain[:1000]
                if isinstance(path, str) and path.strip()
            ]
        for j, each in enumerate(_objects(files)):
            split = each.get("split")
            if isinstance(split, str):
                at = f"/configs/{i}/data_files/{j}/path"
                found += [(f"{split}={path.removeprefix('./')}", place) for path, place in _walk(each.get("path"), at)]
    return found


def _objects(value: Any) -> list[dict[str, Any]]:
    return [each for each in value[:1000] if isinstance(each, dict)] if isinstance(value, list) else []


def _licences(card: dict[str, Any]) -> list[tuple[str, str]]:
    """List licences; `other` gives way to the name, and to the link, that the card gives beside it."""
    stated = [each for key in ("license", "licence", "licenses") for each in _strings(card, key)]
    named = choose_names([*_strings(card, "license_name"), *_strings(card, "license_link")])
    plain = [each for each in stated if each[0].lower() != "other"]
    known = {normalise(value).expression for value, _ in plain}
    linked = [each for each in named if normalise(each[0]).expression not in known]
    aside = [each for each in _list_aside(card) if normalise(each[0]).expression not in known]
    return [*(plain + linked if plain else named or stated), *aside]


def _list_aside(card: dict[str, Any]) -> list[tuple[str, str]]:
    """List what other keys state: details and tags where they name a licence or restrict, and each configuration."""
    tags = [(value.removeprefix("license:"), pointer) for value, pointer in _strings(card, "tags")]
    written = [*_strings(card, "license_details"), *(each for each in tags if _RESTRICTING.fullmatch(each[0]))]
    written += [each for each in _strings(card, "tags") if each[0].startswith("license:")]
    found = [(value.removeprefix("license:"), pointer) for value, pointer in written]
    for key in ("configs", "dataset_info"):
        value = card.get(key)
        parts = [(f"/{key}", value)] if isinstance(value, dict) else []
        parts += [(f"/{key}/{i}", each) for i, each in enumerate(_objects(value))]
        found += [each for at, part in parts for each in _walk(part.get("license"), f"{at}/license")]
    return [each for each in dict.fromkeys(found) if normalise(each[0]).expression or find_restrictions(each[0])]


def _strings(card: dict[str, Any], key: str) -> list[tuple[str, str]]:
    """List the strings of a key with their pointers: one, a list, or the lists below a mapping's subsets."""
    return [each for name, value in card.items() if name.lower() == key for each in _walk(value, f"/{_escape(name)}")]


def _walk(value: Any, pointer: str) -> list[tuple[str, str]]:
    if isinstance(value, str):
        text = value.strip()
        return [(text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE] + CUT, pointer)] if text else []
    if isinstance(value, list):
        return [each for i, item in enumerate(value[:1000]) for each in _walk(item, f"{pointer}/{i}")]
    if isinstance(value, dict):
        return [each for name, item in value.items() for each in _walk(item, f"{pointer}/{_escape(name)}")]
    return []


_OWN_KEYS = (
    rb"dataset_info|configs|pretty_name|task_categories|size_categories|annotations_creators|source_datasets|"
    rb"language_creators|multilinguality|license_name"
)
_README_KEYS = re.compile(rb"^(?:" + _OWN_KEYS + rb"|[Ll]icen[sc]es?|languages?|tags)\s*:", re.MULTILINE)
# Notes and blogs have tags, languages and licences as well: but for a README, a card needs a key of its own.
_OTHER_KEYS = re.compile(rb"^(?:" + _OWN_KEYS + rb")\s*:", re.MULTILINE)


def _is_card(path: str, head: bytes) -> bool:
    keys = _README_KEYS if file_name(path).startswith("readme") else _OTHER_KEYS
    front = metadata_of(head)
    return bool(front) and (keys.search(front) is not None or b"Dataset Card for" in head)


MANIFEST_FORMAT = ManifestFormat(
    "hf-card",
    read,
    suffixes=("md", "markdown"),
    sniff=_is_card,
    prose=True,
    headings=True,
    opens_unread=True,
    read_unread=_read_unread,
    inside_archives=True,
)
