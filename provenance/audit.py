"""The straight line from a folder to a signed ledger, and `Audit`, what a notebook holds.

    inventory -> manifests.read -> records.read -> sources.scope -> similarity -> sources.conclude
              -> checks.find -> profiles.judge -> ledger.append -> reports.render

Only here do engines and functions come together.
"""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from provenance import (
    acting,
    comparison,
    coverage,
    declarations,
    engines,
    excerpts,
    findings,
    omission,
    program,
    references,
    sampling,
    schemas,
    snapshots,
    sources,
    statements,
)
from provenance import ledger as ledger_
from provenance import memory as memory_
from provenance import profiles as profiles_
from provenance import waivers as waivers_
from provenance.acts import waiver
from provenance.errors import ConfigError, LimitExceeded, NothingToAudit, VerificationError
from provenance.inventory import inventory
from provenance.joining import forget, gather, locate, resemble
from provenance.ledger import salts
from provenance.ledger.verification import EQUIVOCATION, INVALID
from provenance.model import DOCUMENTS, PURPOSES, Died
from provenance.naming import name
from provenance.observation import (
    Bundle,
    File,
    Observed,
    Seen,
    alone,
    bundles,
    lost,
    observe,
)
from provenance.observation import role as role_of
from provenance.records import trees
from provenance.rehearsal import rehearse
from provenance.reports import filings
from provenance.reports import html as report_html
from provenance.reports import json as report_json
from provenance.similarity import text

if TYPE_CHECKING:
    import os

    import pandas as pd

Progress = Callable[[str, int, int], None]
"""Told the step, how much of it is done and how much there is, in bytes."""

_SIDE_BY_SIDE = 4  # checks, at most: each holds a piece of MATCHES


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
    progress: Progress = lambda step, done, total: None,  # noqa: ARG005 - names are the contract
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


@dataclass(frozen=True, slots=True)
class Rules:
    """What decides what a scan finds, beside the data and this program: an entry pins it, and a rerun goes by it again.

    Args:
        profiles: what findings are judged by.
        purpose: one of model.PURPOSES.
        asked: indexes to look for.
        exclude: globs over relative paths that are left out.
        follow_links: whether links that lead out of the folder are followed.
        fold_chinese: whether traditional characters count as their simplified ones.
        sample: share of the bytes of each source to look at; None = all of them.
        waivers: accepted findings.
        declared: declarations of the ledger, the oldest first.
        day: on which waivers and declarations must hold, UTC.
        own: the ledger of the scan, which is left out of the data; None = there is none.
        secret: what record trees are salted with; None = none are made.
    """

    profiles: tuple[profiles_.Profile, ...]
    purpose: str
    asked: references.Asked
    exclude: tuple[str, ...]
    follow_links: bool
    fold_chinese: bool
    sample: float | None
    waivers: waivers_.Waivers | None
    declared: declarations.Declared
    day: date
    own: Path | None
    secret: bytes | None = field(default=None, repr=False)

    @property
    def config(self) -> dict[str, Any]:
        """What an entry says of them, beside profiles, purpose and declarations; the sample and waivers say more."""
        config: dict[str, Any] = {"exclude": list(self.exclude), references.STEP: self.asked.described()}
        config |= {"followLinks": True} if self.follow_links else {}
        config |= {"foldChinese": text.CHINESE} if self.fold_chinese else {}
        return config | ({"records": trees.FORM} if self.secret is not None else {})


def examine(
    root: Path,
    rules: Rules,
    *,
    engine: str = "local",
    workers: int | None = None,
    memory: int | None = None,
    progress: Progress = lambda step, done, total: None,  # noqa: ARG005 - names are the contract
) -> tuple[dict[str, pa.Table], dict[str, Any]]:
    """Make the tables of a scan; nothing is written.

    Args:
        root: the folder of data.
        rules: what decides what is found.
        engine: one of engines.ENGINES.
        workers: processes; None = one a core.
        memory: bytes that the scan and its workers may take together; None = what they need.
        progress: told how far the scan is.

    Returns:
        The tables of schemas.SEALED by name; what the entry says of configuration and waivers.

    Raises:
        InputError: the folder cannot be read; NothingToAudit: it holds no data.
        LimitExceeded: the scan needs more memory, or room for scratch files, than there may be.
    """
    progress("looking", 0, 0)
    paths = inventory(
        root,
        exclude=rules.exclude,
        leave_out=lambda folder: _is_ledger(folder, rules.own),
        follow_links=rules.follow_links,
    )
    stated, refused = statements.read(root, paths)
    paths, stated = statements.named_licences(root, paths, stated)
    paths = statements.named_documents(paths, stated)
    paths = snapshots.set_apart(paths, stated)
    if "data" not in paths["role"].to_pylist():
        raise NothingToAudit(f"{root} holds no data to audit: {paths.num_rows} paths, none of them a data file")
    scratch = Path(tempfile.mkdtemp(prefix="provenance-"))
    running = engines.start(engine, workers, rehearse)
    try:
        with memory_.Cap(memory, running):
            files: Sequence[File] = _files(root, paths, stated, refused, scratch)
            drawn = _draw(files, paths, stated, rules.purpose, rules.sample) if rules.sample is not None else None
            observed = _observe(running, drawn.files if drawn else files, scratch, progress, rules)
            observed += [sampling.unread(drawn.left)] if drawn else []
            tables = _conclude(paths, stated, refused, observed, files, rules, running, scratch, progress)
    finally:
        running.close()
        shutil.rmtree(scratch, ignore_errors=True)
    tables |= {"coverage": coverage.with_chinese(tables["coverage"])} if rules.fold_chinese else {}
    tables |= {"coverage": sampling.told(tables["coverage"], drawn)} if drawn else {}
    said: dict[str, Any] = {}
    if rules.waivers:
        tables, said = waivers_.apply(tables, rules.waivers, rules.day.isoformat())
    return tables, {"config": rules.config | ({"sample": drawn.facts} if drawn else {})} | said


def open_ledger(path: str | os.PathLike[str], index: int | None = None) -> Audit:
    """Open a scan that stands in a ledger.

    Args:
        path: the ledger.
        index: number of the entry; None = the newest.

    Returns:
        The audit as it was sealed; `pv.verify` says whether it may be believed.

    Raises:
        ConfigError: the folder is no ledger, or has no such entry.
        VerificationError: what it holds is not what was signed.
    """
    folder = Path(path)
    if not ledger_.is_ledger(folder):
        raise ConfigError(f"{folder} is no ledger; `provenance scan DATA --ledger {folder}` makes one")
    statement = ledger_.read_entry(folder, index)
    return Audit(ledger_.tables(folder, index), statement["predicate"])


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
    found = open_ledger(folder, index)
    checked = ledger_.verify(folder)
    if checked.exit_code in {INVALID, EQUIVOCATION}:
        raise VerificationError(f"{folder} does not verify, so no filing is made of it; run provenance verify {folder}")
    judged = [each["name"] for each in found.facts["profiles"]]
    if strange := set(profiles) - set(judged):
        raise ConfigError(f"this scan was not judged by {', '.join(sorted(strange))}; it was by {', '.join(judged)}")
    asked = [each for each in found.facts["profiles"] if not profiles or each["name"] in profiles]
    at = found.facts["log"]["index"]
    facts = {**found.facts, "profiles": asked}
    declared, keyid = ledger_.entries(folder, "declaration"), ledger_.signer(folder, at)
    return filings.render(name, found.tables, facts, declared, keyid, acting.history(folder))


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
    report = f"The report for people: {entry.folder / 'report.html'}"
    signed = f"Entry {entry.index} of {folder} is signed by {entry.keyid}; check it with: provenance verify {folder}"
    return (*(made if keys.created else []), report, signed)


def _is_ledger(folder: Path, own: Path | None) -> str | None:
    if ledger_.is_ledger(folder):
        return "a ledger"
    return "the ledger of this scan" if own is not None and folder.resolve() == own else None


def _files(
    root: Path, paths: pa.Table, stated: statements.Rows, refused: Mapping[str, str], scratch: Path
) -> list[File]:
    """List what workers read: data for its records, all else for its digest."""
    views = statements.views(stated)
    policies = snapshots.told(root, paths, stated, scratch)
    return [
        File(
            path=row["path"],
            location=statements.where(root, row),
            role=row["role"],
            format=row["kind"],
            reason=row["reason"] or refused.get(row["path"]),
            bytes=row["bytes"],
            views=statements.nearest(row["path"], views),
            policy=policies(row["path"]),
        )
        for row in paths.to_pylist()
        if row["role"] not in {"ignored", "unreadable"}
    ]


def _draw(
    files: Sequence[File], paths: pa.Table, stated: statements.Rows, purpose: str, part: float
) -> sampling.Sample:
    """Draw a sample; which source a file belongs to is known before a record is read."""
    if not 0 < part < 1:
        raise ConfigError(f"{part} is no share of the data: give a number between 0 and 1")
    return sampling.draw(files, sources.scope(paths, statements.table(stated), purpose).covering, part)


def _observe(
    running: engines.Engine, files: Sequence[File], scratch: Path, progress: Progress, rules: Rules
) -> list[Observed]:
    """Read every file once; a file that takes its process down is found, counted as unread, and left."""
    total = sum(file.bytes for file in files)
    parts = bundles(files, scratch, running.workers, fold_chinese=rules.fold_chinese, secret=rules.secret)
    done: list[Observed] = []
    read = 0
    progress("reading", read, total)
    while parts:
        again: list[Bundle] = []
        for number, result in running.map(observe, parts):
            part = parts[number]
            if not isinstance(result, Died):
                done.append(result)
                read += sum(file.bytes for file in part.files)
                progress("reading", read, total)
            elif len(part.files) > 1:
                again += alone(part)
            elif result.capped:
                path = part.files[0].path
                raise LimitExceeded(f"{path} could not be read: {result.reason}; give it more --memory, or --workers 1")
            else:
                done.append(Observed(part.number, (lost(part.files[0], result.reason),), ()))
        parts = again
    return done


def _conclude(
    paths: pa.Table,
    stated: statements.Rows,
    refused: Mapping[str, str],
    observed: list[Observed],
    read: Sequence[File],
    rules: Rules,
    running: engines.Engine,
    scratch: Path,
    progress: Progress,
) -> dict[str, pa.Table]:
    """Make the tables of a scan from what manifests state and records hold."""
    chosen, asked, fold_chinese = rules.profiles, rules.asked, rules.fold_chinese
    claims = statements.table(stated + statements.of_records(observed))
    scopes = sources.scope(paths, claims, rules.purpose)
    claims = scopes.speaking(claims)
    seen = sorted((each for part in observed for each in part.seen), key=lambda each: each.account.path)
    progress("comparing", 0, 0)
    plan = comparison.plan(
        observed, seen, scopes.covering, running.exchange, scratch, running.workers, fold_chinese=fold_chinese
    )
    sets = [each for part in observed for each in part.sets]
    met = [
        result for _, result in running.map(references.meet, references.parts(asked, sets, running.workers, scratch))
    ]
    likened = comparison.alive(result for _, result in running.map(resemble, plan.likenesses))  # takes the sets away
    joined = comparison.alive(result for _, result in running.map(gather, comparison.joins(likened)))
    again = comparison.reread(plan, likened, read, seen)
    located = []
    for number, result in running.map(locate, again):
        located.append(result)
        if isinstance(result, Died):
            forget(again[number])
    namings = comparison.namings(plan, joined, likened)
    comparison.alive(result for _, result in running.map(name, namings))
    running.close()
    found = comparison.tabulate(plan, joined, likened, located, [naming.target for naming in namings])
    seen = comparison.unchanged(seen, located)
    refers, looked = references.tabulate(asked, met, plan)
    files = _files_table(paths, claims, scopes, seen, found.distinct_files)
    tables = {
        "paths": paths,
        "claims": statements.with_identities(claims, files),
        "files": files,
        "matches": found.matches,
        "overlaps": found.overlaps,
        "sketches": comparison.sketch(plan),
        "observations": _observations(seen, scopes),
        "references": refers,
        "sources": sources.conclude(scopes, files, found.distinct_sources, found.texts),
    }
    progress("checking", 0, 0)
    answers = declarations.answers(rules.declared, chosen, declarations.data_digest(files), rules.day)
    threads = min(running.workers, _SIDE_BY_SIDE)
    drawn = findings.draw(tables, scopes, chosen, answers=answers, indexes=asked.described(), threads=threads)
    drawn["coverage"] = pa.concat_tables([coverage.steps(files, claims, refused, found, looked), drawn["coverage"]])
    tables |= drawn
    del tables["paths"]
    return {name: schemas.conform(tables[name], schema) for name, schema in schemas.SEALED.items()}


def _files_table(
    paths: pa.Table, claims: pa.Table, scopes: sources.Scopes, seen: Sequence[Seen], distinct: Mapping[str, int]
) -> pa.Table:
    """Make FILES: every path on disk once, and every member of an archive."""
    claimed: dict[str, list[str]] = defaultdict(list)
    digests: dict[str, str] = {}
    proofs: dict[str, str | None] = {}
    for row in claims.to_pylist():
        if row["field"] in DOCUMENTS:
            proofs[sources.beside(row)] = row["source"]
        if row["field"] == "sha256":
            claimed[row["scope"]].append(row["value"])
        if row["witness"] not in {"record-column", sources.GAP}:
            digests[row["manifest"]] = row["digest"]
    on_disk = {row["path"]: row for row in paths.to_pylist()}
    rows = [_unread(row, scopes) for row in on_disk.values() if row["role"] in {"ignored", "unreadable"}]
    for each in seen:
        account = each.account
        role = role_of(account.path, on_disk[account.path.split("!/", 1)[0]]["role"])
        licence = scopes.licence(account.path) if role == "data" else sources.Licence()
        source = proofs.get(account.path) if role != "data" else None  # a contract stands for what it was made for
        changed = digests.get(account.path, account.sha256) != account.sha256
        rows.append(
            {
                "path": account.path, "source": source or scopes.covering(account.path), "role": role,
                "format": account.format, "bytes": account.bytes, "bytes_consumed": account.bytes_consumed,
                "bytes_skipped": account.bytes_skipped,
                "skip_reason": "file-changed-during-scan" if changed else account.skip_reason,
                "records": account.records, "records_unreadable": account.records_unreadable,
                "records_distinct": distinct.get(account.path, 0), "tokens": each.tokens, "sha256": account.sha256,
                "sha256_claimed": _contradicting(claimed[account.path], account.sha256), "licence": licence.expression,
                "licence_from": licence.pointer, "records_root": each.root,
            }
        )  # fmt: skip
    return schemas.ordered(schemas.rows(rows, schemas.FILES), "path")


def _observations(seen: Sequence[Seen], scopes: sources.Scopes) -> pa.Table:
    """Make OBSERVATIONS of what detectors saw in each file."""
    held = [schemas.OBSERVATIONS.empty_table()]
    for each in seen:
        path, count = each.account.path, each.observed.num_rows
        if count:
            place = [pa.array([name] * count, pa.string()) for name in (scopes.covering(path), path)]
            held.append(pa.table([*place, *each.observed.columns], schema=schemas.OBSERVATIONS))
    return schemas.ordered(pa.concat_tables(held), "path", "detector", "kind", "state")


def _contradicting(claimed: Sequence[str], found: str | None) -> str | None:
    """Return the digest that manifests declare; where they differ, one that is wrong."""
    return next((each for each in claimed if each != found), next(iter(claimed), None))


def _unread(row: Mapping[str, Any], scopes: sources.Scopes) -> dict[str, Any]:
    source = scopes.covering(row["path"]) if row["role"] == "unreadable" else None
    return {
        "path": row["path"], "source": source, "role": row["role"], "format": row["kind"], "bytes": row["bytes"],
        "bytes_consumed": 0, "bytes_skipped": row["bytes"], "skip_reason": row["reason"], "records": 0,
        "records_unreadable": 0, "records_distinct": 0, "tokens": 0, "sha256": None, "sha256_claimed": None,
        "licence": None, "licence_from": None, "records_root": None,
    }  # fmt: skip


def _facts(root: Path, rules: Rules, tables: Mapping[str, pa.Table], started: str, *, assess: bool) -> dict[str, Any]:
    return {
        "kind": "assessment" if assess else "draft",
        "scanner": program.described(),
        "data": root.resolve().name or "root",
        "dataDigest": {"sha256": declarations.data_digest(tables["files"])},
        "declarations": [{"entry": entry, "digest": {"sha256": digest}} for entry, digest, _ in rules.declared],
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
