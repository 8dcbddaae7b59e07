"""Times: when an entry existed at the latest, proven by others; what entries say of themselves is only claimed.

A checkpoint that somebody saw at some time existed then, and so did every smaller one. Who asks for several authorities
gets the time by which that many of them had seen it, so that one who lies cannot date anything back.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from provenance.core.wording import choose_verb

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from provenance.ledger.keys.trusted_keys import Trust
    from provenance.ledger.witness.checkpoint_evidence import CheckpointEvidence, Stamped, Witnessed

SLACK = timedelta(minutes=10)
"""How far clocks of honest people may be apart."""

_Sized = TypeVar("_Sized", "Stamped", "Witnessed")
CLAIMED = frozenset(
    {
        "decidedOn",
        "declaredOn",
        "derivedOn",
        "drawnOn",
        "finishedOn",
        "ranOn",
        "renewedOn",
        "reviewedOn",
        "waivedOn",
    }
)
"""What entries call the time at which they were made: one for each kind."""


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """What one step of verification came to.

    Args:
        name: witnesses | timestamps | claimed times | renewals.
        status: ok | failed | not checked.
        detail: one plain sentence.
        fault: invalid (it does not verify) | uncovered (it is not what the trust file asks for) | withheld (files are
            missing); None if not failed.
    """

    name: str
    status: Literal["ok", "failed", "not checked"]
    detail: str
    fault: Literal["invalid", "uncovered", "withheld"] | None = None


@dataclass(frozen=True, slots=True)
class Proven:
    """A time by which something existed.

    Args:
        time: UTC.
        by: who says so, sorted.
    """

    time: datetime
    by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TimeEvidence:
    """What the times of one ledger are found out from.

    Args:
        size: entries of the ledger.
        evidence: cosignatures and timestamps of its checkpoints.
        pinned: what the verifier trusts, and asks for.
        now: the verifier's clock; UTC.
        renewals: by the file of a timestamp, at which sizes of the log a renewal entry covers it; None where they were
            not looked at.
    """

    size: int
    evidence: CheckpointEvidence
    pinned: Trust
    now: datetime
    renewals: Mapping[str, Sequence[int]] | None

    @property
    def latest(self) -> datetime:
        """The time it is now at least: a clock that was put back does not undo what was proven since."""
        return max([self.now, *(item.time for item in self.evidence.stamped)])


def build_evidence(
    size: int,
    evidence: CheckpointEvidence,
    pinned: Trust,
    renewals: Mapping[str, Sequence[int]] | None,
    *,
    now: datetime | None = None,
) -> TimeEvidence:
    """Bring together what times are found out from.

    Args:
        size: entries of the ledger.
        evidence: cosignatures and timestamps of its checkpoints.
        pinned: what the verifier trusts, and asks for.
        renewals: by the file of a timestamp, at which sizes of the log a renewal entry covers it; None where they were
            not looked at.
        now: the verifier's clock; the computer's if None.

    Returns:
        What the functions here ask for.
    """
    return TimeEvidence(size, evidence, pinned, now or _now(), renewals)


def proven_times(at: TimeEvidence) -> dict[int, Proven]:
    """Find out by when each checkpoint existed.

    Args:
        at: what is known.

    Returns:
        By size of the log; a size that nobody who is trusted saw is not there. Entry i existed by the time of size
        i + 1. That it did not exist long before is never proven.
    """
    found: dict[int, Proven] = {}
    stamped: dict[str, datetime] = {}
    witnessed: dict[str, datetime] = {}
    stamps, seen = _by_size(list_counting(at)), _by_size(at.evidence.witnessed)
    for size in range(at.size, 0, -1):
        for items, earliest in ((stamps, stamped), (seen, witnessed)):
            for item in items.get(size, ()):
                earliest[item.whose] = min(item.time, earliest.get(item.whose, item.time))
        minimums = ((stamped, at.pinned.timestamps.minimum), (witnessed, at.pinned.witnesses.quorum))
        proven = [agreed for seen_by, least in minimums if (agreed := _agreed(seen_by, max(1, least)))]
        if proven:
            found[size] = min(proven, key=lambda item: item.time)
    return found


def list_counting(at: TimeEvidence) -> list[Stamped]:
    """Return the timestamps that still prove something: the certificate is valid, or it was renewed while it was.

    Args:
        at: what is known.

    Returns:
        Those of pinned authorities that count; each was checked at the time it names.
    """
    found: list[Stamped] = []
    stamps = _by_size(at.evidence.stamped)
    earliest: dict[int, datetime] = {}  # by size: when a timestamp that counts was made of this log or a longer one
    for size in range(at.size, 0, -1):
        before = len(found)
        for item in stamps.get(size, ()):
            if item.status.state == "revoked":
                continue
            # A renewal stands later in the log than what it covers, so what is asked for here is known by now.
            later = [where for where in (at.renewals or {}).get(item.path, ()) if where > size]
            renewed = earliest.get(min(later, default=0))
            valid = at.pinned.timestamps.accept_expired or item.expires > at.latest
            if valid or (renewed is not None and renewed <= item.expires):
                found.append(item)
        times = [item.time for item in found[before:]]
        if size + 1 in earliest:
            times.append(earliest[size + 1])
        if times:
            earliest[size] = min(times)
    return found


def steps(at: TimeEvidence, predicates: Mapping[int, Mapping[str, Any]]) -> list[StepOutcome]:
    """Say what witnesses and timestamps come to.

    Args:
        at: what is known.
        predicates: what entries say, by their number, in order.

    Returns:
        The steps of verification: witnesses, timestamps, and claimed times where anything can be said of them.
    """
    return [_witnesses(at), _timestamps(at), *_claims(at, predicates)]


def _witnesses(at: TimeEvidence) -> StepOutcome:
    policy, evidence = at.pinned.witnesses, at.evidence
    by_key: dict[bytes, datetime] = {}
    for seen in evidence.witnessed:
        if seen.size == at.size:
            by_key[seen.key] = max(seen.time, by_key.get(seen.key, seen.time))
    strangers = _strangers(evidence, "witnesses")
    if evidence.faults["witnesses"]:
        return StepOutcome("witnesses", "failed", "; ".join(evidence.faults["witnesses"][:5]), "invalid")
    if len(by_key) < policy.quorum:
        covered = _newest_with(at, policy.quorum)
        lack = (
            f"{len(by_key)} of {policy.quorum} witnesses cosigned the newest checkpoint, {at.size}{covered}{strangers}"
        )
        return StepOutcome("witnesses", "failed", lack, "uncovered")
    if not policy.keys:
        none = "no witness is pinned: the log's owner could show others another history"
        return StepOutcome("witnesses", "not checked", f"{none}{strangers}")
    if not by_key:
        return StepOutcome("witnesses", "not checked", f"no pinned witness cosigned the newest checkpoint{strangers}")
    if policy.within is not None and (old := _stale(sorted(by_key.values(), reverse=True), at)):
        return StepOutcome("witnesses", "failed", old, "uncovered")
    names = ", ".join(sorted({seen.whose for seen in evidence.witnessed if seen.size == at.size}))
    return StepOutcome("witnesses", "ok", f"checkpoint {at.size} was cosigned by {names}{strangers}")


def _stale(latest: list[datetime], at: TimeEvidence) -> str | None:
    """Tell why the newest checkpoint may not be the newest there is, by the times of its witnesses, newest first."""
    policy = at.pinned.witnesses
    seen = latest[max(1, policy.quorum) - 1]
    if policy.within is not None and at.now - seen > policy.within:
        return (
            f"checkpoint {at.size} is stale: its witnesses saw it last at {_format(seen)}; there may be newer entries"
        )
    if seen - at.now > SLACK:
        return (
            f"a witness saw checkpoint {at.size} at {_format(seen)}, which is still to come: one of the clocks is wrong"
        )
    return None


def _newest_with(at: TimeEvidence, quorum: int) -> str:
    by_size: dict[int, set[bytes]] = {}
    for seen in at.evidence.witnessed:
        by_size.setdefault(seen.size, set()).add(seen.key)
    covered = max((size for size, keys in by_size.items() if len(keys) >= quorum), default=0)
    return f"; the quorum covers entries 0 to {covered - 1} alone" if covered else ""


def _timestamps(at: TimeEvidence) -> StepOutcome:
    policy, evidence = at.pinned.timestamps, at.evidence
    strangers = _strangers(evidence, "timestamps")
    if evidence.faults["timestamps"]:
        return StepOutcome("timestamps", "failed", "; ".join(evidence.faults["timestamps"][:5]), "invalid")
    valid = list_counting(at)
    revoked = [item for item in evidence.stamped if item.status.state == "revoked"]
    lost = _expired(at, [item for item in evidence.stamped if item not in valid and item not in revoked])
    lost += _revoked(revoked)
    newest = {item.whose for item in valid if item.size == at.size}
    if len(newest) < policy.minimum:
        lack = f"{len(newest)} of {policy.minimum} authorities timestamped the newest checkpoint, {at.size}"
        return StepOutcome("timestamps", "failed", f"{lack}{_covered(at)}{lost}{strangers}", "uncovered")
    if not valid:
        none = "when anything was signed is claimed, not proven"
        return StepOutcome("timestamps", "not checked", f"{none}{lost}{strangers}")
    leads = choose_verb(len(valid), "leads", "lead")
    rooted = f"{len(valid)} {leads} to a pinned root at the time named ({_unrevoked(valid)})"
    return StepOutcome("timestamps", "ok", f"{rooted}{_covered(at)}; {_opinions(valid)}{lost}{strangers}")


def _covered(at: TimeEvidence) -> str:
    proven = proven_times(at)
    if not proven:
        return ""
    size = max(proven)
    by = ", ".join(proven[size].by)
    return f"; entries 0 to {size - 1} existed before {_format(proven[size].time)} ({by})"


def _expired(at: TimeEvidence, stamps: list[Stamped]) -> str:
    if not stamps:
        return ""
    more = f" (and {len(stamps) - 1} more)" if len(stamps) > 1 else ""
    renewed = "no renewal in time covers it" if at.renewals is not None else "renewals were not looked at"
    when = f"its certificate expired {_format(stamps[0].expires)} and {renewed}"
    return f"; {stamps[0].path}{more} no longer counts: {when}"


def _revoked(stamps: list[Stamped]) -> str:
    if not stamps:
        return ""
    more = f" (and {len(stamps) - 1} more)" if len(stamps) > 1 else ""
    return f"; {stamps[0].path}{more} does not count: a certificate behind it was {stamps[0].status.detail}"


def _unrevoked(stamps: list[Stamped]) -> str:
    good = sum(item.status.state == "good" for item in stamps)
    if good == len(stamps):
        return "lists of their authorities, made afterwards, revoke no certificate of theirs"
    unknown = "whether a certificate was revoked is unknown"
    return f"of {good}, lists made afterwards revoke no certificate; of the others {unknown}" if good else unknown


def _opinions(stamps: list[Stamped]) -> str:
    """Say what a second program makes of timestamps, or why it was not asked."""
    alone = [item for item in stamps if item.opinion.state == "not taken"]
    if not alone:
        return "rfc3161-client agrees"
    reasons = "; ".join(dict.fromkeys(item.opinion.reason for item in alone))
    return f"no second opinion was taken on {len(alone)} of {len(stamps)}: {reasons}"


def _by_size(items: Sequence[_Sized]) -> dict[int, list[_Sized]]:
    found: dict[int, list[_Sized]] = {}
    for item in items:
        found.setdefault(item.size, []).append(item)
    return found


def _claims(at: TimeEvidence, predicates: Mapping[int, Mapping[str, Any]]) -> list[StepOutcome]:
    """Compare what entries claim with what is proven: a claim that is later than its proof is false."""
    proven, false, before = proven_times(at), [], None
    backwards = []
    for index, predicate in predicates.items():
        claim = read_claim(predicate)
        known = proven.get(index + 1)
        if claim is None:
            continue
        if known is not None and claim - known.time > SLACK:
            false.append(
                f"entry {index} says {_format(claim)}, but existed by {_format(known.time)} ({', '.join(known.by)})"
            )
        if before is not None and before - claim > SLACK:
            backwards.append(f"entry {index} says {_format(claim)}, earlier than an entry before it")
        before = max(before, claim) if before else claim
    if false:
        return [
            StepOutcome("claimed times", "failed", f"a clock was wrong or moved: {'; '.join(false[:5])}", "uncovered")
        ]
    if backwards:
        moved = f"a clock was wrong or moved: {'; '.join(backwards[:5])}; only proven times count"
        return [StepOutcome("claimed times", "not checked", moved)]
    agreed = "no entry claims a time later than the one proven; that one is not older than it claims is never proven"
    return [StepOutcome("claimed times", "ok", agreed)] if proven else []


def read_claim(predicate: Mapping[str, Any]) -> datetime | None:
    """Return when an entry says it was finished, or None if it does not say.

    Args:
        predicate: what the entry says.
    """
    text = next((predicate[name] for name in sorted(CLAIMED) if isinstance(predicate.get(name), str)), None)
    try:
        found = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    return found if found is None or found.tzinfo else found.replace(tzinfo=UTC)


def _agreed(seen_by: Mapping[str, datetime], least: int) -> Proven | None:
    """The time by which so many had seen it."""
    if len(seen_by) < least:
        return None
    first = sorted(seen_by.items(), key=lambda item: (item[1], item[0]))[:least]
    return Proven(first[-1][1], tuple(sorted(name for name, _ in first)))


def _strangers(evidence: CheckpointEvidence, kind: str) -> str:
    names = sorted(evidence.strangers[kind])
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return f"; not pinned: {', '.join(names[:5])}{more}" if names else ""


def _now() -> datetime:
    return datetime.now(UTC)


def _format(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
