"""What a scan finds: the tables of a folder of data, by rules that an entry pins and a rerun goes by again.

    inventory -> manifests.read -> records.read -> sources.scope -> similarity -> sources.conclude
              -> checks.find -> profiles.judge

Only here do engines and functions come together; nothing is written but scratch files.
"""

from __future__ import annotations

import functools
import itertools
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from provenance import detectors
from provenance import ledger as signed_ledger
from provenance import profiles as profile_files
from provenance.attestations import declaration
from provenance.core import engines, folder_walk, schemas
from provenance.core.model import CHANGED, DOCUMENTS, Died
from provenance.core.processes import memory_limit
from provenance.core.processes.child_processes import MOST_KILLS
from provenance.core.progress import Progress, ignore_progress
from provenance.core.scratch import scratch_folders
from provenance.core.tables.table_rows import iterate_rows
from provenance.core.wording import count_noun
from provenance.errors import ConfigError, LimitExceeded, NothingToAudit
from provenance.pipeline import coverage, evaluate, file_sampling
from provenance.pipeline.matching import match_plan, quoted_spans, reference_matches
from provenance.pipeline.matching.across_tasks import compare_across
from provenance.pipeline.matching.match_table import make_match_tables
from provenance.pipeline.matching.match_tasks import compare_view, match_exactly
from provenance.pipeline.matching.scan_rules import make_scan_rules
from provenance.pipeline.reading import small_data
from provenance.pipeline.reading.file_bundles import FileBundle, FileToRead, make_bundles, split_bundle
from provenance.pipeline.reading.read_pass import lost, observe
from provenance.pipeline.warm_up import compile_kernels, load_modules
from provenance.profiles import waivers as waiver_files
from provenance.readers.records import record_trees
from provenance.similarity.evidence import exact_matches
from provenance.similarity.evidence.original_files import find_known_originals
from provenance.similarity.text import normalisation
from provenance.sources import claims as source_claims
from provenance.sources import read_results, signal_snapshots
from provenance.sources import scopes as source_scopes
from provenance.sources.conclude import conclude_sources
from provenance.sources.inventory import list_paths
from provenance.sources.licence_scopes import GAP, DecidedLicence
from provenance.sources.privacy import identity
from provenance.sources.privacy.gate import Gate
from provenance.sources.scope_paths import resolved_path

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from provenance.sources.read_results import BundleResult, FileResult

_RETRY_NUMBERS_FROM = 10**15  # numbers of parts that are tried again begin here
_CONCURRENT_VIEWS = 4  # checks, at most: each holds a piece of MATCHES


@dataclass(frozen=True, slots=True)
class ScanRules:
    """What decides what a scan finds, beside the data and this program: an entry pins it, and a rerun goes by it again.

    Args:
        profiles: what findings are judged by.
        purpose: one of model.PURPOSES.
        references: indexes to look for.
        exclude: globs over relative paths that are left out.
        follow_links: whether links that lead out of the folder are followed.
        fold_chinese: whether traditional characters count as their simplified ones.
        sample: share of the bytes of each source to look at; None = all of them.
        waivers: accepted findings.
        declared: declarations of the ledger, the oldest first.
        day: on which waivers and declarations must hold, UTC.
        own_paths: the ledger of the scan, which is left out of the data; None = there is none.
        secret: what record trees are salted with; None = none are made.
        people: what the ids of people are made with.
    """

    profiles: tuple[profile_files.Profile, ...]
    purpose: str
    references: reference_matches.ReferenceQuery
    exclude: tuple[str, ...]
    follow_links: bool
    fold_chinese: bool
    sample: float | None
    waivers: waiver_files.Waivers | None
    declared: declaration.Declared
    day: date
    own_paths: Path | None
    secret: bytes | None = field(default=None, repr=False)
    people: identity.IdentityKey = field(default_factory=identity.alone)

    @property
    def config(self) -> dict[str, Any]:
        """What an entry says of them, beside profiles, purpose and declarations; the sample and waivers say more."""
        config: dict[str, Any] = {"exclude": list(self.exclude), reference_matches.STEP: self.references.describe()}
        config["people"] = self.people.described
        config |= {"followLinks": True} if self.follow_links else {}
        config |= {"foldChinese": normalisation.CHINESE} if self.fold_chinese else {}
        return config | ({"records": record_trees.FORM} if self.secret is not None else {})


def examine(
    root: Path,
    rules: ScanRules,
    *,
    engine: str = "local",
    workers: int | None = None,
    memory: int | None = None,
    progress: Progress = ignore_progress,
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
    own = folder_walk.folder_identity(rules.own_paths) if rules.own_paths is not None else None
    paths = list_paths(
        root,
        exclude=rules.exclude,
        leave_out=lambda folder: _is_ledger(folder, own),
        follow_links=rules.follow_links,
    )
    statements, refused = source_claims.read_claims(root, paths)
    paths, statements = source_claims.take_named_licences(root, paths, statements)
    paths = source_claims.take_named_documents(root, paths, statements)
    paths = signal_snapshots.take_snapshots(root, paths, statements)
    if "data" not in paths["role"].to_pylist():
        raise NothingToAudit(
            f"{root} holds no data to audit: {count_noun(paths.num_rows, 'path')}, none of them a data file"
        )
    gate = Gate(rules.people, paths["path"].to_pylist())
    claimed, refused = gate.clean(statements), {path: gate.reason(reason) for path, reason in refused.items()}
    scratch_folders.remove_abandoned()
    scratch = scratch_folders.make_folder()
    engine_run: engines.Engine | None = None
    try:
        with scratch_folders.explain_no_room(scratch):
            files = _files_to_read(root, paths, statements, refused, scratch)
        if small_data.is_small(files, workers, memory):
            files, engine_run = small_data.mark_bounded(files), small_data.start_engine(engine, load_modules)
        else:
            engine_run = engines.start(engine, workers, compile_kernels)
        with memory_limit.MemoryCap(memory, engine_run), scratch_folders.explain_no_room(scratch):
            drawn = (
                _draw_sample(files, paths, claimed, rules.purpose, rules.sample) if rules.sample is not None else None
            )
            records = _read_files(engine_run, drawn.files if drawn else files, scratch, progress, rules)
            records += [file_sampling.account_for_unread(drawn.left)] if drawn else []
            tables = _make_tables(paths, claimed, refused, records, files, rules, gate, engine_run, scratch, progress)
    finally:
        if engine_run is not None:
            engine_run.close()
        scratch_folders.remove_folder(scratch)
    tables |= {"coverage": coverage.add_chinese_folding(tables["coverage"])} if rules.fold_chinese else {}
    tables |= {"coverage": file_sampling.note_sample(tables["coverage"], drawn)} if drawn else {}
    skip_reason: dict[str, Any] = {}
    if rules.waivers:
        tables, skip_reason = waiver_files.apply(tables, rules.waivers, rules.day.isoformat(), rules.people)
    return tables, {"config": rules.config | ({"sample": drawn.facts} if drawn else {})} | skip_reason


def _is_ledger(folder: Path, own: folder_walk.Identity | None) -> str | None:
    if signed_ledger.is_ledger(folder):
        return "a ledger"
    return "the ledger of this scan" if own is not None and folder_walk.folder_identity(folder) == own else None


def _files_to_read(
    root: Path, paths: pa.Table, statements: source_claims.Rows, refused: Mapping[str, str], scratch: Path
) -> list[FileToRead]:
    """List what workers read: data for its records, all else for its digest."""
    views = source_claims.find_overrides(statements)
    policies = signal_snapshots.write_policies(root, paths, statements, scratch)
    return [
        FileToRead(
            path=row["path"],
            location=source_claims.path_on_disk(root, row),
            role=row["role"],
            format=row["kind"] if row["role"] != "data" or row["reason"] is not None else None,
            reason=row["reason"] or refused.get(row["path"]),
            bytes=row["bytes"],
            views=source_claims.nearest_overrides(row["path"], views),
            policy=policies(row["path"]),
        )
        for row in iterate_rows(paths)
        if row["role"] not in {"ignored", "unreadable"}
    ]


def _draw_sample(
    files: Sequence[FileToRead], paths: pa.Table, statements: source_claims.Rows, purpose: str, part: float
) -> file_sampling.FileSample:
    """Draw a sample; which source a file belongs to is known before a record is read."""
    if not 0 < part < 1:
        raise ConfigError(f"{part} is no share of the data: give a number between 0 and 1")
    return file_sampling.draw_sample(
        files, source_scopes.decide_scopes(paths, source_claims.make_table(statements), purpose).find_source, part
    )


def _read_files(
    engine_run: engines.Engine, files: Sequence[FileToRead], scratch: Path, progress: Progress, rules: ScanRules
) -> list[BundleResult]:
    """Read every file once; a file that takes its process down is found, counted as unread, and left."""
    total = sum(file.bytes for file in files)
    parts = make_bundles(files, scratch, engine_run.workers, fold_chinese=rules.fold_chinese, secret=rules.secret)
    numbers, finished = itertools.count(_RETRY_NUMBERS_FROM), Counter[str]()
    done: list[BundleResult] = []
    read = 0
    progress("reading", read, total)
    while parts:
        retried: list[FileBundle] = []
        for number, result in engine_run.map(observe, parts):
            part = parts[number]
            if not isinstance(result, Died):
                done.append(result)
                read += sum(file.bytes for file in part.files)
                progress("reading", read, total)
            elif len(part.files) > 1:
                retried += split_bundle(part)
            elif result.capped:
                path = part.files[0].path
                raise LimitExceeded(f"{path} could not be read: {result.reason}; give it more --memory, or --workers 1")
            elif result.outside and finished[part.files[0].path] < MOST_KILLS:
                finished[part.files[0].path] += 1  # nothing of the file's: whatever was written has its own number
                retried.append(replace(part, number=next(numbers)))
            else:
                done.append(lost(part.files[0], result.reason, part.number))
        parts = retried
    return done


def _make_tables(
    paths: pa.Table,
    statements: source_claims.Rows,
    refused: Mapping[str, str],
    bundles: list[BundleResult],
    read: Sequence[FileToRead],
    rules: ScanRules,
    gate: Gate,
    engine_run: engines.Engine,
    scratch: Path,
    progress: Progress,
) -> dict[str, pa.Table]:
    """Make the tables of a scan from what manifests state and records hold."""
    chosen, query, fold_chinese = rules.profiles, rules.references, rules.fold_chinese
    claims = source_claims.make_table(statements + gate.clean(source_claims.claims_of_records(bundles)))
    scopes = source_scopes.decide_scopes(paths, claims, rules.purpose)
    claims = scopes.add_speakers(claims)
    observed = read_results.gather_results(bundles)
    progress("comparing", 0, 0)
    plan = match_plan.make_plan(
        bundles,
        observed,
        covering=scopes.find_source,
        scratch=scratch,
        workers=engine_run.workers,
        fold_chinese=fold_chinese,
    )
    sets = [each for part in bundles for each in part.sets]
    lookups = [
        result
        for _, result in engines.map_again(
            engine_run,
            reference_matches.look_up,
            reference_matches.lookup_tasks(query, sets, engine_run.workers, scratch),
        )
    ]
    compared_views = match_plan.require_results(
        result for _, result in engines.map_again(engine_run, compare_view, plan.view_tasks)
    )  # takes the sets away
    exact_parts = match_plan.require_results(
        result
        for _, result in engines.map_again(engine_run, match_exactly, match_plan.exact_tasks(plan, compared_views))
    )
    across = match_plan.require_results(
        result for _, result in engines.map_again(engine_run, compare_across, [plan.across] if plan.across else [])
    )
    between = across[0] if across else None
    short_fields = int(observed.files["short_fields"].to_numpy().sum())
    found = match_plan.assemble_result(plan, exact_parts, compared_views, across=between, short_fields=short_fields)
    references, looked_up = reference_matches.assemble_references(query, lookups, plan)
    files = gate.reasons(_make_files(paths, claims, scopes, observed, found.distinct_files))
    originals = find_known_originals(files, references)
    matches, counted_across, counted = make_match_tables(
        match_plan.gather_matches(exact_parts, compared_views, between),
        plan.order,
        make_scan_rules(files, claims, chosen, originals, paths=plan.paths),
        found.overlaps,
        views=plan.views,
        scratch=scratch,
        run=functools.partial(engines.map_again, engine_run),
    )
    overlaps = found.overlaps
    if between is not None:
        overlaps = pa.concat_tables([overlaps, match_plan.make_across_overlaps(plan, counted_across, between)])
    engine_run.rest()  # the checks take memory themselves
    compared = {
        "paths": paths,
        "matches": matches,
        "overlaps": overlaps,
        "sketches": match_plan.unite_sketches(plan),
        "references": references,
    }
    progress("checking", 0, 0)

    def conclude(observed: FileResult, files: pa.Table, unplaced: int = 0) -> dict[str, pa.Table]:
        """Make the other tables, and ask the checks."""
        tables = compared | {
            "claims": source_claims.add_identities(claims, files),
            "files": files,
            "observations": _make_observations(observed, scopes, _list_repeats(found, plan)),
            "sources": conclude_sources(scopes, files, found.distinct_sources, found.texts),
        }
        answers = declaration.choose_answers(
            rules.declared, chosen, declaration.digest_data(files), rules.day, people=rules.people
        )
        threads = min(engine_run.workers, _CONCURRENT_VIEWS)
        steps = coverage.coverage_of_steps(
            files,
            claims,
            tables["observations"],
            refused=refused,
            comparison=replace(found, unplaced=unplaced),
            looked_up=looked_up,
        )
        made = evaluate.run_checks(
            tables | counted,
            scopes,
            chosen,
            originals=originals,
            answers=answers,
            steps=steps,
            indexes=query.describe(),
            threads=threads,
        )
        steps = coverage.add_personal_data_in_paths(steps, gate.held(files))
        return tables | made | {"coverage": pa.concat_tables([steps, made["coverage"]])}

    tables = conclude(observed, files)
    located = quoted_spans.locate_quoted(
        matches,
        tables["findings"],
        plan,
        compared_views,
        across=between,
        files=read,
        observed_files=observed,
        run=functools.partial(engines.map_again, engine_run),
    )
    if located.changed or located.unplaced:  # which the checks, and what is made of them, must know
        observed = match_plan.mark_changed(observed, located.changed)
        files = gate.reasons(_make_files(paths, claims, scopes, observed, found.distinct_files))
        tables = conclude(observed, files, located.unplaced)
    tables["matches"] = located.matches
    del tables["paths"]
    contacts = {"contacts": people} if (people := gate.contacts()).num_rows else {}
    return {name: schemas.conform(tables[name], schema) for name, schema in schemas.SEALED.items()} | contacts


def _make_files(
    paths: pa.Table, claims: pa.Table, scopes: source_scopes.Scopes, observed: FileResult, distinct: Mapping[str, int]
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
    on_disk = dict(zip(*(paths[name].to_pylist() for name in ("path", "role")), strict=True))
    left_out = paths.filter(pc.is_in(paths["role"], pa.array(["ignored", "unreadable"])))
    unread = [_unread_file(row, scopes) for row in iterate_rows(left_out)]
    made: dict[str, list[Any]] = {name: [] for name in _CONCLUDED_COLUMNS}
    read = observed.files.select(["path", "role", "skip_reason", "sha256"])
    for path, within, reason, sha256 in zip(*(column.to_pylist() for column in read.columns), strict=True):
        outer = on_disk[path.split("!/", 1)[0]]
        role = within if within is not None and outer == "data" else outer
        licence = scopes.licence(path) if role == "data" else DecidedLicence()
        source = proofs.get(path) if role != "data" else None  # a contract stands for what it was made for
        # one that could not be read whole, now or then, may be what it was
        changed = sha256 is not None and digests.get(path, sha256) not in {None, sha256}
        made["source"].append(source or scopes.find_source(path))
        made["role"].append(role)
        made["skip_reason"].append(CHANGED if changed else reason)
        made["records_distinct"].append(distinct.get(path, 0))
        made["sha256_claimed"].append(_declared_digest(claimed.get(path, ()), sha256))
        made["licence"].append(licence.expression)
        made["licence_from"].append(licence.pointer)
    columns = [
        pa.array(made[field.name], field.type) if field.name in made else observed.files[field.name]
        for field in schemas.FILES
    ]
    rows = schemas.conform(pa.table(columns, names=schemas.FILES.names), schemas.FILES)
    return schemas.ordered(pa.concat_tables([rows, schemas.rows(unread, schemas.FILES)]), "path")


_CONCLUDED_COLUMNS = ("source", "role", "skip_reason", "records_distinct", "sha256_claimed", "licence", "licence_from")
"""Columns of FILES that are not as the reader of the file has them."""


def _make_observations(observed: FileResult, scopes: source_scopes.Scopes, repeats: pa.Table) -> pa.Table:
    """Make OBSERVATIONS of what detectors saw in each file, and of the texts that stand in it again."""
    files, place = np.unique(np.asarray(observed.observed["file"]), return_inverse=True)
    paths = observed.files["path"].take(pa.array(files))
    owners = pa.array([scopes.find_source(path) for path in paths.to_pylist()], pa.string())
    named = (owners.take(pa.array(place)), paths.take(pa.array(place)))
    table = pa.table([*named, *observed.observed.columns[1:]], schema=schemas.OBSERVATIONS)
    return schemas.ordered(pa.concat_tables([table, repeats]), "path", "detector", "kind", "state")


def _list_repeats(found: match_plan.ComparisonResult, plan: match_plan.MatchPlan) -> pa.Table:
    """Put names on the records that repeat an earlier one of their source: OBSERVATIONS."""
    file, shingles, records, row = (np.asarray(column) for column in found.repeats.columns)
    count, most = len(file), exact_matches.MOST_SHINGLES
    columns = {
        "source": pa.array(plan.names, pa.string()).take(pa.array(plan.owner[file])),
        "path": pa.array(plan.paths, pa.string()).take(pa.array(file)),
        "detector": pa.repeat(detectors.REPEATS, count),
        "kind": pa.repeat("text", count),
        "state": pa.array([f"{each}{'+' * (each == most)}" for each in shingles.tolist()], pa.string()),
        "records": records,
        "values": records,
        "bytes": np.zeros(count, np.int64),
        "row": row,
    }
    return schemas.conform(pa.table(columns), schemas.OBSERVATIONS)


def _declared_digest(claimed: Sequence[str], found: str | None) -> str | None:
    """Return the digest that manifests declare; where they differ, one that is wrong."""
    return next((each for each in claimed if each != found), next(iter(claimed), None))


def _unread_file(row: Mapping[str, Any], scopes: source_scopes.Scopes) -> dict[str, Any]:
    source = scopes.find_source(row["path"]) if row["role"] == "unreadable" else None
    return {
        "path": row["path"], "source": source, "role": row["role"], "format": row["kind"], "bytes": row["bytes"],
        "bytes_consumed": 0, "bytes_skipped": row["bytes"], "skip_reason": row["reason"], "records": 0,
        "records_unreadable": 0, "records_distinct": 0, "tokens": 0, "sha256": None, "sha256_claimed": None,
        "licence": None, "licence_from": None, "records_root": None,
    }  # fmt: skip
