"""Personal data in records: e-mail, phone, Chinese resident id, IBAN, payment card, IP address; counts, never values.

Their shapes are searched for in one pass of RE2 over the text of a batch; only what has a shape is looked at in Python,
by check digit, issuer, country, date and neighbours. States: `personal`; `role`, an office's or a machine's (info@,
a toll-free number, a name server); `example`, which stands for nobody (example.com, 555-0100, a test card, RFC 5737).
The kind `any` counts records with a personal value of any kind.

Looked for: addresses in ASCII; phone numbers with a country code, of the North American plan with `()`, `-` or `.`,
Chinese mobiles, and landlines with an area code; ids of 18 digits; IBANs as written on paper; cards of 15, 16 or 19
digits; public IPv4 and IPv6 addresses. Not looked for: names, street addresses, birth dates, faces and voices, national
ids of other countries, phone numbers written otherwise, full-width digits, anything but text.
"""

from __future__ import annotations

import re
from array import array
from dataclasses import dataclass
from datetime import date
from functools import cache
from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import yaml

from provenance.core.package_data import DATA_FOLDER
from provenance.detectors.counting import count
from provenance.detectors.detector import Detector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from provenance.detectors.counting import Ints

KINDS = ("email", "phone", "cn-resident-id", "iban", "payment-card", "ip")
STATES = ("personal", "role", "example")
_LARGE = pa.large_string()
_TOGETHER = 8 << 20  # bytes of texts that are searched as one
_MOST = 1 << 16  # values whose places are held as numbers of Python
_BEFORE = 24  # bytes to the left of a value that its meaning may depend on
_AFTER = 10

# A shape: what stands before it, itself, what stands behind. It is searched for in bytes, so \b is a border of ASCII
# words: Chinese may stand directly beside a number. What follows a point is a decimal, and floats are many: told apart
# here, not in Python.
_SHAPES = (
    (rb"", rb"[A-Za-z0-9._%+\-]+@(?:[A-Za-z0-9\-]+\.)+[A-Za-z]{2,24}", rb"\b"),
    (rb"\b", rb"[0-9]{1,3}(?:\.[0-9]{1,3}){3}", rb"\b"),
    (rb"\b", rb"[23][0-9A-Fa-f]{3}:(?:[0-9A-Fa-f]{0,4}:){1,6}[0-9A-Fa-f]{0,4}", rb""),
    (rb"\b", rb"[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?", rb"\b"),
    (rb"", rb"\+[1-9](?:[ ().\-]{0,2}[0-9]){6,14}", rb"\b"),
    (rb"\b", rb"[2-6][0-9]{3}(?:[ \-][0-9]{4}){3}(?:[ \-]?[0-9]{3})?", rb"\b"),
    (rb"\b", rb"3[47][0-9]{2}[ \-][0-9]{6}[ \-][0-9]{5}", rb"\b"),
    (rb"\b", rb"(?:1-)?[2-9][0-9]{2}-[2-9][0-9]{2}-[0-9]{4}|[2-9][0-9]{2}\.[2-9][0-9]{2}\.[0-9]{4}", rb"\b"),
    (rb"", rb"\([2-9][0-9]{2}\) ?[2-9][0-9]{2}[ .\-][0-9]{4}|\(0[1-9][0-9]{1,2}\) ?[1-9][0-9]{6,7}", rb"\b"),
    (rb"\b", rb"1[3-9][0-9](?:-[0-9]{4}-| [0-9]{4} )[0-9]{4}|0[1-9][0-9]{1,2}-[1-9][0-9]{6,7}", rb"\b"),
    (rb"(?:\A|[^0-9A-Za-z_.])", rb"1[3-9][0-9]{9}|[2-6][0-9]{14,18}|[1-9][0-9]{16}[0-9Xx]", rb"\b"),
)
_CORES = tuple(re.compile(core) for _, core, _ in _SHAPES)

# part of a longer number, of a date, of a sum, or a price; two numbers side by side with a comma or slash are two
_CONTINUES = re.compile(
    rb"[0-9][.:\-]$|(?<![0-9,])[0-9]{1,3},$|[0-9)\]] ?[=+*<>^\-] ?$|(?<![0-9]{7})(?<=[0-9)\] ])/ ?$"
    rb"|[=+*/<>^] ?- ?$|(?:[$#%]|\xc2[\xa3\xa5]|\xef\xbf\xa5|\xe2\x82\xac) ?$"
)
_CONTINUED = re.compile(rb"\.[0-9]|,[0-9]{3}(?![0-9])|[%^]| ?[*+=] ?[0-9]|/(?![0-9]{7})[0-9]| - ?[0-9]|-[0-9]")
_BORN = range(1880, 2040)  # no clock: a scan says the same on every day
_SHORT_FICTION = re.compile("155501[0-9]{2}")  # 555-01xx is free for fiction, also where no area is given
_TRIPLES = re.compile(r"(\d)\1\1(\d)\2\2(\d)\3\3")
_VERSION = re.compile(rb"[.\-]$|[vV]$|[Vv]ersions?[: ]*$|[A-Za-z]/$")
_NETWORK = re.compile(rb"\.[0-9A-Za-z]|/[0-9]{1,2}(?![0-9])")


class Value(NamedTuple):
    """Where a value stands, and what it is.

    Args:
        start: the first byte.
        end: the byte after the last.
        kind: one of KINDS.
        state: one of STATES.
    """

    start: int
    end: int
    kind: str
    state: str


def observe(batch: pa.RecordBatch, files: Ints | None = None) -> pa.Table:
    """Count personal data in some records.

    Args:
        batch: rows of RECORDS.
        files: as for `detectors.observe`.

    Returns:
        OBSERVED, by file where there are several: one row a kind and state that was seen.
    """
    texts = pc.fill_null(batch["whole"], "")
    keys: dict[tuple[str, str], int] = {}
    codes, places = array("q"), array("q")
    for first, part in _parts(texts):
        ends, text = _joined(part)
        found: list[int] = []
        for value in find(text):
            kinds = [(value.kind, value.state)]
            kinds += [("any", "personal")] if value.state == "personal" else []
            codes.extend([keys.setdefault(key, len(keys)) for key in kinds])
            found += [value.start] * len(kinds)
            if len(found) >= _MOST:
                places.frombytes(_places(ends, found, first))
                found = []
        places.frombytes(_places(ends, found, first))
    counted = (np.frombuffer(each, np.int64) for each in (codes, places))
    return count("personal-data", batch, files, list(keys), *counted)


def _parts(texts: pa.LargeStringArray) -> Iterator[tuple[int, pa.LargeStringArray]]:
    """Cut texts in parts of at most _TOGETHER bytes, or of one text; yield the place of each part's first text."""
    sizes = np.cumsum(np.asarray(pc.binary_length(texts)).astype(np.int64))
    first = 0
    while first < len(texts):
        before = sizes[first - 1] if first else 0
        end = max(first + 1, int(np.searchsorted(sizes, before + _TOGETHER, side="right")))
        yield first, texts.slice(first, end - first)
        first = end


def _joined(texts: pa.LargeStringArray) -> tuple[Ints, memoryview]:
    """Return texts as one, and where each ends in it; a text that is alone is not copied."""
    if len(texts) > 1:
        # a newline ends every record, and no shape holds one, so nothing is seen across two records
        texts = pc.binary_join_element_wise(texts, pa.scalar("", _LARGE), pa.scalar("\n", _LARGE))
    ends = np.frombuffer(texts.buffers()[1], np.int64)[texts.offset : texts.offset + len(texts) + 1]
    data = texts.buffers()[2]
    return ends - ends[0], memoryview(b"" if data is None else data)[ends[0] : ends[-1]]


def _places(ends: Ints, starts: list[int], first: int) -> bytes:
    """Return of values the places of their records."""
    return (np.searchsorted(ends, np.array(starts, np.int64), side="right") - 1 + first).astype(np.int64).tobytes()


def mask(text: str) -> str:
    """Put the name of its kind in place of every value, also of those that are an office's or an example.

    Args:
        text: any text.

    Returns:
        The text with [email], [phone], ... in it; `observe` sees nothing there any more.
    """
    held = text.encode("utf-8", "surrogatepass")
    while found := list(find(held)):
        parts, at = [], 0
        for value in found:
            parts += [held[at : value.start], f"[{value.kind}]".encode()]
            at = value.end
        held = b"".join([*parts, held[at:]])
    return held.decode("utf-8", "surrogatepass")


def find(text: bytes | memoryview) -> Iterator[Value]:
    """Find every value in a text.

    Args:
        text: UTF-8.

    Yields:
        Values in order; none overlaps another.
    """
    search, at = _pattern().search, 0
    while (hit := search(text, at)) is not None:
        start, end = hit.span()
        shape, start = _shape(bytes(text[start:end]), start)
        before = bytes(text[max(0, start - _BEFORE) : start]).rpartition(b"\n")[2]
        after = bytes(text[end : end + _AFTER])
        judged = _JUDGES[shape](bytes(text[start:end]), before, after)
        if judged is not None:
            trim, size, kind, state = judged
            yield Value(start + trim, start + trim + size, kind, state)
            at = start + trim + size
        else:
            at = end if shape == 0 else _next(text, start, end)


def _shape(found: bytes, start: int) -> tuple[int, int]:
    """Return which shape was found, and where it starts: the last one begins behind what stands before it.

    Groups would say so as well, but RE2 leaves its automaton for them: 60 microseconds a hit.
    """
    for place, core in enumerate(_CORES):
        if core.fullmatch(found):
            return place, start
    return len(_CORES) - 1, start + 1


def _next(text: bytes | memoryview, start: int, end: int) -> int:
    """Return where to go on after a shape that is nothing: behind its first word, for another may begin within."""
    word = re.match(rb"[+(]?[0-9A-Za-z]+", bytes(text[start:end]))
    return start + (word.end() if word else 1)


@cache
def _pattern() -> Any:
    import re2

    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.max_mem = 64 << 20
    options.never_capture = True
    return re2.compile(b"|".join(left + b"(?:" + core + b")" + right for left, core, right in _SHAPES), options)


Judged = tuple[int, int, str, str] | None
"""How many bytes of the shape come before the value, its bytes, kind and state; None: it is nothing."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What `data/personal-data.yaml` says, made ready."""

    email: dict[str, frozenset[str]]
    areas: frozenset[str]
    lengths: dict[str, tuple[int, int]]
    fiction: tuple[str, ...]
    phones: frozenset[str]
    provinces: frozenset[str]
    ids: frozenset[str]
    issuers: tuple[tuple[str, str, frozenset[int]], ...]
    cards: frozenset[str]
    structures: dict[str, re.Pattern[str]]
    ibans: frozenset[str]
    hosts: frozenset[IPv4Address | IPv6Address]
    networks: tuple[IPv4Network | IPv6Network, ...]
    made_up: frozenset[IPv4Address | IPv6Address]


@cache
def _known() -> _Known:
    held = yaml.safe_load((DATA_FOLDER / "personal-data.yaml").read_text(encoding="utf-8"))
    phone, card, iban, ip = held["phone"], held["payment-card"], held["iban"], held["ip"]
    otherwise = tuple(phone["otherwise"])
    return _Known(
        email={name: frozenset(each) for name, each in held["email"].items()},
        areas=frozenset(phone["role-areas"]),
        lengths={str(code): otherwise for code in phone["codes"]} | {k: tuple(v) for k, v in phone["lengths"].items()},
        fiction=tuple(phone["example-starts"]),
        phones=frozenset(phone["examples"]),
        provinces=frozenset(held["cn-resident-id"]["provinces"]),
        ids=frozenset(held["cn-resident-id"]["examples"]),
        issuers=tuple((str(first), str(last), frozenset(digits)) for first, last, digits in card["ranges"]),
        cards=frozenset(card["examples"]),
        structures={country: _structure(shape) for country, shape in iban["structures"].items()},
        ibans=frozenset(iban["examples"]),
        hosts=frozenset(map(ip_address, ip["role"])),
        networks=tuple(map(ip_network, ip["example-networks"])),
        made_up=frozenset(map(ip_address, ip["examples"])),
    )


def _structure(shape: str) -> re.Pattern[str]:
    """Compile the structure of an account number: 'a4n14' is four letters and fourteen digits."""
    classes = {"n": "[0-9]", "a": "[A-Z]", "c": "[0-9A-Z]"}
    parts = re.findall("([nac])([0-9]+)", shape)
    return re.compile("".join(f"{classes[kind]}{{{count}}}" for kind, count in parts))


def _email(found: bytes, before: bytes, after: bytes) -> Judged:
    """RFC 5321: what a mail server would take; a user's name in a URL is none."""
    del after
    whole, domain = found.decode("ascii").lower().split("@")
    name = whole.lstrip(".-%+")
    labels = domain.split(".")
    known = _known().email
    if not name or len(name) > 64 or name.endswith(".") or ".." in name or before.endswith(b"://"):
        return None
    if any(not label or len(label) > 63 or label[0] == "-" or label[-1] == "-" for label in labels):
        return None
    if labels[-1] in known["file-endings"]:
        return None
    return len(whole) - len(name), len(found) - len(whole) + len(name), "email", _addressee(name, domain, labels)


def _addressee(name: str, domain: str, labels: list[str]) -> str:
    """Tell a person from an office and from nobody."""
    known = _known().email
    plain = name.rstrip("0123456789").rstrip("._-+") or name
    if labels[-1] in known["example-endings"] or domain in known["example-domains"] or "example" in domain:
        return "example"
    if plain in known["example-names"] or (len(name) == 1 and len(labels[0]) == 1):
        return "example"
    words = [word for word in re.split(r"[._\-]", name.partition("+")[0]) if word] or [name]
    if plain in known["role-names"] or words[0].rstrip("0123456789") in known["role-names"]:
        return "role"
    return "role" if len(words) > 1 and words[-1] in known["role-endings"] else "personal"


def _ip4(found: bytes, before: bytes, after: bytes) -> Judged:
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
        return (0, len(found), "ip", "role") if address in _known().hosts else None
    return _host(address, found, before)


def _ip6(found: bytes, before: bytes, after: bytes) -> Judged:
    """Global unicast addresses (2000::/3)."""
    if re.match(rb"[0-9A-Za-z:/]|\.[0-9]", after) or re.search(rb"[:.]$", before):
        return None
    found = found.rstrip(b":") if not found.endswith(b"::") else found
    try:
        address = IPv6Address(found.decode("ascii"))
    except AddressValueError:
        return None
    return _host(address, found, before)


def _host(address: IPv4Address | IPv6Address, found: bytes, before: bytes) -> Judged:
    known = _known()
    if any(address in network for network in known.networks) or address in known.made_up:
        state = "example"
    elif not address.is_global or address.is_multicast:
        return None
    else:  # the host of a URL is a server
        state = "role" if address in known.hosts or before.endswith((b"://", b"://[", b"@")) else "personal"
    return 0, len(found), "ip", state


def _iban(found: bytes, before: bytes, after: bytes) -> Judged:
    """ISO 13616: length and structure of the country, ISO 7064 MOD 97-10."""
    del before, after
    known = _known()
    country = found[:2].decode("ascii")
    if country not in known.structures:
        return None
    text = found.decode("ascii")
    # the shape may have swallowed the next word: try every place where a word ends
    for end in (len(text), *(hit.start() for hit in re.finditer(" ", text))):
        plain = text[:end].replace(" ", "")
        if known.structures[country].fullmatch(plain, 4) and int(_lettered(plain[4:] + plain[:4])) % 97 == 1:
            return 0, end, "iban", "example" if plain in known.ibans else "personal"
    return None


def _lettered(plain: str) -> str:
    """Write letters as numbers: A = 10, ..., Z = 35."""
    return "".join(str(int(char, 36)) for char in plain)


def _plus(found: bytes, before: bytes, after: bytes) -> Judged:
    """E.164: a country code in use and a national number of a length that it has."""
    if re.search(rb"[0-9A-Za-z)\]>]$|[0-9)] $", before) or _CONTINUED.match(after):
        return None
    text = found.decode("ascii")
    for end in (len(text), *(hit.start() for hit in reversed(list(re.finditer(r"[ ().\-]+", text))))):
        part = text[:end].replace("(0)", "")
        digits = re.sub("[^0-9]", "", part)
        opened = part.replace("(", " (").replace(")", ") ")
        if len(digits) >= 7 and re.fullmatch(r"[^()]*(?:\([^()]*\)[^()]*)?", opened):
            state = _subscriber(digits)
            if state:
                return 0, end, "phone", state
    return None


def _subscriber(digits: str) -> str | None:
    """Judge a number with its country code; None: nobody can have it."""
    known = _known()
    if digits.startswith(known.fiction) or _SHORT_FICTION.fullmatch(digits):
        return "example"
    code = next((digits[:size] for size in (3, 2, 1) if digits[:size] in known.lengths), None)
    number = digits[len(code or "") :]
    if code is None or not known.lengths[code][0] <= len(number) <= known.lengths[code][1]:
        return None
    if code == "1":
        return _american(number)
    if code == "86" and number.startswith("1"):
        return _chinese(number) if len(number) == 11 else None
    return "example" if _fictional(number) else "personal"


def _american(number: str) -> str | None:
    """Judge ten digits of the North American numbering plan."""
    area, exchange = number[:3], number[3:6]
    if area[0] in "01" or area[1:] == "11" or exchange[0] in "01" or exchange[1:] == "11":
        return None
    if "555" in {area, exchange} or _fictional(number):
        return "example"
    return "role" if area in _known().areas else "personal"


def _chinese(number: str) -> str | None:
    """Judge a Chinese mobile number of eleven digits."""
    if not re.fullmatch(r"1(?:3\d|4[014-9]|5[0-35-9]|6[2567]|7[0-8]|8\d|9[0-35-9])\d{8}", number):
        return None
    return "example" if number in _known().phones or _fictional(number) else "personal"


def _fictional(digits: str) -> bool:
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


def _bare(found: bytes, before: bytes, after: bytes) -> Judged:
    """Digits without a gap: a Chinese mobile, a resident id, or a card."""
    if _CONTINUES.search(before) or _CONTINUED.match(after):
        return None
    text = found.decode("ascii").upper()
    if len(text) == 11:
        state = _chinese(text)
        return (0, len(found), "phone", state) if state else None
    state = _resident(text) if len(text) == 18 else _card(text)
    kind = "cn-resident-id" if len(text) == 18 else "payment-card"
    return (0, len(found), kind, state) if state else None


def _resident(text: str) -> str | None:
    """GB 11643-1999: province, date of birth, ISO 7064 MOD 11-2."""
    try:
        born = date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        return None
    known = _known()
    total = sum(int(digit) * (2 ** (17 - place) % 11) for place, digit in enumerate(text[:17]))
    if text[:2] not in known.provinces or born.year not in _BORN:
        return None
    if "10X98765432"[total % 11] != text[17]:
        return None
    return "example" if text in known.ids or _fictional(text[:17]) else "personal"


def _grouped(found: bytes, before: bytes, after: bytes) -> Judged:
    """Digits in groups of four, or of four, six and five: a card."""
    if _CONTINUES.search(before) or _CONTINUED.match(after) or re.search(rb"[0-9] $", before):
        return None
    if re.match(rb" [0-9]{4}(?![0-9])", after):
        return None  # a row of numbers
    text = found.decode("ascii")
    # the last three digits may belong to what follows
    for end in (len(text), 19):
        state = _card(re.sub("[^0-9]", "", text[:end])) if len({*text[:end]} & {" ", "-"}) == 1 else None
        if state:
            return 0, end, "payment-card", state
    return None


def _card(digits: str) -> str | None:
    """ISO/IEC 7812: an issuer's range, the length it uses, Luhn's check digit."""
    known = _known()
    if not any(first <= digits[: len(first)] <= last and len(digits) in sizes for first, last, sizes in known.issuers):
        return None
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits))]
    if sum(each // 10 + each % 10 for each in doubled) % 10:
        return None
    repeated = len({digits[at : at + 4] for at in range(0, 16, 4)}) == 1
    return "example" if digits in known.cards or repeated or _fictional(digits) else "personal"


def _local(found: bytes, before: bytes, after: bytes) -> Judged:
    """A number without a country code, of a shape that only phone numbers have."""
    if _CONTINUES.search(before) or _CONTINUED.match(after) or re.search(rb"[0-9]\(?$", before):
        return None
    text = found.decode("ascii")
    digits = re.sub("[^0-9]", "", text)
    if digits.startswith("0"):
        state: str | None = "example" if _fictional(digits) else "personal"
    elif re.match("1[^-]", text):
        state = _chinese(digits)
    else:
        state = _american(digits[-10:])
    return (0, len(found), "phone", state) if state else None


_JUDGES: tuple[Callable[[bytes, bytes, bytes], Judged], ...] = (
    _email,
    _ip4,
    _ip6,
    _iban,
    _plus,
    _grouped,
    _grouped,
    _local,
    _local,
    _local,
    _bare,
)


DETECTOR = Detector(
    "personal-data",
    observe,
    scope=(
        "only e-mail addresses, phone numbers (international, Chinese, North American), Chinese resident ids, IBANs, "
        "payment cards and public IP addresses are looked for, in columns of text: no names, postal addresses, birth "
        "dates, faces or voices, no ids of other countries"
    ),
)
