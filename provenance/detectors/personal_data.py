"""Personal data in records: e-mail, phone, Chinese resident id, IBAN, payment card, IP address; counts, never values.

Their shapes are searched for in one pass of RE2 over the text of a batch; only what has a shape is looked at in Python,
by `personal_data_rules`: check digit, issuer, country, date and neighbours. States: `personal`; `role`, an office's or
a machine's (info@, a toll-free number, a name server); `example`, which stands for nobody (example.com, 555-0100, a
test card, RFC 5737).
The kind `any` counts records with a personal value of any kind; a kind `column:NAME` those whose column of that name is
called as personal data is and looks like it, see `column_names`.

Looked for: addresses in ASCII; phone numbers with a country code, of the North American plan with `()`, `-` or `.`,
Chinese mobiles, landlines with an area code, and numbers that begin with 0 behind a word such as "Tel."; ids of 18
digits; IBANs as written on paper; cards of 15, 16 or 19 digits; public IPv4 and IPv6 addresses. Not looked for: names,
street addresses and birth dates in running text, faces and voices, national ids of other countries, phone numbers
written otherwise, full-width digits, anything but text.
"""

from __future__ import annotations

import re
from array import array
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from provenance.detectors import column_names, personal_data_rules
from provenance.detectors.counting import count_values
from provenance.detectors.detector import Detector

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provenance.detectors.counting import Ints

KINDS = ("email", "phone", "cn-resident-id", "iban", "payment-card", "ip")
STATES = ("personal", "role", "example")
_LARGE = pa.large_string()
_BYTES_TOGETHER = 8 << 20  # bytes of texts that are searched as one
_PLACES_HELD = 1 << 16  # values whose places are held as numbers of Python
_BYTES_BEFORE = 48  # bytes to the left of a value that its meaning may depend on
_BYTES_AFTER = 10

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
    (rb"\b", rb"0[1-9][0-9]{0,4}(?: ?[/\-] ?| )[0-9]{2,}(?:[ \-][0-9]{2,}){0,4}", rb"\b"),
    (rb"(?:\A|[^0-9A-Za-z_.])", rb"1[3-9][0-9]{9}|[2-6][0-9]{14,18}|[1-9][0-9]{16}[0-9Xx]", rb"\b"),
)
_CORES = tuple(re.compile(core) for _, core, _ in _SHAPES)


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
    keys: dict[tuple[str, str], int] = {}
    codes, places = array("q"), array("q")
    for column in ("whole", "aside"):
        if batch[column].null_count < len(batch):
            _search(pc.fill_null(batch[column], ""), keys, codes, places)
    found = np.frombuffer(codes, np.int64), np.frombuffer(places, np.int64)
    named = column_names.count_named(batch["named"], keys, *found)
    all_codes, all_places = (np.concatenate(each) for each in zip(found, named, strict=True))
    return count_values("personal-data", batch, files, keys=list(keys), codes=all_codes, places=all_places)


def _search(
    texts: pa.LargeStringArray, keys: dict[tuple[str, str], int], codes: array[int], places: array[int]
) -> None:
    """Search a column; `codes` and `places` gain one a value, and one more of kind `any` where it is a person's."""
    for first, part in _cut_parts(texts):
        ends, text = _join_texts(part)
        found: list[int] = []
        for value in find_values(text):
            kinds = [(value.kind, value.state)]
            kinds += [("any", "personal")] if value.state == "personal" else []
            codes.extend([keys.setdefault(key, len(keys)) for key in kinds])
            found += [value.start] * len(kinds)
            if len(found) >= _PLACES_HELD:
                places.frombytes(_find_records(ends, found, first))
                found = []
        places.frombytes(_find_records(ends, found, first))


def _cut_parts(texts: pa.LargeStringArray) -> Iterator[tuple[int, pa.LargeStringArray]]:
    """Cut texts in parts of _BYTES_TOGETHER at most, or of one text; yield the place of each part's first text."""
    sizes = np.cumsum(np.asarray(pc.binary_length(texts)).astype(np.int64))
    first = 0
    while first < len(texts):
        before = sizes[first - 1] if first else 0
        end = max(first + 1, int(np.searchsorted(sizes, before + _BYTES_TOGETHER, side="right")))
        yield first, texts.slice(first, end - first)
        first = end


def _join_texts(texts: pa.LargeStringArray) -> tuple[Ints, memoryview]:
    """Return texts as one, and where each ends in it; a text that is alone is not copied."""
    if len(texts) > 1:
        # a newline ends every record, and no shape holds one, so nothing is seen across two records
        texts = pc.binary_join_element_wise(texts, pa.scalar("", _LARGE), pa.scalar("\n", _LARGE))
    ends = np.frombuffer(texts.buffers()[1], np.int64)[texts.offset : texts.offset + len(texts) + 1]
    data = texts.buffers()[2]
    return ends - ends[0], memoryview(b"" if data is None else data)[ends[0] : ends[-1]]


def _find_records(ends: Ints, starts: list[int], first: int) -> bytes:
    """Return of values the places of their records."""
    return (np.searchsorted(ends, np.array(starts, np.int64), side="right") - 1 + first).astype(np.int64).tobytes()


def mask_values(text: str) -> str:
    """Put the name of its kind in place of every value, also of those that are an office's or an example.

    Args:
        text: any text.

    Returns:
        The text with [email], [phone], ... in it; `observe` sees nothing there any more.
    """
    data = text.encode("utf-8", "surrogatepass")
    while found := list(find_values(data)):
        parts, at = [], 0
        for value in found:
            parts += [data[at : value.start], f"[{value.kind}]".encode()]
            at = value.end
        data = b"".join([*parts, data[at:]])
    return data.decode("utf-8", "surrogatepass")


def find_values(text: bytes | memoryview) -> Iterator[Value]:
    """Find every value in a text.

    Args:
        text: UTF-8.

    Yields:
        Values in order; none overlaps another.
    """
    search, at = _compile_shapes().search, 0
    while (hit := search(text, at)) is not None:
        start, end = hit.span()
        shape, start = _find_shape(bytes(text[start:end]), start)
        before = bytes(text[max(0, start - _BYTES_BEFORE) : start]).rpartition(b"\n")[2]
        after = bytes(text[end : end + _BYTES_AFTER])
        judged = personal_data_rules.JUDGES[shape](bytes(text[start:end]), before, after)
        if judged is not None:
            trim, size, kind, state = judged
            yield Value(start + trim, start + trim + size, kind, state)
            at = start + trim + size
        else:
            at = end if shape == 0 else _next_start(text, start, end)


def _find_shape(found: bytes, start: int) -> tuple[int, int]:
    """Return which shape was found, and where it starts: the last one begins behind what stands before it.

    Groups would say so as well, but RE2 leaves its automaton for them: 60 microseconds a hit.
    """
    for place, core in enumerate(_CORES):
        if core.fullmatch(found):
            return place, start
    return len(_CORES) - 1, start + 1


def _next_start(text: bytes | memoryview, start: int, end: int) -> int:
    """Return where to go on after a shape that is nothing: behind its first word, for another may begin within."""
    word = re.match(rb"[+(]?[0-9A-Za-z]+", bytes(text[start:end]))
    return start + (word.end() if word else 1)


@cache
def _compile_shapes() -> Any:
    import re2

    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.max_mem = 64 << 20
    options.never_capture = True
    return re2.compile(b"|".join(left + b"(?:" + core + b")" + right for left, core, right in _SHAPES), options)


DETECTOR = Detector(
    "personal-data",
    observe,
    scope=(
        "only e-mail addresses, phone numbers (international, Chinese, North American, others behind a word such as "
        "Tel.), Chinese resident ids, IBANs, payment cards and public IP addresses are looked for, in every column of "
        "text; names, postal addresses, birth dates and numbers of identity papers only in columns that are called so: "
        "no faces or voices"
    ),
)
