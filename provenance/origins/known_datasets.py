"""Facts on well-known data sets, which ship as data: `manifests/known/datasets.yaml`."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - a dataclass's field
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from provenance.core import package_data


@dataclass(frozen=True, slots=True)
class KnownDataset:
    """What is known of one data set.

    Args:
        id: its id in the list.
        basis: where the facts stand.
        licence: SPDX expression of its data; None where the basis names none.
        since: date on which it was published at the latest, ISO 8601.
        url: its home.
        names: names that copies bear, Hugging Face ids among them.
        upstream: ids or addresses that it was made from.
        terms: licence ids of the services whose models generated it.
        files: path -> SHA-256 of its original files, hexadecimal.
    """

    id: str
    basis: tuple[str, ...]
    licence: str | None = None
    since: str | None = None
    url: str | None = None
    names: tuple[str, ...] = ()
    upstream: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)


SHIPPED_BENCHMARKS = {"GSM8K (test part)": "gsm8k", "HumanEval (all tasks)": "human-eval", "MBPP (test part)": "mbpp"}
"""Titles of the indexes of benchmarks that ship, and the ids of their data sets; every scan looks for their items."""


@cache
def load_known() -> tuple[KnownDataset, ...]:
    """Return the well-known data sets, in the order of their list."""
    path = package_data.data_folder("known") / "datasets.yaml"
    value = package_data.parse_yaml(path.read_bytes())
    return tuple(KnownDataset(**{name: _freeze(each) for name, each in entry.items()}) for entry in value["datasets"])


@cache
def known_by_digest() -> Mapping[str, KnownDataset]:
    """Return SHA-256 of an original file -> the data set whose file it is."""
    return {digest: each for each in load_known() for digest in each.files.values()}


@cache
def known_by_name() -> Mapping[str, KnownDataset]:
    """Return name -> data set: ids, other names and addresses without scheme, all in lower case."""
    names: dict[str, KnownDataset] = {}
    for each in load_known():
        home = each.url.split("://", 1)[1] if each.url else each.id
        for name in (each.id, *each.names, home):
            names.setdefault(name.lower().rstrip("/"), each)
    return names


def find_known(value: str) -> KnownDataset | None:
    """Return the data set that a name, folder or address names, if it is on the list.

    Args:
        value: "gsm8k", "benchmarks/human_eval", "https://github.com/openai/human-eval".
    """
    whole = value.lower().split("://", 1)[-1].removeprefix("[removed]@").rstrip("/")
    for name in (whole, whole.rsplit("/", 1)[-1]):
        found = known_by_name().get(name) or known_by_name().get(name.replace("_", "-"))
        if found is not None:
            return found
    return None


def _freeze(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
