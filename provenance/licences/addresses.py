"""Addresses that stand for a licence: Creative Commons, SPDX, choosealicense.com, and a table of others."""

from __future__ import annotations

import re
from urllib.parse import unquote

from provenance.licences import names
from provenance.licences.creative_commons import read_commons

URL = re.compile(r"(?:https?://|www\.)[^\s<>\"'\])}|*`，。；、）】]+", re.IGNORECASE)
"""An address in a text; closing punctuation is to be cut off."""

_BARE = re.compile(r"[\w.-]+\.(?:org|com|dev|io|gov|de|fr|uk|net|eu)/\S*", re.IGNORECASE)
_POINTS = re.compile(
    r"(?:^|[/_.-])(?:(?:data|dataset|code)?[_-]?(?:un)?licen[cs]es?|copying)(?:[_.-][\w.-]*)?(?:/|$)|#.*licen[cs]",
    re.IGNORECASE,
)


def is_address(text: str) -> bool:
    """Tell whether a text is one address and nothing else."""
    return bool(URL.fullmatch(text) or _BARE.fullmatch(text))


def is_pointer(text: str) -> bool:
    """Tell whether an address only says where the text of a licence stands: it ends in LICENSE, or in a heading."""
    return bool(_POINTS.search(text.split("?", maxsplit=1)[0].rstrip("/.,")))


def read_address(text: str) -> str | None:
    """Return the SPDX id that an address stands for, or None.

    Args:
        text: an address, with or without a scheme.
    """
    where = re.sub(r"^(?:https?://)?(?:www\.)?", "", unquote(text).lower()).split("#")[0].split("?")[0].rstrip("/.,;:")
    where = re.sub(r"/{2,}", "/", where)
    for rule in (_read_commons, _read_listed, _read_tag):
        found = rule(where)
        if found is not None:
            return found
    return None


_COMMONS = re.compile(
    r"(?:(?:[a-z]{1,3}\.)?creativecommons\.(?:org|net|cn)|licensebuttons\.net)/(?:licen[cs]es?|l)/([a-z+-]+)(?:/v?(\d(?:\.\d)?)([a-z]*))?(?:/(.*))?$"
)
_ENDS = re.compile(
    r"(?:legalcode|deed)(?:[._-][\w-]*)*(?:\.html?|\.txt)?|[a-z]{2,3}(?:[_-][a-z]{2,4})?|scotland|rdf|\d+x\d+\.png|"
)
_LANGUAGE = re.compile(r"deed|legalcode|rdf|\d")


def _read_commons(where: str) -> str | None:
    zero = re.match(r"(?:(?:[a-z]{1,3}\.)?creativecommons\.(?:org|net|cn)|licensebuttons\.net)/(.*)", where)
    if zero is None:
        return None
    if re.match(
        r"publicdomain/zero|(?:l|p)/zero|licen[cs]es/publicdomain/zero|share-your-work/public-domain/cc0|about/cc0|licen[cs]es/cc0|licen[cs]es/zero",
        zero[1],
    ):
        return "CC0-1.0"
    if zero[1].startswith("publicdomain/mark"):
        return "CC-PDM-1.0"
    match = _COMMONS.match(where)
    if match is None:
        return None
    elements, version, glued, rest = match.groups()
    parts = [part for part in (rest or "").split("/") if part]
    if (glued and not _LANGUAGE.match(glued)) or any(not _ENDS.fullmatch(part) for part in parts):
        return None
    words = ["cc", *elements.strip("-").split("-"), *([version.removesuffix(".0")] if version else [])]
    port = parts[0] if parts and not _LANGUAGE.match(parts[0]) else None
    if port and not (version or "").startswith("4"):  # 4.0 has translations, no ports
        words.append(port)
    used, id_ = read_commons(words)
    return id_ if used == len(words) else None


def _read_listed(where: str) -> str | None:
    urls: dict[str, str] = names.load_aliases()["urls"]
    known = [url for url in urls if where == url or (where.startswith(url) and where[len(url)] in "/.-")]
    return urls[max(known, key=len)] if known else None


def _read_tag(where: str) -> str | None:
    match = re.match(
        r"(?:choosealicense\.com/(?:no-permission|licenses)|spdx\.org/licenses|opensource\.org/licenses?|licenses\.nuget\.org"
        r"|opendefinition\.org/licenses|publications\.europa\.eu/resource/authority/licence|api\.github\.com/licenses)/([\w.+-]+)$",
        where,
    )
    if not match:
        return None
    tag = re.sub(r"\.(?:html?|json|txt|php|rdf)$|-license(?:\.php)?$", "", match[1])
    tag = re.sub(r"(?<=\d)_(?=\d)", ".", tag).replace("_", " ")
    words = names.fold_name(tag)
    if words in names.folded("families") or words in names.folded("markers"):
        return None
    used, id_ = read_commons(words)
    return names.load_names().get(words) or (id_ if used == len(words) else None)
