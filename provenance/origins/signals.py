"""What sites said of their use when they were crawled, by the snapshots that a manifest names: policies and states.

An address without a snapshot is `not-evaluated`, never allowed. Sources: RFC 9309, sections 2.2 and 2.3; the TDM
Reservation Protocol (report of a W3C Community Group) for tdmrep.json; see `robots` for what else stands in robots.txt.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping  # noqa: TC003 - a dataclass's field
from dataclasses import asdict, dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import yaml

from provenance.core.package_data import DATA_FOLDER
from provenance.origins import robots, robots_patterns
from provenance.origins.robots_patterns import DISALLOWED, NOTHING, UNDECIDED

if TYPE_CHECKING:
    from collections.abc import Sequence

ALLOWED, BLOCKED, LICENCE = "allowed", "training-crawlers-blocked", "licence-required"
UNREACHABLE, RESERVED, UNKNOWN, UNPARSABLE = "unreachable", "reserved", "not-evaluated", "unparsable"
STATES = (ALLOWED, BLOCKED, LICENCE, UNREACHABLE, RESERVED, UNKNOWN, UNPARSABLE)
"""What a site said of an address. With ` (earlier)`, ` (later)` or ` (undated)` where the snapshot is not known to be
of the time of the crawl."""

TIMES = ("", "earlier", "later", "undated")
"""When a snapshot was taken, beside the crawl; in the order in which one is preferred to another."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One file of a host, as it was fetched.

    Args:
        status: of HTTP; None where the manifest does not say, and there is a file.
        location: where the file is on disk, as `os.fsdecode` has it; None where there was none to keep.
        time: one of TIMES.
    """

    status: int | None
    location: str | None
    time: str


@dataclass(frozen=True, slots=True)
class SitePolicy:
    """What is known of the sites of one source.

    Args:
        crawler: the product token under which it was crawled; None = not known: what is said to everybody counts.
        robots: host -> snapshot of its robots.txt.
        tdmrep: host -> snapshot of its tdmrep.json.
    """

    crawler: str | None = None
    robots: Mapping[str, Snapshot] = field(default_factory=dict)
    tdmrep: Mapping[str, Snapshot] = field(default_factory=dict)


NOTHING_KNOWN = SitePolicy()
"""The policy of a source of which no manifest names a snapshot."""


def write_policies(path: Path, policies: Mapping[str, SitePolicy]) -> None:
    """Write policies down for workers to load.

    Args:
        path: the file to make.
        policies: by source.
    """
    path.write_text(json.dumps({source: asdict(policy) for source, policy in policies.items()}), encoding="ascii")


def load_policy(path: str, source: str) -> SitePolicy:
    """Load the policy of a source, read once a process.

    Args:
        path: what `write_policies` made.
        source: its id.
    """
    return _load_policies(path)[source]


@lru_cache(maxsize=1)
def _load_policies(path: str) -> dict[str, SitePolicy]:
    content = json.loads(Path(path).read_text(encoding="ascii"))
    return {
        source: SitePolicy(
            each["crawler"],
            *({host: Snapshot(**kept) for host, kept in each[kind].items()} for kind in ("robots", "tdmrep")),
        )
        for source, each in content.items()
    }


@cache
def training_crawlers() -> frozenset[str]:
    """Return the product tokens of well-known crawlers that collect for training, in lower case."""
    listed = yaml.safe_load((DATA_FOLDER / "training-crawlers.yaml").read_text(encoding="utf-8"))
    return frozenset(each["token"].lower() for each in listed["crawlers"])


def find_states(policy: SitePolicy, split: pa.StructArray) -> pa.Array:
    """Say of every address what its site said of it.

    Args:
        policy: of the source.
        split: from `urls.split_urls`; no address may be null as a whole, though host and path may.

    Returns:
        Strings: one of STATES, with the time of its snapshot where that is not the crawl's.
    """
    hosts, paths = (split.field(k) for k in (0, 1))
    encoded = hosts.dictionary_encode()
    distinct = encoded.dictionary.to_pylist()
    codes = np.asarray(encoded.indices.fill_null(len(distinct)))
    known = [code for code, host in enumerate(distinct) if host in policy.robots or host in policy.tdmrep]
    out = np.full(len(hosts), UNKNOWN, dtype=object)
    out[codes == len(distinct)] = UNPARSABLE
    order = np.argsort(codes, kind="stable")
    begins, ends = (np.searchsorted(codes[order], known, side) for side in ("left", "right"))
    for code, begin, end in zip(known, begins, ends, strict=True):
        rows = order[begin:end]
        out[rows] = _states_of_host(policy, distinct[code], paths.take(pa.array(rows)))
    return pa.array(out, pa.string())


def _states_of_host(policy: SitePolicy, host: str, paths: pa.Array) -> np.ndarray[Any, Any]:
    """Say the strictest of what the files of a host say."""
    state_and_time = [np.full(len(paths), 0, np.int8), np.full(len(paths), "", object)]
    state_and_time[0][:] = STATES.index(UNKNOWN)
    for kind, read in (("robots", _states_by_robots), ("tdmrep", _states_by_tdmrep)):
        snapshot = getattr(policy, kind).get(host)
        if snapshot is None:
            continue
        states_ = read(snapshot, policy.crawler, paths)
        # a reservation wins over all; a state over none
        better = (states_ == STATES.index(RESERVED)) | (
            (state_and_time[0] == STATES.index(UNKNOWN)) & (states_ != STATES.index(UNKNOWN))
        )
        state_and_time[0][better] = states_[better]
        state_and_time[1][better] = f" ({snapshot.time})" if snapshot.time else ""
    named: np.ndarray[Any, Any] = np.array(STATES, object)[state_and_time[0]] + state_and_time[1]
    return named


def _states_by_robots(snapshot: Snapshot, crawler: str | None, paths: pa.Array) -> np.ndarray[Any, Any]:
    status = snapshot.status or 200
    out = np.full(len(paths), STATES.index(UNKNOWN), np.int8)
    if status // 100 == 4:
        out[:] = STATES.index(ALLOWED)  # section 2.3.1.3: there are no rules
    elif status // 100 == 5:
        out[:] = STATES.index(UNREACHABLE)  # section 2.3.1.4: all is disallowed, yet nobody reserved anything
    elif status // 100 == 2 and snapshot.location is not None:
        rules = _read_robots(snapshot.location, crawler)
        if rules is not None:
            out[:] = rules.states(paths)
    return out


@dataclass(frozen=True, slots=True, eq=False)
class _Rules:
    """A robots.txt made ready for one crawler."""

    access: robots_patterns.Patterns
    training: robots_patterns.Patterns
    has_terms: bool
    others: Sequence[robots_patterns.Patterns]

    def states(self, paths: pa.Array) -> np.ndarray[Any, Any]:
        access, training = (robots_patterns.decide_paths(each, paths) for each in (self.access, self.training))
        out = np.full(len(paths), STATES.index(LICENCE if self.has_terms else ALLOWED), np.int8)
        if not self.has_terms:
            for other in self.others:
                out[robots_patterns.decide_paths(other, paths) == DISALLOWED] = STATES.index(BLOCKED)
        out[(access == UNDECIDED) | (training == UNDECIDED)] = STATES.index(UNKNOWN)
        out[(access == DISALLOWED) | (training == DISALLOWED)] = STATES.index(RESERVED)
        return out


@lru_cache(maxsize=8192)
def _read_robots(location: str, crawler: str | None) -> _Rules | None:
    """Read a robots.txt; None where it cannot be read any more."""
    try:
        with open(os.fsencode(location), "rb") as file:  # noqa: PTH123 - paths may be bytes that are no UTF-8
            robots_rules = robots.parse_robots(file.read(robots.LARGEST_BYTES))
    except OSError:
        return None
    group = robots_rules.group(crawler)
    named = sorted((training_crawlers() & robots_rules.access.keys()) - {robots.product_token(crawler or "")})
    # most sites say the same to all of them
    others = dict.fromkeys(robots_rules.group(name).access for name in named)
    return _Rules(
        # section 2.2.2: the file itself may always be fetched
        robots_patterns.prepare_patterns([*group.access, (b"/robots.txt$", True)]),
        robots_patterns.prepare_patterns(group.training, allows_ties=False),
        bool(robots_rules.licences),
        tuple(robots_patterns.prepare_patterns(rules) for rules in others),
    )


def _states_by_tdmrep(snapshot: Snapshot, crawler: str | None, paths: pa.Array) -> np.ndarray[Any, Any]:  # noqa: ARG001 - as _robots
    out = np.full(len(paths), STATES.index(UNKNOWN), np.int8)
    if (snapshot.status or 200) // 100 == 2 and snapshot.location is not None:
        ready = _read_locations(snapshot.location)
        if ready is not None:
            decisions = robots_patterns.decide_paths(ready, paths)
            out[decisions == DISALLOWED] = STATES.index(RESERVED)
            # nothing said is no permission: robots.txt, or nobody, answers
            out[(decisions != DISALLOWED) & (decisions != NOTHING) & (decisions != UNDECIDED)] = STATES.index(ALLOWED)
    return out


@lru_cache(maxsize=8192)
def _read_locations(location: str) -> robots_patterns.Patterns | None:
    """Read a tdmrep.json: the first location that matches counts; None where it is none."""
    try:
        with open(os.fsencode(location), "rb") as file:  # noqa: PTH123 - paths may be bytes that are no UTF-8
            content = json.loads(file.read(robots.LARGEST_BYTES))
    except (OSError, ValueError, RecursionError):
        return None
    entries = [each for each in content if isinstance(each, dict)] if isinstance(content, list) else []
    pairs = [(each.get("location"), each.get("tdm-reservation")) for each in entries]
    known = ((place, value) for place, value in pairs if isinstance(place, str) and value in (0, 1))
    return robots_patterns.prepare_patterns(
        ((place.encode("utf-8", "replace"), value == 0) for place, value in known), in_order=True
    )
