"""Tell personal data from what only has its shape: by check digit, issuer, country, date and neighbours.

A judge is given the shape and a few bytes before and after it; numbers that nobody can have are none.
"""

from __future__ import annotations

import re
from datetime import date
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from itertools import pairwise
from typing import TYPE_CHECKING

from provenance.detectors.personal_data_facts import load_facts

if TYPE_CHECKING:
    from collections.abc import Callable

# part of a longer number, of a date, of a sum, or a price; two numbers side by side with a comma or slash are two
_CONTINUES = re.compile(
    rb"[0-9][.:\-]$|(?<![0-9,])[0-9]{1,3},$|[0-9)\]] ?[=+*<>^\-] ?$|(?<![0-9]{7})(?<=[0-9)\] ])/ ?$"
    rb"|[=+*/<>^] ?- ?$|(?:[$#%]|\xc2[\xa3\xa5]|\xef\xbf\xa5|\xe2\x82\xac) ?$"
)
_CONTINUED = re.compile(rb"\.[0-9]|,[0-9]{3}(?![0-9])|[%^]| ?[*+=] ?[0-9]|/(?![0-9]{7})[0-9]| - ?[0-9]|-[0-9]")
_BIRTH_YEARS = range(1880, 2040)  # no clock: a scan says the same on every day
_SHORT_FICTION = re.compile("155501[0-9]{2}")  # 555-01xx is free for fiction, also where no area is given
_TRIPLES = re.compile(r"(\d)\1\1(\d)\2\2(\d)\3\3")
# 电话, 手机, 热线, 传真
_CUE = re.compile(
    rb"(?:\b(?:tel|telefon|t\xc3\xa9l|tel\xc3\xa9fono|telefone|t\xc3\xa9l\xc3\xa9phone|telephone|phone|fon|call|ring|dial|fax"
    rb"|mobil|mobile|handy|cell|hotline|rufnummer)(?:\.|\b|nummer|number| no\.?)"
    rb"|\xe7\x94\xb5\xe8\xaf\x9d|\xe6\x89\x8b\xe6\x9c\xba|\xe7\x83\xad\xe7\xba\xbf|\xe4\xbc\xa0\xe7\x9c\x9f)[^0-9\n]{0,12}$",
    re.IGNORECASE,
)
_IDENTIFIER = re.compile(
    rb"(?:\b|_)(?:u?id|qq|isbn|sn|no|nr)[\"']?\.? ?[:=]? ?[\"']?$|(?:[A-Za-z_.\-]|(?<![0-9]{6})[0-9])/$"
    rb"|[?&;][\w\-]{1,20}=$"
    rb"|(?:\xe7\xbc\x96|\xe5\x8d\x95|\xe8\xb4\xa6)\xe5\x8f\xb7(?::|\xef\xbc\x9a)? ?$",  # 编号, 单号, 账号
    re.IGNORECASE,
)
# 字节, 元, 万, 亿
_UNIT = re.compile(
    rb" ?(?:(?:[KMGT]i?)?B\b|bytes?\b|Byte\b|\xe5\xad\x97\xe8\x8a\x82|\xe5\x85\x83|\xe4\xb8\x87|\xe4\xba\xbf)"
)
_ONE_BY_ONE = re.compile(r"(?:[ .\-][0-9](?![0-9])){4}")
_DECIMAL = re.compile(r"[0-9]{1,3}\.[0-9]+(?: [0-9]+)*")
_IN_ADDRESS = re.compile(rb"://[^\s/@]*$")
_REMOTE = re.compile(rb"\b(?:ssh|scp|sftp|rsync|ssh-copy-id)\b[^\n]*$", re.IGNORECASE)
_REMOTE_PATH = re.compile(rb":(?:[/~]|[\w.\-]+/)")
_MESSAGE = re.compile(
    rb"(?:message-id|content-id|references|in-reply-to)\"?[:=] ?\"?<?[^\s@]*$|\bcid:$|^@$|[^\w]@$",
    re.IGNORECASE,
)
_MACHINE_HOST = re.compile(rb"(?:IP-Address|https?://\S*) ?:? ?$", re.IGNORECASE)
_CRAWLED = re.compile(rb" [0-9]{10}")  # in a line of ARC or CDX the time follows
_LEAST_DIGITS_OF_MACHINE = 12  # of the name of a message; nobody's own address has so many
_SHORTEST_GMAIL = 6  # characters; shorter names cannot be had

_VERSION = re.compile(rb"[.\-]$|[vV]$|[Vv]ersions?[: ]*$|[A-Za-z]/$")
_NETWORK = re.compile(rb"\.[0-9A-Za-z]|/[0-9]{1,2}(?![0-9])")

Judgement = tuple[int, int, str, str] | None
"""How many bytes of the shape come before the value, its bytes, kind and state; None: it is nothing."""


def _judge_email(found: bytes, before: bytes, after: bytes) -> Judgement:
    """RFC 5321: what a mail server would take; a user's name in a URL, a message's and a handle are none."""
    whole, domain = found.decode("ascii").lower().split("@")
    name = whole.lstrip(".-%+")
    labels = domain.split(".")
    known = load_facts().email
    if not name or len(name) > 64 or name.endswith(".") or ".." in name or _IN_ADDRESS.search(before):
        return None
    if _MESSAGE.search(before) or _is_message_name(name, enclosed=before.endswith(b"<") and after.startswith(b">")):
        return None
    if any(not label or len(label) > 63 or label[0] == "-" or label[-1] == "-" for label in labels):
        return None
    if labels[-1] in known["file-endings"]:
        return None
    state = _judge_addressee(name, domain, labels)
    if state == "personal" and (_REMOTE.search(before) or _REMOTE_PATH.match(after)):
        state = "role"  # who logs in to a machine
    return len(whole) - len(name), len(found) - len(whole) + len(name), "email", state


def _is_message_name(name: str, *, enclosed: bool) -> bool:
    """Tell whether what stands before the @ was made up by a machine for one message (RFC 5322, Message-ID)."""
    digits = sum(char.isdigit() for char in name)
    if re.match("[0-9a-f]{8}-[0-9a-f]{4}-", name):
        return True
    return digits >= _LEAST_DIGITS_OF_MACHINE or (enclosed and digits >= 8 and len(name) >= 14)


def _judge_addressee(name: str, domain: str, labels: list[str]) -> str:
    """Tell a person from an office and from nobody."""
    known = load_facts().email
    plain = name.rstrip("0123456789").rstrip("._-+") or name
    if labels[-1] in known["example-endings"] or domain in known["example-domains"] or "example" in domain:
        return "example"
    if plain in known["example-names"] or (len(name) == 1 and len(labels[0]) == 1):
        return "example"
    if domain == "gmail.com" and len(name.partition("+")[0].replace(".", "")) < _SHORTEST_GMAIL:
        return "example"
    if any(label in known["role-domains"] for label in labels):
        return "role"
    words = [word for word in re.split(r"[._\-]", name.partition("+")[0]) if word] or [name]
    if plain in known["role-names"] or words[0].rstrip("0123456789") in known["role-names"]:
        return "role"
    return "role" if len(words) > 1 and words[-1] in known["role-endings"] else "personal"


def _judge_ip4(found: bytes, before: bytes, after: bytes) -> Judgement:
    """Public addresses alone: neither networks, nor version and section numbers."""
    if _VERSION.search(before) or _NETWORK.match(after):
        return None
    try:
        address = IPv4Address(found.decode("ascii"))
    except AddressValueError:
        return None
    parts = address.packed
    if parts[3] in {0, 255} or sum(part < 20 for part in parts) > 2:
        # a network, its broadcast; 4.2.2.1 and 12.2.0.79 are more often versions and chapters than hosts
        return (0, len(found), "ip", "role") if address in load_facts().hosts else None
    return _judge_host(address, found, before, crawled=bool(_MACHINE_HOST.search(before) or _CRAWLED.match(after)))


def _judge_ip6(found: bytes, before: bytes, after: bytes) -> Judgement:
    """Global unicast addresses (2000::/3)."""
    if re.match(rb"[0-9A-Za-z:/]|\.[0-9]", after) or re.search(rb"[:.]$", before):
        return None
    found = found.rstrip(b":") if not found.endswith(b"::") else found
    try:
        address = IPv6Address(found.decode("ascii"))
    except AddressValueError:
        return None
    return _judge_host(address, found, before, crawled=bool(_MACHINE_HOST.search(before)))


def _judge_host(address: IPv4Address | IPv6Address, found: bytes, before: bytes, *, crawled: bool) -> Judgement:
    known = load_facts()
    if any(address in network for network in known.networks) or address in known.made_up:
        state = "example"
    elif not address.is_global or address.is_multicast:
        return None
    else:  # the host of a URL is a server
        serves = crawled or address in known.hosts or before.endswith((b"://", b"://[", b"@"))
        state = "role" if serves else "personal"
    return 0, len(found), "ip", state


def _judge_iban(found: bytes, before: bytes, after: bytes) -> Judgement:
    """ISO 13616: length and structure of the country, ISO 7064 MOD 97-10."""
    del before, after
    known = load_facts()
    country = found[:2].decode("ascii")
    if country not in known.structures:
        return None
    text = found.decode("ascii")
    # the shape may have swallowed the next word: try every place where a word ends
    for end in (len(text), *(hit.start() for hit in re.finditer(" ", text))):
        plain = text[:end].replace(" ", "")
        if known.structures[country].fullmatch(plain, 4) and int(_letters_to_digits(plain[4:] + plain[:4])) % 97 == 1:
            return 0, end, "iban", "example" if plain in known.ibans else "personal"
    return None


def _letters_to_digits(plain: str) -> str:
    """Write letters as numbers: A = 10, ..., Z = 35."""
    return "".join(str(int(char, 36)) for char in plain)


def _judge_international(found: bytes, before: bytes, after: bytes) -> Judgement:
    """E.164: a country code in use and a national number of a length that it has."""
    if re.search(rb"[0-9A-Za-z)\]]$|[0-9>]>$|[0-9)] $", before) or _CONTINUED.match(after):
        return None
    text = found.decode("ascii")
    if _ONE_BY_ONE.search(text) or (_DECIMAL.fullmatch(text, 1) and not _CUE.search(before)):
        return None  # a row of digits, or a number with its sign
    for end in (len(text), *(hit.start() for hit in reversed(list(re.finditer(r"[ ().\-]+", text))))):
        part = text[:end].replace("(0)", "")
        digits = re.sub("[^0-9]", "", part)
        opened = part.replace("(", " (").replace(")", ") ")
        if len(digits) >= 7 and re.fullmatch(r"[^()]*(?:\([^()]*\)[^()]*)?", opened):
            state = _judge_subscriber(digits)
            if state:
                return 0, end, "phone", state
    return None


def _judge_subscriber(digits: str) -> str | None:
    """Judge a number with its country code; None: nobody can have it."""
    known = load_facts()
    if digits.startswith(known.fiction) or _SHORT_FICTION.fullmatch(digits):
        return "example"
    code = next((digits[:size] for size in (3, 2, 1) if digits[:size] in known.lengths), None)
    number = digits[len(code or "") :]
    if code is None or not known.lengths[code][0] <= len(number) <= known.lengths[code][1]:
        return None
    if code == "1":
        return _judge_american(number)
    if code == "86" and number.startswith("1"):
        return _judge_chinese(number) if len(number) == 11 else None
    return "example" if _is_fictional(number) else "personal"


def _judge_american(number: str) -> str | None:
    """Judge ten digits of the North American numbering plan."""
    area, exchange = number[:3], number[3:6]
    if area[0] in "01" or area[1:] == "11" or exchange[0] in "01" or exchange[1:] == "11":
        return None
    if "555" in {area, exchange} or _is_fictional(number):
        return "example"
    return "role" if area in load_facts().areas else "personal"


def _judge_chinese(number: str) -> str | None:
    """Judge a Chinese mobile number of eleven digits."""
    if not re.fullmatch(r"1(?:3\d|4[014-9]|5[0-35-9]|6[2567]|7[0-8]|8\d|9[0-35-9])\d{8}", number):
        return None
    made_up = number in load_facts().phones or len({*number}) < 4 or _is_fictional(number)
    return "example" if made_up else "personal"


def _is_fictional(digits: str) -> bool:
    """Tell whether nobody but a writer of examples would draw the number: 1234567, 987654321, 0000000, 666 444 555."""
    if _TRIPLES.search(digits):
        return True
    steps = [(int(b) - int(a)) % 10 for a, b in pairwise(digits)]
    run = 0
    for last, step in zip([None, *steps], steps, strict=False):
        run = run + 1 if step == last else 1
        if step in {0, 1, 9} and run >= 6:
            return True
    return False


def _judge_bare(found: bytes, before: bytes, after: bytes) -> Judgement:
    """Digits without a gap: a Chinese mobile, a resident id, or a card."""
    if _CONTINUES.search(before) or _CONTINUED.match(after):
        return None
    text = found.decode("ascii").upper()
    if len(text) != 18 and (_IDENTIFIER.search(before) or _UNIT.match(after)):
        return None
    if len(text) == 11:
        state = _judge_chinese(text)
        return (0, len(found), "phone", state) if state else None
    state = _judge_resident(text) if len(text) == 18 else _judge_card(text)
    kind = "cn-resident-id" if len(text) == 18 else "payment-card"
    return (0, len(found), kind, state) if state else None


def _judge_resident(text: str) -> str | None:
    """GB 11643-1999: province, date of birth, ISO 7064 MOD 11-2."""
    try:
        born = date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        return None
    known = load_facts()
    total = sum(int(digit) * (2 ** (17 - place) % 11) for place, digit in enumerate(text[:17]))
    if text[:2] not in known.provinces or born.year not in _BIRTH_YEARS:
        return None
    if "10X98765432"[total % 11] != text[17]:
        return None
    return "example" if text in known.ids or _is_fictional(text[:17]) else "personal"


def _judge_grouped(found: bytes, before: bytes, after: bytes) -> Judgement:
    """Digits in groups of four, or of four, six and five: a card."""
    if _CONTINUES.search(before) or _CONTINUED.match(after) or re.search(rb"[0-9] $", before):
        return None
    if re.match(rb" [0-9]{4}(?![0-9])", after):
        return None  # a row of numbers
    text = found.decode("ascii")
    # the last three digits may belong to what follows
    for end in (len(text), 19):
        state = _judge_card(re.sub("[^0-9]", "", text[:end])) if len({*text[:end]} & {" ", "-"}) == 1 else None
        if state:
            return 0, end, "payment-card", state
    return None


def _judge_card(digits: str) -> str | None:
    """ISO/IEC 7812: an issuer's range, the length it uses, Luhn's check digit."""
    known = load_facts()
    if not any(first <= digits[: len(first)] <= last and len(digits) in sizes for first, last, sizes in known.issuers):
        return None
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits))]
    if sum(each // 10 + each % 10 for each in doubled) % 10:
        return None
    repeated = len({digits[at : at + 4] for at in range(0, 16, 4)}) == 1
    return "example" if digits in known.cards or repeated or _is_fictional(digits) else "personal"


def _judge_local(found: bytes, before: bytes, after: bytes) -> Judgement:
    """A number without a country code, of a shape that only phone numbers have."""
    if _CONTINUES.search(before) or _CONTINUED.match(after) or re.search(rb"[0-9]\(?$", before):
        return None
    text = found.decode("ascii")
    digits = re.sub("[^0-9]", "", text)
    if digits.startswith("0"):
        state: str | None = "example" if _is_fictional(digits) else "personal"
    elif re.match("1[^-]", text):
        state = _judge_chinese(digits)
    else:
        state = _judge_american(digits[-10:])
    return (0, len(found), "phone", state) if state else None


def _judge_announced(found: bytes, before: bytes, after: bytes) -> Judgement:
    """A number that begins with 0, as in Germany, Britain, France and elsewhere, behind a word such as "Tel."."""
    if not _CUE.search(before) or _CONTINUED.match(after):
        return None
    digits = re.sub("[^0-9]", "", found.decode("ascii"))
    if not _LEAST_ANNOUNCED <= len(digits) <= _MOST_ANNOUNCED or len({*digits}) < 4:
        return None
    return 0, len(found), "phone", "example" if _is_fictional(digits) else "personal"


_LEAST_ANNOUNCED, _MOST_ANNOUNCED = 8, 13  # digits, the trunk prefix 0 counted


JUDGES: tuple[Callable[[bytes, bytes, bytes], Judgement], ...] = (
    _judge_email,
    _judge_ip4,
    _judge_ip6,
    _judge_iban,
    _judge_international,
    _judge_grouped,
    _judge_grouped,
    _judge_local,
    _judge_local,
    _judge_local,
    _judge_announced,
    _judge_bare,
)
"""Who judges a shape, in the order of the shapes that `personal_data` searches for."""
