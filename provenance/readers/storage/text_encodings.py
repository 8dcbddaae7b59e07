"""Which encoding a text is written in that is no UTF-8: declared by its markup, or consistent with what it holds.

One decision a file, made on a sample. What is consistent with no encoding, or with a few bytes of one, stays undecided:
a record that is no UTF-8 is then unreadable.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

SAMPLE_BYTES = 1 << 20
"""Bytes on which the decision is made."""

_SCORED = 1 << 16  # bytes that are scored, from the first that is not ASCII on
_FEWEST = 3  # characters beyond ASCII that a decision needs
_MARKUP = re.compile(
    rb"""<\?xml[^>]{0,200}\bencoding\s*=\s*["']([\w.:-]{2,40})["']|<meta\b[^>]{0,300}\bcharset\s*=\s*["']?([\w.:-]{2,40})""",
    re.IGNORECASE,
)
_HIGH_BYTE = re.compile(rb"[\x80-\xff]")
_MARKS = "’‘“”„‚–—…«»‹›°§€£¥©®™·•×½¼¾¿¡ªº´¨²³¹±µ¶†‡\xa0\xad÷¦¢¬"


@dataclass(frozen=True, slots=True)
class _Alphabet:
    """An encoding with one byte a character, and what letters its languages have beyond ASCII."""

    name: str
    codec: str
    letters: frozenset[str]


def _letters(lower: str) -> frozenset[str]:
    return frozenset(lower + lower.upper())


_LATIN = (
    _Alphabet("windows-1252", "cp1252", _letters("àâäáãåæçéèêëíìîïñóòôöõøœúùûüÿßšž")),
    _Alphabet("windows-1254", "cp1254", _letters("ğışçöüâîûé") | {"İ"}),
    _Alphabet("windows-1250", "cp1250", _letters("ąćęłńóśźżáčďéěíňřšťúůýžäöüőűâăîşţđĺľŕôçß")),
    _Alphabet("windows-1257", "cp1257", _letters("āčēģīķļņšūžąęėįųõäöüåæø")),
    _Alphabet("windows-1252", "cp1252", _letters("áæéíðóöþúý")),  # Icelandic, behind Turkish, which has its bytes
    _Alphabet("macintosh", "mac_roman", _letters("àâäáãåæçéèêëíìîïñóòôöõøœúùûüÿß")),
    _Alphabet("ibm850", "cp850", _letters("àâäáãåæçéèêëíìîïñóòôöõøúùûüýÿß")),
)
_CYRILLIC = _letters("абвгдеёжзийклмнопрстуфхцчшщъыьэюяіїєґўјљњћџђ")
_OTHER_SCRIPTS = (
    _Alphabet("windows-1251", "cp1251", _CYRILLIC),
    _Alphabet("koi8-r", "koi8_r", _CYRILLIC),
    _Alphabet("iso-8859-5", "iso8859_5", _CYRILLIC),
    _Alphabet("ibm866", "cp866", _CYRILLIC),
    _Alphabet("windows-1253", "cp1253", _letters("αβγδεζηθικλμνξοπρστυφχψωάέήίόύώϊϋΐΰ") | {"ς"}),
    _Alphabet("windows-1255", "cp1255", frozenset(map(chr, range(0x5D0, 0x5EB)))),
    _Alphabet("windows-1256", "cp1256", frozenset(map(chr, range(0x621, 0x653)))),
    _Alphabet("cp874", "cp874", frozenset(map(chr, range(0xE01, 0xE5C)))),
)


def find_declared_encoding(head: bytes) -> str | None:
    """Return the encoding that markup declares of itself; None where it is UTF-8, unknown, or none is declared.

    Args:
        head: first bytes of the text.
    """
    found = _MARKUP.search(head[:2048])
    if found is None:
        return None
    name = (found[1] or found[2]).decode("ascii", "replace").lower()
    try:
        known = codecs.lookup(name)
    except (LookupError, ValueError):
        return None
    if not getattr(known, "_is_text_encoding", True) or known.name.startswith(("utf-", "utf_", "ascii")):
        return None
    return "windows-1252" if known.name in {"iso8859-1", "cp1252"} else name  # as browsers read it (WHATWG)


def guess_encoding(sample: bytes, *, cut: bool) -> str | None:
    """Guess the encoding of a text that is no UTF-8.

    Args:
        sample: its first bytes.
        cut: the text goes on behind them.

    Returns:
        The encoding's name, which Python knows; None where it is UTF-8 (with a broken record or none), or where no
        encoding is consistent with all of the sample.
    """
    if sample.isascii() or _is_utf8(sample, cut=cut):
        return None
    start = _HIGH_BYTE.search(sample).start()  # type: ignore[union-attr]  # not all of it is ASCII
    part = sample[max(0, start - 32) : start + _SCORED]
    part = part[: part.rfind(b"\n") + 1] or part  # a character of several bytes may be cut
    return _guess_east_asian(part) or _guess_alphabet(part)


def _is_utf8(sample: bytes, *, cut: bool) -> bool:
    """Tell whether a text is UTF-8: more of its characters beyond ASCII are UTF-8 than are not."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample, final=not cut)
    except UnicodeDecodeError:
        text = sample.decode("utf-8", "replace")
        broken = text.count("\ufffd")
        beyond = len(text.encode()) - len(text) - 2 * broken  # bytes beyond one a character, of those that are whole
        return beyond > broken
    return True


def _guess_east_asian(part: bytes) -> str | None:
    for codec, name in (("euc_jp", "euc-jp"), ("shift_jis", "shift_jis"), ("euc_kr", "euc-kr"), ("gb18030", "gb18030"),
                        ("big5", "big5")):  # fmt: skip
        try:
            text = part.decode(codec)
        except UnicodeDecodeError:
            continue
        wide = _BEYOND.findall(text)
        apart = len(_APART.findall(text))  # such scripts are written in runs; a quotation mark in English stands alone
        if len(wide) >= _FEWEST and 4 * apart <= len(wide) and _FITS[codec](wide):
            return name
    return None


def _share(letters: list[str], first: str, last: str) -> float:
    return sum(first <= letter <= last for letter in letters) / len(letters)


def _share_common(letters: list[str], codec: str, first: int, last: int) -> float:
    """Return the share of characters whose first byte in a standard lies where that lists its common characters."""
    leads = [letter.encode(codec, "replace")[0] for letter in letters]
    return sum(first <= lead <= last or 0xA1 <= lead <= 0xA3 for lead in leads) / len(leads)


_FITS: dict[str, Callable[[list[str]], bool]] = {
    "euc_jp": lambda wide: _share(wide, "\u3041", "\u30ff") >= 0.25 and _share(wide, "\u3000", "\u9fff") >= 0.9,
    "shift_jis": lambda wide: _share(wide, "\u3041", "\u30ff") >= 0.25 and _share(wide, "\u3000", "\u9fff") >= 0.9,
    "euc_kr": lambda wide: _share(wide, "\uac00", "\ud7a3") >= 0.9,
    "gb18030": lambda wide: len(wide) >= 2 * _FEWEST and _share_common(wide, "gb2312", 0xB0, 0xD7) >= 0.8,
    "big5": lambda wide: len(wide) >= 2 * _FEWEST and _share_common(wide, "big5", 0xA4, 0xC6) >= 0.85,
}
"""Whether text that an encoding can decode is what people write in it: kana, hangul, common ideographs."""

_WORDS = re.compile(r"[A-Za-z\x80-\xff]*[\x80-\xff][A-Za-z\x80-\xff]*")
_BEYOND = re.compile(r"[^\x00-\x7f]")
_APART = re.compile(r"(?<![^\x00-\x7f])[^\x00-\x7f](?![^\x00-\x7f])")
_BEHIND_SMALL = re.compile(r"(?<=[a-zà-ÿа-яα-ω])[^\x00-\x7f]")
_ONE_LETTER_WORDS = frozenset("àèéêíóöåавийкосуюяжэ")
_ALONE = re.compile(r"(?<![^\W\d_])[^\x00-\x7f](?![^\W\d_])")


def _guess_alphabet(part: bytes) -> str | None:
    words = _WORDS.findall(part.decode("latin-1"))
    mixed = sum(any(letter <= "z" for letter in word) for word in words)
    candidates = _LATIN if mixed * 2 > len(words) else _OTHER_SCRIPTS
    best, name = 0.0, None
    for each in candidates:
        score = _score(part, each)
        if score > best:
            best, name = score, each.name
    return name if best >= 0.9 else None


def _score(part: bytes, alphabet: _Alphabet) -> float:
    """Return the share of characters beyond ASCII that fit: letters of the alphabet within words, and usual marks."""
    text = part.decode(alphabet.codec, "replace")
    beyond = _BEYOND.findall(text)
    letters = sum(letter in alphabet.letters for letter in beyond)
    marks = sum(mark in _MARKS for mark in beyond)
    # a capital behind a small letter, or a letter alone, is seldom written: it is what another encoding looks like
    odd = sum(letter.isupper() for letter in _BEHIND_SMALL.findall(text))
    alone = sum(letter.isalpha() and letter.lower() not in _ONE_LETTER_WORDS for letter in _ALONE.findall(text))
    if letters + marks < _FEWEST and (alone or odd or alphabet is not _LATIN[0]):  # few of them prove little
        return 0.0
    return float(letters + marks - odd - alone // 2) / len(beyond)
