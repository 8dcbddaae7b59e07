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

import numpy as np
import pyarrow as pa

from provenance import ledger as ledger_
from provenance import profiles as profiles_
from provenance.attestations import declaration
from provenance.core import engines, folder_walk, schemas
from provenance.core import scratch_folders as scratch_
from provenance.core.model import CHANGED, DOCUMENTS, Died
from provenance.core.processes import memory_limit as memory_
from provenance.core.progress import Progress, unwatched
from provenance.errors import ConfigError, LimitExceeded, NothingToAudit
from provenance.pipeline import coverage, evaluate, file_sampling
from provenance.pipeline.matching import match_plan, reference_matches
from provenance.pipeline.matching.match_table import write_matches
from provenance.pipeline.matching.match_tasks import forget, gather, locate, resemble
from provenance.pipeline.reading.file_bundles import Bundle, File, alone, bundles
from provenance.pipeline.reading.read_pass import lost, observe
from provenance.pipeline.warm_up import rehearse
from provenance.profiles import waivers as waivers_
from provenance.readers.records import record_trees
from provenance.similarity.text import normalisation
from provenance.sources import claims as claims_
from provenance.sources import read_results, signal_snapshots
from provenance.sources import scopes as scopes_
from provenance.sources.conclude import conclude
from provenance.sources.inventory import inventory
from provenance.sources.licence_scopes import GAP, DecidedLicence
from provenance.sources.privacy import identity
from provenance.sources.privacy.gate import Gate
from provenance.sources.scope_paths import resolved_path

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from provenance.sources.read_results import BundleResult, FileResult

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
        people: what the ids of people are made with.
    """

    profiles: tuple[profiles_.Profile, ...]
    purpose: str
    asked: reference_matches.ReferenceQuery
    exclude: tuple[str, ...]
    follow_links: bool
    fold_chinese: bool
    sample: float | None
    waivers: waivers_.Waivers | None
    declared: declaration.Declared
    day: date
    own: Path | None
    secret: bytes | None = field(default=None, repr=False)
    people: identity.IdentityKey = field(default_factory=identity.alone)

    @property
    def config(self) -> dict[str, Any]:
        """What an entry says of them, beside profiles, purpose and declarations; the sample and waivers say more."""
        config: dict[str, Any] = {"exclude": list(self.exclude), reference_matches.STEP: self.asked.described()}
        config["people"] = self.people.described
        config |= {"followLinks": True} if self.follow_links else {}
        config |= {"foldChinese": normalisation.CHINESE} if self.fold_chinese else {}
        return config | ({"records": record_trees.FORM} if self.secret is not None else {})


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
        The tables of schemas.SEALED by name, and of schemas.OPTIONAL those that hold something; what the entry says of
        configuration and waivers.

    Raises:
        InputError: the folder cannot be read; NothingToAudit: it holds no data.
        LimitExceeded: the scan needs more memory, or room for scratch files, than there may be.
    """
    progress("looking", 0, 0)
    own = folder_walk.identity(rules.own) if rules.own is not None else None
    paths = inventory(
        root,
        exclude=rules.exclude,
        leave_out=lambda folder: _is_ledger(folder, own),
        follow_links=rules.follow_links,
    )
    stated, refused = claims_.read(root, paths)
    paths, stated = claims_.named_licences(root, paths, stated)
    paths = claims_.named_documents(root, paths, stated)
    paths = signal_snapshots.set_apart(root, paths, stated)
    if "data" not in paths["role"].to_pylist():
        raise NothingToAudit(f"{root} holds no data to audit: {paths.num_rows} paths, none of them a data file")
    gate = Gate(rules.people, paths["path"].to_pylist())
    claimed, refused = gate.clean(stated), {path: gate.reason(reason) for path, reason in refused.items()}
    scratch_.sweep()
    scratch = scratch_.make()
    running = engines.start(engine, workers, rehearse)
    try:
        with memory_.Cap(memory, running), scratch_.room(scratch):
            files: Sequence[File] = _files(root, paths, stated, refused, scratch)
            drawn = _draw(files, paths, claimed, rules.purpose, rules.sample) if rules.sample is not None else None
            held = _observe(running, drawn.files if drawn else files, scratch, progress, rules)
            held += [file_sampling.unread(drawn.left)] if drawn else []
            tables = _conclude(paths, claimed, refused, held, files, rules, gate, running, scratch, progress)
    finally:
        running.close()
        scratch_.remove(scratch)
    tables |= {"coverage": coverage.with_chinese(tables["coverage"])} if rules.fold_chinese else {}
    tables |= {"coverage": file_sampling.note_sample(tables["coverage"], drawn)} if drawn else {}
    said: dict[str, Any] = {}
    if rules.waivers:
        tables, said = waivers_.apply(tables, rules.waivers, rules.day.isoformat(), rules.people)
    return tables, {"config": rules.config | ({"sample": drawn.facts} if drawn else {})} | said


def _is_ledger(folder: Path, own: folder_walk.Identity | None) -> str | None:
    if ledger_.is_ledger(folder):
        return "a ledger"
    return "the ledger of this scan" if own is not None and folder_walk.identity(folder) == own else None


def _files(root: Path, paths: pa.Table, stated: claims_.Rows, refused: Mapping[str, str], scratch: Path) -> list[File]:
    """List what workers read: data for its records, all else for its digest."""
    views = claims_.views(stated)
    policies = signal_snapshots.write_policies(root, paths, stated, scratch)
    return [
        File(
            path=row["path"],
            location=claims_.where(root, row),
            role=row["role"],
            format=row["kind"] if row["role"] != "data" or row["reason"] is not None else None,
            reason=row["reason"] or refused.get(row["path"]),
            bytes=row["bytes"],
            views=claims_.nearest(row["path"], views),
            policy=policies(row["path"]),
        )
        for row in paths.to_pylist()
        if row["role"] not in {"ignored", "unreadable"}
    ]


def _draw(
    files: Sequence[File], paths: pa.Table, stated: claims_.Rows, purpose: str, part: float
) -> file_sampling.Sample:
    """Draw a sample; which source a file belongs to is known before a record is read."""
    if not 0 < part < 1:
        raise ConfigError(f"{part} is no share of the data: give a number between 0 and 1")
    return file_sampling.draw(files, scopes_.scope(paths, claims_.table(stated), purpose).covering, part)


def _observe(
    running: engines.Engine, files: Sequence[File], scratch: Path, progress: Progress, rules: Rules
) -> list[BundleResult]:
    """Read every file once; a file that takes its process down is found, counted as unread, and left."""
    total = sum(file.bytes for file in files)
    parts = bundles(files, scratch, running.workers, fold_chinese=rules.fold_chinese, secret=rules.secret)
    numbers, ended = itertools.count(_AGAIN), Counter[str]()
    done: list[BundleResult] = []
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
                done.append(lost(part.files[0], result.reason, part.number))
        parts = again
    return done


def _conclude(
    paths: pa.Table,
    stated: claims_.Rows,
    refused: Mapping[str, str],
    held: list[BundleResult],
    read: Sequence[File],
    rules: Rules,
    gate: Gate,
    running: engines.Engine,
    scratch: Path,
    progress: Progress,
) -> dict[str, pa.Table]:
    """Make the tables of a scan from what manifests state and records hold."""
    chosen, asked, fold_chinese = rules.profiles, rules.asked, rules.fold_chinese
    claims = claims_.table(stated + gate.clean(claims_.of_records(held)))
    scopes = scopes_.scope(paths, claims, rules.purpose)
    claims = scopes.speaking(claims)
    seen = read_results.gather(held)
    progress("comparing", 0, 0)
    plan = match_plan.plan(
        held, seen, scopes.covering, running.exchange, scratch, running.workers, fold_chinese=fold_chinese
    )
    sets = [each for part in held for each in part.sets]
    met = [
        result
        for _, result in running.map(
            reference_matches.meet, reference_matches.parts(asked, sets, running.workers, scratch)
        )
    ]
    likened = match_plan.alive(result for _, result in running.map(resemble, plan.likenesses))  # takes the sets away
    joined = match_plan.alive(result for _, result in running.map(gather, match_plan.joins(likened)))
    again = match_plan.reread(plan, likened, read, seen)
    located = []
    for number, result in running.map(locate, again):
        located.append(result)
        if isinstance(result, Died):
            forget(again[number])
    namings = match_plan.namings(plan, joined, likened)
    match_plan.alive(result for _, result in running.map(write_matches, namings))
    running.close()
    found = match_plan.tabulate(plan, joined, likened, located, [naming.target for naming in namings])
    seen = match_plan.unchanged(seen, located)
    refers, looked = reference_matches.tabulate(asked, met, plan)
    files = _files_table(paths, claims, scopes, seen, found.distinct_files)
    files = gate.reasons(files)
    tables = {
        "paths": paths,
        "claims": claims_.with_identities(claims, files),
        "files": files,
        "matches": found.matches,
        "overlaps": found.overlaps,
        "sketches": match_plan.sketch(plan),
        "observations": _observations(seen, scopes),
        "references": refers,
        "sources": conclude(scopes, files, found.distinct_sources, found.texts),
    }
    progress("checking", 0, 0)
    answers = declaration.answers(rules.declared, chosen, declaration.data_digest(files), rules.day)
    threads = min(running.workers, _SIDE_BY_SIDE)
    drawn = evaluate.draw(tables, scopes, chosen, answers=answers, indexes=asked.described(), threads=threads)
    steps = coverage.steps(files, claims, refused, found, looked)
    drawn["coverage"] = pa.concat_tables([coverage.with_paths(steps, gate.held(files)), drawn["coverage"]])
    tables |= drawn
    del tables["paths"]
    contacts = {"contacts": people} if (people := gate.contacts()).num_rows else {}
    return {name: schemas.conform(tables[name], schema) for name, schema in schemas.SEALED.items()} | contacts


def _files_table(
    paths: pa.Table, claims: pa.Table, scopes: scopes_.Scopes, seen: FileResult, distinct: Mapping[str, int]
) -> pa.Table:
    """Make FILES: every path on disk once, and every member of an archive."""
    claimed: dict[str, list[str]] = defaultdict(list)
    digests: dict[str, str] = {}
    proofs: dict[str, str | None] = {}
    for row in claims.to_pylist():
        if row["field"] in DOCUMENTS:
            proofs[resolved_path(row)] = row["source"]
        if row["field"] == "sha256":
            claimed[row["scope"]].append(row["value"])
        if row["witness"] not in {"record-column", GAP}:
            digests[row["manifest"]] = row["digest"]
    on_disk = {row["path"]: row for row in paths.to_pylist()}
    unread = [_unread(row, scopes) for row in on_disk.values() if row["role"] in {"ignored", "unreadable"}]
    made: dict[str, list[Any]] = {name: [] for name in _DECIDED}
    read = seen.files.select(["path", "role", "skip_reason", "sha256"])
    for path, within, reason, sha256 in zip(*(column.to_pylist() for column in read.columns), strict=True):
        outer = on_disk[path.split("!/", 1)[0]]["role"]
        role = within if within is not None and outer == "data" else outer
        licence = scopes.licence(path) if role == "data" else DecidedLicence()
        source = proofs.get(path) if role != "data" else None  # a contract stands for what it was made for
        # one that could not be read whole, now or then, may be what it was
        changed = sha256 is not None and digests.get(path, sha256) not in {None, sha256}
        made["source"].append(source or scopes.covering(path))
        made["role"].append(role)
        made["skip_reason"].append(CHANGED if changed else reason)
        made["records_distinct"].append(distinct.get(path, 0))
        made["sha256_claimed"].append(_contradicting(claimed.get(path, ()), sha256))
        made["licence"].append(licence.expression)
        made["licence_from"].append(licence.pointer)
    columns = [
        pa.array(made[field.name], field.type) if field.name in made else seen.files[field.name]
        for field in schemas.FILES
    ]
    rows = schemas.conform(pa.table(columns, names=schemas.FILES.names), schemas.FILES)
    return schemas.ordered(pa.concat_tables([rows, schemas.rows(unread, schemas.FILES)]), "path")


_DECIDED = ("source", "role", "skip_reason", "records_distinct", "sha256_claimed", "licence", "licence_from")
"""Columns of FILES that are not as the reader of the file has them."""


def _observations(seen: FileResult, scopes: scopes_.Scopes) -> pa.Table:
    """Make OBSERVATIONS of what detectors saw in each file."""
    files, place = np.unique(np.asarray(seen.observed["file"]), return_inverse=True)
    paths = seen.files["path"].take(pa.array(files))
    owners = pa.array([scopes.covering(path) for path in paths.to_pylist()], pa.string())
    named = (owners.take(pa.array(place)), paths.take(pa.array(place)))
    table = pa.table([*named, *seen.observed.columns[1:]], schema=schemas.OBSERVATIONS)
    return schemas.ordered(table, "path", "detector", "kind", "state")


def _contradicting(claimed: Sequence[str], found: str | None) -> str | None:
    """Return the digest that manifests declare; where they differ, one that is wrong."""
    return next((each for each in claimed if each != found), next(iter(claimed), None))


def _unread(row: Mapping[str, Any], scopes: scopes_.Scopes) -> dict[str, Any]:
    source = scopes.covering(row["path"]) if row["role"] == "unreadable" else None
    return {
        "path": row["path"], "source": source, "role": row["role"], "format": row["kind"], "bytes": row["bytes"],
        "bytes_consumed": 0, "bytes_skipped": row["bytes"], "skip_reason": row["reason"], "records": 0,
        "records_unreadable": 0, "records_distinct": 0, "tokens": 0, "sha256": None, "sha256_claimed": None,
        "licence": None, "licence_from": None, "records_root": None,
    }  # fmt: skip
