"""Personal data in what manifests and licences say: e-mail addresses, telephone numbers and numbers of people.

Each is replaced by its kind: `[email]`, `[phone]`, `[id]`, `[iban]`, `[card]`, `[ip]`, `[orcid]`. The detector of
`personal_data` is made not to accuse; a ledger that nobody can change is better off with a value too few, so whatever
is written as an address or number of somebody goes too, an office's as well: from the address alone nobody can tell.

What only looks like one stays: SPDX ids, versions, dates, DOIs, arXiv ids, ISBNs, digests, sizes. Of an address of the
web only e-mail addresses and what stands under a name such as `phone` go: the rest is an id.
"""

from __future__ import annotations

import html
import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, unquote

from provenance.detectors import personal_data
from provenance.sources.privacy import credentials
from provenance.sources.privacy.credentials import REMOVED, URL
from provenance.sources.privacy.people import is_organisation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_KINDS = {
    "email": "email",
    "phone": "phone",
    "cn-resident-id": "id",
    "iban": "iban",
    "payment-card": "card",
    "ip": "ip",
}
CONTACTS = frozenset({"email", "phone", "handle"})
"""Kinds by which somebody can be reached; the others are kept nowhere."""


class MaskedValue(NamedTuple):
    """Where a value stands in a text, and what it is.

    Args:
        start: the first character.
        end: the character after the last.
        kind: what stands in its place, without its brackets.
    """

    start: int
    end: int
    kind: str


_AT = r"(?:@|＠|﹫|\((?:at|@|a)\)|\[(?:at|@|a)\]|\{(?:at|@)\}|<(?:at|@)>|_at_|-at-)"
_DOT = r"(?:\.|。|．|\s?(?:\(dot\)|\[dot\]|\{dot\}|\(\.\)|\[\.\])\s?)"
_EMAIL = re.compile(
    r"(?<![\w.+%\-])(?:\"[^\"\r\n]{1,64}\"|[^\s@<>()\[\]{}\"',;:|/\\=&?#]{1,64})\s?"
    rf"{_AT}\s?(?:[\w\-]{{1,63}}{_DOT}){{1,8}}[^\W\d_][\w\-]{{1,23}}(?![\w@])",
    re.IGNORECASE,
)
_HOST = rf"(?:[\w\-]{{1,63}}{_DOT}){{1,8}}[^\W\d_][\w\-]{{1,23}}(?![\w@])"
_SEVERAL = re.compile(
    rf"[\[{{(]\s?[\w.+\-]{{1,64}}(?:\s?[,;|/]\s?[\w.+\-]{{1,64}}){{1,20}}\s?[\]}})]\s?{_AT}\s?{_HOST}", re.IGNORECASE
)
_ENCODED = re.compile(rf"(?<![\w.+%\-/=])[\w.+\-]{{1,64}}%(?:25)?40{_HOST}", re.IGNORECASE)
_BY_ADDRESS = re.compile(
    r"(?<![\w.+%\-])[\w.+%\-]{1,64}\s?(?:@|＠)\s?\[?(?:IPv6:[0-9a-fA-F:.]+|\d{1,3}(?:\.\d{1,3}){3})\]?(?![\w.])"
)
_NOBODY = (  # before "at" and a host, a word of a sentence
    r"(?!(?:look|looks|available|hosted|host|found|find|published|released|data|files?|see|visit|page|website|site|us|me|them|it|is|are"
    r"|be|here|live|work|code|documented|described|downloaded|download|stored|listed|code|form|issues?|team|issue|start|meet|demo)\s)"
)
_SPOKEN = re.compile(
    rf"(?<![\w.]){_NOBODY}[\w.+\-]{{1,64}}(?:\s+dot\s+[\w+\-]{{1,32}}){{0,3}}\s+at\s+(?:[\w\-]{{1,63}}\s+dot\s+){{1,5}}[a-z]{{2,24}}(?!\w)",
    re.IGNORECASE,
)
_OF_DATA = (
    r"(?!(?:[\w\-]+\.)*(?:huggingface|github|gitlab|zenodo|kaggle|archive|commoncrawl|amazonaws|googleapis|figshare|osf|arxiv|wikipedia"
    r"|wikimedia|openslr|paperswithcode)\.)"
)
_AT_HOST = rf"\s+at\s+{_OF_DATA}(?:[A-Za-z0-9\-]{{1,63}}\.){{1,5}}[A-Za-z]{{2,24}}(?!\w|\.\w|/)"
_SAID = (  # "jane.doe at example.org": a mailbox by its form, or behind a word that announces one
    re.compile(
        r"(?<![\w.@/])(?![\w.]*\.(?:org|com|net|edu|gov|io|ai|co|de|fr|uk|cn|jp|eu|txt|csv|tsv|jsonl?|md|py|zip|gz|xml|ya?ml|parquet|pdf|html?)\s)"
        rf"[A-Za-z]{{1,24}}(?:\.[A-Za-z]{{1,24}}){{1,2}}\d{{0,4}}{_AT_HOST}",
        re.IGNORECASE,
    ),
    re.compile(
        rf"(?:e-?mails?|(?<!\w)mail|contacts?|write to|reach(?: me| us)?|"
        r"correspondence|maintainers?|authors?)"
        rf"\s?[:：]?\s{{1,3}}(?P<number>{_NOBODY}[\w.+\-]{{2,64}}{_AT_HOST})",
        re.IGNORECASE,
    ),
)
_CUT = re.compile(  # a value that was cut short; what stands behind the sign may be a revision
    r"(?<![\w.+%\-/])[\w.+%\-]{1,64}@(?!v?\d|(?:main|master|head|trunk|dev|develop|latest|next|stable|nightly)\Z)[\w.\-]*\Z",
    re.IGNORECASE,
)
_REVISION = re.compile(
    r"@v?\d+(?:\.\d+)+[.\-]?(?:dev|rc|a|b|alpha|beta|post|final|release)\w*\Z|@refs\b", re.IGNORECASE
)
_ENDS_OF_FILES = re.compile(
    r"\.(?:png|jpe?g|gif|svg|webp|pdf|json|xml|ya?ml|txt|csv|tsv|parquet|zip|gz|py|js|md)\Z", re.IGNORECASE
)

_BOUND = r"(?<![\w.,:+/\-\u2013])"
_CALLED = (  # what stands before a number that somebody answers
    r"tele?(?:phone|fon)?|phone|mobile|cell ?phone|fax|whatsapp|sms|wechat"
    r"|(?:cell|signal|handy)(?=(?: (?:no|number|nr))?\.?\s?[:：=])"  # alone, a word like any other
)
_NUMBERED = r"(?: (?:no|number|nr))?"
_STATED = r"[.\s]{0,2}[:：=]?\s{0,2}"
_PHONES = (
    re.compile(
        r"(?<![\w+])(?:\+|\(\+|00(?=[1-9]\d?[ ().\-/]))[1-9](?:[ ().\-/\u2010-\u2013\u00a0]{0,3}\d){6,14}(?!\d)"
    ),
    re.compile(
        rf"{_BOUND}(?!\d{{2,4}}(?: \d{{3}})+(?![ \-/]?\d))"
        rf"\(?0[1-9]\d{{0,4}}\)?[ \-/\u2010-\u2013\u00a0]{{1,2}}\d{{2,5}}(?:[ \-\u00a0]?\d{{2,5}}){{1,4}}"
        r"(?![\d.]\d)(?!\w)"
    ),
    re.compile(  # no area or exchange of the North American plan begins with 0 or 1
        rf"{_BOUND}(?:1[ .\-])?(?:\([2-9]\d{{2}}\)[ ]?|[2-9]\d{{2}}[ .\-])[2-9]\d{{2}}[ .\-]\d{{4}}(?![\w\-])(?!\.\d)"
    ),
    re.compile(r"(?<![\w.,:+/\-])1[3-9]\d(?:[ \-]?\d{4}){2}(?!\w)(?!\.\d)"),
    re.compile(
        rf"(?:(?<![A-Za-z])(?:{_CALLED}){_NUMBERED}|电话|手机|手机号|联系电话|传真|电话号码|微信){_STATED}"
        r"(?P<number>\+?\(?\d[\d ().\-/]{4,20}\d)(?!\w)",
        re.IGNORECASE,
    ),
)
_PAPERS = (  # what stands before the number of a paper
    r"ssn|social security|passport|national id(?:entity)?|id card|tax id|nino|aadhaar|personnummer|personalausweis"
)
_SERVICES = (
    r"wechat|weixin|telegram|skype|kakao(?:talk)?|line|discord|whatsapp|viber|signal|wx|vx|微信|飞书|钉钉|企业微信"
)
_HANDLES = (  # behind the name of the service where somebody answers to it
    re.compile(
        r"(?<![^\W_])(?:qq|扣扣|企鹅)\s?(?:群|交流群|号|号码|群号|no\.?|number|id|group)?\s?[:：=]?\s{0,2}(?P<number>[1-9]\d{4,11})(?!\d)",
        re.IGNORECASE,
    ),
    re.compile(
        rf"(?<![A-Za-z])(?:{_SERVICES})\s?(?:(?:号|号码|id|handle|user(?:name)?|账号|群)\s?[:：=]?|[:：=])\s{{0,2}}"
        r"(?P<number>@[A-Za-z][\w.\-]{2,31}|(?=[\w.\-]*[\d_])[A-Za-z][\w\-]{4,31})(?![\w@])",
        re.IGNORECASE,
    ),
    re.compile(rf"(?<![A-Za-z])(?:{_SERVICES})\s{{1,2}}(?P<number>@[A-Za-z]\w{{3,31}})(?![\w@])", re.IGNORECASE),
)
_ORCIDS = r"(?:0000-000(?:1-[5-9]\d{3}|2-\d{4}|3-[0-4]\d{3}|3-5000)|0009-\d{4}-\d{4})-\d{3}[\dXx]"
"""ORCID's part of the numbers of ISNI, whose others are organisations' and works' too."""

_ORCID = re.compile(rf"(?<![\w\-]){_ORCIDS}(?![\w\-])")
_NUMBERS = (
    ("id", re.compile(r"(?<![\w.\-])(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w\-])")),
    (
        "id",
        re.compile(r"(?<![\w.\-])[1-9]\d{5}(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx](?!\w)"),
    ),
    (
        "id",
        re.compile(
            rf"(?:(?<![A-Za-z])(?:{_PAPERS}){_NUMBERED}|身份证号?码?|护照号?码?){_STATED}"
            r"(?P<number>(?=[A-Z]*\d)[A-Z0-9][A-Z0-9 \-]{4,24}[A-Z0-9])(?!\w)",
            re.IGNORECASE,
        ),
    ),
    ("orcid", _ORCID),
    ("iban", re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?:\s?[A-Z0-9]{4}){3,7}(?:\s?[A-Z0-9]{1,3})?(?![A-Za-z0-9])")),
)
_NO_VALUE = re.compile(
    r"(?:doi:\s?)?10\.\d{4,9}/[^\s\"<>]+|arxiv[:./]\s?\S+|(?<![0-9a-zA-Z])[0-9a-fA-F]{32,128}(?![0-9a-zA-Z])"
    r"|(?:ISBN|ISSN|ISO|RFC|PMID|PMC|OCLC|LCCN)[\s:\-]{0,2}[\dXx][\dXx\-]*"
    r"|(?<![\d\-])(?:19|20)\d\d[-/.](?:0?[1-9]|1[0-2])[-/.](?:[0-2]?\d|3[01])(?!\d)"
    r"|(?<![\d\-])(?:0?[1-9]|[12]\d|3[01])([-/. ])(?:0?[1-9]|[12]\d|3[01])\1(?:19|20)\d\d(?!\d)"
    r"(?:[ ,T]{1,2}\d{1,2}[:h]?\d\d)?"
    rf"|(?<![\d\-])(?!{_ORCIDS})0000[ \-]?\d{{4}}[ \-]?\d{{4}}[ \-]?\d{{3}}[\dX](?![\d\-])"
    r"|(?<![\w@.\-])(?:[A-Za-z0-9\-]+\.)+[A-Za-z]{2,24}/[^\s\"<>]*",
    re.IGNORECASE,
)
"""What is no value of anybody, whatever its digits look like."""

_NUMBERED_KINDS = (*(("phone", each) for each in _PHONES), *_NUMBERS)
_HANDLED = tuple(("handle", each) for each in _HANDLES)
_OF_SERVICES = ("qq", "扣扣", "企鹅", *_SERVICES.replace("kakao(?:talk)?", "kakao").split("|"))
_FIVE = re.compile(r"(?:\d\D*?){5}")
_FEW = re.compile(r"\d[\d.:]*[.:]|[A-Fa-f0-9]:[A-Fa-f0-9:]")
"""Without five digits a text holds no number of anybody, without these no address of a machine."""

_NO_COUNTRY = re.compile(
    r"\(?\+(?!(?:1|7|20|27|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|2[1-689]\d|3[578]\d|42\d|5[09]\d|6[789]\d|8[05789]\d|9[679]\d)"
    r"(?:[^\d]|\d))|\(?\+(?:3|4|5|6|8|9|2)[ ().\-/]"
)
"""A code that no country has (ITU-T E.164)."""

_COUNTED = re.compile(
    r"\s{1,2}(?:tokens?|words?|rows?|samples?|examples?|records?|items?|entries|sentences?|documents?|files?|lines?|images?"
    r"|pairs?|instances?|characters?|chars|bytes?|[kmgt]i?b|hours?|minutes?|seconds?|ids?|users?|questions?|labels?|steps?"
    r"|epochs?|parameters?|params|hz|条|个|万)(?!\w)",
    re.IGNORECASE,
)
_PLACED = re.compile(
    r"(?<!\w)(?:room|table|figure|fig|page|pages|pp|section|chapter|volume|vol|article|art|part|item|line|row|id)\.?\s{1,2}\(?\Z",
    re.IGNORECASE,
)
"""What stands behind a number that counts, and before one that numbers things: neither is anybody's."""

_MACHINE = re.compile(r"(?:git|hg|svn|anonymous)@[\w.\-]+(?=:(?!\d+\b)\S)")
_OF_PEOPLE = re.compile(
    r"(?P<name>(?:[\w\-]*[_\-])?(?:e?-?mail|phone|tel|telephone|mobile|cell|whatsapp|fax|ssn|passport|idcard))=(?P<value>[^&;#\s]+)",
    re.IGNORECASE,
)
_OTHER_DIGITS = re.compile(r"(?![0-9])\d")  # of other scripts
_PROFILE = re.compile(  # the page of somebody, whom the address names
    r"(?i)(?:https?:)?//(?:[\w\-]+\.)?(?:"
    r"linkedin\.com/(?:in|pub)/|researchgate\.net/profile/|scholar\.google\.[a-z.]+/citations\?(?:hl=[\w\-]+&)?user="
    r"|(?:twitter|x|instagram|facebook|tiktok)\.com/@?(?=[^/?#]+(?:/status/|/?\Z|/?[?#]))|(?:t|telegram)\.me/"
    r"|(?:[\w\-]+\.)*[\w\-]+(?::\d+)?/(?:[^\s?#]*/)?(?:users?|people|profiles?)/(?=[^/?#.]+/?\Z)"
    r"|(?:[\w\-]+\.)*[\w\-]+/@(?=[^/?#]+/?\Z))"
    r"(?P<name>[^/?#&]*[^\W\d_][^/?#&]*)"
)
_NO_ACCOUNT = frozenset(
    {
        "i", "s", "c", "in", "home", "search", "intent", "share", "hashtag", "explore", "login", "log_in", "signin",
        "sign_in", "signup", "sign_up", "register", "settings", "about", "help", "new", "me", "all", "list",
        "guide", "docs", "tos", "privacy", "joinchat", "addstickers", "groups", "pages", "events", "watch", "photo",
        "profile", "reel", "p", "current", "self", "id", "json", "faq",
    }
)  # fmt: skip
"""What stands in such a place and is nobody's account."""

_ZERO = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]"
)
_SUSPICIOUS = re.compile(
    r"[@＠﹫&%]|(?:\d\D*?){5}|\bat\b|[\[({<](?:at|a)[\])}>]|_at_|-at-|[^\x00-\x7f]|telegram|discord|wechat|skype|line|wx|vx"
    r"|/(?:in|pub|users?|people|profiles?)/|/(?:[\w\-]+\.)?(?:twitter|x|instagram|facebook|tiktok)\.com/|\bt(?:elegram)?\.me/|citations\?",
    re.IGNORECASE,
)


def mask(text: str, name: Callable[[str, str], str], *, addresses: bool = True) -> str:
    """Put something in the place of every value.

    Args:
        text: any text.
        name: given the kind and the value, what stands in its place.
        addresses: whether IP addresses are values too: not where versions are written.

    Returns:
        The text; the very one where there is no value in it.
    """
    if not _SUSPICIOUS.search(text):
        return text
    best, most = _masked(text, name, addresses=addresses)
    for reading in _readings(text):
        other, count = _masked(reading, name, addresses=addresses)
        if count > most:
            best, most = other, count
    return best


def clean(text: str) -> str:
    """Return a text without secrets, and with the kind of each value in its place.

    Args:
        text: any text.
    """
    return mask(credentials.clean(text), lambda kind, _: f"[{kind}]")


@lru_cache(maxsize=1 << 14)
def has_value(text: str) -> bool:
    """Tell whether a text holds a value."""
    return mask(text, lambda kind, _: f"[{kind}]") != text


def _readings(text: str) -> Iterator[str]:
    """Yield what a person may read: without characters that nobody sees, entities as what they stand for."""
    seen = {text}
    plain = _ZERO.sub("", text)
    shown = html.unescape(plain)
    for each in (plain, shown, unicodedata.normalize("NFKC", shown), _OTHER_DIGITS.sub(_digit, shown)):
        if each not in seen:
            seen.add(each)
            yield each


def _digit(found: re.Match[str]) -> str:
    return str(unicodedata.digit(found[0]))


def _masked(text: str, name: Callable[[str, str], str], *, addresses: bool) -> tuple[str, int]:
    """Return the text with its values replaced, and how many there were."""
    parts, at, count = [], 0, 0
    for found in URL.finditer(text):
        between, replacements = _replaced(text[at : found.start()], name, addresses=addresses)
        inside, more = _of_address(found[0], found["rest"], name)
        parts += [between, inside]
        count, at = count + replacements + more, found.end()
    rest, replacements = _replaced(text[at:], name, addresses=addresses)
    return "".join([*parts, rest]), count + replacements


def _replaced(text: str, name: Callable[[str, str], str], *, addresses: bool) -> tuple[str, int]:
    values = sorted(_values(text, addresses=addresses), key=lambda each: (each.start, -each.end))
    parts, at, count = [], 0, 0
    for value in values:
        if value.start >= at:
            parts += [text[at : value.start], name(value.kind, text[value.start : value.end])]
            at, count = value.end, count + 1
    return "".join([*parts, text[at:]]), count


def _of_address(address: str, rest: str, name: Callable[[str, str], str]) -> tuple[str, int]:
    """Replace what an address says of a person: behind its host, part by part, so that the rest stays as written."""
    host = re.split(r"[/\\?#]", rest, maxsplit=1)[0]
    head, tail = address[: len(address) - len(rest) + len(host)], rest[len(host) :]
    count = 0
    page = _PROFILE.match(address)
    if (
        page
        and page["name"].lower() not in _NO_ACCOUNT
        and not is_organisation(page["name"])
        and "[" not in page["name"]
    ):
        tail = (
            rest[len(host) : len(rest) - len(address) + page.start("name")]
            + name("handle", page["name"])
            + address[page.end() :]
        )
        count = 1

    def named(found: re.Match[str]) -> str:
        nonlocal count
        if found["value"] == REMOVED:
            return found[0]
        count += 1
        kind = "email" if "mail" in found["name"].lower() else "id" if found["name"].lower()[-1] in "nd" else "phone"
        return f"{found['name']}={name(kind, unquote(found['value']))}"

    def piece(found: re.Match[str]) -> str:
        nonlocal count
        decoded = unquote(unquote(found[0]))
        values = [
            each
            for each in _emails(decoded, (_EMAIL, _BY_ADDRESS))  # what is half an address here is name and revision
            if not _MACHINE.match(decoded, each.start) and not _REVISION.search(decoded[each.start : each.end])
        ]
        values += [MaskedValue(*each.span(), "orcid") for each in _ORCID.finditer(decoded)]
        for value in sorted(values, reverse=True):
            decoded = decoded[: value.start] + name(value.kind, decoded[value.start : value.end]) + decoded[value.end :]
        count += len(values)
        return (decoded if "%" not in found[0] else quote(decoded, safe="[]@:+~!$'()*, ")) if values else found[0]

    tail = _OF_PEOPLE.sub(named, tail)
    return head + re.sub(r"[^/?&;#=]+", piece, tail), count


class _Quiet:
    """What in a text is no value of anybody; few texts hold what it is asked of, so it is looked for then."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._spans: list[tuple[int, int]] | None = None

    def covers(self, start: int, end: int) -> bool:
        if self._spans is None:
            self._spans = [found.span() for found in _NO_VALUE.finditer(self._text)]
        return any(start < stop and begin < end for begin, stop in self._spans)


def _values(text: str, *, addresses: bool) -> Iterator[MaskedValue]:
    """Find every value, some of which may overlap."""
    quiet, low, numbers = _Quiet(text), text.lower(), bool(_FIVE.search(text))
    yield from _mailboxes(text, low)
    if numbers or "::" in text or _FEW.search(text):
        yield from _detected(text, quiet, addresses=addresses)
    patterns = _NUMBERED_KINDS if numbers else ()
    for kind, pattern in (*patterns, *(_HANDLED if any(each in low for each in _OF_SERVICES) else ())):
        for found in pattern.finditer(text):
            start, end = found.span("number") if "number" in pattern.groupindex else found.span()
            if not quiet.covers(start, end) and _is_possible(text, start, end, kind):
                yield MaskedValue(start, end, kind)


def _mailboxes(text: str, low: str) -> Iterator[MaskedValue]:
    """Find e-mail addresses; the account of a machine is nobody's."""
    machines = [found.span() for found in _MACHINE.finditer(text)] if "@" in text else []
    for value in _emails(text):
        if not any(begin <= value.start and value.end <= stop + 1 for begin, stop in machines):
            yield value
    for pattern in _SAID if "at" in low else ():
        for found in pattern.finditer(text):
            yield MaskedValue(*(found.span("number") if "number" in pattern.groupindex else found.span()), "email")


def _detected(text: str, quiet: _Quiet, *, addresses: bool) -> Iterator[MaskedValue]:
    """Find what the detector of personal data finds in records."""
    data = text.encode("utf-8", "surrogatepass")
    for seen in personal_data.find_values(data):
        start = len(data[: seen.start].decode("utf-8", "replace"))
        end = start + len(data[seen.start : seen.end].decode("utf-8", "replace"))
        kind = _KINDS[seen.kind]
        wanted = kind != "email" and (addresses or kind != "ip") and not quiet.covers(start, end)
        if wanted and (kind != "phone" or _is_possible(text, start, end, kind)):
            yield MaskedValue(start, end, kind)


def _is_possible(text: str, start: int, end: int, kind: str) -> bool:
    """Tell whether a number that is written as somebody's may be one: it counts and numbers nothing."""
    value = text[start:end]
    digits = re.sub(r"\D", "", value)
    if len(digits) < 5:
        return kind == "handle"
    if kind == "iban":
        return _has_check_digits(value) or text[:start].rstrip(" :：").casefold().endswith("iban")
    if kind != "phone":
        return True
    american = value.lstrip("(").startswith("+1")
    if _NO_COUNTRY.match(value) or (american and (len(digits) < 11 or digits[1] in "01")):
        return False
    if re.fullmatch(r"\d{1,2}\.\d+", value):  # a measure
        return False
    counts = not value.startswith(("+", "(+")) and _COUNTED.match(text, end)
    return not counts and not _PLACED.search(text[max(0, start - 12) : start])


def _has_check_digits(value: str) -> bool:
    """Tell whether the check digits of an IBAN are right (ISO 7064, 97-10)."""
    plain = re.sub(r"\s", "", value)
    return int("".join(str(int(each, 36)) for each in plain[4:] + plain[:4])) % 97 == 1


def _emails(text: str, patterns: tuple[re.Pattern[str], ...] | None = None) -> Iterator[MaskedValue]:
    if patterns is None:
        patterns = (_SEVERAL, _EMAIL, _BY_ADDRESS, _CUT) if _AT_SIGN.search(text) else ()
        patterns += (_ENCODED,) if "%" in text else ()
        patterns += (_SPOKEN,) if "dot" in text.lower() else ()
    for pattern in patterns:
        for found in pattern.finditer(text):
            if not _ENDS_OF_FILES.search(found[0]):
                yield MaskedValue(found.start(), found.end(), "email")


_AT_SIGN = re.compile(rf"(?i){_AT}")
