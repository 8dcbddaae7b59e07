"""Licence files: LICENSE and its kin, DATA_LICENSE, WEIGHT_DIFF_LICENSE, NOTICE. They open no source."""

from __future__ import annotations

import re
import zlib
from dataclasses import replace
from typing import Any

from provenance.core.model import Claim
from provenance.errors import ManifestError
from provenance.licences.expressions import join_by_and, normalise
from provenance.licences.texts import identify
from provenance.readers.manifests import debian_copyright
from provenance.readers.manifests.manifest_format import ManifestFormat
from provenance.readers.manifests.yaml_documents import decode, folder

_CODE = re.compile(r"(?:^|[_.-])code(?:[_.-]|$)", re.IGNORECASE)


def read(path: str, data: bytes, format: str) -> list[Claim]:  # noqa: A002 - the family's signature
    """Read a licence file.

    Args:
        path: the file's path.
        data: its bytes.
        format: licence | data-licence | weights-licence | notice.

    Returns:
        One claim `licence`: the SPDX expression of what the file holds (all licences of a file apply), else what it
        begins with. A notice states credits, not a licence: no claim. An empty file claims nothing.

    Raises:
        ManifestError: it is not a text.
    """
    speaks = next(each for each in MANIFEST_FORMAT if each.name == format)
    if speaks is _NOTICE:
        return []
    if debian_copyright.is_copyright(data):
        return debian_copyright.read(path, data, debian_copyright.MANIFEST_FORMAT.name)
    text = decode(path, data)
    value = summarise(text)
    if not value:
        return []
    subject = "code" if _CODE.search(path.rsplit("/", 1)[-1]) else speaks.subject
    first = next(number for number, line in enumerate(text.splitlines(), 1) if line.strip())
    return [Claim("licence", value, folder(path), speaks.witness or format, f"L{first}", subject)]


def _read_other(path: str, data: bytes, _format: str) -> list[Claim]:
    """Read a licence that is compressed, and refuse one that is no text."""
    if not path.lower().endswith(".gz"):
        raise ManifestError(f"{path}: a licence that was not read, which may restrict what is stated elsewhere")
    try:
        text = zlib.decompressobj(31).decompress(data, 1 << 20)
    except zlib.error as error:
        raise ManifestError(f"{path}: a licence that was not read: {error}") from error
    return [replace(claim, pointer="L1") for claim in read(path, text, LICENCE.name)]


def summarise(text: str) -> str:
    """Return what a licence text states, in one value.

    Args:
        text: of the file.

    Returns:
        The SPDX expression of all licences that it holds, what restricts them, else its first line; '' of no text.
    """
    found = identify(text)
    exact = [licence.expression for licence in found if licence.expression]
    if exact and len(exact) == len(found):
        return join_by_and(exact)
    if found:
        return str(found[0].note)[:200]
    first = next((line.strip() for line in text.splitlines() if line.strip()), "")[:200]
    # A title alone must not pass for the licence it names: identify would have found its text.
    return f"unrecognised text: {first}" if first and normalise(first).expression else first


_TERMS = (
    r"terms[_ -]?(?:of[_ -]?(?:use|service)|and[_ -]?conditions)|eula|(?:data[_ -]?)?(?:use|usage)[_ -]?agreement|"
    r"usage[_ -]?(?:policy|terms)|acceptable[_ -]?use(?:[_ -]?policy)?|nutzungsbedingungen|"
    r"使用条款|使用條款|使用协议|利用規約|许可协议|数据许可|許可|许可证?"
)
_LICENCE = rf"(?:licen[sc]es?|lizenz|licencia|copying(?:\.lesser)?|copyright|unlicen[sc]e|{_TERMS})"
_ENDING = r"(?:\.(?:txt|md|rst|markdown|html?))?"
_OF_WEIGHTS = r"(?:weights?(?:[_-]diff)?|model)"
_OTHERS = (
    r"(?!.*\.(?:jsonl?|ndjson|csv|tsv|parquet|arrow|py|js|ts|ya?ml|xml|zip|gz|zst|xz|bz2|tar|pdf|docx?|odt|png|svg|"
    r"ttl|rdf)$)"
)
"""What is called so is data, code or a picture, whatever it is about."""


def _of_reuse(path: str, _head: bytes) -> bool:
    """REUSE keeps one text a licence in a folder of that name."""
    return "/licenses/" in f"/{path.lower()}" and path.lower().endswith((".txt", ".md"))


def _format(name: str, names: str, witness: str, **more: Any) -> ManifestFormat:
    return ManifestFormat(
        name,
        read,
        names=re.compile(f"{_OTHERS}(?:{names}){_ENDING}", re.IGNORECASE),
        suffixes=("txt", "md", "rst", "markdown"),
        role="licence",
        prose=True,
        witness=witness,
        inside_archives=True,
        **more,
    )


LICENCE = _format(
    "licence",
    rf"(?:[\w.+]{{1,30}}[_-])?{_LICENCE}(?:[_.-][\w.+-]{{1,40}}?)?",
    "licence-file",
    sniff=_of_reuse,
)
"""A licence that does not say of what: so is read what a manifest names as one."""

_OF_TERMS = re.compile(
    rb"(?i)licen[sc]ed?\b|commercial|copyright|redistribut|all rights|permission of|"
    rb"(?:you|recipients?|users?) (?:may|must|shall|agree)|for [\w ,-]{1,60} only|kommerz|nur f|"
    + "使用|商业|商用|仅供|禁止|许可|版权".encode()
)
"""What a text holds that states terms, and a list of terms or conditions hardly does."""


def _is_list(head: bytes, size: int) -> bool:
    return _OF_TERMS.search(head) is None or head.lstrip()[:1] in (b"{", b"[") or size > 1 << 16


_OTHER_LICENCES = r"(?!.*(?:plate|driver|driving))"
_DOCUMENT = (
    rf"{_OTHER_LICENCES}(?:[\w.+ -]{{1,30}}[_ -])?(?:{_LICENCE}(?:[_ -][\w.+ -]{{1,40}}?)?|terms|tos|dua)"
    r"\.(?:pdf|docx?|odt)"
    rf"|{_LICENCE}{_ENDING}\.gz"
)


_NOTICE = _format("notice", r"(?:third[_-]?party[_-]?)?notices?", "notice-file")
MANIFEST_FORMAT = (
    _format(
        "data-licence",
        rf"(?:data|dataset)[_.-]?{_LICENCE}|{_LICENCE}[_.-](?:data|dataset)",
        "data-licence-file",
        subject="data",
    ),
    _format(
        "weights-licence",
        rf"{_OF_WEIGHTS}[_.-]?{_LICENCE}|{_LICENCE}[_.-](?:weights?|model)",
        "weights-licence-file",
        subject="model",
    ),
    LICENCE,
    _format(
        "terms-of-use",
        r"(?:(?:data|dataset|licen[sc]e)[_-]?)?(?:terms|tos|conditions|dua|permissions?|rights)",
        "licence-file",
        contradicts=_is_list,
    ),
    _NOTICE,
    ManifestFormat(
        "licence-document",
        _read_other,
        names=re.compile(_DOCUMENT, re.IGNORECASE),
        role="licence",
        witness="licence-file",
        opaque=True,
    ),
)
