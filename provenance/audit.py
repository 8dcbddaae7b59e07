"""The straight line from a folder to a signed ledger, and `Audit`, what a notebook holds.

What is found is made by `examination`, written by `reports`, sealed by `ledger`.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provenance import (
    acting,
    declarations,
    excerpts,
    findings,
    omission,
    pathnames,
    program,
    references,
    report_check,
    schemas,
)
from provenance import ledger as ledger_
from provenance import profiles as profiles_
from provenance import waivers as waivers_
from provenance.acts import waiver
from provenance.errors import ConfigError, VerificationError
from provenance.examination import Rules, examine
from provenance.ledger import salts, writing
from provenance.ledger.layout import unreadable
from provenance.ledger.verification import EQUIVOCATION, INVALID
from provenance.model import PURPOSES
from provenance.privacy import identity, masking
from provenance.progress import Progress, unwatched
from provenance.records import trees
from provenance.reports import filings
from provenance.reports import html as report_html
from provenance.reports import json as report_json

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import pandas as pd
    import pyarrow as pa


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Audit:
    """What a scan found: DataFrames for people, Arrow tables underneath.

    Args:
        tables: the tables of `schemas.SEALED` by name.
        facts: what the scan says of itself: purpose, profiles, times, versions.
        entry: the ledger entry it was appended as; None where nothing was written.
        notices: what a person should be told of the writing, one sentence each.
    """

    tables: Mapping[str, pa.Table]
    facts: Mapping[str, Any]
    entry: ledger_.Entry | None = None
    notices: tuple[str, ...] = ()

    @property
    def sources(self) -> pd.DataFrame:
        """SOURCES: one row a data source."""
        return self._frame("sources")

    @property
    def files(self) -> pd.DataFrame:
        """FILES: one row a file or member of an archive."""
        return self._frame("files")

    @property
    def claims(self) -> pd.DataFrame:
        """CLAIMS: one row a statement of a witness."""
        return self._frame("claims")

    @property
    def matches(self) -> pd.DataFrame:
        """MATCHES: one row a record and other file."""
        return self._frame("matches")

    @property
    def overlaps(self) -> pd.DataFrame:
        """OVERLAPS: one row a view and ordered pair of sources or files."""
        return self._frame("overlaps")

    @property
    def observations(self) -> pd.DataFrame:
        """OBSERVATIONS: one row a file, detector, kind and state; counts, never text."""
        return self._frame("observations")

    @property
    def references(self) -> pd.DataFrame:
        """REFERENCES: one row a view of an item of an index, and file or source that holds it."""
        return self._frame("references")

    @property
    def findings(self) -> pd.DataFrame:
        """FINDINGS: one row a disagreement, the worst first."""
        return self._frame("findings")

    @property
    def coverage(self) -> pd.DataFrame:
        """COVERAGE: one row a check or step."""
        return self._frame("coverage")

    @property
    def verdicts(self) -> pd.DataFrame:
        """VERDICTS: one row an element of a requirement of a profile."""
        return self._frame("verdicts")

    @property
    def contacts(self) -> pd.DataFrame:
        """CONTACTS: one row a person or contact that a manifest names; none where the table is withheld or erased."""
        table = self.tables.get("contacts")
        frame: pd.DataFrame = (schemas.CONTACTS.empty_table() if table is None else table).to_pandas()
        return frame

    def without(self, *dropped: str) -> Audit:
        """Answer "what if we did not use these sources?" without reading anything again.

        Args:
            dropped: ids of sources.

        Returns:
            The audit of what is left. Findings on a copy stay, though its twin is dropped: the text is still there.

        Raises:
            ConfigError: there is no such source, nothing would be left, or this audit is such an answer itself.
        """
        return Audit(*omission.without(self.tables, self.facts, dropped))

    def records(
        self, data: str | os.PathLike[str], places: Iterable[tuple[str, int]], *, masked: bool = True
    ) -> pd.DataFrame:
        """Read records back from the data, which must be the bytes that were scanned.

        Args:
            data: the folder that was scanned.
            places: path and row of each record, as in MATCHES, FINDINGS and `pairs`.
            masked: whether [email], [phone], ... stand in the place of personal data.

        Returns:
            `path` and the columns of RECORDS, one row a place, in the order given.

        Raises:
            ConfigError: there is no such record; InputError: its file is gone; DigestMismatch: it was changed.
        """
        frame: pd.DataFrame = excerpts.read(self.tables, data, places, masked=masked).to_pandas()
        return frame

    def _frame(self, name: str) -> pd.DataFrame:
        frame: pd.DataFrame = self.tables[name].to_pandas()
        return frame

    def worst(self) -> str | None:
        """Return the worst severity of the findings that are not waived, or None if there are none."""
        findings = self.tables["findings"]
        found = findings.filter(findings["waived"].is_null())["severity"].to_pylist()
        return found[0] if found else None

    def __repr__(self) -> str:
        counts = self.facts["counts"]
        return f"<Audit of {self.facts['data']}: {counts['sources']} sources, {counts['findings']} findings>"

    def _repr_html_(self) -> str:
        return str(self.findings[["severity", "check", "source", "other", "message"]].to_html(index=False))


def scan(
    path: str | os.PathLike[str],
    ledger: str | os.PathLike[str] | None = None,
    *,
    profiles: Sequence[str] = ("baseline",),
    purpose: str = "commercial-service",
    exclude: Sequence[str] = (),
    assess: bool = False,
    key: str | None = None,
    engine: str = "local",
    workers: int | None = None,
    follow_links: bool = False,
    waivers: str | os.PathLike[str] | None = None,
    sample: float | None = None,
    reference: Sequence[str | os.PathLike[str]] = (),
    fold_chinese: bool = False,
    records: bool | None = None,
    memory: int | None = None,
    ask: Callable[[str], str] | None = None,
    progress: Progress = unwatched,
) -> Audit:
    """Audit a folder of training data.

    Args:
        path: the folder.
        ledger: the ledger to append to; None writes nothing.
        profiles: names of profiles; the worst severity of all counts.
        purpose: one of model.PURPOSES: what the data is to be used for.
        exclude: globs over relative paths that are left out, and counted.
        assess: whether the entry is an assessment, which claims something, or a draft.
        key: URI of the signing keys; None = the user's own, made at first use.
        engine: one of engines.ENGINES.
        workers: processes; None = one a core.
        follow_links: whether links that lead out of the folder are followed.
        waivers: a file of accepted findings, outside the data, beside those of the ledger; None = none.
        sample: share of the bytes of each source to look at, in (0, 1); None = all of them.
        reference: indexes of works, benchmarks or data sets to look for; those that ship are always asked.
        fold_chinese: whether records that differ only in traditional and simplified characters are the same.
        records: whether one record of a file can be proven under the entry later; None = of an assessment alone.
        memory: bytes that the scan and its workers may take together; None = what they need.
        ask: asks for a password, given the prompt.
        progress: told how far the scan is.

    Returns:
        The audit.

    Raises:
        ConfigError: a profile, purpose, key, waiver, index or path that does not exist, or waivers in the data.
        InputError: the folder cannot be read; NothingToAudit: it holds no data.
        LimitExceeded: the scan needs more memory, or room for scratch files, than there may be.
    """
    started = _now()
    root = Path(path)
    if purpose not in PURPOSES:
        raise ConfigError(f"there is no purpose {purpose!r}; there are: {', '.join(PURPOSES)}")
    if assess and sample is not None:
        raise ConfigError("an assessment rests on all of the data; leave out --sample or --assess")
    if records and sample is not None:
        raise ConfigError("record trees stand for whole files; leave out --sample or --records")
    chosen = tuple(profiles_.load(name) for name in dict.fromkeys(profiles))
    asked = references.load([Path(each) for each in reference], fold_chinese=fold_chinese)
    own = Path(ledger).resolve() if ledger is not None else None
    if own is not None and (reason := unreadable(own)):
        raise ConfigError(reason)
    accepted = _accepted(waivers, root, own)
    keys = _keys(key, ask) if ledger is not None else None
    if ledger is not None and keys is not None:
        ledger_.reserve(Path(ledger), keys)
    rules = Rules(
        profiles=chosen,
        purpose=purpose,
        asked=asked,
        exclude=tuple(exclude),
        follow_links=follow_links,
        fold_chinese=fold_chinese,
        sample=sample,
        waivers=accepted,
        declared=tuple(ledger_.entries(own, "declaration")) if own is not None else (),
        day=date.fromisoformat(started[:10]),
        own=own,
        secret=_secret(keys) if (assess if records is None else records) else None,
        people=identity.alone() if keys is None else identity.Key(salts.secret(keys.folder)),
    )
    tables, said = examine(root, rules, engine=engine, workers=workers, memory=memory, progress=progress)
    facts = _facts(root, rules, tables, started, assess=assess) | said
    audit = Audit(tables, facts)
    if ledger is None or keys is None:
        return audit
    progress("signing", 0, 0)
    documents: dict[str, ledger_.Document] = {
        "report.json": report_json.render(tables, facts),
        "report.html": lambda seal: report_html.render(tables, facts, seal),
    }
    documents |= {profile.name_of_file: profile.source for profile in chosen}
    documents |= {waivers_.DOCUMENT: accepted.source} if accepted and accepted.source is not None else {}
    entry = ledger_.append(Path(ledger), tables, documents, facts, keys=keys)
    return Audit(tables, facts, entry, _notices(Path(ledger), entry, keys))


def open_ledger(path: str | os.PathLike[str], index: int | None = None, *, verified: bool = True) -> Audit:
    """Open a scan that stands in a ledger: its entry, the log and every table are verified, not the other entries.

    Args:
        path: the ledger.
        index: number of the entry; None = the newest.
        verified: whether what does not verify is an error; False reads it all the same.

    Returns:
        The audit as it was sealed. Its notices say what does not verify, and whose keys nobody vouches for.

    Raises:
        ConfigError: the folder is no ledger, or has no such entry.
        VerificationError: what it holds is not what was signed.
    """
    said: list[str] = []
    reader = ledger_.open_reader(Path(path), index, verified=verified, warn=said.append)
    found = opened(reader)
    return Audit(found.tables, found.facts, notices=tuple(said))


def opened(reader: ledger_.Reader) -> Audit:
    """Return the scan that a reader was opened for.

    Args:
        reader: a ledger that is open for reading.

    Raises:
        InputError: its entry is no scan, or a table is withheld.
        VerificationError: a table is not what was signed.
    """
    return Audit(reader.tables(), reader.statement().predicate)


def declare(
    ledger: str | os.PathLike[str],
    file: str | os.PathLike[str],
    *,
    key: str | None = None,
    ask: Callable[[str], str] | None = None,
) -> tuple[declarations.Declaration, ledger_.Entry]:
    """Append what a responsible person declares to a ledger, about its newest scan.

    Args:
        ledger: the ledger.
        file: the form, see `declarations.template`.
        key: URI of the signing keys; None = the user's own.
        ask: asks for a password, given the prompt.

    Returns:
        The declaration and its entry.

    Raises:
        ConfigError: the form or the ledger is not what it should be; the sentence says where.
        BrokenChain: the ledger does not verify.
    """
    declaration = declarations.read(Path(file))
    return declaration, declarations.append(Path(ledger), declaration, program.described(), key=key, ask=ask)


def renew(
    ledger: str | os.PathLike[str],
    *,
    files: bool = False,
    key: str | None = None,
    ask: Callable[[str], str] | None = None,
) -> tuple[ledger_.Entry, list[str]]:
    """Append a renewal entry to a ledger: it lists the digests of all checkpoints and timestamps, to be stamped anew.

    Args:
        ledger: the ledger.
        files: whether to list the SHA-512 of every file that an entry binds, too.
        key: URI of the signing keys; None = the user's own.
        ask: asks for a password, given the prompt.

    Returns:
        The entry, and the timestamps that it came too late for: their certificates had expired.

    Raises:
        ConfigError: the folder is no ledger, or another's.
        BrokenChain: the ledger does not verify.
    """
    from provenance.ledger import renewal

    keys = ledger_.user_keys(create=False, prompt=ask) if key is None else ledger_.load(key, prompt=ask)
    now = datetime.now(UTC)
    late = renewal.expired(Path(ledger), now)
    return renewal.renew(Path(ledger), program.described(), now, keys=keys, files=files), late


def filing(ledger: str | os.PathLike[str], name: str, index: int | None = None, profiles: Sequence[str] = ()) -> bytes:
    """Write a document that a person signs and hands in.

    Args:
        ledger: the ledger.
        name: one of reports.filings.FILINGS.
        index: number of the scan's entry; None = the newest scan.
        profiles: names of profiles to speak of; all that the scan was judged by if none are named.

    Returns:
        The document.

    Raises:
        ConfigError: the folder is no ledger, or the scan was not judged by such a profile.
        VerificationError: the ledger does not verify: nothing is to be signed that rests on it.
    """
    folder = Path(ledger)
    reader = ledger_.open_reader(folder, index)
    found = opened(reader)
    checked = report_check.verify(folder)
    if checked.exit_code in {INVALID, EQUIVOCATION} or checked.root != reader.root:
        raise VerificationError(f"{folder} does not verify, so no filing is made of it; run provenance verify {folder}")
    judged = [each["name"] for each in found.facts["profiles"]]
    if strange := set(profiles) - set(judged):
        raise ConfigError(f"this scan was not judged by {', '.join(sorted(strange))}; it was by {', '.join(judged)}")
    asked = [each for each in found.facts["profiles"] if not profiles or each["name"] in profiles]
    facts = {**found.facts, "profiles": asked}
    declared, keyid = reader.entries("declaration"), reader.envelope().keyid
    return filings.render(name, found.tables, facts, declared, keyid, acting.history(reader))


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _secret(keys: ledger_.KeyPair | None) -> bytes:
    """Return what record trees are salted with: the user's own secret, or one for this scan alone."""
    return secrets.token_bytes(trees.SECRET) if keys is None else salts.secret(keys.folder)


def _keys(key: str | None, ask: Callable[[str], str] | None) -> ledger_.KeyPair:
    return ledger_.user_keys(create=True, prompt=ask) if key is None else ledger_.load(key, prompt=ask)


def _accepted(file: str | os.PathLike[str] | None, root: Path, ledger: Path | None) -> waivers_.Waivers | None:
    """Read the waivers of a file, and those of the ledger."""
    given = waivers_.load(Path(file), root) if file is not None else waivers_.Waivers((), None)
    standing = waiver.standing(ledger) if ledger is not None else ()
    return waivers_.Waivers((*given.waivers, *standing), given.source) if file is not None or standing else None


def _notices(folder: Path, entry: ledger_.Entry, keys: ledger_.KeyPair) -> tuple[str, ...]:
    made = [
        f"New signing keys were made in {keys.folder}; they identify nobody until you tell others their fingerprint."
    ]
    latest = folder / writing.LATEST
    other = [f"{latest} is no link of this program, and was left as it is: the newest scan is {entry.folder}."]
    report = f"The report for people: {entry.folder / 'report.html'}"
    signed = f"Entry {entry.index} of {folder} is signed by {entry.keyid}; check it with: provenance verify {folder}"
    is_ours = latest.is_symlink() or not latest.exists()
    return (*(made if keys.created else []), *([] if is_ours else other), report, signed)


def _facts(root: Path, rules: Rules, tables: Mapping[str, pa.Table], started: str, *, assess: bool) -> dict[str, Any]:
    return {
        "kind": "assessment" if assess else "draft",
        "scanner": program.described(),
        "data": masking.clean(root.resolve().name) or "root",
        "dataDigest": {"sha256": declarations.data_digest(tables["files"])},
        "declarations": [{"entry": entry, "digest": {"sha256": digest}} for entry, digest, _ in rules.declared],
        "pathNaming": pathnames.VERSION,
        "purpose": rules.purpose,
        "profiles": [
            {"name": each.name, "version": each.version, "title": each.title, "digest": {"sha256": each.digest}}
            | ({"title_zh": each.title_zh} if each.title_zh else {})
            for each in rules.profiles
        ],
        "startedOn": started,
        "finishedOn": _now(),
        **findings.counted(tables),
    }
