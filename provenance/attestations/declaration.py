"""Declarations: what a responsible person says of a profile's elements, read from a form and signed into the ledger.

The form is YAML with a closed vocabulary (`data/schemas/declarations.schema.json`); a profile prints a blank one. An
answer names its question as it was worded and, where it speaks of data, the data it was given for: for other data, or
another question, it does not count. Documents are bound by digest and stay with their owner. A declaration holds no
personal data but the name and role of whoever answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from provenance import ledger as signed_ledger
from provenance import profiles
from provenance.attestations import forms
from provenance.core.digests import canonical, sha256
from provenance.core.model import STATED, DeclaredAnswer
from provenance.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pyarrow as pa

    from provenance.profiles import Profile
    from provenance.profiles.judgement import Answers
    from provenance.sources.privacy.identity import IdentityKey

Declared = Sequence[tuple[int, str, Mapping[str, Any]]]
"""Declarations of a ledger, the oldest first: number of the entry, its digest, its predicate."""


@dataclass(frozen=True, slots=True)
class Declaration:
    """A form that was read and checked.

    Args:
        by: name, role and, if given, organisation of whoever answers.
        date: as written, ISO 8601.
        answers: as `data/schemas/ledger/declaration-v1.schema.json` has them.
        unanswered: how many questions of the form were left blank.
        source: the form's bytes.
    """

    by: Mapping[str, str]
    date: str
    answers: Sequence[Mapping[str, Any]]
    unanswered: int
    source: bytes


def read_declaration(path: Path) -> Declaration:
    """Read a form, and digest the documents that it names.

    Args:
        path: the form; documents are named relative to its folder.

    Returns:
        The declaration.

    Raises:
        ConfigError: it cannot be read, breaks its schema, answers what no profile asks, or a question twice, gives no
            reason where one is due, holds an address or number of a person, or names a document that is not there or is
            another; the sentence says where.
    """
    form = forms.read_form(path, "declarations")
    forms.check_date(form, "a declaration")
    answers = []
    seen: set[tuple[str, str, str]] = set()
    for number, answer in enumerate(form.value["answers"]):
        where = form.at("answers", number)
        key = (answer["profile"], answer["requirement"], answer["element"])
        if key in seen:
            raise ConfigError(f"{where}: {'/'.join(key)} is answered twice")
        seen.add(key)
        if answer["says"] is not None:
            answers.append(_answer(answer, where, path.parent))
    if not answers:
        raise ConfigError(f"{path}: nothing is answered: write yes, no or not-applicable after `says:`")
    left = len(form.value["answers"]) - len(answers)
    return Declaration(form.value["by"], form.value["date"], answers, left, form.source)


def append_declaration(
    folder: Path,
    declaration: Declaration,
    scanner: Mapping[str, Any],
    *,
    key: str | None = None,
    ask: Callable[[str], str] | None = None,
) -> signed_ledger.Entry:
    """Append a declaration to the ledger of the scan that it speaks of, the newest.

    Args:
        folder: the ledger.
        declaration: from `read_declaration`.
        scanner: the program: name, version, digest.
        key: URI of the signing keys; None = the user's own.
        ask: asks for a password, given the prompt.

    Returns:
        The entry.

    Raises:
        ConfigError: the folder is no ledger or another's, or has no scan.
        BrokenChain: the ledger does not verify.
    """
    if not signed_ledger.is_ledger(folder):
        raise ConfigError(f"{folder} is no ledger; `provenance scan DATA --ledger {folder}` makes one")
    keys = (
        signed_ledger.user_keys(create=False, prompt=ask) if key is None else signed_ledger.load_pair(key, prompt=ask)
    )
    predicate = signed_ledger.read_entry(folder)["predicate"]
    about = {"entry": predicate["log"]["index"], "data": predicate["data"]}
    if "dataDigest" in predicate:
        about["dataDigest"] = predicate["dataDigest"]
    facts = {
        "kind": "declaration",
        "scanner": scanner,
        "by": declaration.by,
        "date": declaration.date,
        "declaredOn": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "about": about,
        "answers": declaration.answers,
    }
    return signed_ledger.attach(folder, "declaration", declaration.source, facts, keys=keys)


def digest_data(files: pa.Table) -> str:
    """Digest the data itself: path and SHA-256 of every data file on disk, whatever a program makes of them.

    Args:
        files: FILES.

    Returns:
        SHA-256, hexadecimal, of the canonical JSON array of pairs, sorted by path.
    """
    rows = files.select(["path", "role", "sha256"]).to_pylist()
    path_digests = sorted(
        (row["path"], row["sha256"]) for row in rows if row["role"] == "data" and "!/" not in row["path"]
    )
    return sha256(canonical([list(each) for each in path_digests]))


def choose_answers(
    declared: Declared,
    chosen: Sequence[Profile],
    data_digest: str,
    today: date,
    *,
    people: IdentityKey,
) -> Answers:
    """Choose the newest answer to every question of some profiles.

    Args:
        declared: declarations of a ledger, the oldest first: number of the entry, its digest, its predicate.
        chosen: the profiles.
        data_digest: of the data now, hexadecimal.
        today: the day on which it must count.
        people: gives ids in place of names.

    Returns:
        By profile, requirement and element; one that does not count says why.
    """
    questions = {
        (profile.name, requirement["id"], element["id"]): element
        for profile in chosen
        for requirement, element in profiles.questions(profile)
    }
    found: Answers = {}
    for entry, _, predicate in declared:
        digest = predicate["about"].get("dataDigest", {}).get("sha256")
        by = predicate["by"]
        person = people.person("assessor", by["name"])
        for answer in predicate["answers"]:
            key = (answer["profile"], answer["requirement"], answer["element"])
            if key in questions:
                stale = _stale(answer, questions[key], same=digest == data_digest, today=today)
                statement = " ".join((answer.get("statement") or "").replace(by["name"], person).split())
                found[key] = DeclaredAnswer(
                    says=answer["says"],
                    entry=entry,
                    assessor=f"{by['role']}, {person}",
                    documents=len(answer["documents"]),
                    stale=stale,
                    statement=f"{statement[:STATED]} ..." if len(statement) > STATED else statement,
                )
    return found


def make_template(profile: Profile) -> str:
    """Write a blank form with every question of a profile, in English and, where the profile speaks it, in Chinese.

    Args:
        profile: the profile.

    Returns:
        YAML that `read_declaration` accepts once it is filled in.
    """
    out = [_HEAD.format(title=profile.title, title_zh=profile.title_zh or "", name=profile.name).rstrip()]
    last = None
    for requirement, element in profiles.questions(profile):
        if requirement["id"] != last:
            last = requirement["id"]
            out += ["", *_heading(requirement)]
        out += _question(profile, requirement, element)
    return "\n".join(out) + "\n"


_HEAD = """\
# {title}
# {title_zh}
#
# Fill in: what you say is signed into the ledger beside what the tool found. Leave `says` empty where you do not know.
#   says: yes | no | not-applicable    with no and not-applicable, give the reason in `statement`
#   documents: a list of {{ file: path relative to this file }}; only their digests go into the ledger
# Write no personal data but the name and role of whoever answers.
#
# 填写说明：您的答复将与工具的核查结果一并签名写入台账。无法答复的，请将 says 留空。
#   says：yes（是）、no（否）、not-applicable（不适用）；答 no 或 not-applicable 的，须在 statement 中说明理由
#   documents：以 {{ file: 相对于本文件的路径 }} 列出证明文件，台账仅记录文件摘要值
# 除责任人姓名和职务外，请勿填写任何个人信息。
declarations: 1
by:
  name: # 责任人姓名
  role: # 职务
date: # 2026-01-31
answers:
"""


def _heading(requirement: Mapping[str, Any]) -> list[str]:
    lines = [f"{requirement['clause']} (text: {requirement['text']}): {requirement['title']}"]
    if "title_zh" in requirement:
        lines.append(f"{requirement.get('clause_zh', '')}：{requirement['title_zh']}")
    lines += [requirement[name] for name in ("note", "note_zh") if name in requirement]
    return [f"  # {line}" for line in lines]


def _question(profile: Profile, requirement: Mapping[str, Any], element: Mapping[str, Any]) -> list[str]:
    comments = [f"{element['asks']}{' [documents]' if element['by'] == 'document' else ''}"]
    if "asks_zh" in element:
        comments.append(f"{element['asks_zh']}{'【须附文件】' if element['by'] == 'document' else ''}")
    return [
        f"  - profile: {profile.name}",
        f"    requirement: {requirement['id']}",
        f"    element: {element['id']}",
        *(f"    # {line}" for line in comments),
        f"    says: # yes | no{' | not-applicable' if element.get('conditional') else ''}",
        "    statement:",
        *(["    documents:"] if element["by"] == "document" else []),
    ]


def _answer(answer: Mapping[str, Any], where: str, folder: Path) -> dict[str, Any]:
    profile = profiles.load(answer["profile"])
    requirement, element = _asked(profile, answer, where)
    says, statement = answer["says"], answer.get("statement") or ""
    if says == "not-applicable" and not element.get("conditional"):
        raise ConfigError(f"{where}: {element['id']} applies in any case; answer it with yes or no")
    if says != "yes" and not statement.strip():
        raise ConfigError(f"{where}: with {says!r}, give the reason in `statement`")
    made = {
        "profile": profile.name, "version": profile.version, "requirement": requirement["id"],
        "element": element["id"], "about": element["about"], "asks": element["asks"], "says": says,
        "statement": statement,
        "documents": [forms.digest_document(each, where, folder) for each in answer.get("documents") or ()],
    }  # fmt: skip
    if "asks_zh" in element:
        made["asks_zh"] = element["asks_zh"]
    if answer.get("until"):
        forms.parse_day(answer["until"], where)
        made["until"] = answer["until"]
    return made


def _asked(profile: Profile, answer: Mapping[str, Any], where: str) -> tuple[dict[str, Any], dict[str, Any]]:
    for requirement, element in profiles.questions(profile):
        if (requirement["id"], element["id"]) == (answer["requirement"], answer["element"]):
            return requirement, element
    raise ConfigError(
        f"{where}: {profile.name} does not ask for {answer['element']!r} in {answer['requirement']!r}; "
        f"`provenance declare --template {profile.name}` lists what it asks"
    )


def _stale(answer: Mapping[str, Any], element: Mapping[str, Any], *, same: bool, today: date) -> str | None:
    if (answer["asks"], answer.get("asks_zh")) != (element["asks"], element.get("asks_zh")):
        return "the question has been worded anew since"
    if answer.get("until") and date.fromisoformat(answer["until"]) < today:
        return f"it ended on {answer['until']}"
    if element["about"] == "data" and not same:
        return "it was given for other data"
    return None
