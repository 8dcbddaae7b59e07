"""Challenges: a verifier's nonce picks records, and the holder of the data shows them with proofs.

    seed    = SHA-256("provenance-challenge/v1" 0x00 || root of the checkpoint over the scan || nonce)
    file j  = SHA-256(seed || "file" || j) mod number of lines of FILES
    row j   = SHA-256(seed || "row" || j) mod number of records of that file          (j: 64-bit, big-endian, from 0)

A drawn line is answered with a record where the file has a record tree, else with the bytes of a data file on disk of
at most CONTENT bytes; any other is passed over, and shown all the same. Drawing ends with the number asked for, or
after 20 times as many and 100. Every line is as likely as any other, then every record of it.

Nobody could know what would be drawn before the nonce was, and the root was signed when the scan was: the holder cannot
choose. What the verifier learns: the records that were drawn still are what the scan read.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provenance.core import path_names
from provenance.core.digests import canonical
from provenance.errors import ConfigError, DigestMismatch, InputError, VerificationError
from provenance.ledger.proofs import anchors, disclosure, proof_members
from provenance.readers.storage import open_regular, regular_files

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from provenance.ledger.format import statement
    from provenance.ledger.proofs.anchors import Anchor, Start

TYPE = "provenance-answer/v1"
CONTENT = 1 << 24
"""Bytes of the largest file that is shown whole."""

_DOMAIN = b"provenance-challenge/v1\0"


@dataclass(frozen=True, slots=True)
class ChallengeAnswer:
    """An answer that holds together; whose signatures it bears is for `verify` to say.

    Args:
        anchor: what it stands on; its checkpoint is the one over the scan.
        says: one sentence: what is shown.
        limits: what that does not prove.
        repeats: the end of `says`, where something was drawn more than once.
    """

    anchor: Anchor
    says: str
    limits: tuple[str, ...]
    repeats: str = ""


def draws(root: bytes, nonce: bytes, count: int) -> Iterator[_Draw]:
    """Return what a nonce picks, in order; the caller stops when enough was answered.

    Args:
        root: of the checkpoint over the scan.
        nonce: the verifier's.
        count: how many are asked for.
    """
    seed = hashlib.sha256(_DOMAIN + root + nonce).digest()
    for number in range(20 * count + 100):
        yield _Draw(seed, number)


@dataclass(frozen=True, slots=True)
class _Draw:
    seed: bytes
    number: int

    def file(self, size: int) -> int:
        """Number of a line of FILES, of so many."""
        return self._pick(b"file", size)

    def row(self, size: int) -> int:
        """Number of a record, of so many."""
        return self._pick(b"row", size)

    def _pick(self, what: bytes, size: int) -> int:
        return int.from_bytes(hashlib.sha256(self.seed + what + self.number.to_bytes(8)).digest()) % size


def answer_challenge(
    folder: Path, nonce: bytes, count: int, *, data: Path, secret: bytes, entry: int | None = None
) -> bytes:
    """Answer a challenge.

    Args:
        folder: the ledger.
        nonce: the verifier's, 8 to 64 bytes.
        count: how many records are asked for.
        data: the folder that was scanned.
        secret: what the scan's record trees were salted with.
        entry: number of the scan's entry; the newest if None.

    Returns:
        The answer's file.

    Raises:
        ConfigError: the nonce is too short or too long.
        InputError: a file is not there; DigestMismatch: it is not the one that was scanned.
        VerificationError: the ledger does not verify.
    """
    if not 8 <= len(nonce) <= 64 or not 1 <= count <= 10_000:
        raise ConfigError("a nonce has 8 to 64 bytes, in hexadecimal; 1 to 10000 records can be asked for")
    index = anchors.take(folder, entry).said.place.index
    start = anchors.take(folder, index, index + 1)
    shown, answered = [], 0
    with disclosure.ProvableTable(start, "files") as table:
        for draw in draws(start.note.root, nonce, count):
            if answered == count or not table.size:
                break
            item: dict[str, Any] = {"line": table.line(draw.file(table.size))}
            row = proof_members.line_row(item["line"], start.said)
            item |= _shown(start, row, draw, data, secret)
            answered += len(item) > 1
            shown.append(item)
    value = {**start.value, "_type": TYPE, "count": count, "draws": shown, "nonce": nonce.hex()}
    found = _read_answer(value | {"says": "", "doesNotProve": []})
    made = canonical(value | {"says": found.says, "doesNotProve": list(found.limits)})
    read(made)
    return made


def read(made: bytes) -> ChallengeAnswer:
    """Read an answer and see that it answers its nonce, but for signatures. Total: any bytes give an answer.

    Args:
        made: the file's bytes.

    Returns:
        The answer.

    Raises:
        VerificationError: it shows other records than those that the nonce picks, or not what the scan read.
    """
    value = proof_members.parse(made, TYPE)
    found = _read_answer(value)
    said = {found.says, found.says.removesuffix(found.repeats)}  # the first answers did not say what was drawn twice
    if value["says"] not in said or value["doesNotProve"] != list(found.limits):
        raise VerificationError("it says in words what it does not show, or hides what it does not")
    return found


def _read_answer(value: Any) -> ChallengeAnswer:
    anchor = proof_members.read_anchor(value, "answer-v1")
    said, note = anchor.said, anchor.note
    if note.size != said.place.index + 1:
        raise VerificationError("its checkpoint is not the one over its scan, whose root decides what is drawn")
    nonce, count, size = bytes.fromhex(value["nonce"]), value["count"], _size(said)
    answered = records = 0
    different = set()
    left = iter(value["draws"])
    for draw in draws(note.root, nonce, count):
        if answered == count or not size:
            break
        item = next(left, None)
        if item is None:
            raise VerificationError("it shows fewer records than the nonce picks")
        kind = _check(item, said, draw, size)
        answered, records = answered + (kind != ""), records + (kind == "record")
        if kind:
            different.add((item["line"]["index"], item["record"]["index"] if kind == "record" else None))
    if next(left, None) is not None:
        raise VerificationError("it shows more records than the nonce picks")
    says = f"of {proof_members.describe_entry(said)}, {answered} of {count} that the nonce {value['nonce']} picked "
    says += f"were shown and are what it read: {records} records, {answered - records} whole files"
    repeats = f"; {len(different)} of them different" if len(different) < answered else ""
    limits = (*_limits(count, answered), *proof_members.NEVER_PROVEN, *anchor.limits)
    return ChallengeAnswer(anchor, says + repeats, limits, repeats)


def _limits(count: int, answered: int) -> tuple[str, ...]:
    few = (f"anything of {count - answered} that were asked for: what was drawn had nothing to show",) * (
        answered < count
    )
    return (
        "anything of what was not drawn: every listed file is as likely as any other, then every record of it",
        "that nobody knew the nonce before the scan: it must be the verifier's own, made by chance",
        *few,
    )


def _size(said: statement.Statement) -> int:
    if "contentSet" not in said.predicate:
        raise VerificationError("its entry has no trees")
    return int(said.predicate["tables"].get("files", {}).get("tree", {"size": 0})["size"])


def _check(item: Mapping[str, Any], said: statement.Statement, draw: _Draw, size: int) -> str:
    """Tell what a draw was answered with: record | file | nothing, if it had to be passed over."""
    line = item["line"]
    if line["table"] != "files" or line["index"] != draw.file(size):
        raise VerificationError(f"draw {draw.number} is of another file than the nonce picks")
    row, shown = proof_members.line_row(line, said), set(item) - {"line"}
    if _has_records(row):
        if not shown and row.get("records_unreadable"):
            return ""  # it stands in a part of the file that could not be read, and has no leaf
        if shown != {"record", "text"}:
            raise VerificationError(f"draw {draw.number} has a record tree, and no record is shown")
        _check_record(item, row, draw)
        return "record"
    if not _is_shown_whole(row):
        if shown:
            raise VerificationError(f"draw {draw.number} is one to pass over")
        return ""
    if shown != {"content"} or hashlib.sha256(_content(item["content"])).hexdigest() != row["sha256"]:
        raise VerificationError(f"draw {draw.number} is not answered with the bytes of the file")
    return "file"


def _check_record(item: Mapping[str, Any], row: Mapping[str, Any], draw: _Draw) -> None:
    found = proof_members.record_row(item["record"], row)
    if found["row"] != draw.row(row["records"]):
        raise VerificationError(f"draw {draw.number} is of another record than the nonce picks")
    try:
        made = None if item["text"] is None else hashlib.sha256(item["text"].encode()).hexdigest()
    except UnicodeEncodeError as cause:
        raise VerificationError("a text holds half a surrogate pair") from cause
    if made != found["sha256"]:
        raise VerificationError(f"the text of draw {draw.number} is not what the scan read")


def _has_records(row: Mapping[str, Any]) -> bool:
    count = row.get("records")
    return isinstance(row.get("records_root"), str) and isinstance(count, int) and count > 0


def _is_shown_whole(row: Mapping[str, Any]) -> bool:
    size, path = row.get("bytes"), row.get("path")
    sizes = isinstance(size, int) and 0 <= size <= CONTENT
    return sizes and row.get("role") == "data" and row.get("sha256") is not None and "!/" not in str(path)


def _content(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error) as cause:
        raise VerificationError("the content of a file is not base64") from cause


def _shown(start: Start, row: Mapping[str, Any], draw: _Draw, data: Path, secret: bytes) -> dict[str, Any]:
    """What answers a draw; nothing where it is passed over."""
    if _has_records(row):
        number = draw.row(row["records"])
        try:
            found = disclosure.read_leaf(start, row["path"], number, data=data, secret=secret)
        except ConfigError:
            if row.get("records_unreadable"):
                return {}
            raise
        return {"record": disclosure.record_line(found), "text": found.text}
    if not _is_shown_whole(row):
        return {}
    return {"content": base64.b64encode(_read(data, row)).decode()}


def _read(data: Path, row: Mapping[str, Any]) -> bytes:
    path = Path(os.fsdecode(path_names.disk_location(data, row["path"])))
    try:
        if not path.resolve().is_relative_to(data.resolve()):
            raise InputError(f"{path} lies outside the data")
        with open_regular(path) as file:
            content = regular_files.bound_to_size(file).read()
    except (OSError, ValueError) as cause:
        raise InputError(f"{path} cannot be read; give the folder that was scanned with --data") from cause
    if hashlib.sha256(content).hexdigest() != row["sha256"]:
        raise DigestMismatch(f"{path} is not the file that was scanned")
    return content
