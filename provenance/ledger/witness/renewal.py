"""Renewal: an entry that lists the digests of all checkpoints, cosignatures and timestamps so far, to be stamped anew.

A timestamp proves nothing once its certificate has expired: whoever has the key by then can write any time. What was
listed in an entry that was itself timestamped before that day existed before it, so it goes on counting (the idea of
RFC 4998, section 5). Where SHA-256 is about to fail, the list holds SHA-512 too, of every file that an entry binds.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator

from provenance.core.digests import canonical, sha256
from provenance.core.package_data import DATA_FOLDER
from provenance.core.wording import count_noun
from provenance.errors import ConfigError, VerificationError
from provenance.ledger import layout
from provenance.ledger.format import statement
from provenance.ledger.format.envelope import parse_json
from provenance.ledger.log import append, reading
from provenance.ledger.witness import checkpoint_evidence, timestamps
from provenance.ledger.witness.proven_times import StepOutcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from provenance.ledger.keys.signing_keys import KeyPair

KIND = "renewal"
_LIST = "provenance-renewal/v1"
_SIZE = re.compile(r"checkpoints/([0-9]+)\.")


@dataclass(slots=True)
class Renewals:
    """What the renewal entries of a ledger cover.

    Args:
        count: how many there are.
        covered: by the file of a timestamp, at which sizes of the log a renewal entry covers it.
        faults: files that are not what a renewal lists.
        withheld: files that a renewal lists and that are missing, and lists that are.
    """

    count: int = 0
    covered: dict[str, list[int]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    withheld: list[str] = field(default_factory=list)

    def outcomes(self) -> list[StepOutcome]:
        """Say what they come to, as a step of verification; nothing where there are none."""
        if self.faults:
            return [StepOutcome("renewals", "failed", "; ".join(self.faults[:5]), "invalid")]
        if self.withheld:
            return [StepOutcome("renewals", "failed", f"withheld: {', '.join(self.withheld[:5])}", "withheld")]
        lists, them = ("lists", "it") if self.count == 1 else ("list", "them")
        stamps = count_noun(len(self.covered), "timestamp")
        summary = f"{self.count} {lists} the checkpoints before {them} as they are, and {stamps}"
        return [StepOutcome("renewals", "ok", summary)] if self.count else []


def renew(
    folder: Path, scanner: Mapping[str, Any], when: datetime, *, keys: KeyPair, files: bool = False
) -> append.Entry:
    """Append a renewal entry. It renews nothing before its own checkpoint is timestamped.

    Args:
        folder: the ledger.
        scanner: the program: name, version, digest.
        when: the time; claimed, not proven; UTC.
        keys: who signs; must be the ledger's own.
        files: whether to list the SHA-512 of every file that an entry binds, and of every entry, too.

    Returns:
        The entry; its predicate counts what it covers.

    Raises:
        ConfigError: the folder is no ledger, or another's.
        BrokenChain: the ledger does not verify.
        OSError: the folder cannot be written, or a file that an entry binds cannot be read.
    """
    if not layout.is_ledger(folder):
        raise ConfigError(f"{folder} is no ledger; `provenance scan DATA --ledger {folder}` makes one")
    size = layout.size(folder)
    covers = [_describe(folder, name) for name in _evidence_files(folder, size)]
    bound = [_describe(folder, name, "sha512") for name in _bound(folder, size)] if files else []
    facts = {
        "kind": KIND,
        "scanner": scanner,
        "renewedOn": when.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "covers": {
            "checkpoints": size,
            "cosignatures": sum(item["path"].endswith(".cosigs") for item in covers),
            "timestamps": sum(item["path"].endswith(".tsr") for item in covers),
            "files": len(bound),
        },
    }
    return append.attach(folder, KIND, canonical({"kind": _LIST, "covers": covers, "files": bound}), facts, keys=keys)


def check_renewals(folder: Path, statements: Sequence[statement.Statement]) -> Renewals:
    """Compare everything that renewal entries list with what stands in the ledger.

    Args:
        folder: the ledger.
        statements: its entries, in order; their signatures were checked.

    Returns:
        What they cover, faults included; never raises for what a file holds.
    """
    found = Renewals()
    for index, entry in enumerate(statements):
        if entry.kind != KIND:
            continue
        found.count += 1
        name = statement.object_path(entry.value["subject"][0]["digest"]["sha256"])
        try:
            listed = _read_list(folder / name, entry)
        except OSError:
            found.withheld.append(name)
            continue
        except VerificationError as cause:
            found.faults.append(f"{name}: {cause}")
            continue
        for item in (*listed["covers"], *listed["files"]):
            _compare(found, folder, item, index)
    return found


def _compare(found: Renewals, folder: Path, item: Mapping[str, Any], index: int) -> None:
    name = item["path"]
    sized = _SIZE.match(name)
    if sized and int(sized[1]) > index:
        found.faults.append(f"entry {index} lists {name}, which came after it")
        return
    try:
        same = _describe(folder, name, "sha512" if "sha512" in item else "sha256", item["bytes"]) == item
        # Lines of witnesses are added at the end; nothing else ever grows.
        same = same and (name.endswith(".cosigs") or (folder / name).stat().st_size == item["bytes"])
    except OSError:
        found.withheld.append(name)
        return
    if not same:
        found.faults.append(f"{name} is not what entry {index} lists")
    elif name.endswith(".tsr"):
        found.covered.setdefault(name, []).append(index + 1)


def _read_list(path: Path, entry: statement.Statement) -> dict[str, Any]:
    data = layout.read_bytes(path, layout.ENTRY_LIMIT)
    if sha256(data) != entry.value["subject"][0]["digest"]["sha256"]:
        raise VerificationError("it is not what its entry binds")
    value: dict[str, Any] = parse_json(data)
    if not _validator().is_valid(value) or canonical(value) != data:
        raise VerificationError("it is not the list of a renewal, or not in canonical form")
    for items in (value["covers"], value["files"]):
        if len({item["path"] for item in items}) != len(items):
            raise VerificationError("it lists a file twice")
    return value


def _describe(folder: Path, name: str, algorithm: str = "sha256", size: int | None = None) -> dict[str, Any]:
    """Digest a file, or its first bytes, without following links."""
    path = folder / name
    if path.is_symlink() or not path.is_file():
        raise FileNotFoundError(name)
    left = path.stat().st_size if size is None else size
    digest, read = hashlib.new(algorithm), 0
    with path.open("rb") as file:
        while part := file.read(min(1 << 20, left - read)):
            digest.update(part)
            read += len(part)
    return {"path": name, "bytes": read, algorithm: digest.hexdigest()}


def _evidence_files(folder: Path, size: int) -> Iterator[str]:
    """Checkpoints, and what stands beside them, in order."""
    for at in range(1, size + 1):
        stamps = (*checkpoint_evidence.timestamp_paths(at), *checkpoint_evidence.revocations_paths(at))
        beside_it = (layout.note_path(at), checkpoint_evidence.cosignatures_path(at), *stamps)
        yield from (name for name in beside_it if (folder / name).is_file())


def _bound(folder: Path, size: int) -> Iterable[str]:
    """Entries, and every file that one binds, sorted; what is withheld is left out."""
    names = {layout.entry_path(index) for index in range(size)}
    for index in range(size):
        names |= set(reading.read_statement(folder, index).folder)
    return sorted(name for name in names if (folder / name).is_file())


def list_expired(folder: Path, when: datetime) -> list[str]:
    """Name the timestamps that it is too late to renew: their own certificate has expired.

    Args:
        folder: the ledger.
        when: the time now; UTC.
    """
    names = [name for name in _evidence_files(folder, layout.size(folder)) if name.endswith(".tsr")]
    return [name for name in names if _signer_expiry(folder / name) < when]


def _signer_expiry(path: Path) -> datetime:
    return timestamps.read(layout.read_bytes(path, timestamps.LIMIT)).signer.not_valid_after_utc


@functools.cache
def _validator() -> Draft202012Validator:
    schema = DATA_FOLDER / "schemas" / "ledger" / "renewal-list-v1.schema.json"
    return Draft202012Validator(json.loads(schema.read_bytes()))
