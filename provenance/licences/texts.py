"""Which licences a text is, found offline from hashes of its word sequences; and which licences prose says apply.

The index (`data/licence-texts.npz`) holds, of every known licence, the CRC-32 of each run of five words: no text. A
match is only as good as what stands beside it: words added to a known text that touch use make it another licence.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from provenance.core import package_data
from provenance.licences.expressions import (
    LONGEST_PROSE,
    Licence,
    find_licences,
    find_restrictions,
    is_vaguer,
    normalise,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy as np

LONGEST_TEXT = 400_000
"""Characters of a licence text that are read: the longest in SPDX's list has 80,000."""

MOST_NOTICES = 1000
"""Notices of one document after which reading stops."""

WORDS_PER_RUN = 5
"""Words in a run that is hashed."""

SHORT_WORDS = 60
"""Words: a licence file no longer than this names its licence; a longer one is a text."""

LEAST_ADDED_WORDS = 5
"""Added words from which on a stretch may be a clause of its own."""

COMPLETE_SHARE = 0.75
"""Share of a licence's required runs that its text must hold."""

_WORD = re.compile(r"[^\W_]+")
_LONE = re.compile(r"([\u3040-\u30ff\u3400-\u9fff])")


def split_words(text: str) -> list[str]:
    """Split a licence text into the words that are compared.

    Args:
        text: any text.

    Returns:
        NFKC, case-folded runs of letters and digits; each Han or Kana character is a word.
    """
    plain = _LONE.sub(r" \1 ", unicodedata.normalize("NFKC", text).casefold().replace("licence", "license"))
    return _WORD.findall(plain)


def hash_runs(text_words: list[str]) -> list[int]:
    """Hash every run of five words, CRC-32 of the words joined by a space; the i-th begins at the i-th word."""
    return [
        zlib.crc32(" ".join(text_words[i : i + WORDS_PER_RUN]).encode())
        for i in range(len(text_words) - WORDS_PER_RUN + 1)
    ]


@dataclass(frozen=True, slots=True)
class _Index:
    """The shipped hashes: sorted runs, whose they are, and whether that licence requires them."""

    names: list[str]
    run: np.ndarray[Any, Any]
    owner: np.ndarray[Any, Any]
    required: np.ndarray[Any, Any]
    sizes: np.ndarray[Any, Any]


@cache
def _load_index() -> _Index:
    import numpy as np

    with (package_data.DATA_FOLDER / "licence-texts.npz").open("rb") as file, np.load(file) as stored:
        run = np.cumsum(stored["step"], dtype=np.int64)  # steps between sorted hashes: they compress
        owner = stored["owner"]
        required = np.unpackbits(stored["required"], count=len(owner)).astype(bool)
        names = [str(name) for name in stored["names"]]
    return _Index(names, run, owner, required, np.bincount(owner[required], minlength=len(names)))


def identify(text: str) -> tuple[Licence, ...]:
    """Identify the licences whose text a file holds.

    Args:
        text: a licence file.

    Returns:
        Every licence found, the one that covers most first; all of them apply. `expression` is None and `note` says why
        if words were added that touch use ("MIT with additions: commercial"), or if only a part of a text is there.
        () if nothing was recognised.
    """
    text = text[:LONGEST_TEXT]
    all_words, in_copyright = _mark_copyright(text)
    found, covered = _peel_matches(all_words)
    if not found:
        return _find_partial(text, all_words) or _read_named(text)
    added = _find_additions(all_words, in_copyright, covered)
    if added:
        raw = " AND ".join(found)
        return (Licence(None, "text", raw, f"{raw} with additions: {', '.join(added)}"),)
    return tuple(Licence(name, "text", name) for name in found)


def _peel_matches(all_words: list[str]) -> tuple[list[str], list[bool]]:
    """Take the best match away, again and again, until nothing is left that matches."""
    import numpy as np

    index = _load_index()
    hashes = np.array(hash_runs(all_words), dtype=np.int64)
    left = np.ones(len(hashes), dtype=bool)
    covered = np.zeros(len(all_words), dtype=bool)
    found: list[str] = []
    for _ in range(8):
        best = _best_match(np.unique(hashes[left]))
        if best is None:
            break
        own = np.isin(hashes, index.run[index.owner == best])
        for shift in range(WORDS_PER_RUN):
            covered[shift : shift + len(own)] |= own
        left &= ~own
        found.append(index.names[best])
    return found, covered.tolist()


def _best_match(present: np.ndarray[Any, Any]) -> int | None:
    """Choose, among the complete licences, the one that explains most and misses least."""
    import numpy as np

    index = _load_index()
    here = np.isin(index.run, present)
    explained = np.bincount(index.owner[here], minlength=len(index.names))
    required = np.bincount(index.owner[here & index.required], minlength=len(index.names))
    score = np.where(required >= COMPLETE_SHARE * index.sizes, explained - 2 * (index.sizes - required), -1)
    best = int(score.argmax())
    return best if score[best] > 0 else None


def _find_partial(text: str, all_words: list[str]) -> tuple[Licence, ...]:
    """Recognise a long piece of one licence: its name only as a note, for what is missing may be what matters."""
    import numpy as np

    present = np.unique(np.array(hash_runs(all_words), dtype=np.int64))
    index = _load_index()
    hits = np.bincount(index.owner[np.isin(index.run, present)], minlength=len(index.names))
    best = int(hits.argmax())
    if hits[best] < max(40, 0.5 * len(present)):
        return ()
    name = index.names[best]
    named = {licence.expression for _, _, licence in find_licences(text[:400]) if licence.expression}
    return (Licence(name if named == {name} else None, "text", name, f"partial text of {name}"),)


def _read_named(text: str) -> tuple[Licence, ...]:
    """Read a file that names its licence instead of holding it, or that states a restriction in words of its own."""
    body = [line.strip(" #*=-") for line in text.strip().splitlines() if line.strip() and not _is_copyright(line)]
    if len(split_words("\n".join(body))) <= SHORT_WORDS:
        licence = normalise(" ".join(body))
        return (licence,) if licence.expression is not None else ()
    limits = find_restrictions(text)
    if limits:
        return (Licence(limits[0], "notice", body[0][:200], "a restriction in a text that is not known"),)
    title = normalise(body[0][:200]) if body else None
    if title is None or title.expression is None:
        return ()
    if title.expression in _load_index().names:
        return (Licence(None, "text", body[0][:200], f"calls itself {title.expression}, but its text is another"),)
    return (Licence(title.expression, "notice", body[0][:200], "by its title; its text is not known here"),)


def _is_copyright(line: str) -> bool:
    return bool(re.match(r"\W{0,8}(?:copyright|\(c\)|©|all rights reserved)", line.strip(), re.IGNORECASE))


def _find_additions(all_words: list[str], in_copyright: list[bool], covered: list[bool]) -> list[str]:
    """Name the kinds of added words that touch use, stretch by stretch."""
    kinds, strong = _load_additions()
    found: set[str] = set()
    for stretch in _cut_stretches(all_words, in_copyright, covered):
        here = {kinds[word] for word in stretch if word in kinds} | _han_kinds("".join(stretch))
        if here & strong or ("terms" in here and len(stretch) >= LEAST_ADDED_WORDS):
            found |= here
    return sorted(found)


def _cut_stretches(all_words: list[str], in_copyright: list[bool], covered: list[bool]) -> Iterator[list[str]]:
    """Yield the words that no licence explains, cut where more than three explained ones stand between."""
    stretch: list[str] = []
    gap = 0
    for word, credited, explained in zip(all_words, in_copyright, covered, strict=True):
        gap = gap + 1 if explained else 0
        if gap > 3:
            if stretch:
                yield stretch
            stretch = []
        elif not explained and (not credited or word in _strong_words()):
            stretch.append(word)
    yield stretch


def _mark_copyright(text: str) -> tuple[list[str], list[bool]]:
    """Return a text's words, and for each whether it stands in a copyright line, which says who, not what."""
    all_words: list[str] = []
    in_copyright: list[bool] = []
    for line in text.splitlines():
        line_words = split_words(line)
        all_words += line_words
        in_copyright += [_is_copyright(line)] * len(line_words)
    return all_words, in_copyright


def _han_kinds(joined: str) -> set[str]:
    return {kind for phrase, kind in _load_additions()[0].items() if not phrase.isascii() and phrase in joined}


@cache
def _load_phrases() -> dict[str, Any]:
    return dict(package_data.load_table("licence-phrases"))


@cache
def _load_additions() -> tuple[dict[str, str], set[str]]:
    """Return word or Han phrase -> kind of addition, and the kinds of which one word is enough."""
    kinds = {word: kind for kind, those in _load_phrases()["additions"].items() for word in those}
    return kinds, set(_load_phrases()["strong"])


@cache
def _strong_words() -> frozenset[str]:
    kinds, strong = _load_additions()
    return frozenset(word for word, kind in kinds.items() if kind in strong)


# --- prose ---------------------------------------------------------------------------------------------------------

_HEADING = re.compile(r"^\s{0,3}(#{1,6})\s+(.*)$|^\s*\*\*([^*]{2,60})\*\*:?\s*$")
_LICENCE_HEADING = re.compile(r"licen[cs]|terms of use|协议|许可", re.IGNORECASE)
_BADGE = re.compile(r"img\.shields\.io/badge/([^)\s\"'?]+)", re.IGNORECASE)
_LABEL = re.compile(
    r"^[\W_]{0,12}(?:the )?((?:\w+ ){0,3})(?:licen[cs]es?|许可证?|协议|additional restriction\(s\))"
    r"[*_`\])\s]{0,6}[:：]\s*(\S.*)$",
    re.IGNORECASE,
)
_CUE = re.compile(
    r"licen[cs]|(?:released?|distribut\w+|available|published|shared|provided|covered|governed|dedicated|place[ds]?"
    r"|offered) .{0,60}?"
    r"\b(?:under|in|into|by|with)\b|under (?:the )?terms|subject to|\b(?:is|are)(?: also| both)?\s+\W{0,3}$"
    r"|协议|许可|开源|restriction",
    re.IGNORECASE,
)
_ELSEWHERE = re.compile(
    r"dataset provided for research purposes only|\?\s|\brespect\b|\bcomply|\bfollow the\b|refer to|"
    r"please (?:follow|refer|respect|check|see|note that the)|"
    r"check (?:the|their)|unlike|other (?:data|model|project)|"
    r"\b(?:their|its) (?:own|respective) licen|hinges on|请参考|请遵循|请遵守|参照|遵守|"
    r"no longer|previously|formerly|used to be|documentation (?:in|is|of)|inherited|based on|adapted from|borrowed|"
    r"derived from|spdx-license-identifier|compatible with|instead of",
    re.IGNORECASE,
)
_OWN = re.compile(
    r"\b(?:this|the|these|our|all|its|we|it|entire|original|cleaned|both)\b|^\W*(?:code|data)|本|该|此|我们",
    re.IGNORECASE,
)
_SUBJECTS = (
    (
        "data",
        re.compile(
            r"\b(?:data ?sets?|data|corpus|corpora|annotations?|benchmark|questions|texts?|splits?)\b|数据|语料",
            re.IGNORECASE,
        ),
    ),
    (
        "code",
        re.compile(r"\b(?:code|source code|software|scripts?|tools?|tooling|library|toolkit)\b|代码", re.IGNORECASE),
    ),
    ("model", re.compile(r"\b(?:weights?|weight diff|models?|checkpoints?)\b|模型|权重", re.IGNORECASE)),
)


def find_notices(text: str) -> list[tuple[int, str, Licence]]:
    """Find the sentences of a document that say under which licence its subject is.

    Args:
        text: a README, card or other document; Markdown or plain.

    Returns:
        Line (from 1), subject (data | code | model | any, by the words near it) and licence, in order, each once. What
        is said of other projects, or only recommended, is left out: a miss is better than a false claim.
    """
    found: dict[tuple[int, str, str | None], tuple[int, str, Licence]] = {}
    title = ""
    for heading, block in _cut_blocks(text[:LONGEST_TEXT]):
        title = title or heading
        section = heading if _LICENCE_HEADING.search(heading) else ""
        for line, subject, licence in _read_block(block, title, section):
            found.setdefault((line, subject, licence.expression), (line, subject, licence))
        if len(found) >= MOST_NOTICES:
            break
    return sorted(found.values(), key=lambda notice: notice[0])


def _cut_blocks(text: str) -> Iterator[tuple[str, list[tuple[int, str]]]]:
    """Yield paragraphs as numbered lines, each with its heading; tables, contents and code elsewhere are left out."""
    heading, fenced = "", False
    block: list[tuple[int, str]] = []
    for number, line in enumerate(text.splitlines(), 1):
        match = _HEADING.match(line)
        fence = line.lstrip().startswith(("```", "~~~"))
        skipped = _ASIDE.match(line) or (fenced and not _LICENCE_HEADING.search(heading))
        if match or fence or skipped or not line.strip() or re.match(r"\s*(?:[-*+]|\d+[.)])\s", line):
            if block:
                yield heading, block
            block = []
        if match:
            heading = match[2] or match[3] or ""
        fenced ^= fence
        if line.strip() and not (match or fence or skipped):
            block.append((number, line))
    if block:
        yield heading, block


_ASIDE = re.compile(r"\s*\||\s*[-*] \[[^\]]*\]\(#")


def _read_block(block: list[tuple[int, str]], title: str, section: str) -> Iterator[tuple[int, str, Licence]]:
    """Read badges, labels and short lines one by one, the rest as sentences that may run over lines."""
    rest: list[tuple[int, str]] = []
    for number, line in block:
        alone = list(_read_line(line, section))
        yield from ((number, subject, licence) for subject, licence in alone)
        if not alone and not _BADGE.search(line):
            rest.append((number, line[:4000]))
    prose = "\n".join(line for _, line in rest)[:LONGEST_PROSE]
    begin = 0
    for sentence in _cut_sentences(prose):
        begin = prose.index(sentence, begin)
        for offset, subject, licence in _read_sentence(sentence, title, section):
            yield rest[prose.count("\n", 0, min(begin + offset, len(prose)))][0], subject, licence


def _read_line(line: str, section: str) -> Iterable[tuple[str, Licence]]:
    badges = list(_find_badges(line))
    if badges:
        return badges
    label = _LABEL.match(line)
    if label and not re.match(r"[^:：]*`\s*[:：]", line):  # a column of that name is described, nothing is licensed
        licence = normalise(re.split(r"\s+-\s+|[;。]", label[2])[0].strip(" .*_`"))
        licence = licence if licence.how != "none" or _says_unknown(licence) else normalise(label[2][:300])
        if licence.how != "none" or _says_unknown(licence):
            return [(_name_subject(label[1], section), licence)]
    whole = normalise(line.strip(" -*_`>.#")) if section and len(split_words(line)) <= 8 else None
    if whole is not None and whole.how not in {"notice", "part"} and whole.expression not in {None, _RESERVED}:
        return [(_name_subject(line, section), whole)]
    return []


_RESERVED = "LicenseRef-provenance-all-rights-reserved"
"""Stands in copyright lines of licences that do grant rights: by itself it says nothing here."""


def _says_unknown(licence: Licence) -> bool:
    return bool(licence.note and "no licence is known" in licence.note)


def _find_badges(line: str) -> Iterator[tuple[str, Licence]]:
    from urllib.parse import unquote

    for match in _BADGE.finditer(line):
        # shields.io: label-message-colour; "--" is a dash, "_" a space
        parts = unquote(match[1]).replace("--", "\0").replace("_", " ").rsplit("-", 1)[0].split("-", 1)
        if len(parts) == 2 and re.search(r"licen[cs]e", parts[0], re.IGNORECASE):
            licence = normalise(parts[1].replace("\0", "-"))
            if licence.how != "none":
                yield _name_subject(parts[0], ""), licence


def _cut_sentences(line: str) -> list[str]:
    return [
        part
        for part in re.split(r"(?<=[^\s][^\s.])[.!?][\"')\]]*\s+(?=[A-Z*\[>])|[。；！]|<br */?>", line[:4000])
        if part.strip()
    ]


def _read_sentence(sentence: str, title: str, section: str) -> Iterator[tuple[int, str, Licence]]:
    """Yield place in the sentence, subject and licence."""
    plain = re.sub(r"\s", " ", unicodedata.normalize("NFKC", sentence))
    if _ELSEWHERE.search(plain):
        return
    if re.match(r"\s*[-*+]\s+(?![^:]{0,60}licen[cs])[^:]{2,60}:\s", plain, re.IGNORECASE):
        return  # a list of parts, each with its own
    named = list(find_licences(plain))
    exact = _keep_distinct(named)
    for begin, licence in exact:
        alone = section and len(split_words(re.sub(r"https?://\S+", "", plain))) <= len(split_words(licence.raw)) + 8
        cue = _CUE.search(plain[:begin]) or re.match(
            r".{0,40}(?:licen[cs]e|协议|许可|开源)", plain[begin + len(licence.raw) :]
        )
        if alone or (cue and _speaks_of_itself(plain[:begin], title, section)):
            yield begin, _name_subject(plain[:begin] if split_words(plain[:begin]) else plain, section), licence
    limits = find_restrictions(plain)
    covered = any("-NC" in (licence.expression or "") for _, licence in exact)
    if (
        limits
        and not (covered and limits == ["LicenseRef-provenance-noncommercial"])
        and _is_about_itself(plain, title, section)
    ):
        subject = "data" if _SUBJECTS[0][1].search(plain) else _name_subject(plain, section)
        yield 0, subject, Licence(limits[0], "notice", plain.strip()[:300], "a restriction, no licence")


def _keep_distinct(named: list[tuple[int, int, Licence]]) -> list[tuple[int, Licence]]:
    """Keep one mention of each licence, and none that another states with its version."""
    every = [licence.expression or "" for _, _, licence in named]
    kept: dict[str, tuple[int, Licence]] = {}
    for begin, _, licence in named:
        expression = licence.expression or ""
        if not is_vaguer(expression, every):
            kept.setdefault(expression, (begin, licence))
    return list(kept.values())


def _speaks_of_itself(before: str, title: str, section: str) -> bool:
    """Tell whether a statement is about this document: by its section, a word like "this", or its title."""
    if section or _OWN.search(before) or not split_words(before):
        return True
    names = set(split_words(title)) - {"dataset", "card", "for", "the", "a", "data"}
    return bool(names & set(split_words(before)))


def _is_about_itself(sentence: str, title: str, section: str) -> bool:
    if re.search(
        r"\bor (?:non-?)?commercial|\bwhether\b|commercial and non|commercial or non|\bother\b|\bbecause\b",
        sentence,
        re.IGNORECASE,
    ):
        return bool(section) and "because" in sentence
    return bool(section) or (
        _speaks_of_itself(sentence, title, section)
        and bool(_SUBJECTS[0][1].search(sentence) or re.search(r"licen[cs]|intended|仅|不得|禁止", sentence))
    )


_BOTH = re.compile(
    r"\bcode(?: and| &) (?:the )?data(?: ?sets?)?\b|\bdata(?: ?sets?)?(?: and| &) (?:the )?(?:source )?code\b",
    re.IGNORECASE,
)


def _name_subject(near: str, section: str) -> str:
    """Name what the words before a licence speak of; two subjects are "any"."""
    near = re.sub(r"data licen", "dataset licen", near, flags=re.IGNORECASE)
    for text in (near, section):
        last = [(max((m.start() for m in pattern.finditer(text)), default=-1), name) for name, pattern in _SUBJECTS]
        present = [name for place, name in last if place >= 0]
        if re.search(r"repositor(?:y|ies)\b|\brepo\b|project", text, re.IGNORECASE) and "code" not in present:
            return "any"
        if len(present) == 1:
            return present[0]
        if _BOTH.search(text):  # "code and data are ...": it speaks of the data too
            return "data"
        if {"code", "data"} <= set(present) and re.search(r"\b(?:and|or|&|,)\b", text):
            return "any"
        if present:
            return max(last)[1]
    return "any"
