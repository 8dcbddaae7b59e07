"""What entries say of one another: acts refer to what stands before them, and to nothing else.

A waiver needs another hand than the operator's; a draw is drawn again; a review answers for a draw and counts right.
All of it is looked at by whoever verifies, from the ledger alone.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from provenance.core import confidence_intervals
from provenance.errors import InputError, ProvenanceError, VerificationError
from provenance.ledger.format import draw_algorithm, statement
from provenance.ledger.log import entry_summaries, output_files
from provenance.ledger.log.entry_cosignatures import SIGNERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from provenance.ledger.format.statement import Statement
    from provenance.ledger.keys.trusted_keys import Trust
    from provenance.ledger.log.entry_cosignatures import EntryCosignature
    from provenance.ledger.log.key_history import Succession

ASSESSMENT = "assessment"
"""What a scan calls itself that somebody stands by."""

VERDICTS = ("pass", "fail", "unreadable", None)
_TOLERANCE = 2e-6  # of a bound that is told to six decimals: logarithms differ in the last bits between machines


@dataclass(frozen=True, slots=True)
class RelationStep:
    """A step of verification.

    Args:
        name: acts | draws | waivers | assessments.
        status: ok | failed | not checked.
        detail: one plain sentence.
        unpinned: of what failed, whether only a pinned key is missing.
    """

    name: str
    status: Literal["ok", "failed", "not checked"]
    detail: str
    unpinned: bool = False


@dataclass(frozen=True, slots=True)
class VerifiedLedger:
    """A ledger whose signatures, log and files were checked.

    Args:
        folder: the ledger.
        statements: of its entries, in order.
        signers: fingerprints of the keys that signed them.
        roots: of all prefixes of its log.
        cosignatures: that were checked.
        pinned: whose keys count.
        origin: name of the log.
        held: who held its keys when.
    """

    folder: Path
    statements: Sequence[Statement]
    signers: Sequence[str]
    roots: Sequence[bytes]
    cosignatures: Sequence[EntryCosignature]
    pinned: Trust
    origin: str
    held: Succession
    withheld: list[str] = field(default_factory=list)


def steps(scene: VerifiedLedger) -> Iterator[RelationStep]:
    """Look at every act of a ledger.

    Args:
        scene: the ledger.

    Yields:
        What was found; nothing where there are no acts. Never raises for what a file holds.
    """
    faults, count = [], 0
    for index, said in enumerate(scene.statements):
        look = _LOOKS.get(said.kind)
        if look is None:
            continue
        count += 1
        try:
            look(scene, index, said.predicate)
        except (ProvenanceError, OSError, ValueError, RecursionError) as cause:
            faults.append(f"{said.kind} {index}: {cause}")
    if faults:
        yield RelationStep("acts", "failed", _some(faults))
    elif scene.withheld:
        yield RelationStep("acts", "not checked", f"what {_some(scene.withheld)} rests on is withheld")
    elif count:
        yield RelationStep("acts", "ok", f"{count} refer to what stands before them; what the ledger shows of it is so")
    yield from _draws(scene)
    operators = dict(enumerate(scene.signers))
    waivers = {index: said.predicate for index, said in enumerate(scene.statements) if said.kind == "waiver"}
    given = {
        index: said_of_files(said.predicate, waivers)
        for index, said in enumerate(scene.statements)
        if said.kind == statement.SCAN
    }
    yield from approvals(waivers, operators, scene.cosignatures, scene.pinned, scene.origin, scene.held, given)
    scans = [index for index, said in enumerate(scene.statements) if said.predicate.get("kind") == ASSESSMENT]
    hands: dict[int, list[str]] = {index: [] for index in scans}
    for each in scene.cosignatures:
        if each.index in hands and each.name in SIGNERS and each.checked:
            hands[each.index].append(each.keyid)
    yield from assessments(hands, operators, scene.pinned, scene.origin, scene.held)


def assessments(
    hands: Mapping[int, Sequence[str]],
    operators: Mapping[int, str],
    pinned: Trust,
    origin: str,
    held: Succession,
) -> Iterator[RelationStep]:
    """Say whether assessments are signed by as many distinct keys as the verifier asks for.

    Args:
        hands: fingerprints of those who co-signed, whose signatures were checked, by number of the assessment.
        operators: fingerprint of the key that signed each entry; whose that is, is found out apart from this.
        pinned: whose keys count, and how many it takes.
        origin: name of the log.
        held: who held the ledger's keys when, and which were revoked: whoever keeps a ledger is no second hand.

    Yields:
        One step; nothing where nobody co-signed and nobody asks for it.
    """
    good, lacking, strange, gone = [], [], [], []
    for index, keyids in hands.items():
        second = {key for key in keyids if not held.has_held("statement", key)} - {operators[index]}
        revoked = {key for key in second if not held.stands(key, index)}
        gone += [f"assessment {index}: signed by {key} too, which was revoked" for key in sorted(revoked)]
        others = {key: pinned.whose(key, "statement", origin) for key in sorted(second - revoked)}
        names = sorted(name for name in others.values() if name is not None)
        strangers = [key for key, name in others.items() if name is None]
        if 1 + len(names) < pinned.signers:
            lacking.append(f"assessment {index}: signed by {1 + len(names)} of {pinned.signers} pinned keys")
        elif names:
            good.append(f"assessment {index}: signed by {', '.join(names)} too")
        strange += [f"assessment {index}: signed by {key} too, which nobody pinned" for key in strangers]
    if lacking:
        yield RelationStep("assessments", "failed", _some([*lacking, *gone, *strange]), unpinned=True)
    elif strange or gone:
        yield RelationStep("assessments", "not checked", _some([*good, *gone, *strange]))
    elif good:
        yield RelationStep("assessments", "ok", _some(good))


def approved_by(said: Mapping[str, Any], operator: str, cosignatures: Iterable[EntryCosignature]) -> str | None:
    """Return the fingerprint of the key that approved a waiver, beside its operator's.

    Args:
        said: the waiver's predicate.
        operator: fingerprint of the key that signed the entry.
        cosignatures: of the entry.

    Returns:
        None where nobody did, or only another key than the waiver names. Whose key it is, a verifier says.
    """
    for each in cosignatures:
        if each.name == "approver" and each.checked and each.keyid != operator:
            return each.keyid if said.get("approverKey", each.keyid) == each.keyid else None
    return None


def counted(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Count what a review says of each record of a draw.

    Args:
        rows: `verdict` and `problem` of each drawn record.

    Returns:
        `counts`, `problems` and `share`, as the entry says them: what is unreadable or unanswered did not pass.
    """
    verdicts = Counter(row["verdict"] for row in rows)
    passed, drawn = verdicts["pass"], len(rows)
    low, high = confidence_intervals.clopper_pearson(passed, drawn)
    problems = Counter(row["problem"] for row in rows if row["problem"] is not None)
    return {
        "counts": {
            "drawn": drawn,
            "passed": passed,
            "failed": verdicts["fail"],
            "unreadable": verdicts["unreadable"],
            "unanswered": verdicts[None],
        },
        "problems": [{"problem": name, "count": count} for name, count in sorted(problems.items())],
        "share": {
            "passed": round(passed / drawn, 6),
            "low": low,
            "high": high,
            "method": confidence_intervals.METHOD,
            "confidence": confidence_intervals.CONFIDENCE,
        },
    }


def _before(scene: VerifiedLedger, index: int, entry: int, *kinds: str) -> Statement:
    """Return an earlier entry of some kind."""
    if entry >= index:
        raise VerificationError(f"it refers to entry {entry}, which does not stand before it")
    found = scene.statements[entry]
    if found.kind not in kinds:
        raise VerificationError(f"it refers to entry {entry}, which is a {found.kind}, no {' or '.join(kinds)}")
    return found


def _lines(scene: VerifiedLedger, index: int, said: Statement, name: str) -> Iterator[bytes] | None:
    """Return the lines of a scan's table; None where they are withheld."""
    path = said.predicate["tables"].get(name, {}).get("lines")
    if path is None or path not in said.folder:
        raise VerificationError(f"its scan binds no table of {name}")
    return _read(scene, index, path)


def _read(scene: VerifiedLedger, index: int, path: str) -> Iterator[bytes] | None:
    if not (scene.folder / path).is_file():
        scene.withheld.append(f"entry {index}")
        return None
    return draw_algorithm.read_lines(scene.folder / path)


def _subject(said: Statement) -> str:
    return statement.object_path(said.value["subject"][0]["digest"]["sha256"])


def _look_at_waiver(scene: VerifiedLedger, index: int, said: Mapping[str, Any]) -> None:
    scan = _before(scene, index, said["finding"]["entry"], statement.SCAN)
    lines = _lines(scene, index, scan, "findings")
    mark = f'"fingerprint":"{said["finding"]["fingerprint"]}"'.encode()
    if lines is not None and not any(mark in line for line in lines):
        raise VerificationError(f"entry {said['finding']['entry']} has no such finding")


def _look_at_draw(scene: VerifiedLedger, index: int, said: Mapping[str, Any]) -> None:
    entry = said["scan"]["entry"]
    scan = _before(scene, index, entry, statement.SCAN)
    if said["scan"]["rootHash"] != scene.roots[entry + 1].hex():
        raise VerificationError("it names another root of the log than that up to its scan")
    earlier = (each for each in scene.statements[:index] if each.kind == "draw")
    number = sum(each.predicate["purpose"] == said["purpose"] for each in earlier)
    if said["number"] != number:
        raise VerificationError(f"{number} draws for its purpose stand before it, not {said['number']}")
    if said["seed"] != draw_algorithm.seed(said["scan"]["rootHash"], said["purpose"], said.get("nonce"), number):
        raise VerificationError("its seed is not that of its scan, purpose, nonce and number")
    lines, listed = _lines(scene, index, scan, "files"), _read(scene, index, _subject(scene.statements[index]))
    if lines is None or listed is None:
        return
    frame = draw_algorithm.frame(lines, frozenset(said["sources"]) if "sources" in said else None)
    if said["frame"] != {"files": len(frame.files), "records": frame.records}:
        raise VerificationError("it was drawn from another number of records than its scan saw")
    drawn = draw_algorithm.draw(said["seed"], said["size"], frame)
    if said["drawn"] != len(drawn) or b"".join(listed) != draw_algorithm.document(drawn):
        raise VerificationError("its records are not those that its seed draws")


def _look_at_review(scene: VerifiedLedger, index: int, said: Mapping[str, Any]) -> None:
    draw = _before(scene, index, said["draw"]["entry"], "draw")
    if said["draw"]["digest"]["sha256"] != draw.value["subject"][0]["digest"]["sha256"]:
        raise VerificationError("it names another list of records than its draw's")
    answered, drawn = (_read(scene, index, _subject(each)) for each in (scene.statements[index], draw))
    if answered is None or drawn is None:
        return
    rows = draw_algorithm.read_document(answered)
    if [(row["path"], row["row"]) for row in rows] != [
        (row["path"], row["row"]) for row in draw_algorithm.read_document(drawn)
    ]:
        raise VerificationError("it does not answer for the records that were drawn")
    if not all(
        "verdict" in row and row["verdict"] in VERDICTS and isinstance(row.get("problem"), str | None) for row in rows
    ):
        raise VerificationError("it holds a verdict that is none")
    if not _same(said, counted(rows)):
        raise VerificationError("its counts or shares are not those of its answers")


def _same(said: Mapping[str, Any], right: Mapping[str, Any]) -> bool:
    near = all(abs(said["share"][name] - right["share"][name]) <= _TOLERANCE for name in ("passed", "low", "high"))
    return near and said["counts"] == right["counts"] and said.get("problems", []) == right["problems"]


def _look_at_decision(scene: VerifiedLedger, index: int, said: Mapping[str, Any]) -> None:
    _before(scene, index, said["about"]["entry"], statement.SCAN)


def _look_at_made(scene: VerifiedLedger, index: int, said: Mapping[str, Any]) -> None:
    for each in said["inputs"]:
        if "entry" in each:
            _before(scene, index, each["entry"], *statement.WITH_DATA)
    if "outputs" not in said:
        return
    if said["outputs"]["lines"] not in scene.statements[index].folder:
        raise VerificationError("it binds no list of what it made")
    try:
        output_files.read(scene.folder, said["outputs"])
    except InputError:
        scene.withheld.append(f"entry {index}")


_LOOKS: dict[str, Callable[[VerifiedLedger, int, Mapping[str, Any]], None]] = {
    "waiver": _look_at_waiver,
    "draw": _look_at_draw,
    "review": _look_at_review,
    "decision": _look_at_decision,
    "filter-run": _look_at_made,
    "derivation": _look_at_made,
}


def _draws(scene: VerifiedLedger) -> Iterator[RelationStep]:
    told = entry_summaries.describe_draws((index, said.predicate) for index, said in enumerate(scene.statements))
    if told:
        yield RelationStep("draws", "not checked" if any("no review" in each for each in told) else "ok", _some(told))


def approvals(
    waivers: Mapping[int, Mapping[str, Any]],
    operators: Mapping[int, str],
    cosignatures: Sequence[EntryCosignature],
    pinned: Trust,
    origin: str,
    held: Succession,
    given: Mapping[int, Sequence[Mapping[str, Any]]] | None = None,
) -> Iterator[RelationStep]:
    """Say whether waivers are approved by another hand than the operator's, which the verifier pinned for that.

    A waiver of a file that a scan was given is the operator's alone: it is held to the same as one of an entry that
    nobody co-signed, unless entries that are approved waive the same findings for as long.

    Args:
        waivers: what they say, by number of the entry.
        operators: fingerprint of the key that signed each entry.
        cosignatures: that were checked.
        pinned: whose keys count, and whether it takes one.
        origin: name of the log.
        held: who held the ledger's keys when, and which were revoked.
        given: waivers of files that held in a scan, by number of the scan, see said_of_files.

    Yields:
        One step; nothing where there is no waiver.
    """
    good, bad = [], []
    approved: dict[str, str] = {}
    for index, said in waivers.items():
        key = approved_by(said, operators[index], [each for each in cosignatures if each.index == index])
        doubt = _doubt(key, index, pinned, origin, held)
        if doubt is not None:
            bad.append(f"waiver {index}: approved by {doubt}")
            continue
        good.append(f"waiver {index}: approved by {key} ({pinned.whose(str(key), 'waiver', origin)})")
        finding = str(said["finding"]["fingerprint"])
        approved[finding] = max(approved.get(finding, ""), str(said["expires"]))
    for index, listed in (given or {}).items():
        if count := sum(not _is_approved(each, approved) for each in listed):
            bad.append(f"scan {index}: {count} waiver{'s' * (count != 1)} of a file, signed by nobody but the operator")
    if bad and pinned.approvers:
        yield RelationStep("waivers", "failed", _some(bad), unpinned=True)
    elif bad:
        yield RelationStep("waivers", "not checked", _some(bad))
    elif good:
        yield RelationStep("waivers", "ok", _some(good))


def _doubt(key: str | None, index: int, pinned: Trust, origin: str, held: Succession) -> str | None:
    """Say by whom a waiver is approved, where that is not enough."""
    if key is None:
        return "nobody but the operator"
    if pinned.whose(key, "waiver", origin) is None:
        return f"{key}, which nobody pinned for waivers"
    if held.has_held("statement", key):
        return f"{key}, which signs entries of this ledger itself"
    return None if held.stands(key, index) else f"{key}, which was revoked"


def said_of_files(said: Mapping[str, Any], waivers: Mapping[int, Mapping[str, Any]] | None) -> list[Mapping[str, Any]]:
    """Return the waivers that held in a scan and stand in no entry: those of a file that the operator gave it.

    Args:
        said: the scan's predicate.
        waivers: predicates of the ledger's waivers by number of the entry: one that a scan names must be as it says;
            None = what it names is not looked at.

    Returns:
        As the scan lists them.
    """
    listed, index = said.get("waivers"), said["log"]["index"]
    found: list[Mapping[str, Any]] = []
    for each in listed if isinstance(listed, list) else ():
        if not isinstance(each, dict) or each.get("state") != "holds":
            continue
        entry = each.get("entry")
        if waivers is None and isinstance(entry, int):
            continue
        named = waivers.get(entry) if waivers and isinstance(entry, int) and entry < index else None
        if named is None or not _is_same(each, named):
            found.append(each)
    return found


def _is_same(each: Mapping[str, Any], named: Mapping[str, Any]) -> bool:
    """Tell whether a scan says of a waiver in the ledger what that says itself; what it covers is its one finding."""
    finding = named["finding"]["fingerprint"]
    alike = all(each.get(name) == named.get(name) for name in ("reason", "approver", "expires"))
    return alike and each.get("fingerprint") == finding and each.get("findings") == [finding]


def _is_approved(each: Mapping[str, Any], approved: Mapping[str, str]) -> bool:
    """Tell whether entries that are approved waive every finding of a file's waiver, for as long as that does."""
    findings = each.get("findings")
    if not isinstance(findings, list) or not findings:
        return False
    return all(approved.get(str(mark), "") >= str(each.get("expires")) for mark in findings)


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return "; ".join(names[:5]) + more
