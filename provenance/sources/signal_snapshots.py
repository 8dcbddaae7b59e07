"""From what native manifests say of robots.txt and tdmrep.json to policies: which file speaks for which host, and when.

Only a manifest at the root takes a snapshot out of the data; elsewhere it is a snapshot and data. Paths are relative to
the manifest's folder.
"""

from __future__ import annotations

import calendar
import os
import re
from collections import defaultdict
from datetime import date, timedelta
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from provenance.core import schemas
from provenance.core.model import PURPOSES
from provenance.core.path_names import disk_location
from provenance.origins import robots, signals
from provenance.origins.signals import TIMES, SitePolicy, Snapshot
from provenance.readers import manifests
from provenance.readers.manifests import by_witness
from provenance.readers.storage import regular_files
from provenance.sources import claims as source_claims
from provenance.sources import file_roles
from provenance.sources import scopes as source_scopes
from provenance.sources.inventory import HEAD_BYTES
from provenance.sources.scope_paths import find_matching, resolved_path
from provenance.sources.source_openings import entry_pointer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    import pyarrow as pa

    from provenance.sources.claims import Rows
    from provenance.sources.scope_paths import Claim

KIND = "web-signals"
"""PATHS.kind of a snapshot that is not data."""

_FRESH = timedelta(hours=24)  # RFC 9309, section 2.4: an older copy is not used
_HOST = re.compile(r"[\w-]+(?:\.[\w-]+)*(?::\d{1,5})?", re.ASCII)
_ENDINGS = (".robots.txt", ".txt", ".json")


def take_snapshots(root: Path, paths: pa.Table, claims: Iterable[Claim]) -> pa.Table:
    """Take the snapshots that a manifest at the root names out of the data, but what is no snapshot by its bytes.

    Args:
        root: the folder.
        paths: PATHS.
        claims: CLAIMS as rows.

    Returns:
        PATHS with their roles.
    """
    naming = [
        claim for claim in claims if claim["field"] in {"signal.file", "signal.folder"} and "/" not in claim["manifest"]
    ]
    if not naming:  # nearly always, and there may be a million paths
        return paths
    rows = paths.to_pylist()
    known = sorted(row["path"] for row in rows)
    named = {path for claim in naming for path in find_matching(resolved_path(claim), known)}
    taken = [
        row
        for row in rows
        if row["path"] in named
        and row["role"] == "data"
        and row["bytes"] <= manifests.LARGEST
        and _is_snapshot(root, row)
    ]
    for row in taken:
        row["role"], row["kind"], row["reason"] = "manifest", KIND, None
    return schemas.rows(rows, schemas.PATHS) if taken else paths


def _is_snapshot(root: Path, row: Mapping[str, Any]) -> bool:
    """Tell whether a file can be what a site says: a list in JSON, or a text that is not records by its form.

    A text that is larger than what is read of a robots.txt must consist of its rules.
    """
    try:
        head = regular_files.read_head(source_claims.path_on_disk(root, row), HEAD_BYTES)
    except OSError:  # whoever digests it says so
        return True
    if row["path"].lower().endswith(".json"):
        return True
    small = row["bytes"] <= robots.LARGEST_BYTES or robots.consists_of_rules(head)
    return small and not file_roles.holds_records(row["path"], head)


def write_policies(root: Path, paths: pa.Table, claims: Rows, scratch: Path) -> Callable[[str], tuple[str, str] | None]:
    """Write down for workers what manifests say of the sites that were crawled.

    Args:
        root: the folder.
        paths: PATHS.
        claims: CLAIMS as rows.
        scratch: folder for scratch files.

    Returns:
        Given a path, the file of policies and the source whose policy is that of the path; None where there is none.
    """
    if not any(claim["field"] == "crawler" or claim["field"].startswith("signal.") for claim in claims):
        return lambda _: None
    scopes = source_scopes.decide_scopes(
        paths, source_claims.make_table(claims), PURPOSES[0]
    )  # who covers what depends on no purpose
    found = make_policies(root, paths, claims, scopes.list_holders)
    place = str(scratch / "policies.json")
    signals.write_policies(Path(place), found)

    def told_of(path: str) -> tuple[str, str] | None:
        source = scopes.find_source(path)
        return (place, source) if source in found else None

    return told_of


def make_policies(
    root: Path, paths: pa.Table, claims: Iterable[Claim], holders: Mapping[str, str]
) -> dict[str, SitePolicy]:
    """Say what is known of the sites of each source.

    Args:
        root: the folder.
        paths: PATHS.
        claims: CLAIMS as rows.
        holders: `manifest pointer-prefix` -> source, from `scopes.Scopes.list_holders`.

    Returns:
        Policies by source, of sources of which a manifest names a crawler or a snapshot.
    """
    known = sorted(paths["path"].to_pylist())
    stated: dict[str, list[Claim]] = defaultdict(list)
    for claim in claims:
        if by_witness(claim["witness"]).own:
            source = holders.get(f"{claim['manifest']} {entry_pointer(claim)}")
            if source is not None:
                stated[source].append(claim)
    found: dict[str, SitePolicy] = {}
    for source, claims_of_source in stated.items():
        first = {claim["field"]: claim["value"] for claim in reversed(claims_of_source)}
        crawler = first.get("crawler") or first.get("collection.user_agent")
        began = first.get("collection.started") or first.get("acquired")
        crawled = f"{began}/{first.get('collection.ended') or began}" if began else None
        kept = _choose_snapshots(claims_of_source, crawled, root, known)
        if crawler is not None or kept:
            by_kind = {kind: {host: each for (k, host), each in kept.items() if k == kind} for kind, _ in kept}
            found[source] = SitePolicy(crawler, by_kind.get("robots", {}), by_kind.get("tdmrep", {}))
    return found


def _choose_snapshots(
    own_claims: Iterable[Claim], crawled: str | None, root: Path, known: list[str]
) -> dict[tuple[str, str], Snapshot]:
    """Choose of each host's snapshots the one that is nearest to the crawl, in the order of TIMES."""
    entries: dict[tuple[str, str], dict[str, Claim]] = defaultdict(dict)
    for claim in own_claims:
        if claim["field"].startswith("signal."):
            entries[claim["manifest"], claim["pointer"].rsplit("/", 1)[0]][claim["field"][7:]] = claim
    best: dict[tuple[str, str], tuple[int, int, Snapshot]] = {}
    for _, entry in sorted(entries.items()):
        value = {key: claim["value"] for key, claim in entry.items()}
        fetched = value.get("fetched")
        time = place_in_time(fetched, crawled)
        status = int(value["status"]) if "status" in value else None
        days = _first_and_last_day(fetched)[1].toordinal() if fetched else 0
        rank = TIMES.index(time), days if time == "later" else -days
        for host, path in _files_by_host(entry, known):
            at = None if path is None else os.fsdecode(disk_location(root, path))
            key = value.get("kind", "robots"), host
            if key not in best or rank < best[key][:2]:
                best[key] = *rank, Snapshot(status, at, time)
    return {key: snapshot for key, (_, _, snapshot) in best.items()}


def _files_by_host(entry: Mapping[str, Claim], known: list[str]) -> Iterator[tuple[str, str | None]]:
    """Yield each host and its file: of a folder, the host is the file's name, or that of the folder around it."""
    if "folder" in entry:
        for path in find_matching(resolved_path(entry["folder"]).rstrip("/") + "/", known):
            name = PurePosixPath(path).name.lower()
            host = PurePosixPath(path).parent.name.lower() if name in {"robots.txt", "tdmrep.json"} else name
            host = next((host.removesuffix(ending) for ending in _ENDINGS if host.endswith(ending)), host)
            if _HOST.fullmatch(host):
                yield host, path
        return
    host = re.sub(r":(?:80|443)$", "", entry["host"]["value"].lower().rstrip("."))
    if "file" not in entry:
        yield host, None
    elif (path := resolved_path(entry["file"])) in known:
        yield host, path


def place_in_time(fetched: str | None, crawled: str | None) -> str:
    """Tell whether a snapshot is of the time of a crawl.

    Args:
        fetched: the day, month or year in which the snapshot was taken, ISO 8601; None = not known.
        crawled: the same of the crawl, or when it began and ended with '/' between them.

    Returns:
        One of TIMES: '' where it may be of that time, for a crawler may use a copy for 24 hours.
    """
    if fetched is None or crawled is None:
        return "undated"
    first, last = _first_and_last_day(fetched)
    began, _, ended = crawled.partition("/")
    begin, end = _first_and_last_day(began)[0], _first_and_last_day(ended or began)[1]
    if first > end:
        return "later"
    return "earlier" if last < begin - _FRESH else ""


def _first_and_last_day(stated: str) -> tuple[date, date]:
    """Return the first and last day of a date; a day that a month does not have is its last."""
    year, month, day = (*map(int, stated.split("-")), 0, 0)[:3]
    first_month, last_month = (month, month) if month else (1, 12)
    ends = [calendar.monthrange(year, each)[1] for each in (first_month, last_month)]
    days = (min(day, ends[0]), min(day, ends[1])) if day else (1, ends[1])
    return date(year, first_month, days[0]), date(year, last_month, days[1])
