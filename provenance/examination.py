"""What a scan finds: the tables of a folder of data, by rules that an entry pins and a rerun goes by again.

    inventory -> manifests.read -> records.read -> sources.scope -> similarity -> sources.conclude
              -> checks.find -> profiles.judge

Only here do engines and functions come together; nothing is written but scratch files.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from provenance import (
    comparison,
    coverage,
    declarations,
    engines,
    findings,
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
from provenance import scratch as scratch_
from provenance import waivers as waivers_
from provenance.errors import ConfigError, LimitExceeded, NothingToAudit
from provenance.inventory import inventory
from provenance.joining import forget, gather, locate, resemble
from provenance.model import DOCUMENTS, Died
from provenance.naming import name
from provenance.observation import Bundle, File, Observed, Seen, alone, bundles, lost, observe
from provenance.observation import role as role_of
from provenance.progress import Progress, unwatched
from provenance.records import trees
from provenance.rehearsal import rehearse
from provenance.similarity import text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from pathlib import Path

_TRIES = 2  # of reading a file again whose process somebody else ended
_AGAIN = 10**15  # numbers of parts that are tried again begin here
_SIDE_BY_SIDE = 4  # checks, at most: each holds a piece of MATCHES


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
    progress: Progress = unwatched,
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
    scratch_.sweep()
    scratch = scratch_.make()
    running = engines.start(engine, workers, rehearse)
    try:
        with memory_.Cap(memory, running), scratch_.room(scratch):
            files: Sequence[File] = _files(root, paths, stated, refused, scratch)
            drawn = _draw(files, paths, stated, rules.purpose, rules.sample) if rules.sample is not None else None
            observed = _observe(running, drawn.files if drawn else files, scratch, progress, rules)
            observed += [sampling.unread(drawn.left)] if drawn else []
            tables = _conclude(paths, stated, refused, observed, files, rules, running, scratch, progress)
    finally:
        running.close()
        scratch_.remove(scratch)
    tables |= {"coverage": coverage.with_chinese(tables["coverage"])} if rules.fold_chinese else {}
    tables |= {"coverage": sampling.told(tables["coverage"], drawn)} if drawn else {}
    said: dict[str, Any] = {}
    if rules.waivers:
        tables, said = waivers_.apply(tables, rules.waivers, rules.day.isoformat())
    return tables, {"config": rules.config | ({"sample": drawn.facts} if drawn else {})} | said


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
    numbers, ended = itertools.count(_AGAIN), Counter[str]()
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
            elif result.outside and ended[part.files[0].path] < _TRIES:
                ended[part.files[0].path] += 1  # nothing of the file's: whatever was written has its own number
                again.append(replace(part, number=next(numbers)))
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
