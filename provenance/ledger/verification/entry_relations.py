"""What entries say of one another: an act refers to entries before it, and says nothing that these do not show.

A waiver needs another hand than the operator's; a draw is drawn again; a review answers for a draw and counts right.
All of it is checked by whoever verifies, from the ledger alone.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from provenance.core import confidence_intervals
from provenance.errors import InputError, ProvenanceError, VerificationError
from provenance.ledger.format import draw_algorithm, statement
from provenance.ledger.log import entry_summaries, output_files
from provenance.ledger.verification.results import UNPINNED, Step, some

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from provenance.ledger.format.statement import Statement
    from provenance.ledger.keys.trusted_keys import Trust
    from provenance.ledger.log.entry_cosignatures import EntryCosignature
    from provenance.ledger.log.key_history import Succession

ASSESSMENT = "assessment"
"""The kind of a scan that somebody stands by."""

VERDICTS = ("pass", "fail", "unreadable", None)
_TOLERANCE = 2e-6  # of a bound with six decimals: logarithms differ in the last bits between machines


@dataclass(frozen=True, slots=True)
class SignedEntries:
    """Entries of a ledger whose signatures, log and files were checked.

    Args:
        folder: the ledger.
        statements: of its entries, in order.
        roots: of all prefixes of its log.
        withheld: what could not be compared, as a file that it rests on is withheld; filled while acts are checked.
    """

    folder: Path
    statements: Sequence[Statement]
    roots: Sequence[bytes]
    withheld: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class SignatureRules:
    """Whose signatures count over an entry.

    Args:
        entry_keys: fingerprint of the key that signed each entry, by its number.
        trust: whose keys count, and how many it takes.
        origin: name of the log.
        succession: who held the ledger's keys when, and which were revoked.
    """

    entry_keys: Mapping[int, str]
    trust: Trust
    origin: str
    succession: Succession


def check_acts(entries: SignedEntries) -> Iterator[Step]:
    """Check every act of a ledger.

    Args:
        entries: the ledger's.

    Yields:
        One step; nothing where there are no acts. Never raises for what a file holds.
    """
    faults, count = [], 0
    for index, act in enumerate(entries.statements):
        check = _CHECKS.get(act.kind)
        if check is None:
            continue
        count += 1
        try:
            check(entries, index, act.predicate)
        except (ProvenanceError, OSError, ValueError, RecursionError) as cause:
            faults.append(f"{act.kind} {index}: {cause}")
    if faults:
        yield Step("acts", "failed", some(faults, "; "))
    elif entries.withheld:
        yield Step("acts", "not checked", f"what {some(entries.withheld, '; ')} rests on is withheld")
    elif count:
        yield Step("acts", "ok", f"{count} refer to what stands before them; what the ledger shows of it is so")


def check_draws(statements: Iterable[Statement]) -> Iterator[Step]:
    """Say how often a sample was drawn, and which draw nobody reviewed.

    Args:
        statements: of a ledger's entries, in order.

    Yields:
        One step; nothing where there are no draws.
    """
    sentences = entry_summaries.describe_draws((each.place.index, each.predicate) for each in statements)
    if sentences:
        is_open = any("no review" in each for each in sentences)
        yield Step("draws", "not checked" if is_open else "ok", some(sentences, "; "))


def check_waivers(
    signatures: SignatureRules,
    *,
    waivers: Mapping[int, Mapping[str, Any]],
    cosignatures: Sequence[EntryCosignature] = (),
    of_files: Mapping[int, Sequence[Mapping[str, Any]]] | None = None,
) -> Iterator[Step]:
    """Check that waivers are approved by another hand than the operator's, which the verifier pinned for that.

    A waiver of a file that a scan was given is the operator's alone: it is held to the same as one of an entry that
    nobody co-signed, unless entries that are approved waive the same findings for as long.

    Args:
        signatures: who signed the entries, and whose signatures count.
        waivers: what they say, by number of the entry.
        cosignatures: over entries, that were checked.
        of_files: waivers of files that held in a scan, by number of the scan, see waivers_of_files.

    Yields:
        One step; nothing where there is no waiver.
    """
    good, bad = [], []
    approved: dict[str, str] = {}
    for index, waiver in waivers.items():
        own = [each for each in cosignatures if each.index == index]
        key = approved_by(waiver, signatures.entry_keys[index], own)
        doubt = _approval_doubt(key, index, signatures)
        if doubt is not None:
            bad.append(f"waiver {index}: approved by {doubt}")
            continue
        good.append(
            f"waiver {index}: approved by {key} ({signatures.trust.find_owner(str(key), 'waiver', signatures.origin)})"
        )
        finding = str(waiver["finding"]["fingerprint"])
        approved[finding] = max(approved.get(finding, ""), str(waiver["expires"]))
    for index, listed in (of_files or {}).items():
        if count := sum(not _is_approved(each, approved) for each in listed):
            bad.append(f"scan {index}: {count} waiver{'s' * (count != 1)} of a file, signed by nobody but the operator")
    if bad and signatures.trust.approvers:
        yield Step("waivers", "failed", some(bad, "; "), UNPINNED)
    elif bad:
        yield Step("waivers", "not checked", some(bad, "; "))
    elif good:
        yield Step("waivers", "ok", some(good, "; "))


def _approval_doubt(key: str | None, index: int, signatures: SignatureRules) -> str | None:
    """Say by whom a waiver is approved, where that is not enough."""
    if key is None:
        return "nobody but the operator"
    if signatures.trust.find_owner(key, "waiver", signatures.origin) is None:
        return f"{key}, which nobody pinned for waivers"
    if signatures.succession.has_held("statement", key):
        return f"{key}, which signs entries of this ledger itself"
    return None if signatures.succession.is_cosigner_valid(key, index) else f"{key}, which was revoked"


def check_assessments(signatures: SignatureRules, cosigners: Mapping[int, Sequence[str]]) -> Iterator[Step]:
    """Check that assessments are signed by as many distinct keys as the verifier asks for.

    Args:
        signatures: who signed the entries, and whose signatures count. Whoever keeps a ledger is no second hand.
        cosigners: fingerprints of those who co-signed, whose signatures were checked, by number of the assessment.

    Yields:
        One step; nothing where nobody co-signed and nobody asks for it.
    """
    good, lacking, strange, gone = [], [], [], []
    trust, succession = signatures.trust, signatures.succession
    for index, keyids in cosigners.items():
        second = {key for key in keyids if not succession.has_held("statement", key)} - {signatures.entry_keys[index]}
        revoked = {key for key in second if not succession.is_cosigner_valid(key, index)}
        gone += [f"assessment {index}: signed by {key} too, which was revoked" for key in sorted(revoked)]
        others = {key: trust.find_owner(key, "statement", signatures.origin) for key in sorted(second - revoked)}
        names = sorted(name for name in others.values() if name is not None)
        strangers = [key for key, name in others.items() if name is None]
        if 1 + len(names) < trust.signers:
            lacking.append(f"assessment {index}: signed by {1 + len(names)} of {trust.signers} pinned keys")
        elif names:
            good.append(f"assessment {index}: signed by {', '.join(names)} too")
        strange += [f"assessment {index}: signed by {key} too, which nobody pinned" for key in strangers]
    if lacking:
        yield Step("assessments", "failed", some([*lacking, *gone, *strange], "; "), UNPINNED)
    elif strange or gone:
        yield Step("assessments", "not checked", some([*good, *gone, *strange], "; "))
    elif good:
        yield Step("assessments", "ok", some(good, "; "))


def approved_by(waiver: Mapping[str, Any], operator: str, cosignatures: Iterable[EntryCosignature]) -> str | None:
    """Return the fingerprint of the key that approved a waiver, beside its operator's.

    Args:
        waiver: the waiver's predicate.
        operator: fingerprint of the key that signed the entry.
        cosignatures: of the entry.

    Returns:
        None where nobody did, or only another key than the waiver names. Whose key it is, a verifier says.
    """
    for each in cosignatures:
        if each.name == "approver" and each.checked and each.keyid != operator:
            return each.keyid if waiver.get("approverKey", each.keyid) == each.keyid else None
    return None


def waivers_of_files(
    scan: Mapping[str, Any], waivers: Mapping[int, Mapping[str, Any]] | None
) -> list[Mapping[str, Any]]:
    """Return the waivers that held in a scan and stand in no entry: those of a file that the operator gave it.

    Args:
        scan: the scan's predicate.
        waivers: predicates of the ledger's waivers by number of the entry: one that a scan names must be as it says;
            None = what it names is not looked at.

    Returns:
        As the scan lists them.
    """
    listed, index = scan.get("waivers"), scan["log"]["index"]
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


def count_judgements(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
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


def _before(entries: SignedEntries, index: int, entry: int, *kinds: str) -> Statement:
    """Return an earlier entry of some kind."""
    if entry >= index:
        raise VerificationError(f"it refers to entry {entry}, which does not stand before it")
    found = entries.statements[entry]
    if found.kind not in kinds:
        raise VerificationError(f"it refers to entry {entry}, which is a {found.kind}, no {' or '.join(kinds)}")
    return found


def _lines(entries: SignedEntries, index: int, scan: Statement, name: str) -> Iterator[bytes] | None:
    """Return the lines of a scan's table; None where they are withheld."""
    path = scan.predicate["tables"].get(name, {}).get("lines")
    if path is None or path not in scan.folder:
        raise VerificationError(f"its scan binds no table of {name}")
    return _read(entries, index, path)


def _read(entries: SignedEntries, index: int, path: str) -> Iterator[bytes] | None:
    if not (entries.folder / path).is_file():
        entries.withheld.append(f"entry {index}")
        return None
    return draw_algorithm.read_lines(entries.folder / path)


def _subject(made: Statement) -> str:
    return statement.object_path(made.value["subject"][0]["digest"]["sha256"])


def _check_waiver(entries: SignedEntries, index: int, act: Mapping[str, Any]) -> None:
    scan = _before(entries, index, act["finding"]["entry"], statement.SCAN)
    lines = _lines(entries, index, scan, "findings")
    mark = f'"fingerprint":"{act["finding"]["fingerprint"]}"'.encode()
    if lines is not None and not any(mark in line for line in lines):
        raise VerificationError(f"entry {act['finding']['entry']} has no such finding")


def _check_draw(entries: SignedEntries, index: int, act: Mapping[str, Any]) -> None:
    entry = act["scan"]["entry"]
    scan = _before(entries, index, entry, statement.SCAN)
    if act["scan"]["rootHash"] != entries.roots[entry + 1].hex():
        raise VerificationError("it names another root of the log than that up to its scan")
    earlier = (each for each in entries.statements[:index] if each.kind == "draw")
    number = sum(each.predicate["purpose"] == act["purpose"] for each in earlier)
    if act["number"] != number:
        raise VerificationError(f"{number} draws for its purpose stand before it, not {act['number']}")
    if act["seed"] != draw_algorithm.derive_seed(act["scan"]["rootHash"], act["purpose"], act.get("nonce"), number):
        raise VerificationError("its seed is not that of its scan, purpose, nonce and number")
    lines, listed = _lines(entries, index, scan, "files"), _read(entries, index, _subject(entries.statements[index]))
    if lines is None or listed is None:
        return
    frame = draw_algorithm.read_frame(lines, frozenset(act["sources"]) if "sources" in act else None)
    if act["frame"] != {"files": len(frame.files), "records": frame.records}:
        raise VerificationError("it was drawn from another number of records than its scan saw")
    drawn = draw_algorithm.draw_records(act["seed"], act["size"], frame)
    if act["drawn"] != len(drawn) or b"".join(listed) != draw_algorithm.write_document(drawn):
        raise VerificationError("its records are not those that its seed draws")


def _check_review(entries: SignedEntries, index: int, act: Mapping[str, Any]) -> None:
    draw = _before(entries, index, act["draw"]["entry"], "draw")
    if act["draw"]["digest"]["sha256"] != draw.value["subject"][0]["digest"]["sha256"]:
        raise VerificationError("it names another list of records than its draw's")
    answered, drawn = (_read(entries, index, _subject(each)) for each in (entries.statements[index], draw))
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
    if not _has_counts(act, count_judgements(rows)):
        raise VerificationError("its counts or shares are not those of its answers")


def _has_counts(act: Mapping[str, Any], right: Mapping[str, Any]) -> bool:
    near = all(abs(act["share"][name] - right["share"][name]) <= _TOLERANCE for name in ("passed", "low", "high"))
    return near and act["counts"] == right["counts"] and act.get("problems", []) == right["problems"]


def _check_decision(entries: SignedEntries, index: int, act: Mapping[str, Any]) -> None:
    _before(entries, index, act["about"]["entry"], statement.SCAN)


def _check_outputs(entries: SignedEntries, index: int, act: Mapping[str, Any]) -> None:
    for each in act["inputs"]:
        if "entry" in each:
            _before(entries, index, each["entry"], *statement.KINDS_WITH_DATA)
    if "outputs" not in act:
        return
    if act["outputs"]["lines"] not in entries.statements[index].folder:
        raise VerificationError("it binds no list of what it made")
    try:
        output_files.read_output(entries.folder, act["outputs"])
    except InputError:
        entries.withheld.append(f"entry {index}")


_CHECKS: dict[str, Callable[[SignedEntries, int, Mapping[str, Any]], None]] = {
    "waiver": _check_waiver,
    "draw": _check_draw,
    "review": _check_review,
    "decision": _check_decision,
    "filter-run": _check_outputs,
    "derivation": _check_outputs,
}
