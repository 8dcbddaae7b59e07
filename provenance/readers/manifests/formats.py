"""The formats of manifests, one line each, in the order in which they are asked whether a file is theirs."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from provenance.core.registry import Registry
from provenance.readers.manifests.manifest_format import ManifestFormat, file_name

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMATS: Registry[ManifestFormat] = Registry(
    "MANIFEST_FORMAT",
    "provenance.readers.manifests.native",
    "provenance.readers.manifests.reuse",
    "provenance.readers.manifests.debian_copyright",
    "provenance.readers.manifests.licence_files",
    "provenance.readers.manifests.citation",
    "provenance.readers.manifests.codemeta",
    "provenance.readers.manifests.ro_crate",
    "provenance.readers.manifests.dvc",
    "provenance.readers.manifests.cards",
    "provenance.readers.manifests.readmes",
    "provenance.readers.manifests.croissant",
    "provenance.readers.manifests.spdx",
    "provenance.readers.manifests.cyclonedx",
    "provenance.readers.manifests.dcat",
    "provenance.readers.manifests.frictionless",
    "provenance.readers.manifests.zenodo",
    "provenance.readers.manifests.llama_factory",
    "provenance.readers.manifests.dataset_infos",
    "provenance.readers.manifests.dpi",
    "provenance.readers.manifests.nltk",
)
"""Every format by name, those that nobody reads yet included."""


class _Known(NamedTuple):
    """The formats as they are asked, made once of a registry's lines."""

    names: re.Pattern[str]
    formats: tuple[ManifestFormat, ...]
    by_suffix: Mapping[str, tuple[ManifestFormat, ...]]
    by_witness: Mapping[str, ManifestFormat]


@cache
def _known(_modules: tuple[str, ...]) -> _Known:
    formats = tuple(FORMATS.values())
    suffixes = {suffix for each in formats for suffix in each.suffixes}
    by_suffix = {
        suffix: tuple(each for each in formats if not each.suffixes or suffix in each.suffixes)
        for suffix in (*suffixes, _ANY)
    }
    written = [(each.names.pattern, bool(each.names.flags & re.IGNORECASE)) for each in formats if each.names]
    names = re.compile("|".join(f"(?i:{pattern})" if folded else f"(?:{pattern})" for pattern, folded in written))
    return _Known(names, formats, by_suffix, {each.witness or each.name: each for each in formats})


_ANY = "."  # in place of a suffix that no format looks at


def recognise(path: str, head: bytes) -> str | None:
    """Name the manifest format of a file.

    Args:
        path: relative to the scan root, '/' between parts.
        head: its first bytes, at most 64 KiB.

    Returns:
        The format, one of FORMATS; None if it is not a manifest.
    """
    known, name = _known(FORMATS.modules), path.rsplit("/", 1)[-1]
    for each in known.formats if known.names.fullmatch(name) else ():  # one look for the many files that are none
        if each.names is not None and each.names.fullmatch(name):
            return each.name
    candidates = known.by_suffix.get(_suffix(path) or _ANY, known.by_suffix[_ANY])
    sure = (each.name for each in candidates if each.sniff is not None and each.sniff(path, head))
    likely = (each.name for each in candidates if each.guess is not None and each.guess(path, head))
    return next(sure, None) or next(likely, None)


def is_doubtful(path: str) -> bool:
    """Tell whether a file's first bytes decide if it is a manifest: its name has one of their suffixes, or none."""
    suffix = _suffix(path)
    return suffix is None or suffix in _known(FORMATS.modules).by_suffix


def _suffix(path: str) -> str | None:
    _, dot, suffix = file_name(path).rpartition(".")
    return suffix if dot else None


def is_read(format: str | None) -> bool:  # noqa: A002 - the contract's word
    """Tell whether files of a format, as PATHS.kind names it, are read into claims."""
    return format is not None and format in FORMATS and FORMATS[format].read is not None


def by_witness(witness: str) -> ManifestFormat:
    """Return the format whose files are a witness.

    Args:
        witness: as CLAIMS.witness names it.

    Returns:
        The format; of what is no manifest's word (a column of records, a digest, a later version's format) one of that
        name that is nothing in particular.
    """
    return _known(FORMATS.modules).by_witness.get(witness) or ManifestFormat(witness)
