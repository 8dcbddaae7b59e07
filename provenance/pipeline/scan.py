"""The straight line from a folder to a signed ledger, and `Audit`, what a notebook holds.

What is found is made by `examine`, written by `reports`, sealed by `ledger`.
"""

from __future__ import annotations

import secrets
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provenance import ledger as signed_ledger
from provenance import profiles as profile_files
from provenance.attestations import declaration, waiver
from provenance.core import path_names, scanner_identity
from provenance.core.model import PURPOSES
from provenance.core.progress import Progress, ignore_progress
from provenance.errors import ConfigError
from provenance.ledger.layout import resolved, unreadable
from provenance.ledger.log import file_writing, reading
from provenance.ledger.trees import salts
from provenance.pipeline import evaluate
from provenance.pipeline.audit import Audit
from provenance.pipeline.examine import ScanRules, examine
from provenance.pipeline.matching import reference_matches
from provenance.pipeline.preparation import prepare_kernels
from provenance.profiles import waivers as waiver_files
from provenance.readers.records import record_trees
from provenance.reports import html as report_html
from provenance.reports import json as report_json
from provenance.sources.privacy import identity, masking

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping, Sequence

    import pyarrow as pa


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
    progress: Progress = ignore_progress,
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
    chosen = tuple(profile_files.load(name) for name in dict.fromkeys(profiles))
    references = reference_matches.load_indexes([Path(each) for each in reference], fold_chinese=fold_chinese)
    own_paths = resolved(Path(ledger)) if ledger is not None else None
    if own_paths is not None and (reason := unreadable(own_paths)):
        raise ConfigError(reason)
    accepted_waivers = _read_waivers(waivers, root, own_paths)
    keys = _signing_keys(key, ask) if ledger is not None else None
    if ledger is not None and keys is not None:
        signed_ledger.check_appendable(Path(ledger), keys)
    rules = ScanRules(
        profiles=chosen,
        purpose=purpose,
        references=references,
        exclude=tuple(exclude),
        follow_links=follow_links,
        fold_chinese=fold_chinese,
        sample=sample,
        waivers=accepted_waivers,
        declared=tuple(signed_ledger.read_entries(own_paths, "declaration")) if own_paths is not None else (),
        day=date.fromisoformat(started[:10]),
        own_paths=own_paths,
        secret=_secret(keys) if (assess if records is None else records) else None,
        people=identity.alone() if keys is None else identity.IdentityKey(salts.load_secret(keys.folder)),
    )
    prepare_kernels(engine, workers=workers, memory=memory, progress=progress)
    tables, statement = examine(root, rules, engine=engine, workers=workers, memory=memory, progress=progress)
    facts = _facts_of_scan(root, rules, tables, started, assess=assess) | statement
    audit = Audit(tables, facts)
    if ledger is None or keys is None:
        return audit
    progress("signing", 0, 0)
    documents: dict[str, signed_ledger.Document] = {
        "report.json": report_json.render(tables, facts),
        "report.html": lambda seal: report_html.render(tables, facts, seal),
    }
    documents |= {profile.name_of_file: profile.source for profile in chosen}
    documents |= (
        {waiver_files.DOCUMENT: accepted_waivers.source}
        if accepted_waivers and accepted_waivers.source is not None
        else {}
    )
    entry = signed_ledger.append(Path(ledger), tables, documents, facts, keys=keys)
    notices = _ledger_notices(Path(ledger), entry, keys)
    return Audit(tables, facts, entry, (*_explain_ledger_in_data(Path(ledger), root), *notices))


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _secret(keys: signed_ledger.KeyPair | None) -> bytes:
    """Return what record trees are salted with: the user's own secret, or one for this scan alone."""
    return secrets.token_bytes(record_trees.SECRET_BYTES) if keys is None else salts.load_secret(keys.folder)


def _signing_keys(key: str | None, ask: Callable[[str], str] | None) -> signed_ledger.KeyPair:
    return signed_ledger.user_keys(create=True, prompt=ask) if key is None else signed_ledger.load_pair(key, prompt=ask)


def _read_waivers(file: str | os.PathLike[str] | None, root: Path, ledger: Path | None) -> waiver_files.Waivers | None:
    """Read the waivers of a file, and those of the ledger."""
    waivers_of_file = waiver_files.load(Path(file), root) if file is not None else waiver_files.Waivers((), None)
    waivers_of_ledger = waiver.read_waivers(ledger) if ledger is not None else ()
    return (
        waiver_files.Waivers((*waivers_of_file.waivers, *waivers_of_ledger), waivers_of_file.source)
        if file is not None or waivers_of_ledger
        else None
    )


def _ledger_notices(folder: Path, entry: signed_ledger.Entry, keys: signed_ledger.KeyPair) -> tuple[str, ...]:
    made = [
        f"New signing keys were made in {keys.folder}; they identify nobody until you tell others their fingerprint."
    ]
    latest = folder / file_writing.LATEST_LINK
    other = [f"{latest} is no link of this program, and was left as it is: the newest scan is {entry.folder}."]
    report = f"The report for people: {entry.folder / 'report.html'}"
    signed = f"Entry {entry.index} of {folder} is signed by {entry.keyid}; check it with: provenance verify {folder}"
    is_ours = latest.is_symlink() or not latest.exists()
    unchecked = reading.explain_unchecked(folder, entry.index, entry.size)
    older = [f"{unchecked[0].upper()}{unchecked[1:]}."] if unchecked else []
    return (*(made if keys.created else []), *([] if is_ours else other), report, signed, *older)


def _explain_ledger_in_data(folder: Path, root: Path) -> tuple[str, ...]:
    """Say that a ledger within the data is no part of what was scanned; nothing where it lies elsewhere."""
    if not folder.resolve().is_relative_to(root.resolve()):
        return ()
    lies = f"Warning: the ledger {folder} lies in the scanned data and is left out of the scan"
    return (f"{lies}; name a folder outside of the data with --ledger.",)


def _facts_of_scan(
    root: Path, rules: ScanRules, tables: Mapping[str, pa.Table], started: str, *, assess: bool
) -> dict[str, Any]:
    return {
        "kind": "assessment" if assess else "draft",
        "scanner": scanner_identity.describe_scanner(),
        "data": masking.clean(root.resolve().name) or "root",
        "dataDigest": {"sha256": declaration.digest_data(tables["files"])},
        "declarations": [{"entry": entry, "digest": {"sha256": digest}} for entry, digest, _ in rules.declared],
        "pathNaming": path_names.CURRENT_VERSION,
        "purpose": rules.purpose,
        "profiles": [
            {"name": each.name, "version": each.version, "title": each.title, "digest": {"sha256": each.digest}}
            | ({"title_zh": each.title_zh} if each.title_zh else {})
            for each in rules.profiles
        ],
        "startedOn": started,
        "finishedOn": _now(),
        **evaluate.summarise_tables(tables),
    }
