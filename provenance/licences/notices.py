"""Sentences of a document that say under which licence its subject is, or that restrict its use."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from provenance.licences.expressions import (
    LONGEST_PROSE,
    UNKNOWN,
    Licence,
    Part,
    find_licences,
    find_restrictions,
    find_riders,
    is_placeholder,
    is_vaguer,
    join_by_and,
    normalise,
    split_statement,
)
from provenance.licences.notice_limits import SHORT_RULE, fold, is_rider, limit, limit_by
from provenance.licences.notice_lines import (
    BADGE,
    LABEL_WORD,
    LICENCE_HEADING,
    LICENCE_WORD,
    OTHERS_HEADING,
    RESERVED,
    find_badges,
    find_reservations,
    match_heading,
    read_tables,
    says_unknown,
)
from provenance.licences.terms import find_right
from provenance.licences.text_runs import split_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LONGEST_TEXT = 400_000
"""Characters of a document that are read."""

MOST_NOTICES = 1000
"""Notices of one document after which reading stops."""

_LABEL = re.compile(
    rf"^[\W_]{{0,12}}(?:the )?((?:\w+ ){{0,3}}){LABEL_WORD}[*_`\])\s]{{0,6}}(?:[:：]|\s[-–—]\s)\s*(\S.*)$",
    re.IGNORECASE,
)
_CUE = re.compile(
    r"licen[cs]|(?:released?|distribut\w+|available|published|shared|provided|covered|governed|dedicated|place[ds]?"
    r"|offered) .{0,60}?"
    r"\b(?:under|in|into|by|with)\b|under (?:the )?terms|subject to|\b(?:is|are)(?: also| both)?\s+\W{0,3}$"
    r"|\b(?:steht|stehen|veröffentlicht|lizenziert|publié\w*|diffusé\w*|publica\w*|distribuy\w*|disponib\w*"
    r"|licenciad\w*)\b.{0,60}"
    r"\b(?:unter|sous|bajo|sob)\b|lizenz|licencia|licença"
    r"|协议|许可|开源|授权|采用|遵循|ライセンス|の下で|restriction",
    re.IGNORECASE,
)
_ELSEWHERE = re.compile(
    r"dataset provided for research purposes only|\?\s|\?$|\brespect\b|\bcomply|\bfollow the\b|refer to|"
    r"please (?:follow|refer|respect|check|see|note that the)|"
    r"check (?:the|their)|unlike|other (?:data|model|project)|"
    r"\b(?:their|its) (?:own|respective) licen|hinges on|请参考|请遵循|请遵守|参照|遵守|"
    r"encouraged to|no longer|previously|formerly|used to be|documentation (?:in|is|of)|"
    r"spdx-license-identifier|compatible with|instead of|\bwill be (?:released|published|licen|made|available)|"
    r"\b(?:may|might|could|should) be (?:released|published|licen[cs]ed|made available) under\b|\bplan(?:s|ned)? to\b|"
    r"\buseful (?:only )?(?:for|to|in)\b|\bthe (?:logo|website|paper)\b.{0,30}\b(?:is|are|under)\b|"
    r"\bwe (?:removed|excluded|filtered|dropped|discarded|annotated with|used)\b|"
    r"^\W*(?:if|whether|should you|would you|in case)\b",
    re.IGNORECASE,
)
"""Questions, advice, conditions, history and plans: no statement about the data as it is."""

_UPSTREAM = re.compile(
    r"\b(?:inherited|based on|adapted from|borrowed|derived from|built (?:on|from)|taken from)\b[^,;]{0,80}$",
    re.IGNORECASE,
)
_GENERIC = re.compile(
    r"\b(?:is|are) (?:an? |all |both )?(?:very |more |less |most )?(?:permissive|open|free|copyleft|popular"
    r"|common|standard|short|simple|restrictive"
    r"|liberal)\b.{0,40}licen[cs]es?\b|\blicen[cs]es? (?:such as|like|allows?|permits?|requires?|means?|says)\b"
    r"|\bunder (?:a )?licen[cs]es? (?:such as|like)\b",
    re.IGNORECASE,
)
"""What is said of licences, not of data: "MIT and BSD are permissive licences"."""

_OWN = re.compile(
    r"\b(?:this|these|our|all|its|we|it|entire|cleaned|both|dieser?|dieses|unser\w*|ce|cette|ces|notre|nos|este"
    r"|esta|estos|nuestro\w*|nosso\w*)\b"
    r"|^\W*(?:the |die |der |das |les? |la |los |las |el |os? |as? )?(?:original |whole |raw |full |annotated "
    r"|source )?"
    r"(?:code|data|dataset|datasets|data set|corpus|annotations?|files?|collection|work|content|database"
    r"|benchmark|repository|project"
    r"|software|models?|weights?|texts?|images?|audio|questions|daten|datensatz|korpus|données|jeu de données"
    r"|datos|conjunto de datos|dados)\b"
    r"|本|该|此|我们",
    re.IGNORECASE,
)
_THE = re.compile(r"\bthe\b", re.IGNORECASE)
_VERB_FIRST = re.compile(
    r"^\W*(?:is |are |it is |they are )?(?:released|licen[cs]ed|distributed|available|published|provided"
    r"|made available|shared|dual[- ]licensed)\b",
    re.IGNORECASE,
)
_OTHER_WORK = re.compile(
    r"\b[Tt]he ((?:[A-Z0-9][\w'.-]*\s+){1,5})(?:corpus|corpora|data ?sets?|data|collection|benchmark|treebank"
    r"|library|toolkit|models?|database"
    r"|project|repository|code|suite|challenge)\b"
)
_GENERIC_NAMES = frozenset({"original", "full", "whole", "raw", "annotated", "source", "english", "chinese", "final"})
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
        is said of other projects, or only recommended, is left out: a miss is better than a false claim. Where the
        sentence, or the next, limits what it states, `raw` holds both and the licence is AND unknown.
    """
    found: dict[tuple[int, str, str | None], tuple[int, str, Licence]] = {}
    title = ""
    above: tuple[str, tuple[int, str, Licence]] | None = None
    text = _COMMENT.sub(lambda match: "\n" * match[0].count("\n"), text[:LONGEST_TEXT])
    for line, subject, licence in read_tables(text):
        found.setdefault((line, subject, licence.expression), (line, subject, licence))
    for heading, block in _cut_blocks(text):
        title = title or heading
        section = heading if LICENCE_HEADING.search(heading) else ""
        if not section and OTHERS_HEADING.search(heading):
            continue
        stated = list(_read_block(block, title, section))
        if stated and section:
            above = (heading, stated[-1])
        elif not stated and above is not None and above[0] == heading:
            stated = list(_read_rules(block, above[1]))
        for line, subject, licence in stated:
            found.setdefault((line, subject, licence.expression), (line, subject, licence))
        if len(found) >= MOST_NOTICES:
            break
    if not found:
        found |= {(line, "any", RESERVED): (line, "any", licence) for line, licence in find_reservations(text)}
    return sorted(found.values(), key=lambda notice: notice[0])


def _cut_blocks(text: str) -> Iterator[tuple[str, list[tuple[int, str]]]]:
    """Yield paragraphs as numbered lines, each with its heading; tables, contents and code elsewhere are left out."""
    heading, fenced = "", False
    above = (0, "")  # the heading on licences that this one stands under
    block: list[tuple[int, str]] = []
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        match = match_heading(line, lines[number] if number < len(lines) else "")
        fence = line.lstrip().startswith(("```", "~~~"))
        skipped = _ASIDE.match(line) or (fenced and not LICENCE_HEADING.search(heading))
        if match or fence or skipped or not line.strip() or re.match(r"\s*(?:[-*+]|\d+[.)])\s", line):
            if block:
                yield heading, block
            block = []
        if match:
            heading, level = match[2] or match[3] or "", len(match[1] or "######")
            if LICENCE_HEADING.search(heading):
                above = (level, heading)
            elif level <= above[0] or OTHERS_HEADING.search(heading):
                above = (0, "")
            elif above[0]:
                heading = f"{above[1]}: {heading}"
        fenced ^= fence
        if line.strip() and not (match or fence or skipped):
            block.append((number, line))
    if block:
        yield heading, block


_ASIDE = re.compile(r"\s*[=~^-]{3,}\s*$|\s*\||\s*[-*] \[[^\]]*\]\(#")


def _read_block(block: list[tuple[int, str]], title: str, section: str) -> Iterator[tuple[int, str, Licence]]:
    """Read badges, labels and short lines one by one, the rest as sentences that may run over lines."""
    rest: list[tuple[int, str]] = []
    for number, line in block:
        if _EXAMPLE.match(line):
            continue
        alone = list(_read_line(line, section))
        yield from ((number, subject, licence) for subject, licence in alone)
        if not alone and not BADGE.search(line):
            rest.append((number, line[:4000]))
    prose = "\n".join(line for _, line in rest)[:LONGEST_PROSE]
    begin = 0
    before: tuple[str, Licence, str] | None = None
    for sentence in _cut_sentences(prose):
        begin = prose.index(sentence, begin)
        found = list(_read_sentence(sentence, title, section))
        for offset, subject, licence in found:
            yield rest[prose.count("\n", 0, min(begin + offset, len(prose)))][0], subject, licence
        if (
            not found
            and before is not None
            and (not _ELSEWHERE.search(fold(sentence)) and is_rider(sentence, prose[:begin][-300:]))
        ):
            limited = limit_by(before[1], before[2], sentence)
            yield rest[prose.count("\n", 0, begin)][0], before[0], limited
        before = (found[-1][1], found[-1][2], sentence) if found else before if section else None


def _read_rules(block: list[tuple[int, str]], above: tuple[int, str, Licence]) -> Iterator[tuple[int, str, Licence]]:
    """Read the short sentences of a paragraph that limit what the one above it, under the same heading, states."""
    prose = " ".join(line for _, line in block)[:LONGEST_PROSE]
    for sentence in _cut_sentences(prose):
        rule = len(split_words(sentence)) <= SHORT_RULE and is_rider(sentence, prose)
        if above[2].expression and rule and not _ELSEWHERE.search(fold(sentence)):
            yield block[0][0], above[1], limit_by(above[2], above[2].raw, sentence)


def _read_line(line: str, section: str) -> Iterable[tuple[str, Licence]]:
    badges = [(_name_subject(label, ""), licence) for label, licence in find_badges(line)]
    if badges:
        return badges
    label = _LABEL.match(line)
    if label and not re.match(r"[^:：]*`\s*[:：]", line):  # a column of that name is described, nothing is licensed
        if is_placeholder(label[2]):
            return []
        parts = _read_labelled(label[2])
        if parts:
            named = _name_subject(label[1], section)
            return [(part.subject if part.subject != "any" else named, part.licence) for part in parts]
    rule = _USE_LABEL.match(line)
    if rule and find_restrictions(rule[1]):
        return [("any", Licence(find_restrictions(rule[1])[0], "notice", rule[1].strip()[:300], "a restriction"))]
    whole = normalise(line.strip(" -*_`>.#")) if section and len(split_words(line)) <= 8 else None
    if whole is not None and whole.how not in {"notice", "part"} and whole.expression not in {None, RESERVED}:
        return [(_name_subject(line, section), whole)]
    return []


def _read_labelled(value: str) -> list[Part]:
    """Read what stands behind "License:", all of it; what is not understood behind a first piece is unknown in it."""
    value = re.sub(r"\s*[-–—(,;]\s*(?:copyright|©|\(c\)) .*$", "", value, flags=re.IGNORECASE) or value
    parts = split_statement(value[:300].strip(" *_`"))
    if any(part.licence.how != "none" or says_unknown(part.licence) for part in parts):
        return parts
    first = normalise(re.split(r"\s+[-–—]\s+|[;。]|\.\s", value)[0].strip(" .*_`"))
    if first.expression is None:
        return [Part("any", first)] if first.how != "none" or says_unknown(first) else []
    raw = f"{first.raw} with additions: {value[len(first.raw) :].strip()[:200]}"
    return [Part("any", Licence(join_by_and([first.expression, UNKNOWN]), "part", raw, "not understood beside it"))]


_EXAMPLE = re.compile(r"^[\W_]*(?:e\.g\.|todo\b|for example\b)|^\W*[\"“][^\"”]+[\"”] is (?:an? |the )", re.IGNORECASE)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_USE_LABEL = re.compile(
    r"^[\W_]{0,12}((?:commercial use|(?:allowed |permitted |intended )?usage|(?:allowed |permitted )use|purpose|access"
    r"|(?:usage |use )?restrictions?)[*_`\s]{0,4}[:：]\s*\S.*)$",
    re.IGNORECASE,
)
"""Lines beside "License: X" that say what may be done."""


def _cut_sentences(line: str) -> list[str]:
    return [
        part
        for part in re.split(r"(?<=[^\s][^\s.])[.!?][\"')\]]*\s+(?=[A-Z*\[>])|[。；！]|<br */?>", line[:4000])
        if part.strip()
    ]


def _read_sentence(sentence: str, title: str, section: str) -> Iterator[tuple[int, str, Licence]]:
    """Yield place in the sentence, subject and licence."""
    plain = re.sub(r"(?<=[\u3040-\u9fff])\s(?=[\u3040-\u9fff])", "", unicodedata.normalize("NFKC", sentence))
    plain = re.sub(r"\s", " ", plain)
    if _ELSEWHERE.search(plain) or _EXAMPLE.match(plain) or _GENERIC.search(plain) or is_placeholder(plain):
        return
    if re.match(r"\s*[-*+]\s+(?![^:]{0,60}licen[cs])[^:]{2,60}:\s", plain, re.IGNORECASE):
        return  # a list of parts, each with its own
    trained = _TRAINED.search(plain)
    if trained and trained.start() > 20 and find_restrictions(trained[0]):
        yield (
            trained.start(),
            "model",
            Licence(normalise(trained[0]).expression, "notice", trained[0][:300], "of models"),
        )
        plain = plain[: trained.start()]
    exact = [each for each in _keep_distinct(list(find_licences(plain))) if _is_stated(plain, each, title, section)]
    whole = _read_whole(plain, section)
    if whole and (not exact or len({part.subject for part in whole}) > 1):
        yield from ((0, _choose_subject(part, plain, section), _quote(part, plain)) for part in whole)
        return
    yield from _read_limited(plain, exact, title, section)
    for begin, raw in _find_terms(plain):
        if not any(start <= begin < start + len(licence.raw) for start, licence in exact):
            yield begin, "data", Licence(normalise(raw).expression, "notice", raw, "terms of a service or agreement")


_TRAINED = re.compile(
    r"\bmodels? (?:that (?:are|were) )?(?:trained|built|fine-?tuned|developed)\b.{0,250}", re.IGNORECASE
)
"""What is said of models, in a sentence on the data."""


def _read_whole(plain: str, section: str) -> list[Part]:
    """Read a short sentence under a heading on licences word by word; nothing unless all of it is understood."""
    if not section or len(plain) > _LONGEST_STATEMENT:
        return []
    parts = split_statement(plain.strip())
    sure = all(part.licence.expression and part.licence.how in {"spdx", "alias"} for part in parts)
    return (
        parts
        if sure and any(find_right(part.licence.expression, "research").value != "review" for part in parts)
        else []
    )


def _quote(part: Part, plain: str) -> Licence:
    return Licence(part.licence.expression, "notice", plain.strip())


def _read_limited(
    plain: str, exact: list[tuple[int, Licence]], title: str, section: str
) -> Iterator[tuple[int, str, Licence]]:
    """Yield the licences of a sentence with what limits them beside it, or a restriction without a licence."""
    bare = plain
    for begin, licence in exact:  # "subject to the MIT licence" limits nothing
        bare = bare.replace(plain[begin : begin + len(licence.raw)], "LICENCE", 1)
    covered = any("-NC" in (licence.expression or "") for _, licence in exact)
    extra = [each for each in find_restrictions(plain) if not (covered and each.endswith("-noncommercial"))]
    riders = [rider for rider in find_riders(bare) if not (covered and "commercial" in rider)]
    for begin, licence in exact:
        near = plain[:begin] if split_words(plain[:begin]) else plain
        limited = licence if not (extra or riders) else limit(licence, begin, plain)
        yield begin, _name_subject(near, section), limited
    if extra and not exact and _is_about_itself(plain, title, section):
        on_data = _SUBJECTS[0][1].search(plain) or extra[0].endswith("-no-training")  # "models" are what is trained
        subject = "data" if on_data else _name_subject(plain, section)
        yield 0, subject, Licence(extra[0], "notice", plain.strip()[:300], "a restriction, no licence")


_LONGEST_STATEMENT = 160
"""Characters of a sentence under a heading on licences that is read word by word."""


def _choose_subject(part: Part, plain: str, section: str) -> str:
    return part.subject if part.subject != "any" else _name_subject(plain, section)


_TERMS = re.compile(
    r"\b(?:subject to|governed by|bound by) (?:the )?((?:[\w.&-]+(?:'s|’s)? ){1,6}?(?:terms(?: (?:of (?:use"
    r"|service)|and conditions))?|polic(?:y|ies)|agreement|eula))\b",
    re.IGNORECASE,
)


def _find_terms(plain: str) -> Iterator[tuple[int, str]]:
    """Find the terms of somebody else that a sentence makes its subject subject to."""
    for match in _TERMS.finditer(plain):
        if re.match(r"[A-Z]\w+(?:\.\w+)? ?(?:['’]s)? (?!and\b)", match[1]) and not match[1].lower().startswith("terms"):
            yield match.start(1), match[1].replace("’", "'")


def _is_stated(plain: str, mention: tuple[int, Licence], title: str, section: str) -> bool:
    """Tell whether a sentence says of this work that it is under a licence."""
    begin, licence = mention
    if _UPSTREAM.search(plain[:begin]) and not _OWN.match(plain):
        return False
    bare = split_words(re.sub(r"https?://\S+", "", plain))
    alone = section and len(bare) <= len(split_words(licence.raw)) + 8
    cue = _CUE.search(plain[:begin]) or re.match(
        rf".{{0,40}}(?:{LICENCE_WORD}|开源|の下|に基づ|公開|下发布|下發布)",
        plain[begin + len(licence.raw) :],
        re.IGNORECASE,
    )
    return bool(alone or (cue and _speaks_of_itself(plain[:begin], title, section)))


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
    names = set(split_words(title)) - {"dataset", "card", "for", "the", "a", "data"}
    other = None if section else _OTHER_WORK.search(before)
    if other and not set(split_words(other[1])) & (names | _GENERIC_NAMES):
        return False
    if section or _OWN.search(before) or _VERB_FIRST.match(before) or not split_words(before):
        return True
    return bool(names & set(split_words(before))) or bool(
        _THE.search(before) and not other and any(words.search(before) for _, words in _SUBJECTS[:2])
    )


def _is_about_itself(sentence: str, title: str, section: str) -> bool:
    if re.search(
        r"\bor (?:non-?)?commercial|\bwhether\b|commercial and non|commercial or non|\bother\b|\bbecause\b",
        sentence,
        re.IGNORECASE,
    ):
        return bool(section) and "because" in sentence
    if section or _NORM.search(sentence):
        return not _OTHER_WORK.search(sentence) or _speaks_of_itself(sentence, title, section)
    return _speaks_of_itself(sentence, title, section) and bool(
        _SUBJECTS[0][1].search(sentence) or re.search(r"licen[cs]|intended|仅|不得|禁止", sentence)
    )


_NORM = re.compile(
    r"\b(?:this|these|our|it|they|you|users?)\b.{0,60}\b(?:may|must|shall|can|should|are|is) (?:only|not)\b"
    r"|\b(?:this|these|our) .{0,60}\b(?:may|can|must|shall)"
    r" (?:only|not)\b|^\W*by (?:downloading|using|accessing)\b|严禁|不得|禁止|仅供|仅限|仅用于"
    r"|\b(?:is|are) (?:strictly )?(?:forbidden|prohibited|not (?:allowed|permitted))\b"
    r"|^\W*(?:please )?(?:do not|don.t) use\b"
    r"|\b(?:darf|dürfen) (?:nicht|nur)\b|\bne peu(?:t|vent)\b|\bno pueden?\b|\bnão podem?\b|\bréservée?s\b"
    r"|^\W*(?:no|not|for|only|only for|strictly for|nur|nur für|solo|solo para|apenas|apenas para|uso|usage"
    r"|commercial use|academic use|research use|non-?commercial)\b(?:[^\w.]+\w+){1,6}\W*$",
    re.IGNORECASE,
)
"""Words of a rule: what may be done, or may not."""

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
