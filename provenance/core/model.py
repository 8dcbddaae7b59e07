"""The nouns that are not tables: frozen values passed between rooms. Imports no sibling but errors and digests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

ROLES = ("data", "manifest", "licence", "documentation", "ignored", "unreadable")
SEVERITIES = ("error", "warning", "note")
STATUSES = ("ran", "skipped", "errored")
PURPOSES = ("commercial-service", "internal", "research", "release-weights", "redistribution")
VIEWS = ("whole", "prompt", "answer")
FIELD = "field"
"""The view of single columns of a record: `field:NAME` names one."""
UNSAMPLED = "not in the sample"
"""How the reason of what a sample leaves out begins."""
CHANGED = "file-changed-during-scan"
"""How the reason of a file begins whose bytes were not the same at two readings, and of no other."""
DOCUMENTS = ("contract.file", "collection.file", "consent.file", "filter.file")
"""Fields of statements that name a document: proof of an origin, never data."""
SAYS = ("yes", "no", "not-applicable")
"""What a responsible person can answer."""
OBSERVED = ("open point", "evidence missing", "not examined", "nothing found in what was examined")
"""What the tool saw of an element, the gravest first. It rates no clause."""
ASSESSED = ("does not conform", "conforms", "not applicable")
"""What a named person concludes of an element, the gravest first."""
OPEN_POINT, EVIDENCE_MISSING, NOT_EXAMINED, NOTHING_FOUND = OBSERVED
DOES_NOT_CONFORM, CONFORMS, NOT_APPLICABLE = ASSESSED
MODALITIES = ("shall", "should", "practice")
TEXTS = ("primary", "draft", "secondary", "unconfirmed")
ANSWERED = ("machine", "declaration", "document")
EVIDENCE = ("none", "tag", "card", "licence-text", "consistent")
METHODS = ("exact", "near", "contained")

STATED = 300
"""Characters that are kept of what a record states in a licence or origin column."""

NOT_WHOLE = "(in metadata that could not be read)"
"""What is stated beside a licence that stands in a document of which the rest could not be read."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One statement of one witness: a row of CLAIMS before it knows its manifest's digest.

    Args:
        field: what is stated: licence, name, url, sha256, ...
        value: as written.
        scope: what it covers, relative to the scan root: a folder with a closing '/', './' for all, or one path.
        witness: kind of the witness.
        pointer: L<line> or a JSON pointer.
        subject: data | code | database | content | model | any.
        date: the date the statement carries, ISO 8601.
        party: person | organisation, where the manifest says which of them it names; "" where it does not.
    """

    field: str
    value: str
    scope: str
    witness: str
    pointer: str
    subject: str = "any"
    date: str | None = None
    party: str = ""


@dataclass(frozen=True, slots=True)
class FindingPart:
    """What a finding comes to in one part of a source, which a profile weighs by itself: a file, a folder, all of it.

    Args:
        value: how much, in `unit`.
        unit: the value's unit.
        records: records concerned.
        texts: distinct texts among them, or more.
        text: bytes of text at stake; None = not known.
        whole: whether it is of all of a source, and not of a file or folder beside others.
    """

    value: float
    unit: str
    records: int
    texts: int | None = None
    text: int | None = None
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Finding:
    """One disagreement, with its value and without a severity: profiles judge.

    Args:
        check: the check's name.
        source: the source that carries it.
        message: one plain sentence.
        limits: what it does not prove, one sentence.
        other: the other source, if any.
        field: what tells findings of one check and pair apart; never a count or row.
        path: one file that shows it.
        row: one record that shows it.
        value: how much, in `unit`.
        unit: the value's unit.
        records: records concerned.
        texts: distinct texts among them, where a profile's minimum counts those.
        clause: the licence clause at stake, if any.
        text: bytes of text at stake; None = not known.
        parts: what it comes to by file, folder and source, each of which a profile weighs by itself; () = it is weighed
            as a whole.
        uncounted: what it would come to if matches counted that are shorter or more common than a profile's minimum of
            shingles; None = it does not rest on matches, or on others too.
    """

    check: str
    source: str
    message: str
    limits: str
    other: str | None = None
    field: str | None = None
    path: str | None = None
    row: int | None = None
    value: float | None = None
    unit: str | None = None
    records: int | None = None
    clause: str | None = None
    texts: int | None = None
    text: int | None = None
    parts: tuple[FindingPart, ...] = ()
    uncounted: FindingPart | None = None


@dataclass(frozen=True, slots=True)
class Died:
    """A part of the work took its process down: a crash in a parser, or the kernel's out-of-memory killer.

    Args:
        reason: in a few words.
        capped: whether it was ended for taking more memory than the scan may have.
        outside: whether somebody else ended its process, which says nothing about the part: it may be tried again.
    """

    reason: str
    capped: bool = False
    outside: bool = False


@dataclass(frozen=True, slots=True)
class DeclaredAnswer:
    """What a responsible person declared of one element of a requirement.

    Args:
        says: one of SAYS.
        entry: number of the ledger entry that it stands in.
        assessor: role and keyed id of whoever says so, never a name.
        documents: how many documents it binds.
        stale: why it does not count, in a few words; None where it does.
        statement: the reason that is given; "" where none is.
    """

    says: str
    entry: int
    assessor: str
    documents: int = 0
    stale: str | None = None
    statement: str = ""


@dataclass(frozen=True, slots=True)
class CheckSpec:
    """What a check declares of itself. Its documentation is the docstring of the module of `find`.

    Args:
        name: of the fault, kebab-case, as FINDINGS.check has it.
        find: yields findings; its parameters name the tables and settings that it reads.
        unseen: says in one clause for COVERAGE what the check did not look at, or None; of one that cannot ask every
            source.
        idle: says why the check is skipped, or None; of one that may have nothing to compare with.
        survives_removal: a finding stays true when its other source is removed, for that one's text is still in this.
        taints: tells whether a finding is about all records of a data file of its source, given its row and the file's:
            then a removal list has them; None = a finding is about no file as a whole.
    """

    name: str
    find: Callable[..., Iterable[Finding]]
    unseen: Callable[..., str | None] | None = None
    idle: Callable[..., str | None] | None = None
    survives_removal: bool = False
    taints: Callable[[Mapping[str, Any], Mapping[str, Any]], bool] | None = None
