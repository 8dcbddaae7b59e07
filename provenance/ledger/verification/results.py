"""What verification answers: exit codes, steps, and plain sentences for a terminal.

Exit codes never change. What a scan found never affects them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from provenance.core.escaping import escape_to_line
from provenance.errors import cut
from provenance.ledger.keys import trusted_keys

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from provenance.ledger.format import statement
    from provenance.ledger.log.folder_comparison import FolderChanges
    from provenance.ledger.witness import proven_times

OK, INVALID, USAGE, UNPINNED, DATA_DIFFERS, WITHHELD, EQUIVOCATION = range(7)
"""Exit codes: 0 verified · 1 invalid signature, digest, proof or schema · 2 usage or I/O · 3 consistent, but a key is
not pinned, or a quorum or timestamp is missing · 4 ledger valid, data differs · 5 a referenced object is withheld ·
6 two signed views contradict."""

MEANINGS = {
    OK: "the ledger verifies",
    INVALID: "the ledger does not verify",
    USAGE: "nothing could be verified",
    UNPINNED: "the ledger is consistent, but you have not pinned its keys, or it lacks what you ask for",
    DATA_DIFFERS: "the ledger verifies, but the data is not what was scanned",
    WITHHELD: "the ledger verifies, but files it binds are withheld",
    EQUIVOCATION: "the log's operator signed two views that contradict each other",
}

# What is worst is what is said: a broken ledger proves nothing else; a contradiction is proof against its signer.
# What is withheld may be so for ever (erased contacts), and must not hide that the data differs.
WORST = (USAGE, INVALID, EQUIVOCATION, UNPINNED, DATA_DIFFERS, WITHHELD, OK)

_OF_ENTRY = re.compile(r"entry ([0-9]+): (.*)", re.DOTALL)
_BROKEN = (USAGE, INVALID, EQUIVOCATION)  # where it says nothing what else was not checked
_FAULTS = {None: OK, "invalid": INVALID, "uncovered": UNPINNED, "withheld": WITHHELD}  # see proven_times.StepOutcome
_SHOWN = 20  # names printed of a list
_SENTENCE = 1500  # characters of the longest detail of a step; what others wrote is cut before, see errors.cut

Status = Literal["ok", "failed", "not checked"]


@dataclass(frozen=True, slots=True)
class Step:
    """What one step of verification came to; VERIFY.md lists all steps.

    Args:
        name: of the step: options, ledger, folder, signatures, log, checkpoints, ...
        status: ok | failed | not checked.
        detail: one plain sentence.
        code: exit code of the verification if it failed and nothing is worse.
    """

    name: str
    status: Status
    detail: str
    code: int = INVALID


@dataclass(slots=True)
class Results:
    """What the steps of a verification came to so far.

    Args:
        steps: in the order they were taken.
        codes: exit codes of what was found; the worst is the answer.
    """

    steps: list[Step] = field(default_factory=list)
    codes: set[int] = field(default_factory=lambda: {OK})

    @property
    def is_invalid(self) -> bool:
        """Whether something is not what was signed, so that nothing follows from it."""
        return INVALID in self.codes

    def ok(self, name: str, detail: str) -> None:
        """Add a step that succeeded."""
        self.add(Step(name, "ok", detail))

    def fail(self, name: str, detail: str, code: int = INVALID) -> None:
        """Add a step that failed, and how bad that is."""
        self.add(Step(name, "failed", detail, code))

    def skip(self, name: str, detail: str) -> None:
        """Add a step that could not be taken, and why."""
        self.add(Step(name, "not checked", detail))

    def add(self, step: Step) -> None:
        """Add a step."""
        self.steps.append(replace(step, detail=cut(step.detail, _SENTENCE)))
        if step.status == "failed":
            self.codes.add(step.code)

    def add_outcome(self, outcome: proven_times.StepOutcome) -> None:
        """Add what witnesses, timestamps or renewals came to."""
        self.add(Step(outcome.name, outcome.status, outcome.detail, _FAULTS[outcome.fault]))

    def check_pins(self, signers: Collection[SigningKey], elsewhere: str = "") -> None:
        """Check that every key that signed is pinned, or linked by rotations to one that is.

        Args:
            signers: the keys.
            elsewhere: why none of the verifier's pins can count here; empty where they can.
        """
        count = sum(each.is_linked for each in signers)
        linked = f", or by one that a pinned key leads to by rotation ({count})" if count else ""
        strangers = [f"{each.fingerprint} ({each.role})" for each in signers if each.whose is None]
        if strangers:
            todo = elsewhere or "pin them with provenance verify --trust once you know whose they are"
            self.fail("keys", f"not pinned: {', '.join(strangers)}; {todo}", UNPINNED)
        else:
            self.ok("keys", f"every signature is by a pinned key{linked}")

    @property
    def answer(self) -> tuple[int, tuple[Step, ...]]:
        """The exit code, and the steps as they can be written down."""
        code = next(each for each in WORST if each in self.codes)
        return code, tuple(replace(item, detail=encodable(item.detail)) for item in self.steps)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key that signed something here.

    Args:
        fingerprint: OpenSSH SHA256 fingerprint.
        role: statement | log.
        whose: who pinned it and how; None where nobody did.
        is_linked: whether it is not pinned itself, but a rotation links it to one that is.
    """

    fingerprint: str
    role: trusted_keys.Role
    whose: str | None
    is_linked: bool = False


@dataclass(frozen=True, slots=True)
class Verification:
    """What verification found.

    Args:
        exit_code: 0 to 6, see `MEANINGS`.
        steps: in the order they were taken.
        unbound: files of the folder that no entry binds.
        withheld: files that an entry binds and that are missing.
        signers: the keys that signed.
        origin: name of the log, if it could be read.
        entries: how many entries stand under the newest checkpoint.
        local: whether an entry was signed with keys that a first scan made.
        changes: how the data differs, if it was compared.
        evidence: where the proof of equivocation was written.
        what: was looked at: a ledger, or a proof taken from one.
        proven: what a proof proves, in words.
        unproven: what it does not.
        gaps: what could not be checked though nothing is withheld; the verdict itself says so.
        uncompared: entry and name of tables of which nobody could see that they are what was signed line by line.
        statements: of the entries that were verified, in order.
        own: names of the files of the ledger that are its own, relative to it.
        root: over the entries under the newest checkpoint, hexadecimal, if it could be read.
    """

    exit_code: int
    steps: tuple[Step, ...]
    unbound: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()
    signers: tuple[SigningKey, ...] = ()
    origin: str | None = None
    entries: int = 0
    local: bool = False
    changes: FolderChanges | None = None
    evidence: Path | None = None
    what: str = "ledger"
    proven: tuple[str, ...] = ()
    unproven: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()
    uncompared: tuple[tuple[int, str], ...] = ()
    statements: tuple[statement.Statement, ...] = ()
    own: frozenset[str] = frozenset()
    root: str | None = None

    @property
    def meaning(self) -> str:
        """The exit code in words, and what could not be checked."""
        failed = {item.name for item in self.steps if item.status == "failed"}
        if self.exit_code == USAGE and failed == {"data"} and any(item.status == "ok" for item in self.steps):
            return "the ledger verifies, but the data could not be read"
        meaning = MEANINGS[self.exit_code].replace("the ledger", f"the {self.what}")
        if not self.gaps or self.exit_code in _BROKEN:
            return meaning
        return f"{meaning}; not checked: {'; '.join(self.gaps)}"

    def extended(self, step: Step, gap: str | None = None) -> Verification:
        """Return what was found with one step more, that something above the ledger took.

        Args:
            step: the step.
            gap: what it could not check, for the verdict.
        """
        codes = {self.exit_code, step.code} if step.status == "failed" else {self.exit_code}
        worst = next(each for each in WORST if each in codes)
        gaps = (*self.gaps, gap) if gap else self.gaps
        return replace(self, exit_code=worst, steps=(*self.steps, step), gaps=gaps)

    def as_json(self) -> dict[str, Any]:
        """Return what `--format json` prints: every step, and by name what was *not* checked."""
        return {
            "exit_code": self.exit_code,
            "meaning": self.meaning,
            "what": self.what,
            "proven": list(self.proven),
            "not_proven": list(self.unproven),
            "origin": self.origin,
            "entries": self.entries,
            "root": self.root,
            "keys": [
                {
                    "fingerprint": item.fingerprint,
                    "role": item.role,
                    "pinned": item.whose is not None,
                    "whose": item.whose,
                }
                for item in self.signers
            ],
            "keys_local": self.local,
            "steps": [{"name": item.name, "status": item.status, "detail": item.detail} for item in self.steps],
            "gaps": list(self.gaps),
            "not_checked": [item.name for item in self.steps if item.status == "not checked"],
            "unbound": list(self.unbound),
            "withheld": list(self.withheld),
            "data": None
            if self.changes is None
            else {
                "added": list(self.changes.added),
                "removed": list(self.changes.removed),
                "changed": list(self.changes.changed),
            },
            "evidence": str(self.evidence) if self.evidence else None,
        }

    def lines(self) -> list[str]:
        """Return plain English sentences for a terminal, the verdict first; nothing in them can steer the terminal."""
        text = [f"{self.meaning[0].upper()}{self.meaning[1:]}."]
        text += [f"Proven: {each}" for each in self.proven]
        text += [f"Not proven: {each}." for each in self.unproven]
        text += [_signed_by(item) for item in self.signers]
        if self.local:
            text.append("A self-made key identifies nobody: compare its fingerprint by another way.")
        marks = {"ok": "ok", "failed": "FAILED", "not checked": "not checked"}
        text += [f"{marks[status]}: {name}: {detail}" for status, name, detail in _collapse(self.steps)]
        text += _listed("warning: no entry binds", self.unbound)
        text += _listed("withheld", self.withheld)
        if self.changes:
            text += _listed("added", self.changes.added)
            text += _listed("removed", self.changes.removed)
            text += _listed("changed", self.changes.changed)
        return [escape_to_line(line) for line in text]


def _collapse(steps: Sequence[Step]) -> Iterator[tuple[Status, str, str]]:
    """Say once what several steps came to, naming the entries where they differ in nothing else."""
    entries: dict[tuple[Status, str, str], list[str]] = {}
    for step in steps:
        found = _OF_ENTRY.fullmatch(step.detail)
        index, detail = found.groups() if found else ("", step.detail)
        entries.setdefault((step.status, step.name, detail), []).extend([index] * bool(index))
    for (status, name, detail), listed in entries.items():
        distinct = list(dict.fromkeys(listed))
        of = "" if not distinct else f"entry {distinct[0]}: " if len(distinct) == 1 else f"entries {some(distinct)}: "
        yield status, name, of + detail


def encodable(text: str) -> str:
    """Escape half a surrogate pair, which JSON can hold and UTF-8 cannot."""
    return text.encode("utf-8", "backslashreplace").decode()


def some(names: Sequence[str], separator: str = ", ") -> str:
    """Name the first few of many.

    Args:
        names: all of them.
        separator: what stands between two.
    """
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return separator.join(names[:5]) + more


def _signed_by(signer: SigningKey) -> str:
    what = {"statement": "Entries are", "log": "The log is"}[signer.role]
    if signer.whose is None:
        return f"{what} signed by {signer.fingerprint}, which you have not pinned."
    if signer.whose == trusted_keys.OWN_KEY:
        return f"{what} signed by your own local key {signer.fingerprint}."
    return f"{what} signed by {signer.fingerprint} ({signer.whose})."


def _listed(label: str, names: tuple[str, ...]) -> list[str]:
    more = [f"{label}: and {len(names) - _SHOWN} more"] if len(names) > _SHOWN else []
    return [f"{label}: {name}" for name in names[:_SHOWN]] + more
