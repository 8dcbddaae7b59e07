"""A scan of a ledger made again: the same rules over the data, and every table compared with the one that was sealed.

Rules are those of the entry, not of today: profiles are the bytes in its folder, waivers and declarations those that it
names, the day is the day on which it began. What is not pinned by an entry is this program: where its digest is not
that of the entry's scanner, a difference may be a change of the program, and that is said first.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from provenance import ledger, profiles
from provenance.attestations import declaration
from provenance.core import path_names, scanner_identity, schemas
from provenance.core.progress import Progress, ignore_progress
from provenance.errors import ConfigError, InputError, NothingToAudit, VerificationError
from provenance.ledger.format.statement import SCAN
from provenance.ledger.format.table_files import to_lines
from provenance.ledger.keys.signing_keys import configuration_folder
from provenance.ledger.layout import scan_path
from provenance.ledger.trees import salts
from provenance.ledger.verification.results import EQUIVOCATION, INVALID
from provenance.pipeline import report_check
from provenance.pipeline.examine import ScanRules, examine
from provenance.pipeline.matching import reference_matches
from provenance.pipeline.preparation import prepare_kernels
from provenance.pipeline.row_differences import count_differences
from provenance.profiles import waivers
from provenance.sources.privacy import identity

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from provenance.ledger.format.statement import Statement


SAME, DIFFERS, INCOMPLETE = 0, 1, 4
"""Exit codes of `reproduce`; 2 is usage, as everywhere."""

_CLAIMED_TIMES = "startedOn, finishedOn: claimed by whoever scanned"
_DERIVED_REPORTS = "report.html, report.json: made of the tables"
_PATH_NAMES = "names of paths that hold control characters: the entry writes them by other rules than this version"
_RECORD_SALTS = "files.records_root: salted with a secret that is not here"
_PEOPLE_IDS = "ids of people and contacts: made with a secret that is not here; roles and kinds were compared"
_CONTACTS_MISSING = "contacts: withheld or erased"
_GROWN_LEDGERS = "files, coverage of inventory: ledgers inside the data, which grow with every entry"
_LEDGERS = ("a ledger", "the ledger of this scan")
_MOST_PROFILE_BYTES = 1 << 24  # bytes of a profile


@dataclass(frozen=True, slots=True)
class TableComparison:
    """One table of the entry and its like of today.

    Args:
        table: its name.
        rows: of the entry.
        rows_again: of the rerun.
        missing: rows of the entry that the rerun has not.
        added: rows of the rerun that the entry has not.
        unread: why the entry's table could not be compared; None where it was.
    """

    table: str
    rows: int
    rows_again: int
    missing: int = 0
    added: int = 0
    unread: str | None = None

    @property
    def same(self) -> bool | None:
        """Whether both hold the same rows; None where it could not be compared."""
        return None if self.unread is not None else not (self.missing or self.added)


@dataclass(frozen=True, slots=True)
class Reproduction:
    """What came of scanning again.

    Args:
        entry: number of the entry.
        scanner: digest of the program that scanned, hexadecimal.
        scanner_here: digest of this program.
        data: digest of the data that was scanned, see declaration.digest_data; None where the entry has none.
        data_here: digest of the data now.
        tables: in the order of schemas.SEALED.
        uncompared: what was left out, one sentence each.
    """

    entry: int
    scanner: str
    scanner_here: str
    data: str | None
    data_here: str
    tables: tuple[TableComparison, ...]
    uncompared: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """DIFFERS where a table does, else INCOMPLETE where one could not be compared, else SAME."""
        same = [each.same for each in self.tables]
        return DIFFERS if False in same else INCOMPLETE if None in same else SAME

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON has it; counts are of rows."""
        return {
            "entry": self.entry,
            "reproduced": {SAME: True, DIFFERS: False, INCOMPLETE: None}[self.exit_code],
            "scanner": {"scanned": self.scanner, "here": self.scanner_here},
            "data": {"scanned": self.data, "here": self.data_here},
            "tables": [
                {
                    "table": each.table,
                    "same": each.same,
                    "rows": each.rows,
                    "rowsAgain": each.rows_again,
                    "missing": each.missing,
                    "added": each.added,
                    "unread": each.unread,
                }
                for each in self.tables
            ],
            "notCompared": list(self.uncompared),
        }


def reproduce(
    path: str | os.PathLike[str],
    data: str | os.PathLike[str],
    index: int | None = None,
    *,
    reference: Sequence[str | os.PathLike[str]] = (),
    key: str | None = None,
    engine: str = "local",
    workers: int | None = None,
    memory: int | None = None,
    progress: Progress = ignore_progress,
) -> Reproduction:
    """Scan data again by the rules of an entry and compare every table; nothing is written.

    Args:
        path: the ledger.
        data: the folder that was scanned.
        index: number of the scan's entry; None = the newest scan.
        reference: the indexes that the scan was given; those that ship are found.
        key: URI of the signing keys beside whose secret record trees were salted; None = the user's own, if there are.
        engine: one of engines.ENGINES.
        workers: processes; None = one a core.
        memory: bytes that the scan and its workers may take together; None = what they need.
        progress: told how far the scan is.

    Returns:
        What is the same and what is not, in rows.

    Raises:
        ConfigError: the folder is no ledger, the data is not there, or an index that the scan was given is not named.
        InputError: the entry is no scan, or lacks what it takes to scan again.
        VerificationError: the ledger does not verify: what it pins may be anybody's.
    """
    folder = Path(path)
    reader = ledger.open_reader(folder, index)
    checked = report_check.verify(folder)
    if checked.exit_code in {INVALID, EQUIVOCATION} or checked.root != reader.root:
        raise VerificationError(
            f"{folder} does not verify, so nothing it says is rerun; run provenance verify {folder}"
        )
    at, entry_statement = reader.index, reader.statement()
    if entry_statement.kind != SCAN:
        raise InputError(f"entry {at} of {folder} is a {entry_statement.kind}, no scan; name a scan with --entry")
    rules, uncompared = _rules_of_entry(reader, [Path(each) for each in reference], key)
    try:
        prepare_kernels(engine, workers=workers, memory=memory, progress=progress)
        again, _ = examine(Path(data), rules, engine=engine, workers=workers, memory=memory, progress=progress)
    except NothingToAudit as error:
        raise InputError(str(error)) from error
    known = _PEOPLE_IDS not in uncompared
    tables, skipped = _compare(reader, again, salted=rules.secret is not None, known=known)
    return Reproduction(
        entry=at,
        scanner=entry_statement.predicate["scanner"]["digest"]["sha256"],
        scanner_here=scanner_identity.digest_program(),
        data=entry_statement.predicate.get("dataDigest", {}).get("sha256"),
        data_here=declaration.digest_data(again["files"]),
        tables=tables,
        uncompared=(*uncompared, *skipped, _CLAIMED_TIMES, _DERIVED_REPORTS),
    )


def _rules_of_entry(reader: ledger.Reader, given: Sequence[Path], key: str | None) -> tuple[ScanRules, list[str]]:
    """Return the rules of an entry, and what of them is not at hand."""
    facts = reader.statement().predicate
    config = facts.get("config", {})
    fold = "foldChinese" in config
    own = _read_secret(key) if "records" in config or "people" in config else None
    secret = own if "records" in config else None
    people = identity.alone() if own is None else identity.IdentityKey(own)
    named = {each["entry"] for each in facts.get("declarations", ())}
    declared = [each for each in reader.entries("declaration") if each[0] in named]
    rules = ScanRules(
        profiles=tuple(_profile_then(reader, each) for each in facts["profiles"]),
        purpose=facts["purpose"],
        references=_indexes_then(
            reference_matches.load_indexes(given, fold_chinese=fold), config.get(reference_matches.STEP, ())
        ),
        exclude=tuple(config.get("exclude", ())),
        follow_links=bool(config.get("followLinks")),
        fold_chinese=fold,
        sample=config["sample"]["share"] if "sample" in config else None,
        waivers=waivers.pinned(facts["waivers"]) if "waivers" in facts else None,
        declared=tuple(declared),
        day=date.fromisoformat(facts["startedOn"][:10]),
        own_paths=reader.folder.resolve(),
        secret=secret,
        people=people,
    )
    uncompared = [_RECORD_SALTS] if "records" in config and secret is None else []
    uncompared += [_PEOPLE_IDS] if "people" in config and config["people"] != people.described else []
    if facts.get("pathNaming", path_names.FIRST_VERSION) != path_names.CURRENT_VERSION:
        uncompared.append(_PATH_NAMES)
    return rules, uncompared


def _read_secret(key: str | None) -> bytes | None:
    """Return the secret of salts: of the keys that are named, else this user's if there is one; none is made for it."""
    if key is not None:
        return salts.find_secret(key)
    for place in (configuration_folder() / "keys", configuration_folder()):
        if (place / salts.FILE_NAME).exists():
            return salts.load_secret(place)
    return None


def _profile_then(reader: ledger.Reader, named: Mapping[str, Any]) -> profiles.Profile:
    """Read a profile as it was then."""
    name = named["name"]
    data = reader.read(f"{scan_path(reader.index)}/profile-{name}.yaml", _MOST_PROFILE_BYTES)
    try:
        found = profiles.parse(name, data)
    except ConfigError as error:
        raise InputError(f"this version does not read the profile of the entry: {error}") from error
    if found.digest != named["digest"]["sha256"]:
        raise VerificationError(f"profile-{name}.yaml is not the profile that entry {reader.index} names")
    return found


def _indexes_then(
    query: reference_matches.ReferenceQuery, pinned: Sequence[Mapping[str, Any]]
) -> reference_matches.ReferenceQuery:
    """Keep the indexes that the scan asked; one that ships since then is left out."""
    wanted = {each["digest"]["sha256"]: each["title"] for each in pinned}
    here = {index.digest for index in query.indexes()}
    for digest, title in wanted.items():
        if digest not in here:
            raise ConfigError(f"the scan looked for {title!r} (sha256 {digest}); name its index with --reference")
    kept = (
        replace(group, indexes=tuple(each for each in group.indexes if each.digest in wanted)) for group in query.groups
    )
    return reference_matches.ReferenceQuery(tuple(group for group in kept if group.indexes))


def _compare(
    reader: ledger.Reader, again: Mapping[str, pa.Table], *, salted: bool, known: bool
) -> tuple[tuple[TableComparison, ...], list[str]]:
    """Compare all tables, and say what was left out of them."""
    statement = reader.statement()
    theirs, unread = _sealed_tables(reader)
    made_again, left_out = dict(again), []
    if "files" in theirs:
        if any(pc.any(_ledger_paths(each["files"])).as_py() for each in (theirs, made_again)):
            theirs, made_again = _without_ledgers(theirs), _without_ledgers(made_again)
            left_out.append(_GROWN_LEDGERS)
        if salted and _is_salted_otherwise(theirs["files"], made_again["files"]):
            left_out.append(_RECORD_SALTS)
            salted = False
        if not salted:
            theirs, made_again = (
                each | {"files": each["files"].drop_columns(["records_root"])} for each in (theirs, made_again)
            )
    names, left = _optional_tables(statement, theirs, made_again, known=known)
    left_out += left
    if not known:
        theirs, made_again = (_without_ids(each) for each in (theirs, made_again))
    compared = []
    for name in (*schemas.SEALED, *names):
        rows = statement.predicate["tables"].get(name, {}).get("rows", 0), again[name].num_rows
        missing, added = _compare_rows(theirs[name], made_again[name]) if name in theirs else (0, 0)
        compared.append(TableComparison(name, *rows, missing, added, unread.get(name)))
    return tuple(compared), left_out


def _sealed_tables(reader: ledger.Reader) -> tuple[dict[str, pa.Table], dict[str, str]]:
    """Read the tables of an entry; of those that are not there, say why."""
    found: dict[str, pa.Table] = {}
    unread: dict[str, str] = {}
    for name in (*schemas.SEALED, *schemas.OPTIONAL):
        if name not in reader.statement().predicate["tables"]:
            unread |= {} if name in schemas.OPTIONAL else {name: "the entry is of a version that had no such table"}
            continue
        try:
            found |= reader.tables(names=[name])
        except InputError as error:
            unread[name] = f"withheld: {error}"
    return found, unread


def _optional_tables(
    entry_statement: Statement, theirs: Mapping[str, pa.Table], mine: Mapping[str, pa.Table], *, known: bool
) -> tuple[list[str], list[str]]:
    """Say which tables beside those of every entry can be compared, and which were left out."""
    stated = entry_statement.predicate["tables"]
    named = [name for name in schemas.OPTIONAL if known and (name in stated or name in mine)]
    in_both = [name for name in named if name in theirs and name in mine]
    gone = [name for name in named if name in stated and name not in theirs]
    differing = [name for name in named if name not in in_both and name not in gone]
    return in_both, [_CONTACTS_MISSING] * bool(gone) + [
        f"{name}: only one of the two scans has any" for name in differing
    ]


_KEYED_ID = re.compile(r"(person:[a-z-]+:|\[[a-z]+ )[0-9a-f]{16}").pattern


def _without_ids(tables: Mapping[str, pa.Table]) -> dict[str, pa.Table]:
    """Leave aside what was made with a secret: the ids of people, and fingerprints of findings that they stand in."""
    made = {name: _replace_ids(table) for name, table in tables.items()}
    if "findings" in made:
        keyed = [
            pc.not_equal(tables["findings"][name], made["findings"][name]) for name in ("source", "other", "field")
        ]
        any_keyed = [any(row) for row in zip(*(each.to_pylist() for each in keyed), strict=True)]
        prints = tables["findings"]["fingerprint"].to_pylist()
        gone = {mark for mark, is_keyed in zip(prints, any_keyed, strict=True) if is_keyed}
        made["findings"] = _set_column(
            made["findings"], "fingerprint", ["*" if mark in gone else mark for mark in prints]
        )
        if "verdicts" in made:
            lists = made["verdicts"]["fingerprints"].to_pylist()
            changed = [
                None if each is None else sorted("*" if mark in gone else mark for mark in each) for each in lists
            ]
            made["verdicts"] = _set_column(made["verdicts"], "fingerprints", changed)
    return made


def _replace_ids(table: pa.Table) -> pa.Table:
    for place, field in enumerate(table.schema):
        if pa.types.is_string(field.type):
            column = pc.replace_substring_regex(table[field.name], pattern=_KEYED_ID, replacement=r"\1*")
            table = table.set_column(place, field, column)
    return table


def _set_column(table: pa.Table, name: str, values: Sequence[Any]) -> pa.Table:
    place = table.schema.get_field_index(name)
    field = table.schema.field(place)
    return table.set_column(place, field, pa.array(values, field.type))


def _ledger_paths(files: pa.Table) -> pa.ChunkedArray:
    return pc.is_in(files["skip_reason"], value_set=pa.array(_LEDGERS))


def _without_ledgers(tables: Mapping[str, pa.Table]) -> dict[str, pa.Table]:
    """Leave out ledgers inside the data, and the row of COVERAGE that says how many bytes they have."""
    cut = dict(tables) | {"files": tables["files"].filter(pc.invert(_ledger_paths(tables["files"])))}
    if "coverage" in cut:
        cut["coverage"] = cut["coverage"].filter(pc.not_equal(cut["coverage"]["check"], "inventory"))
    return cut


def _is_salted_otherwise(theirs: pa.Table, mine: pa.Table) -> bool:
    """Tell whether no record tree of equal bytes has an equal root."""
    roots: list[dict[Any, str]] = []
    for each in (theirs, mine):
        rows = each.select(["path", "sha256", "records_root"]).to_pylist()
        roots.append({(row["path"], row["sha256"]): row["records_root"] for row in rows if row["records_root"]})
    both = roots[0].keys() & roots[1].keys()
    return bool(both) and all(roots[0][key] != roots[1][key] for key in both)


def _compare_rows(theirs: pa.Table, mine: pa.Table) -> tuple[int, int]:
    """Count the rows that only one of two tables has; that of most tables all lines are the same is seen sooner."""
    return (0, 0) if _digest(theirs) == _digest(mine) else count_differences(theirs, mine)


def _digest(table: pa.Table) -> bytes:
    digest = hashlib.sha256()
    for chunk in to_lines(table):
        digest.update(chunk)
    return digest.digest()
