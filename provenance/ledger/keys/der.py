"""DER: the few elements of ASN.1 that timestamps, key files and CMS signatures are made of, read strictly.

Only definite lengths in their shortest form are read (ITU-T X.690, section 10.1), so that an element has one encoding
and a changed byte of a length or a tag never goes unseen. No library does this for us: `cryptography` reads whole
certificates and keys, rfc3161-client whole responses, and the last release of asn1crypto, which
reads elements, is of 2022.
"""

from __future__ import annotations

from dataclasses import dataclass

from provenance.errors import VerificationError

INTEGER, OCTETS, NULL, OID, TIME, SEQUENCE, SET = 0x02, 0x04, 0x05, 0x06, 0x18, 0x30, 0x31
"""Identifier octets (X.690, section 8.1.2)."""


@dataclass(frozen=True, slots=True)
class Element:
    """One element.

    Args:
        tag: its identifier octet.
        content: its bytes, without identifier and length.
    """

    tag: int
    content: bytes

    @property
    def to_bytes(self) -> bytes:
        """The whole element as bytes."""
        return encode_element(self.tag, self.content)

    def expect(self, tag: int) -> Element:
        """Return the element itself if it is of this tag; else raise VerificationError."""
        if self.tag != tag:
            raise VerificationError("it is not built as it should be (DER)")
        return self

    def parts(self, tag: int) -> list[Element]:
        """Return the elements within one of this tag; raise VerificationError if it is another or holds none."""
        return read_all(self.expect(tag).content)


def encode_element(tag: int, *contents: bytes) -> bytes:
    """Write one element.

    Args:
        tag: its identifier octet.
        contents: its bytes, in pieces.

    Returns:
        Its DER.
    """
    content = b"".join(contents)
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    size = (length.bit_length() + 7) // 8
    return bytes((tag, 0x80 | size)) + length.to_bytes(size, "big") + content


def encode_integer(value: int) -> bytes:
    """Write a number that is not negative as an INTEGER."""
    return encode_element(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def read_element(data: bytes) -> Element:
    """Read bytes that are exactly one element; raise VerificationError if they are not."""
    found = read_all(data)
    if len(found) != 1:
        raise VerificationError("it is not one DER element")
    return found[0]


def read_all(data: bytes) -> list[Element]:
    """Read elements that follow one another until the bytes end; raise VerificationError if they do not fit."""
    found, at = [], 0
    while at < len(data):
        item, at = _read_at(data, at)
        found.append(item)
    return found


def read_integer(element: Element) -> int:
    """Return the value of an INTEGER that is not negative and in its shortest form."""
    content = element.expect(INTEGER).content
    value = int.from_bytes(content, "big")
    if encode_integer(value) != element.to_bytes:
        raise VerificationError("a number in it is negative, or not in its shortest form (DER)")
    return value


def _read_at(data: bytes, at: int) -> tuple[Element, int]:
    if len(data) - at < 2 or data[at] & 0x1F == 0x1F:  # a tag of several octets: none is used here
        raise VerificationError("it is cut short, or not DER")
    tag, length, start = data[at], data[at + 1], at + 2
    if length >= 0x80:
        start += length & 0x7F
        length = int.from_bytes(data[at + 2 : start], "big")
    item = Element(tag, data[start : start + length])
    if item.to_bytes != data[at : start + length]:  # too short, longer than needed, or of no definite length
        raise VerificationError("it is cut short, or not DER")
    return item, start + length
