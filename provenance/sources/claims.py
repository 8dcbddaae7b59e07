"""From the files of a folder to CLAIMS: what manifests state, what records state of themselves, what may override."""

from __future__ import annotations

import contextlib
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from provenance.core import schemas
from provenance.core.digests import sha256
from provenance.core.model import DOCUMENTS, STATED, Claim
from provenance.core.path_names import disk_location
from provenance.core.tables.table_rows import iterate_rows
from provenance.detectors.record_licence import is_about_licences
from provenance.errors import ManifestError
from provenance.licences.expressions import UNKNOWN, join_by_and, normalise, split_statement
from provenance.readers import manifests, storage
from provenance.readers.manifests import by_witness
from provenance.readers.manifests.licence_files import LICENCE
from provenance.readers.storage import regular_files
from provenance.sources import file_roles
from provenance.sources.licence_scopes import GAP
from provenance.sources.scope_paths import folder_of, folders_above, resolved_path

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from provenance.sources.read_results import BundleResult

Rows = list[dict[str, Any]]

IDENTICAL = "identical-upstream"
"""Field of a statement that a file's digest proves: it is what a manifest says stands at an address."""


def read_claims(root: Path, paths: pa.Table) -> tuple[Rows, dict[str, str]]:
    """Read every manifest, licence and document of a folder.

    Args:
        root: the folder.
        paths: PATHS.

    Returns:
        CLAIMS as rows, and why a path was not read.
    """
    claims: Rows = []
    refused: dict[str, str] = {}
    for row in iterate_rows(paths):
        kind, speaks = row["kind"], row["role"] == "data" and manifests.is_read(row["kind"])
        if row["role"] not in {"manifest", "licence", "documentation"} and not speaks:
            continue
        if not manifests.is_read(kind):
            refused[row["path"]] = f"no reader for manifests of the format {kind} yet"
            continue
        data, digest = b"", ""
        try:
            data, digest = _read_bytes(root, row)
            stated = manifests.read(row["path"], data[: manifests.LARGEST] if speaks else data, kind)
        except ManifestError as error:
            if not speaks:  # else its bytes are read as records, and that is no fault of theirs
                fault = _explain_fault(row["path"], error)
                refused[row["path"]] = fault if manifests.FORMATS[kind].opaque else f"no valid {kind}: {fault}"
            claims += [
                each
                for claim in _claims_of_unread(row["path"], data, kind)
                for each in _make_rows(row["path"], claim, digest)
            ]
        except OSError as error:
            if not speaks:
                refused[row["path"]] = f"cannot be read: {error.strerror}"
        else:
            claims += [each for claim in stated for each in _make_rows(row["path"], claim, digest)]
    return claims, refused


def _read_bytes(root: Path, row: Mapping[str, Any]) -> tuple[bytes, str]:
    """Return the first bytes of a manifest, one more than may be read, and the digest of the whole file.

    Raises:
        OSError: it cannot be read, is no regular file, or is a sparse one.
    """
    with storage.open_regular(path_on_disk(root, row)) as file:
        tap = storage.DigestingReader(regular_files.bound_to_size(file))
        data = tap.read(manifests.LARGEST + 1)
        tap.drain()
        return data, tap.digest.sha256()


def take_named_licences(root: Path, paths: pa.Table, claims: Rows) -> tuple[pa.Table, Rows]:
    """Read as a licence, not as data, every file that a native manifest at the root names as one.

    A manifest elsewhere may not take a file out of the data: what it names is a licence that nobody has read.

    Args:
        root: the folder.
        paths: PATHS.
        claims: from `read_claims`.

    Returns:
        PATHS with their roles, and all claims.
    """
    named = {resolved_path(claim) for claim in claims if _is_at_root(claim, "licence-file")}
    if not named:  # nearly always, and there may be a million paths
        return paths, claims
    rows = paths.to_pylist()
    stated: Rows = []
    for row in rows:
        if row["path"] not in named or row["role"] != "data":
            continue
        with contextlib.suppress(OSError, ManifestError):
            data, digest = _read_bytes(root, row)
            read = manifests.read(row["path"], data, LICENCE.name)
            stated += [each for claim in read for each in _make_rows(row["path"], claim, digest)]
            if not file_roles.is_data(row["path"], data, row["bytes"], LICENCE.name):
                row["role"] = LICENCE.role
            row["kind"] = LICENCE.name
    return (schemas.rows(rows, schemas.PATHS) if stated else paths), claims + stated


def take_named_documents(root: Path, paths: pa.Table, claims: Rows) -> pa.Table:
    """Keep as documentation, not as data, every file that a native manifest at the root names as a document.

    A manifest elsewhere may not take a file out of the data, and none what holds records. A document is kept by its
    digest; nobody reads it.

    Args:
        root: the folder.
        paths: PATHS.
        claims: from `read_claims`.

    Returns:
        PATHS with their roles.
    """
    named = {resolved_path(claim) for field in DOCUMENTS for claim in claims if _is_at_root(claim, field)}
    if not named:
        return paths
    rows = paths.to_pylist()
    for row in rows:
        if row["path"] in named and row["role"] == "data" and not _holds_records(root, row):
            row["role"], row["kind"] = "documentation", "document"
    return schemas.rows(rows, schemas.PATHS)


def _holds_records(root: Path, row: Mapping[str, Any]) -> bool:
    try:
        whole = regular_files.read_head(path_on_disk(root, row), file_roles.LARGEST_DOCUMENT)
    except OSError:  # whoever digests it says so
        return False
    return file_roles.consists_of_records(row["path"], whole)


def read_again(root: Path, path: str, kind: str | None, digest: str) -> Rows:
    """Read the statements of one manifest again, if it is the one that was scanned.

    Args:
        root: the folder.
        path: of the manifest.
        kind: its format.
        digest: SHA-256 of its bytes, hexadecimal.

    Returns:
        Its statements as they stand in it; none where it is gone, was changed or cannot be read.
    """
    if kind is None or not manifests.is_read(kind) or Path(path).is_absolute() or ".." in Path(path).parts:
        return []
    with contextlib.suppress(OSError, ManifestError):
        data = regular_files.read_head(disk_location(root, path), manifests.LARGEST + 1)
        if sha256(data) == digest:
            return [each for claim in manifests.read(path, data, kind) for each in _make_rows(path, claim, digest)]
    return []


def _explain_fault(path: str, error: ManifestError) -> str:
    """Return what is wrong with a manifest, without its path, which stands beside it."""
    message = str(error)
    return message.removeprefix(path).lstrip(": ") if message.startswith(path) else message


def _claims_of_unread(path: str, data: bytes, kind: str) -> list[Claim]:
    """State what a manifest does even where it cannot be read: it may open a source, and state a licence."""
    form, scope = manifests.FORMATS[kind], folder_of(path)
    claims = [Claim("source", scope.removesuffix("/"), scope, kind, "L1")] if form.opens_unread else []
    if form.read_unread is not None and len(data) <= manifests.LARGEST:
        with contextlib.suppress(ManifestError):  # it is no text
            claims += form.read_unread(path, data, kind)
    return claims


def path_on_disk(root: Path, row: Mapping[str, Any]) -> bytes:
    """Return where a row of PATHS is on disk.

    Args:
        root: the folder.
        row: of PATHS.
    """
    return disk_location(root, row["path"])


def _make_row(manifest: str, claim: Claim, digest: str) -> dict[str, Any]:
    """Return the row of a statement; of a licence with all that it states as one expression."""
    spdx = normalise(claim.value).expression if claim.field == "licence" else None
    return {
        "manifest": manifest, "subject": claim.subject, "field": claim.field, "value": claim.value,
        "scope": claim.scope, "witness": claim.witness, "pointer": claim.pointer, "digest": digest,
        "date": claim.date, "spdx": spdx, "party": claim.party,
    }  # fmt: skip


def _make_rows(manifest: str, claim: Claim, digest: str) -> Rows:
    """Return the rows of one statement: of a licence one for each thing that it speaks of."""
    row = _make_row(manifest, claim, digest)
    if claim.field != "licence":
        return [row]
    by_subject: dict[str, list[str | None]] = defaultdict(list)
    for part in split_statement(claim.value):
        subject = claim.subject if part.subject == "any" else part.subject
        by_subject[subject].append(part.licence.expression)
    return [row | {"subject": subject, "spdx": _join(parts)} for subject, parts in by_subject.items()]


def _join(expressions: list[str | None]) -> str | None:
    """Join what one statement says of one thing; what was not understood of it stays unknown."""
    known = [each for each in expressions if each is not None]
    if not known:
        return None
    return join_by_and([*known, UNKNOWN] if len(known) < len(expressions) else known)


def _is_at_root(claim: Mapping[str, Any], field: str) -> bool:
    return claim["field"] == field and "/" not in claim["manifest"] and by_witness(claim["witness"]).own


def find_overrides(stated: Rows) -> dict[str, tuple[tuple[str, str], ...]]:
    """Return the columns that a native manifest at the root overrides, by scope."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for claim in stated:
        if _is_at_root(claim, "view"):
            column, role = claim["value"].rsplit("=", 1)
            found[claim["scope"]].append((column, role))
    return {scope: tuple(roles) for scope, roles in found.items()}


def nearest_overrides(path: str, views: Mapping[str, tuple[tuple[str, str], ...]]) -> tuple[tuple[str, str], ...]:
    """Return the overrides that hold for a file: its own, else those of the nearest folder around it.

    Args:
        path: of the file.
        views: from `find_overrides`.
    """
    return next((views[place] for place in (path, *folders_above(folder_of(path))) if place in views), ())


def describe_overrides(claims: pa.Table, data: Collection[str] = ()) -> str | None:
    """Say which overrides of roles hold, and which do not: their manifest is not at the root, or bytes are records.

    Args:
        claims: CLAIMS.
        data: paths of the files that were read as data.
    """
    sentences = []
    for claim in claims.to_pylist():
        place = resolved_path(claim)
        if _is_at_root(claim, "licence-file"):
            too = ", and as records, which it holds" if place in data else ""
            sentences.append(f"{claim['manifest']}: {place} is read as a licence{too}")
        if claim["field"] in DOCUMENTS:
            kept = "is no data but" if "/" not in claim["manifest"] else "is not (no manifest at the root says so)"
            if place in data and "/" not in claim["manifest"]:
                kept = "holds records, which are read as data, and is"
            sentences.append(f"{claim['manifest']}: {place} {kept} a document")
        if (
            claim["field"] in {"signal.file", "signal.folder"}
            and "/" not in claim["manifest"]
            and not (claim["field"] == "signal.file" and place in data)
        ):
            sentences.append(f"{claim['manifest']}: {resolved_path(claim)} is read as what sites said, not as data")
        if claim["field"] == "view":
            column, role = claim["value"].rsplit("=", 1)
            verb = "is read as" if "/" not in claim["manifest"] else "is not read (no manifest at the root says so) as"
            sentences.append(f"{claim['manifest']}: column {column!r} {verb} {role} in {claim['scope']}")
    return "; ".join(dict.fromkeys(sentences)) or None


def make_table(rows: Rows) -> pa.Table:
    """Make CLAIMS, sorted as they are sealed.

    Args:
        rows: from `read_claims`, `take_named_licences` and `claims_of_records`.

    Returns:
        CLAIMS.
    """
    keys = ("manifest", "pointer", "field", "scope", "subject", "value")
    return schemas.ordered(schemas.rows(rows, schemas.CLAIMS), *keys)


def add_identities(claims: pa.Table, files: pa.Table) -> pa.Table:
    """Add which files are, byte for byte, what a manifest says stands at an address elsewhere.

    Args:
        claims: CLAIMS; `upstream-sha256` is a digest and the address that has it.
        files: FILES.

    Returns:
        CLAIMS with rows `identical-upstream`: scope is the file, value its address and digest, witness `digest`. That
        the address has these bytes is the manifest's word; that the file has them was measured. An upstream that no
        file equals is no fault: data is repacked. Empty files equal each other and prove nothing.
    """
    by_digest: dict[str, list[dict[str, str]]] = defaultdict(list)
    stated = claims.filter(pc.equal(claims["field"], "upstream-sha256"))["value"].to_pylist()
    wanted = pa.array([each.partition(" ")[0] for each in stated], pa.string())
    equal = files.filter(pc.is_in(files["sha256"], value_set=wanted))
    for row in iterate_rows(equal.select(["path", "source", "role", "sha256", "bytes"])):
        if row["role"] == "data" and row["sha256"] is not None and row["bytes"]:
            by_digest[row["sha256"]].append({"scope": row["path"], "source": row["source"]})
    rows: Rows = []
    for claim in claims.to_pylist():
        digest, _, address = claim["value"].partition(" ")
        if claim["field"] == "upstream-sha256":
            rows += [
                claim | {"field": IDENTICAL, "value": f"{address} sha256:{digest}", "witness": "digest"} | place
                for place in by_digest.get(digest, [])
            ]
    return make_table(claims.to_pylist() + rows) if rows else claims


_UNCOMPARED = {
    "remote": ("declared address was not fetched", "declared addresses were not fetched"),
    "entry-unread": ("entry of a manifest could not be read", "entries of manifests could not be read"),
    "md5": ("digest declared as MD5 was not compared", "digests declared as MD5 were not compared"),
    "sha1": ("digest declared as SHA-1 was not compared", "digests declared as SHA-1 were not compared"),
    "digest": (
        "digest declared by another algorithm than SHA-256 was not compared",
        "digests declared by other algorithms than SHA-256 were not compared",
    ),
    "whole-digest": (
        "digest of a file in several parts was not compared",
        "digests of files in several parts were not compared",
    ),
    "sha256-malformed": (
        "digest declared as SHA-256 is none (64 hexadecimal digits) and was not compared",
        "digests declared as SHA-256 are none (64 hexadecimal digits) and were not compared",
    ),
}


def describe_uncompared(claims: pa.Table) -> str | None:
    """Say what manifests declare of files and nobody compared.

    Args:
        claims: CLAIMS.
    """
    counts = Counter(claims["field"].to_pylist())
    phrases = ((counts[field], words) for field, words in _UNCOMPARED.items() if counts[field])
    return "; ".join(f"{count:,} {one if count == 1 else several}" for count, (one, several) in phrases) or None


def _is_legend(row: Mapping[str, Any]) -> bool:
    """Tell a licence column that lists so many that it was cut: which of them holds for what is said elsewhere."""
    cut = row["witness"] == "record-column" and len(row["value"]) >= STATED
    return cut and " AND " in (row["spdx"] or "")


def claims_of_records(observed: Iterable[BundleResult]) -> Rows:
    """State what records say of themselves: each value of a licence or origin column, once a file.

    Args:
        observed: what workers saw.

    Returns:
        CLAIMS as rows; their manifest and scope are the file itself.
    """
    rows: Rows = []
    for part in observed:
        silent = part.files["unlicensed"].to_numpy()
        lacking = silent.nonzero()[0].tolist()
        numbers = pa.array(sorted({*part.claims, *part.stated["file"].to_pylist(), *lacking}), pa.int64())
        places = (part.files[name].take(numbers).to_pylist() for name in ("path", "sha256", "records"))
        about = dict(zip(numbers.to_pylist(), zip(*places, strict=True), strict=True))
        for number, claims in part.claims.items():
            path, digest, _ = about[number]
            rows += [each for claim in claims for each in _make_rows(path, claim, digest or "")]
        for number, name, value in zip(*(column.to_pylist() for column in part.stated.columns), strict=True):
            if name == "licence" and not is_about_licences(value):
                continue
            path, digest, _ = about[number]
            rows += _make_rows(path, Claim(name, value, path, "record-column", f"/{name}", "data"), digest or "")
        for number in lacking:
            path, digest, records = about[number]
            gap = f"no licence in {silent[number]:,} of {records:,} records"
            rows += _make_rows(path, Claim("licence", gap, path, GAP, "/licence", "data"), digest or "")
    return [row | {"spdx": None} if _is_legend(row) else row for row in rows]
