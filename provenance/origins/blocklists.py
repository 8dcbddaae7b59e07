"""Collections known to hold works without permission, by whole names, never parts: `data/blocked-origins.yaml`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import yaml

from provenance.core.package_data import DATA_FOLDER
from provenance.origins import urls

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class BlockedCollection:
    """One collection.

    Args:
        id: its id in the list.
        title: as people call it.
        reason: why it is on the list, a part of a sentence.
        reference: who says so.
        names: names of it.
        labels: what stands before the public suffix of its domains.
        domains: registrable domains of it.
    """

    id: str
    title: str
    reason: str
    reference: str
    names: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()


@cache
def load_blocklist() -> Mapping[str, BlockedCollection]:
    """Return the list by id."""
    content = yaml.safe_load((DATA_FOLDER / "blocked-origins.yaml").read_text(encoding="utf-8"))
    return {
        each["id"]: BlockedCollection(**{key: _freeze(value) for key, value in each.items()})
        for each in content["origins"]
    }


def find_by_domain(domain: str) -> BlockedCollection | None:
    """Return the collection whose domain this is.

    Args:
        domain: a registrable domain.
    """
    return _domains().get(domain) or _labels().get(domain.partition(".")[0])


def find_by_name(name: str) -> BlockedCollection | None:
    """Return the collection that a name, an id such as `owner/name`, or an address names.

    Args:
        name: as stated.
    """
    if "://" in name:
        host = urls.split_urls(pa.array([name])).field(0)[0].as_py()
        found = find_by_domain(urls.find_domain(host)) if host else None
        if found is not None:
            return found
    return _names().get(_fold_name(name)) or _names().get(_fold_name(name.rstrip("/").rsplit("/", 1)[-1]))


@cache
def _names() -> dict[str, BlockedCollection]:
    return {_fold_name(name): each for each in load_blocklist().values() for name in each.names}


@cache
def _labels() -> dict[str, BlockedCollection]:
    return {label: each for each in load_blocklist().values() for label in each.labels}


@cache
def _domains() -> dict[str, BlockedCollection]:
    return {domain: each for each in load_blocklist().values() for domain in each.domains}


def _fold_name(name: str) -> str:
    return re.sub(r"\W|_", "", name.casefold())


def _freeze(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
