"""Reviews: what people found in the records of a draw, with counts and shares that are computed here.

A form has one line a drawn record, as CSV or JSON lines; who reviews writes a verdict and, where one failed, a class of
problem. A record without an answer is counted as one. No text of a record goes into the form or the ledger.
"""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provenance import ledger
from provenance.attestations import ComposedAct, current_time, forms, statement_of
from provenance.core.digests import canonical
from provenance.errors import ConfigError, InputError
from provenance.ledger.format import draw_algorithm, statement
from provenance.ledger.verification import entry_relations
from provenance.readers.storage.regular_files import read_head

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

KIND = "review"
VERDICTS = ("pass", "fail", "unreadable")
"""What a reviewer writes; nothing = not answered."""

MOST_BYTES = 1 << 28
"""Bytes of the largest form that is read."""

_COLUMNS = ("draw", "path", "row", "verdict", "problem")
_STEERING = ("=", "+", "-", "@", "\t", "\r", "'")  # a path that begins so would be a formula in a spreadsheet


def make_form(folder: Path, entry: int, name: str) -> bytes:
    """Make a blank form.

    Args:
        folder: the ledger.
        entry: number of the draw.
        name: of the file; its ending, .csv or .jsonl, says the format.

    Returns:
        One line a drawn record: number of the draw, path, row, and an empty verdict and problem.

    Raises:
        ConfigError: there is no such draw or format; InputError: its list is withheld.
    """
    rows = [{"draw": entry, "path": row["path"], "row": row["row"]} for row in _drawn(folder, entry)]
    if check_form(Path(name)) == ".jsonl":
        return b"".join(canonical({**row, "problem": None, "verdict": None}) + b"\n" for row in rows)
    out = io.StringIO()
    writer = csv.DictWriter(out, _COLUMNS, restval="")
    writer.writeheader()
    writer.writerows({**row, "path": _harmless(str(row["path"]))} for row in rows)
    return out.getvalue().encode()


def compose(folder: Path, file: Path, by: Mapping[str, str]) -> ComposedAct:
    """Compose a review.

    Args:
        folder: the ledger.
        file: the form, filled in.
        by: name, role and, if given, organisation of who answers for it.

    Returns:
        The act; its document has one line a drawn record, answered or not.

    Raises:
        ConfigError: the form cannot be read, is of no draw of this ledger, answers for no record, for what was not
            drawn, or twice, or writes other words than VERDICTS; the sentence says in which line.
        InputError: the list of what was drawn is withheld.
    """
    _check_who(by)
    answers: dict[tuple[str, int], tuple[str | None, str | None]] = {}
    entry: int | None = None
    for line, row in _rows(file):
        where = f"{file}: line {line}"
        number, place = _place(row, where)
        if entry is not None and number != entry:
            raise ConfigError(
                f"{where} is of draw {number}, those before of draw {entry}: one form answers for one draw"
            )
        if place in answers:
            raise ConfigError(f"{where}: row {place[1]} of this file was answered for already")
        entry, answers[place] = number, _answer(row, where)
    if entry is None:
        raise ConfigError(f"{file} holds no answer; `provenance sample LEDGER … -o FILE` writes the form")
    if not any(verdict for verdict, _ in answers.values()):
        raise ConfigError(f"{file} answers for no record; write {', '.join(VERDICTS)} under verdict")
    drawn = _drawn(folder, entry)
    if strange := set(answers) - {(each["path"], each["row"]) for each in drawn}:
        path, at = min(strange)
        raise ConfigError(f"{file} answers for row {at} of {path}, which draw {entry} did not draw")
    lines = []
    for each in drawn:
        verdict, problem = answers.get((each["path"], each["row"]), (None, None))
        lines.append({"path": each["path"], "row": each["row"], "verdict": verdict, "problem": problem})
    document = b"".join(canonical(each) + b"\n" for each in lines)
    facts = {
        "by": dict(by),
        "draw": {"entry": entry, "digest": statement_of(folder, entry, "draw").value["subject"][0]["digest"]},
        **entry_relations.count_judgements(lines),
        "reviewedOn": current_time(),
    }
    return ComposedAct(KIND, document, facts)


def _check_who(by: Mapping[str, str]) -> None:
    for name, text in by.items():
        if not text.strip():
            raise ConfigError(f"the {name} is empty: say who answers for the review")
        if len(text) > 200:
            raise ConfigError(f"the {name} must be a text of at most 200 characters")
    forms.refuse_personal_data("the reviewer", "\n".join(by.values()).encode())


def _drawn(folder: Path, entry: int) -> list[dict[str, Any]]:
    statement_of(folder, entry, "draw")
    reader = ledger.open_reader(folder, entry)
    digest = reader.statement().value["subject"][0]["digest"]["sha256"]
    try:
        data = reader.read(statement.object_path(digest), MOST_BYTES)
    except InputError as cause:
        raise InputError(f"the list of draw {entry} is withheld") from cause
    return draw_algorithm.read_document(data.splitlines(keepends=True))


def _rows(file: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Read a form: the number of each line, and what stands in it."""
    text = _text(file)
    if check_form(file) == ".jsonl":
        for number, line in enumerate(text.splitlines(), start=1):
            try:
                row = json.loads(line, object_pairs_hook=_once) if line.strip() else None
            except (ValueError, RecursionError) as cause:
                raise ConfigError(f"{file}: line {number} is not JSON, or says something twice") from cause
            if row is not None:
                yield number, row
        return
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        if ";" in "".join(reader.fieldnames or ()) and len(reader.fieldnames or ()) == 1:
            raise ConfigError(f"{file}: separate the columns by commas, not by ;")
        if twice := [name for name in _COLUMNS if list(reader.fieldnames or ()).count(name) > 1]:
            raise ConfigError(f"{file} has the column {twice[0]} twice: keep the one that counts")
        if not set(_COLUMNS) <= set(reader.fieldnames or ()):
            raise ConfigError(f"{file} must have the columns {', '.join(_COLUMNS)}")
        for row in reader:
            yield reader.line_num, {**row, "path": _plain(row["path"])}
    except csv.Error as cause:
        raise ConfigError(f"{file}: line {reader.line_num} is not CSV: {cause}") from cause


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse two answers in one line: which of them counts, only the person can say."""
    row = dict(pairs)
    if len(row) < len(pairs):
        raise ValueError
    return row


def _text(file: Path) -> str:
    try:
        data = read_head(file, MOST_BYTES + 1)
        text = data.decode("utf-8-sig")
    except OSError as cause:
        raise ConfigError(f"{file} cannot be read: {cause.strerror}") from cause
    except UnicodeDecodeError as cause:
        raise ConfigError(f"{file} is not UTF-8; save it as CSV in UTF-8") from cause
    if len(data) > MOST_BYTES:
        raise ConfigError(f"{file} is larger than {MOST_BYTES:,} bytes, which no review is")
    return text


def _place(row: Mapping[str, Any], where: str) -> tuple[int, tuple[str, int]]:
    found = [str(row.get(name)) for name in ("draw", "row")] if isinstance(row, dict) else []
    path = row.get("path") if found else None
    if not found or not isinstance(path, str) or not all(re.fullmatch(r"[0-9]{1,15}", each) for each in found):
        raise ConfigError(f"{where} does not say which record it answers for: draw, path and row")
    return int(found[0]), (path, int(found[1]))


def _answer(row: Mapping[str, Any], where: str) -> tuple[str | None, str | None]:
    word, problem = _word(row.get("verdict"), where), _word(row.get("problem"), where)
    verdict = word.lower() if word is not None else None
    if verdict is not None and verdict not in VERDICTS:
        raise ConfigError(f"{where}: the verdict {verdict[:40]!r} is none of {', '.join(VERDICTS)}")
    if problem is not None and verdict != "fail":
        raise ConfigError(f"{where} names a problem, but the verdict is not fail")
    if problem is not None and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", problem):
        raise ConfigError(f"{where}: a problem is a class such as A.1, of letters, digits, dot and hyphen; no text")
    return verdict, problem


def _word(value: Any, where: str) -> str | None:
    if value is not None and not isinstance(value, str):
        raise ConfigError(f"{where}: a verdict and a problem are words")
    return value.strip() or None if value else None


def check_form(path: Path) -> str:
    """Return the ending of a form's name, which says its format.

    Args:
        path: the form.

    Raises:
        ConfigError: it is neither .csv nor .jsonl.
    """
    ending = path.suffix.lower()
    if ending not in {".csv", ".jsonl"}:
        raise ConfigError(f"a form is a .csv or .jsonl file, which {path.name} is not")
    return ending


def _harmless(path: str) -> str:
    return f"'{path}" if path.startswith(_STEERING) else path


def _plain(path: str | None) -> str | None:
    return path[1:] if path and path[0] == "'" and path[1:].startswith(_STEERING) else path
